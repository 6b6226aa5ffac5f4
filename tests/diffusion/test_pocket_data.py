"""The pocket model's training set: captions, labels, order, seeds."""

import io
import json
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from playground.diffusion.pocket import captions, data
from tests.diffusion.pocket_set import EMOJI, small_set


def test_plain_names_are_the_words_a_person_types():
    names = {e["short_name"]: label.name for e, label in captions.emoji_labels(EMOJI)}
    assert names == {"heart": "red heart", "cat": "cat face", "pizza": "pizza", "abc": "input symbol"}


@pytest.mark.parametrize(("name", "phrase"), [
    ("cat face", "a cat face"), ("owl", "an owl"), ("french fries", "french fries"),
    ("face with heart eyes", "a face with heart eyes"), ("cactus", "a cactus"), ("bread", "bread")])
def test_articles(name, phrase):
    assert captions.with_article(name) == phrase


def test_a_caption_never_names_another_emoji():
    emojis = [dict(EMOJI[1], name="CAT FACE", short_name="cat"), dict(EMOJI[1], name="CAT", short_name="cat2")]
    face, animal = (label for _, label in captions.emoji_labels(emojis))
    assert "cat" in animal.captions and "cat" not in face.captions


def test_flags_and_skin_tones_are_left_out():
    emojis = [dict(EMOJI[0], category="Flags"), dict(EMOJI[0], category="Component"), EMOJI[1]]
    assert [label.name for _, label in captions.emoji_labels(emojis)] == ["cat face"]


@pytest.mark.parametrize(("brightness", "words"), [
    (10, ("dark skin", "dark hair", "a dark background")), (80, ()),
    (240, ("light skin", "fair hair", "a bright background"))])
def test_face_words_follow_the_brightness_of_the_parts(brightness, words):
    assert captions.face_words(np.full((64, 64, 3), brightness, np.uint8)) == words


def test_every_caption_of_a_face_begins_as_a_photo_of_a_face():
    label = captions.face_label(("dark skin", "fair hair"))
    assert label.captions == (
        "a photo of a face", "a photo of a face with dark skin", "a photo of a face with fair hair",
        "a photo of a face with dark skin and fair hair")


def test_the_same_seed_builds_the_same_set_and_another_seed_another(tmp_path):
    sets = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        small_set(tmp_path / name, seed=seed)
        sets.append(data.load_set(tmp_path / name, "train"))
    assert np.array_equal(sets[0][0], sets[1][0]) and np.array_equal(sets[0][1], sets[1][1])
    assert not np.array_equal(sets[0][0], sets[2][0])


def test_held_out_pictures_are_in_no_training_set(tmp_path):
    small_set(tmp_path)
    train, train_rows = data.load_set(tmp_path, "train")
    held_out, rows = data.load_set(tmp_path, "held_out")
    seen = {picture.tobytes() for picture in train}
    assert not any(picture.tobytes() in seen for picture in held_out)
    labels = data.load_labels(tmp_path)
    assert [labels[row].name for row in rows[-data.OTHER_PLACEMENTS:]] == ["input symbol"] * 2
    assert "input symbol" not in {labels[row].name for row in train_rows}


def test_placements_begin_as_drawn_and_stay_on_white_paper():
    art = Image.new("RGBA", (64, 64))
    art.paste((255, 0, 0, 255), (20, 20, 44, 44))
    pictures = data.placements(art, 6, True, np.random.default_rng(0))
    assert tuple(pictures[0][32, 32]) == (255, 0, 0)
    assert all(tuple(picture[0, 0]) == (255, 255, 255) for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) > 3


def test_bytes_and_floats_are_inverse():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    floats = data.to_floats(pictures)
    assert floats.shape == (2, 3, 64, 64) and floats.min() >= -1 and floats.max() <= 1
    assert np.array_equal(data.to_bytes(floats), pictures)


def test_faces_depend_on_the_seed_alone_and_not_on_the_batch():
    def generator(z):
        return torch.tanh(z[:, :3].expand(-1, 3, 64, 64))

    whole = data.draw_faces(generator, 6, seed=3, batch=6)
    assert np.array_equal(whole[:4], data.draw_faces(generator, 4, seed=3, batch=4))
    assert not np.array_equal(whole, data.draw_faces(generator, 6, seed=4, batch=6))


def test_a_damaged_emoji_archive_is_refused(tmp_path):
    (tmp_path / "emoji-datasource-google-16.0.0.tgz").write_bytes(b"not it")
    with pytest.raises(ValueError, match="sha256"):
        data.fetch_emoji(tmp_path)


def test_the_archive_is_read_by_file_name(tmp_path):
    content = io.BytesIO()
    Image.new("RGBA", (64, 64), "blue").save(content, "PNG")
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        for name, raw in (("emoji.json", json.dumps(EMOJI).encode()), ("img/google/64/x.png", content.getvalue())):
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(raw)
            tar.addfile(member, io.BytesIO(raw))
    rows, art = data.read_emoji(tmp_path / "a.tgz")
    assert rows == EMOJI and art["x.png"].getpixel((0, 0)) == (0, 0, 255, 255)
