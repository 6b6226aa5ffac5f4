"""Each photo is looked at once for a subject and a resolution, whatever else of the draft changes."""

import threading

import numpy as np
import pytest
from PIL import Image

from playground.errors import BadInput
from playground.lora import draft, faces_found, looks, photos, plan
from playground.lora.photos import Photo


def given(count, size=(90, 70)):
    """Coarse patches: in fine noise the search for faces takes seconds."""
    patches = [np.random.default_rng(number).integers(0, 256, (3, 4, 3), dtype=np.uint8) for number in range(count)]
    return [Photo(f"{number}.jpg", Image.fromarray(each).resize(size)) for number, each in enumerate(patches)]


@pytest.fixture
def token(context):
    made = context.visitors.new()
    draft.add(context, made, given(5), "x")
    yield made
    context.visitors.delete(made)


@pytest.fixture
def seen(monkeypatch):
    """The sizes of the pictures in which faces were looked for, in order."""
    counted, search = [], faces_found.Finder.boxes
    monkeypatch.setattr(faces_found.Finder, "boxes",
                        lambda self, picture: counted.append(picture.size) or search(self, picture))
    return counted


def review(context, token, subject="person", size=64):
    return looks.review(context, token, [item for item in draft.items(context, token) if item.used], subject, size)


def plain(found):
    return found.each, found.crops, found.whole


def test_a_change_of_one_photo_costs_no_look_at_the_others(context, token, seen):
    first = review(context, token)
    assert len(seen) == 5
    draft.edit(context, token, [(f"{number}.jpg", True, f"caption {number}") for number in range(5)])
    draft.set_box(context, token, 2, (0, 0, 40, 40))
    assert plain(review(context, token)) == plain(first)
    draft.edit(context, token, [(f"{number}.jpg", number != 0, "x") for number in range(5)])
    assert len(review(context, token).each) == 4
    draft.add(context, token, given(6, (91, 70))[5:], "x")
    review(context, token)
    assert seen == [(90, 70)] * 5 + [(91, 70)]


def test_a_caption_costs_no_reading_of_a_photo_at_all(context, token, monkeypatch):
    def cards():
        return [draft.small(context, token, item).tobytes() for item in draft.items(context, token)]

    review(context, token)
    before, opened = cards(), []
    whole = draft.picture
    monkeypatch.setattr(draft, "picture", lambda *given: opened.append(given[-1].file) or whole(*given))
    draft.edit(context, token, [(f"{number}.jpg", True, "other words") for number in range(5)])
    review(context, token)
    assert (cards(), opened) == (before, [])


def test_what_is_remembered_is_what_a_fresh_look_says(context, token):
    draft.add(context, token, given(1), "x")  # a twin
    review(context, token)
    items = draft.items(context, token)
    fresh = photos.review([Photo(item.name, draft.picture(context, token, item)) for item in items], "person", 64)
    assert plain(review(context, token)) == plain(fresh)
    assert [finding.code for finding in fresh.each[-1]].count("duplicate") == 1


def test_another_subject_and_another_resolution_are_looked_at_anew(context, token, seen):
    assert not any(finding.code == "small" for each in review(context, token).each for finding in each)
    large = review(context, token, size=512)
    assert all("small" in [finding.code for finding in each] for each in large.each)
    assert not any(finding.code == "no_face" for each in review(context, token, "thing").each for finding in each)
    assert len(seen) == 10  # a thing has no face to be looked for
    review(context, token, size=512)
    assert len(seen) == 10


def test_the_same_photo_again_is_not_looked_at_again(context, token, seen):
    review(context, token)
    draft.add(context, token, given(2), "x")
    review(context, token)
    assert len(seen) == 5


def test_no_more_is_kept_than_allowed_and_the_newest_stay(context, token, seen, monkeypatch):
    monkeypatch.setattr(looks, "MOST", 7)
    for size in (64, 65, 66):
        review(context, token, size=size)
    assert len(looks._read(draft.folder(context, token) / draft.LOOKS)) == 7
    review(context, token, size=66)
    assert len(seen) == 15
    review(context, token, size=64)
    assert len(seen) == 20


def test_windows_at_once_find_the_same(context, token):
    found, problems = [], []

    def look(size):
        try:
            found.append((size, plain(review(context, token, "thing", size))))
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=look, args=(size,)) for size in (64, 128) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    for size, each in found:
        assert each == plain(photos.review(given(5), "thing", size))


def test_nothing_of_it_outlives_the_photos(context, token):
    review(context, token)
    for item in draft.items(context, token):
        draft.small(context, token, item)
    draft.clear(context, token)
    assert sorted(path.name for path in draft.folder(context, token).iterdir()) == [draft.LISTING]


@pytest.mark.parametrize("values", [("animal", 64), ("person", 63), ("person", 1025), ("person", "64"), (None, 64)])
def test_unknown_subjects_and_sizes_are_refused(context, token, values):
    with pytest.raises(BadInput):
        review(context, token, *values)


# ---- cards and suggested crops


def test_a_card_follows_the_crop(context, token):
    whole = draft.picture(context, token, draft.items(context, token)[0])
    assert draft.small(context, token, draft.items(context, token)[0]).size == (70, 70)
    item = draft.set_box(context, token, 1, (5, 5, 45, 45))[0]
    for _ in range(2):
        assert draft.small(context, token, item).tobytes() == whole.crop((5, 5, 45, 45)).tobytes()
    assert len(list(draft.folder(context, token).glob("0000-*.png"))) == 1


def test_a_card_of_a_large_photo_is_small(context, token):
    draft.add(context, token, given(1, (900, 700)), "x")
    assert draft.small(context, token, draft.items(context, token)[-1]).size == (draft.SMALL, draft.SMALL)


def test_a_suggested_crop_gives_way_to_another_and_one_by_hand_stays(context, token):
    files = [item.file for item in draft.items(context, token)]
    draft.set_box(context, token, 1, (1, 1, 21, 21))
    draft.suggest(context, token, dict.fromkeys(files[:3], (0, 0, 50, 50)))
    draft.suggest(context, token, {files[0]: (0, 0, 60, 60), files[1]: (0, 0, 60, 60), files[2]: None})
    assert [item.box for item in draft.items(context, token)] == [(1, 1, 21, 21), (0, 0, 60, 60), None, None, None]


def test_every_subject_is_remembered_by_its_own_name(context, token):
    for subject in plan.SUBJECTS:
        assert len(review(context, token, subject).each) == 5
    kept = looks._read(draft.folder(context, token) / draft.LOOKS)
    assert {key.split()[1] for key in kept} == set(plan.SUBJECTS)
