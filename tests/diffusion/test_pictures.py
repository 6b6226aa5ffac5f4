"""Films as files that other programs read, GAN against diffusion, CLIP, and the pictures of a run."""

import io
import time

import av
import numpy as np
import pytest
from PIL import Image

from playground import catalog
from playground.diffusion import clip, contest, pictures, trace
from playground.errors import BadInput, ModelMissing
from playground.gan import faces
from playground.marks import Mark

pytestmark = pytest.mark.models


@pytest.fixture
def film():
    """Four steps from grey to red."""
    steps = np.stack([np.full((64, 64, 3), (60 * n, 40, 40), np.uint8) for n in range(1, 5)])
    noise = np.random.default_rng(0).standard_normal((4, 4, 16, 16))
    return pictures.Film(np.full((64, 64, 3), (250, 10, 10), np.uint8), steps, noise, steps[::-1])


def test_the_mp4_is_h264_and_ends_with_the_picture(film):
    with av.open(io.BytesIO(pictures.mp4(film, Mark("tiny")))) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert len(frames) == 5 + 8  # four steps, the picture, and a pause on it
    assert np.abs(frames[-1][100, 100].astype(int) - (250, 10, 10)).max() < 12


def test_the_gif_plays_every_step(film):
    loop = Image.open(io.BytesIO(pictures.gif(film, Mark("tiny"))))
    assert loop.n_frames >= 5
    assert loop.info["loop"] == 0
    loop.seek(loop.n_frames - 1)
    assert np.abs(np.array(loop.convert("RGB").getpixel((20, 20))) - (250, 10, 10)).max() < 12


def test_the_strip_has_three_rows_and_ends_with_the_picture(film):
    strip = pictures.strip(film, cell=32)
    assert strip.size == (5 * 36 - 4, 3 * 36 - 4)
    assert strip.getpixel((4 * 36 + 16, 16)) == strip.getpixel((4 * 36 + 16, 36 + 16)) == (250, 10, 10)
    assert pictures.strip(film, most=3, cell=32).size[0] == 3 * 36 - 4


def test_noise_as_colours():
    noise = np.zeros((4, 2, 2))
    noise[0, 0, 0], noise[1, 0, 0], noise[2, 0, 0] = 3, -3, 9
    assert pictures.noise_picture(noise)[0, 0].tolist() == [255, 0, 255]
    assert pictures.noise_picture(noise)[1, 1].tolist() == [128, 128, 128]
    assert pictures.noise_picture(np.zeros((16, 16))).shape == (4, 4, 3)  # packed


def test_what_a_trace_keeps_is_bounded():
    assert pictures.shrink(np.zeros((1024, 1024, 3), np.uint8)).shape == (256, 256, 3)
    small = np.zeros((64, 64, 3), np.uint8)
    assert pictures.shrink(small) is small


# ---- GAN against diffusion


def test_both_draw_the_same_number_and_are_measured(tiny):
    *_, (done, gan, diffusion) = contest.hold(tiny, 2, 42, steps=2)
    assert done == 2
    assert np.array_equal(gan.pictures, faces.generate(tiny, 2, 42).pictures)
    assert gan.pictures.shape == diffusion.pictures.shape == (2, 64, 64, 3)
    assert diffusion.seconds_each > gan.seconds_each > 0
    assert (gan.calls, diffusion.calls) == (1, 4)


def test_diffusion_is_warm_before_its_clock_starts(tiny, monkeypatch):
    step, steps = trace.Run.step, []

    def slow_at_first(run, family):
        if not steps:
            time.sleep(1)
        steps.append(run.trace.request.seed)
        step(run, family)

    monkeypatch.setattr(trace.Run, "step", slow_at_first)
    *_, (_, _, diffusion) = contest.hold(tiny, 2, 42, steps=2)
    assert steps == [42, 42, 42, 43, 43]
    assert 2 * diffusion.seconds_each < 1


def test_diversity_is_zero_for_one_face_and_grows(tiny):
    drawn = faces.generate(tiny, 6, 1).pictures
    assert contest.diversity(np.stack([drawn[0]] * 4)) == pytest.approx(0, abs=1e-6)
    tame = faces.generate(tiny, 6, 1, 0.5).pictures
    assert contest.diversity(drawn) > contest.diversity(tame) > 0


@pytest.mark.parametrize("count", [1, 17, 2.5])
def test_numbers_of_faces_out_of_range(tiny, count):
    with pytest.raises(BadInput):
        list(contest.hold(tiny, count))


# ---- CLIP


@pytest.fixture(scope="module")
def with_clip(tmp_path_factory):
    """A context with a small random CLIP, and the folder it lies in."""
    from playground.context import build_context
    from playground.settings import Settings
    from tests.diffusion import tiny_pipelines

    root = tmp_path_factory.mktemp("clip")
    target = tiny_pipelines.save_clip(root)
    return build_context(Settings(device="cpu", offline=True, data_dir=root / "data", models_dir=root)), target


def test_cosines_and_probabilities_are_transformers_own(with_clip):
    from transformers import CLIPModel, CLIPProcessor

    context, target = with_clip
    shown = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    captions = ["red", "a blue sky", "cat"]
    made = clip.match(context, shown, captions)
    assert made.cosines.shape == made.probabilities.shape == (2, 3)
    np.testing.assert_allclose(made.probabilities.sum(axis=1), 1, rtol=1e-5)
    model, processor = CLIPModel.from_pretrained(target), CLIPProcessor.from_pretrained(target)
    own = model(**processor(text=captions, images=shown, return_tensors="pt", padding=True))
    np.testing.assert_allclose(made.probabilities, own.logits_per_image.softmax(1).detach(), atol=1e-5)
    warmth = model.logit_scale.exp().item()
    np.testing.assert_allclose(made.cosines * warmth, own.logits_per_image.detach(), atol=1e-4)
    assert made.scale == pytest.approx(warmth)
    logits = made.scale * made.cosines
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(made.probabilities, shares, rtol=1e-3)


def test_what_of_a_caption_was_not_read_is_known(with_clip):
    made = clip.match(with_clip[0], [Image.new("RGB", (8, 8))], ["cat", "abc " * 40 + "lighthouse"])
    short, long = made.wordings
    assert not short.cut
    assert (long.limit, len(long.read)) == (77, 77)
    assert long.missed.endswith("lighthouse")


def test_without_clip_the_reason_is_said(context):
    assert not clip.available(context)
    with pytest.raises(ModelMissing, match="offline"):
        clip.match(context, [Image.new("RGB", (8, 8))], ["cat"])
    assert catalog.find(clip.MODEL).task == "clip"


@pytest.mark.parametrize(("count", "captions"), [(0, ["a"]), (1, []), (9, ["a"]), (1, ["a"] * 9), (1, [""])])
def test_too_many_or_none(with_clip, count, captions):
    with pytest.raises(BadInput):
        clip.match(with_clip[0], [Image.new("RGB", (8, 8))] * count, captions)
