"""The sample sets: of nobody, the same for a seed, and nothing to say against them."""

import numpy as np
import pytest

from playground.errors import BadInput
from playground.gan import faces
from playground.lora import measure, photos, sample_sets


def pixels(found):
    return np.stack([np.asarray(photo.picture) for photo in found])


@pytest.fixture(scope="module")
def person(context):
    return sample_sets.pictures(context, sample_sets.PERSON)


@pytest.fixture(scope="module")
def drawings(context):
    return sample_sets.pictures(context, sample_sets.DRAWING)


def test_each_set_has_a_line_and_ten_pictures(context, person, drawings):
    assert list(sample_sets.SETS) == ["made-up person", "drawing style"]
    assert all(words.endswith(".") for words in sample_sets.SETS.values())
    for found in (person, drawings):
        assert pixels(found).shape == (10, 64, 64, 3)
        assert len({photo.name for photo in found}) == 10


@pytest.mark.parametrize(("name", "subject"), [(sample_sets.PERSON, "person"), (sample_sets.DRAWING, "style")])
def test_the_review_has_nothing_serious_against_them(context, name, subject):
    found = photos.review(sample_sets.pictures(context, name), subject, 64)
    assert not [finding for each in (*found.each, found.whole) for finding in each]
    if subject == "person":
        assert all(box == (0, 0, 64, 64) for box in found.crops)


@pytest.mark.parametrize("name", list(sample_sets.SETS))
def test_a_seed_repeats_another_differs_and_fewer_are_the_first(context, name):
    ten, again, other, three = (pixels(sample_sets.pictures(context, name, seed, count))
                                for seed, count in ((7, 10), (7, 10), (8, 10), (7, 3)))
    assert np.array_equal(ten, again)
    assert not np.array_equal(ten, other)
    # batches of another size may round differently by a level; a pencil drawing stretches its contrast over that
    assert np.abs(ten[:3].astype(int) - three).mean() < 1


def test_the_guises_are_more_alike_than_strangers(context, person):
    strangers = faces.generate(context, 10, 0).pictures
    alike, unlike = (measure.greys(each) @ measure.greys(each).T for each in (pixels(person), strangers))
    above = np.triu_indices(10, 1)
    assert alike[above].mean() > unlike[above].mean() + 0.2
    assert alike[above].max() < photos.SAME


def test_a_drawing_is_grey_lines_on_white(drawings):
    shown = pixels(drawings).astype(int)
    assert np.array_equal(shown[..., 0], shown[..., 1])
    assert np.array_equal(shown[..., 0], shown[..., 2])
    assert np.median(shown) > 200
    assert all(drawing.min() < 80 for drawing in shown)


@pytest.mark.parametrize("values", [("someone",), ("made-up person", -1), ("made-up person", 1, 0),
                                    ("drawing style", 1, 51), ("drawing style", "x")])
def test_values_out_of_range_are_refused(context, values):
    with pytest.raises(BadInput):
        sample_sets.pictures(context, *values)
