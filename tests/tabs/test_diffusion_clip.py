"""The CLIP fold: a visitor's captions against pictures of every origin, and what it says where CLIP is not here."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from playground.context import build_context
from playground.diffusion import clip, requests, trace
from playground.diffusion.pictures import Film
from playground.diffusion.trace import Trace
from playground.errors import BadInput
from tabs import _diffusion_clip
from tests.diffusion import tiny_pipelines

pytestmark = pytest.mark.models

GREY = np.full((64, 64, 3), 90, np.uint8)
BAD = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def with_clip(settings, tmp_path_factory):
    """A context whose CLIP and pocket model are small random ones."""
    root = tmp_path_factory.mktemp("clip")
    tiny_pipelines.save_clip(root)
    tiny_pipelines.save_pocket(root)
    return build_context(replace(settings, models_dir=root))


def test_captions_are_refused_before_anything_is_drawn(with_clip, monkeypatch):
    def drawn(*_args):
        raise AssertionError("drawn before the captions were looked at")

    monkeypatch.setattr(trace, "draw", drawn)
    for captions, ready, prompts in (([], [], ["a"]), (["a"] * (clip.MOST + 1), [], ["a"]), (["a"], [], []),
                                     (["x" * (clip.LONGEST + 1)], [], ["a"]),
                                     (["a"], [], ["a"] * (_diffusion_clip.MOST_DRAWN + 1)),
                                     (["a"], [], ["a", "x" * (requests.LONGEST + 1)])):
        with pytest.raises(BadInput):
            list(_diffusion_clip.matched(with_clip, captions, ready, prompts))


def test_the_table_has_transformers_own_numbers(with_clip):
    from transformers import CLIPModel, CLIPProcessor

    shown = [np.asarray(Image.effect_noise((64, 64), 80 + n).convert("RGB")) for n in range(2)]
    captions = ["a goat wearing a crown", "cat"]
    named = [(each, f"picture {n}") for n, each in enumerate(shown)]
    *_, table = _diffusion_clip.matched(with_clip, captions, named, [])
    folder = tiny_pipelines.folder(with_clip.settings.models_dir, clip.MODEL)
    model, processor = CLIPModel.from_pretrained(folder), CLIPProcessor.from_pretrained(folder)
    own = model(**processor(text=captions, images=[Image.fromarray(each) for each in shown], return_tensors="pt",
                            padding=True)).logits_per_image.detach()
    scale = model.logit_scale.exp().item()
    for cosine, share in zip((own / scale).flatten().tolist(), own.softmax(1).flatten().tolist(), strict=True):
        assert f"{cosine:.3f}<small>{share:.0%}</small>" in table
    assert table.count("<b>") == len(shown)  # the caption that CLIP would pick for each
    assert f"{scale:.1f}" in table


def test_pictures_are_drawn_beside_those_that_are_there(with_clip):
    *live, table = _diffusion_clip.matched(with_clip, ["cat", "dog"], [(GREY, "your own")], ["red heart", BAD])
    assert table.count("<td") == 6
    assert all(name in table for name in ("your own", "red heart"))
    assert any("df-live" in each for each in live)
    assert "<img src=x" not in "".join(live) + table


def test_it_can_be_stopped_while_it_draws(with_clip, monkeypatch):
    monkeypatch.setattr(trace, "TURN_SECONDS", 0.0)  # one step a turn
    step, counted = trace.Run.step, []
    monkeypatch.setattr(trace.Run, "step", lambda run, family: counted.append(1) or step(run, family))
    running = _diffusion_clip.matched(with_clip, ["cat"], [], ["red heart"])
    while "df-live" not in next(running):
        pass
    running.close()
    assert len(counted) == 1
    assert with_clip.gate.state().busy == ""


def test_a_caption_that_was_cut_says_so(with_clip):
    captions = ["cat", "abc " * 40 + BAD]
    *_, table = _diffusion_clip.matched(with_clip, captions, [(GREY, "grey")], [])
    assert table.count("The caption was cut after 77 tokens; not read:") == 1
    assert "&lt;img" in table
    assert "<img src=x" not in table


def test_the_picture_above_and_the_visitors_own():
    film = Film(GREY, GREY[None], np.zeros((1, 4, 16, 16)))
    made = Trace(requests.check("cat"), None, "v_prediction", [1.0], [], [], film=film)
    assert _diffusion_clip._above(made, True) == [(GREY, "above: cat")]
    assert _diffusion_clip._above(None, True) == _diffusion_clip._above(made, False) == []
    assert _diffusion_clip._own(GREY, True) == [(GREY, "your own")]
    assert _diffusion_clip._own(GREY, False) == []
    with pytest.raises(BadInput, match="not chosen"):
        _diffusion_clip._own(None, True)


@pytest.mark.parametrize(("offline", "how"), [(True, "--models-dir"), (False, "Press")])
def test_without_clip_it_says_how_to_get_it(context, monkeypatch, offline, how):
    shown = _diffusion_clip.absent(context if offline else build_context(replace(context.settings, offline=False)))
    assert "CLIP is not on this machine" in shown
    assert how in shown
    if offline:
        assert list(_diffusion_clip.matched(context, ["cat"], [], ["cat"])) == [shown]
