"""What is said of photos: measured on made-up faces and on two photographs, sharp, blurred, doubled, cropped."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from playground.errors import BadInput
from playground.gan import faces
from playground.lora import photos, plan, sample_sets
from playground.lora.photos import Photo


@pytest.fixture(scope="module")
def person(context):
    return sample_sets.pictures(context, sample_sets.PERSON)


@pytest.fixture(scope="module")
def strangers(context):
    """Faces of 40 seeds, 64 x 64, as they come: many dark, from the side, spoiled."""
    return [Photo(f"{seed}.png", Image.fromarray(picture))
            for seed, picture in enumerate(faces.generate(context, 40, 0).pictures)]


@pytest.fixture(scope="module")
def photographs():
    """Two real photographs of 640 x 427 pixels: a temple, and a flower before a blurred background."""
    from sklearn.datasets import load_sample_images

    return [Image.fromarray(picture) for picture in load_sample_images().images]


def codes(found):
    return [[finding.code for finding in each] for each in found.each]


def blurred(photo, radius):
    return Photo(photo.name, photo.picture.filter(ImageFilter.GaussianBlur(radius)))


# ---- sharpness


def test_sharp_faces_pass_and_blurred_ones_are_found(person, strangers):
    sharp = [photos.sharpness(photo.picture, 64) for photo in (*person, *strangers)]
    soft = [photos.sharpness(blurred(photo, 1.5).picture, 64) for photo in (*person, *strangers)]
    softer = [photos.sharpness(blurred(photo, 2.5).picture, 64) for photo in (*person, *strangers)]
    assert min(sharp) > photos.SHARP
    assert np.mean(np.array(soft) < photos.SHARP) > 0.75
    assert np.mean(np.array(softer) < photos.SHARP) > 0.95


def test_the_blurred_sample_set_is_advised_against(person):
    found = photos.review([blurred(photo, 1.5) for photo in person], "thing", 64)
    assert codes(found) == [["blurred"]] * 10
    assert all(finding.serious for each in found.each for finding in each)


@pytest.mark.parametrize(("size", "radius"), [(512, 3), (256, 3), (64, 9)])
def test_photographs_are_judged_at_the_size_that_is_trained(photographs, size, radius):
    for picture in photographs:
        assert photos.sharpness(picture, size) > photos.SHARP
        assert photos.sharpness(picture.filter(ImageFilter.GaussianBlur(radius)), size) < photos.SHARP


def test_dim_light_is_not_blur(person):
    for photo in person:
        dim = ImageEnhance.Brightness(photo.picture).enhance(0.5)
        assert photos.sharpness(dim, 64) > photos.SHARP


@pytest.mark.parametrize("colour", ["black", "white", (90, 120, 200)])
def test_a_picture_of_nothing_is_blurred(colour):
    assert photos.sharpness(Image.new("RGB", (300, 200), colour), 64) < photos.SHARP


# ---- size, twins, the set


@pytest.mark.parametrize(("side", "size", "serious"), [(63, 64, True), (255, 512, True), (300, 512, False)])
def test_small_photos_are_said_to_be_small(photographs, side, size, serious):
    picture = photographs[0].resize((900, side))
    found = photos.review([Photo("a", picture)], "thing", size).each[0]
    assert [(finding.code, finding.serious) for finding in found if finding.code == "small"] == [("small", serious)]
    assert f"900 x {side}" in found[0].text
    assert "small" not in codes(photos.review([Photo("a", photographs[0])], "thing", 256))[0]


def test_a_photo_that_comes_twice_is_found_however_it_was_saved(person):
    first = person[0].picture
    for twin in (first.copy(), first.resize((256, 256)), ImageEnhance.Brightness(first).enhance(1.2),
                 first.quantize(32).convert("RGB")):
        found = photos.review([*person, Photo("again.png", twin)], "thing", 64)
        assert codes(found)[:-1] == [[]] * 10
        (finding,) = found.each[-1]
        assert finding.code == "duplicate"
        assert finding.serious
        assert f"photo 1 ({person[0].name})" in finding.text


@pytest.mark.parametrize(("count", "code", "serious"), [(0, "too_few", True), (1, "too_few", True),
                                                        (2, "too_few", True), (3, "few", False), (5, "few", False)])
def test_few_photos_are_said_to_be_few(person, count, code, serious):
    whole = photos.review(person[:count], "person", 64).whole
    assert [(finding.code, finding.serious) for finding in whole if "few" in finding.code] == [(code, serious)]


def test_photos_in_one_light_and_pose_are_said_to_be_alike(person):
    noise = np.random.default_rng(0)
    first = np.asarray(person[0].picture).astype(float)
    burst = [Photo(str(number), Image.fromarray(np.clip(first + noise.normal(0, 30, first.shape), 0, 255)
                                                .astype(np.uint8))) for number in range(6)]
    assert {finding.code for finding in photos.review(burst, "thing", 64).whole} == {"same_light", "same_pose"}
    assert not any(finding.serious for finding in photos.review(burst, "thing", 64).whole)


# ---- faces and crops


def test_a_face_in_a_large_photo_is_found_and_the_crop_is_around_it(person):
    for photo in person:
        wide = Image.new("RGB", (1200, 800), (120, 140, 150))
        wide.paste(photo.picture.resize((256, 256), Image.Resampling.BICUBIC), (700, 200))
        found = photos.review([Photo("wide", wide)], "person", 64)
        assert "no_face" not in codes(found)[0]
        left, top, right, bottom = found.crops[0]
        assert right - left == bottom - top
        assert 150 < right - left < 500
        assert left < 700 + 90
        assert right > 700 + 166
        assert top < 200 + 90
        assert bottom > 200 + 166
        assert photos.crop(wide, found.crops[0]).size == (right - left, bottom - top)


def test_two_faces_are_several(person):
    both = Image.new("RGB", (600, 300), (120, 140, 150))
    for number, place in enumerate(((20, 20), (320, 20))):
        both.paste(person[number].picture.resize((256, 256), Image.Resampling.BICUBIC), place)
    found = photos.review([Photo("both", both)], "person", 64)
    assert [(finding.code, finding.serious) for finding in found.each[0]] == [("several_faces", True)]
    assert "2 faces" in found.each[0][0].text
    cut = photos.crop(both, found.crops[0])
    assert "several_faces" not in codes(photos.review([Photo("cut", cut)], "person", 64))[0]


def test_photographs_without_a_face_are_said_to_have_none_and_only_for_a_person(photographs):
    shown = [Photo("temple", photographs[0]), Photo("flower", photographs[1])]
    found = photos.review(shown, "person", 64)
    assert codes(found) == [["no_face"]] * 2
    assert found.crops == (None, None)
    assert codes(photos.review(shown, "thing", 64)) == [[], []]


def test_most_faces_are_found_and_none_is_seen_twice(strangers):
    found = photos.review(strangers, "person", 64)
    told = [finding.code for each in found.each for finding in each]
    assert told.count("no_face") <= 0.35 * len(strangers)
    assert told.count("several_faces") <= 0.05 * len(strangers)


def test_a_crop_stays_inside_and_is_never_smaller_than_the_training():
    picture = Image.new("RGB", (400, 300))
    for face in ((0, 0, 20, 20), (380, 280, 400, 300), (100, 100, 300, 300), (190, 140, 210, 160)):
        left, top, right, bottom = photos.around(picture, face, 128)
        assert right - left == bottom - top >= 128
        assert min(left, top) >= 0
        assert (right, bottom) <= (400, 300)
        photos.crop(picture, (left, top, right, bottom))


@pytest.mark.parametrize(("size", "box"), [((400, 300), (50, 0, 350, 300)), ((3, 8), (0, 2, 3, 5)),
                                           ((5, 5), (0, 0, 5, 5))])
def test_the_middle_square(size, box):
    assert photos.middle_square(Image.new("RGB", size)) == box


@pytest.mark.parametrize("box", [(0, 0, 41, 10), (-1, 0, 10, 10), (10, 0, 10, 10), (0, 20, 10, 10)])
def test_a_crop_outside_is_refused(box):
    with pytest.raises(BadInput, match="40 x 30"):
        photos.crop(Image.new("RGB", (40, 30)), box)


@pytest.mark.parametrize("values", [("animal", 64), ("person", 32), ("person", 4096), ("person", "64")])
def test_unknown_subjects_and_sizes_are_refused(values):
    with pytest.raises(BadInput):
        photos.review([], *values)


def test_every_subject_is_looked_at(person):
    for subject in plan.SUBJECTS:
        assert len(photos.review(person[:3], subject, 64).each) == 3
    assert photos.review([], "person", 64).each == ()
