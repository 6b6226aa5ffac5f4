"""A visitor's photos before a training: kept, edited, cropped, cleared, and nobody else's."""

import threading
import time

import numpy as np
import pytest
from PIL import Image

from playground.errors import BadInput
from playground.lora import draft, plan
from playground.lora.photos import Photo


def photos(count, size=(90, 70)):
    return [Photo(f"{number}.jpg", Image.fromarray(
        np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)))
        for number in range(count)]


@pytest.fixture
def token(context):
    made = context.visitors.new()
    yield made
    context.visitors.delete(made)


def test_photos_survive_and_keep_their_order_names_and_pixels(context, token):
    given = photos(3)
    draft.add(context, token, given, "a photo of [trigger]")
    kept = draft.items(context, token)
    assert [item.name for item in kept] == ["0.jpg", "1.jpg", "2.jpg"]
    for item, photo in zip(kept, given, strict=True):
        assert np.array_equal(np.asarray(draft.picture(context, token, item)), np.asarray(photo.picture))


def test_a_removed_photo_never_gives_its_number_to_another(context, token):
    draft.add(context, token, photos(2), "x")
    draft.add(context, token, photos(1), "x")
    files = [item.file for item in draft.items(context, token)]
    assert len(set(files)) == 3


def test_captions_and_use_are_edited_and_default_captions_follow_the_subject(context, token):
    draft.add(context, token, photos(3), "old")
    draft.edit(context, token, [("0.jpg", True, "old"), ("1.jpg", False, "old"), ("2.jpg", True, "my own words")])
    draft.recaption(context, token, "old", "new")
    assert [(item.used, item.caption) for item in draft.items(context, token)] == [
        (True, "new"), (False, "new"), (True, "my own words")]
    assert [item.caption for item, _ in draft.chosen(context, token)] == ["new", "my own words"]


def test_a_crop_is_kept_and_one_outside_is_refused(context, token):
    draft.add(context, token, photos(1), "x")
    draft.set_box(context, token, 1, (10, 5, 50, 45))
    ((_, cropped),) = draft.chosen(context, token)
    assert cropped.size == (40, 40)
    for box in ((-1, 0, 10, 10), (0, 0, 91, 10), (10, 10, 10, 20)):
        with pytest.raises(BadInput, match="inside"):
            draft.set_box(context, token, 1, box)


def test_without_a_crop_the_middle_square_is_taken(context, token):
    draft.add(context, token, photos(1), "x")
    ((_, cropped),) = draft.chosen(context, token)
    assert cropped.size == (70, 70)


def test_more_than_fifty_are_refused_and_the_earlier_ones_stay(context, token):
    draft.add(context, token, photos(2, (8, 8)), "x")
    with pytest.raises(BadInput, match="51"):
        draft.add(context, token, photos(plan.MOST - 1, (8, 8)), "x")
    assert len(draft.items(context, token)) == 2


def test_clearing_leaves_nothing_of_the_photos(context, token):
    draft.add(context, token, photos(2), "x")
    assert draft.clear(context, token) == 2
    assert draft.items(context, token) == []
    assert not list(draft.folder(context, token).glob("*.png"))


def test_two_visitors_do_not_see_each_other(context, token):
    other = context.visitors.new()
    draft.add(context, token, photos(1), "x")
    assert draft.items(context, other) == []


def test_a_list_that_changed_meanwhile_is_not_overwritten(context, token):
    draft.add(context, token, photos(2), "x")
    with pytest.raises(BadInput, match="changed"):
        draft.edit(context, token, [("0.jpg", True, "one row")])


def test_a_table_of_other_photos_does_not_caption_these(context, token):
    draft.add(context, token, photos(2), "x")
    with pytest.raises(BadInput, match="changed"):
        draft.edit(context, token, [("made-up person 1.png", True, "y"), ("made-up person 2.png", False, "y")])
    assert [(item.used, item.caption) for item in draft.items(context, token)] == [(True, "x")] * 2


def test_photos_that_come_while_captions_are_edited_are_not_lost(context, token, monkeypatch):
    draft.add(context, token, photos(1), "x")
    reading, read = threading.Event(), draft.items

    def slow(*given):
        found = read(*given)
        if threading.current_thread().name == "edit":
            reading.set()
            time.sleep(0.3)
        return found

    monkeypatch.setattr(draft, "items", slow)
    edit = threading.Thread(target=draft.edit, args=(context, token, [("0.jpg", True, "new words")]), name="edit")
    edit.start()
    reading.wait(10)
    draft.add(context, token, photos(2)[1:], "x")
    edit.join()
    assert [(item.name, item.caption) for item in read(context, token)] == [("0.jpg", "new words"), ("1.jpg", "x")]


def test_clearing_also_removes_what_a_crash_left_beside_the_list(context, token):
    draft.add(context, token, photos(1), "x")
    (draft.folder(context, token) / "0007.png").write_bytes(b"a photo whose row was never written")
    draft.clear(context, token)
    assert not list(draft.folder(context, token).glob("*.png"))
