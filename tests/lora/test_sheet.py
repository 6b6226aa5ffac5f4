"""The grid as a picture and as an animation, read back by Pillow: frames, sizes, times, labels, each sample's place."""

import colorsys
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from playground.errors import BadInput
from playground.lora import plan, sheet
from playground.lora.learning import COPIES

STEPS = [0, 40, 80, 120]
PROMPTS = ["a photo of [trigger]", "a portrait of [trigger]"]


def colour(step, number):
    """One for each sample, far from all others."""
    share = (STEPS.index(step) * 6 + number) / 24
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(share, 0.9, 0.85))


def trained(folder, prompts=PROMPTS, steps=STEPS, side=64):
    wanted = plan.check({"trigger": "joshug", "steps": 120, "sample_every": 40, "prompts": prompts,
                         "control": "a face"})
    job = SimpleNamespace(folder=folder, spec={"plan": plan.as_dict(wanted)}, progress={"samples": steps})
    for step in steps:
        for number in range((len(prompts) + 1) * COPIES):
            path = sheet.sample(job, step, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (side, side), colour(step, number)).save(path)
    return job


@pytest.fixture
def job(tmp_path):
    """Four rows of samples, three prompts down, the control last; each sample in a colour of its own."""
    return trained(tmp_path)


def frames(job):
    with Image.open(io.BytesIO(sheet.animation(job))) as film:
        assert film.format == "GIF"
        found = []
        for number in range(film.n_frames):
            film.seek(number)
            found.append((film.info["duration"], film.convert("RGB")))
        return film.info.get("loop"), found


def label(words, size):
    """The words as they have to stand at the upper left of a strip of this size."""
    strip = Image.new("RGB", size, sheet.PAPER)
    ImageDraw.Draw(strip).text((0, 4), words, fill=sheet.INK)
    return np.asarray(strip.convert("L")).astype(int)


def assert_label(picture, corner, words):
    width = round(ImageDraw.Draw(picture).textlength(words)) + 2
    strip = picture.crop((*corner, corner[0] + width, corner[1] + 18)).convert("L")
    assert np.abs(np.asarray(strip).astype(int) - label(words, strip.size)).max() < 24, words
    assert np.asarray(strip).min() < 140  # there is ink at all


def test_the_animation_has_a_frame_for_each_row_of_samples_and_rests_on_the_last(job):
    loop, found = frames(job)
    assert [duration for duration, _ in found] == [700, 700, 700, 2500]
    assert loop == 0  # for ever
    wide, high = 6 + COPIES * (128 + 6), 22 + 3 * (128 + 22)
    assert {frame.size for _, frame in found} == {(wide, high)}


def test_every_frame_shows_its_own_samples_under_their_words(job):
    _, found = frames(job)
    for step, (_, frame) in zip(STEPS, found, strict=True):
        assert_label(frame, (sheet.GAP, 0), f"step {step}")
        for row, words in enumerate(["a photo of joshug", "a portrait of joshug", "a face"]):
            top = 22 + row * (128 + 22)
            assert_label(frame, (sheet.GAP, top), words)
            for copy in range(COPIES):
                middle = (sheet.GAP + copy * 128 + 64, top + 22 + 64)
                shown = np.array(frame.getpixel(middle))
                assert np.abs(shown - colour(step, row * COPIES + copy)).max() < 10


def test_the_picture_has_steps_across_and_prompts_down(job):
    with Image.open(io.BytesIO(sheet.grid(job))) as grid:
        assert grid.format == "PNG"
        assert "Generated" in grid.info["Comment"]
        cell = COPIES * 128
        assert grid.size == (6 + 4 * (cell + 6), 22 + 3 * (128 + 22 + 6))
        for column, step in enumerate(STEPS):
            assert_label(grid, (6 + column * (cell + 6), 0), f"step {step}")
            for row in range(3):
                for copy in range(COPIES):
                    middle = (6 + column * (cell + 6) + copy * 128 + 64, 22 + row * (128 + 22 + 6) + 22 + 64)
                    assert grid.getpixel(middle) == colour(step, row * COPIES + copy)
        for row, words in enumerate(["a photo of joshug", "a portrait of joshug", "a face"]):
            assert_label(grid, (6, 22 + row * (128 + 22 + 6)), words)


@pytest.mark.parametrize("prompt", ["[trigger] " + "very " * 50 + "old", "one\ntwo\r\nthree [trigger]",
                                    "顔 [trigger] 😀 é", "\u202e[trigger]", "\x00[trigger]"])
def test_whatever_the_prompt_its_words_stay_on_their_line(tmp_path, prompt):
    job = trained(tmp_path, [prompt], STEPS[:1])
    _, ((_, frame),) = frames(job)
    with Image.open(io.BytesIO(sheet.grid(job))) as grid:
        for picture, top in ((frame, 22 + 22), (grid, 22 + 22)):
            for copy in range(COPIES):
                left = 6 + copy * 128
                inside = np.asarray(picture.convert("RGB").crop((left, top, left + 128, top + 128))).astype(int)
                assert np.abs(inside - colour(0, copy)).max() < 10  # no word over the sample
            margin = np.asarray(picture.convert("L").crop((picture.width - 5, 0, picture.width, 22 + 22)))
            assert margin.min() > 240  # nor beyond the right edge


def test_words_that_are_too_long_end_in_an_ellipsis():
    ink = ImageDraw.Draw(Image.new("RGB", (400, 30)))
    line = sheet.fitted(ink, "word " * 100, 250)
    assert line.endswith("…")
    assert 200 < ink.textlength(line) <= 250
    assert sheet.fitted(ink, "short", 250) == "short"


def test_one_row_of_samples_is_an_animation_too_and_none_is_said(tmp_path):
    _, found = frames(trained(tmp_path, steps=STEPS[:1]))
    assert [duration for duration, _ in found] == [2500]
    empty = SimpleNamespace(folder=tmp_path, spec={}, progress={})
    for made in (sheet.grid, sheet.animation):
        with pytest.raises(BadInput, match="no samples yet"):
            made(empty)
