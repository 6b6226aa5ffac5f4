"""Pictures with and without an adapter, on a small random pipeline."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from playground.context import build_context
from playground.diffusion import families, models, trace
from playground.errors import BadInput
from playground.lora import adapters, drawing, plan
from tests.diffusion import tiny_pipelines

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def small(settings, tmp_path_factory):
    """A context whose pocket model is a small random one."""
    root = tmp_path_factory.mktemp("models")
    tiny_pipelines.save_pocket(root)
    return build_context(replace(settings, models_dir=root))


@pytest.fixture(scope="module")
def adapter(small, tmp_path_factory):
    """An adapter with a lot of noise in place of something learnt."""
    path = tmp_path_factory.mktemp("adapter") / "adapter.safetensors"
    wanted = plan.check({"trigger": "joshug", "rank": 2, "alpha": 2})
    family = families.wrap(models.spec(small, models.POCKET).load(), "pocket", 64)
    with torch.no_grad():
        for parameter in adapters.attach(family, wanted):
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    adapters.save(path, family, wanted)
    return path


def last(context, path, strength=1.0, **values):
    asked = drawing.request(path, "a photo of a face, [trigger]", 3, steps=3, **values)
    *_, pair = drawing.pairs(context, path, asked, strength)
    return asked, pair


def test_the_trigger_stands_in_the_prompt(adapter):
    assert drawing.request(adapter, "[trigger] as a pirate", 1).prompt == "joshug as a pirate"
    assert drawing.uses_trigger("a photo of Joshug", "joshug")
    assert not drawing.uses_trigger("a photo of a face", "joshug")


def test_without_is_what_the_diffusion_tab_draws_and_the_shared_pipeline_stays_untouched(small, adapter):
    asked, pair = last(small, adapter)
    *_, plain = trace.draw(small, asked)
    assert np.abs(np.asarray(plain.film.final).astype(int) - pair.without.astype(int)).max() <= 1
    assert np.abs(pair.told.astype(int) - pair.without.astype(int)).max() > 5


def test_a_black_picture_from_half_precision_is_said(small, adapter, monkeypatch):
    decode = families.StableDiffusion.decode
    monkeypatch.setattr(families.StableDiffusion, "decode", lambda self, z: decode(self, z) * 0)
    assert last(small, adapter)[1].told.max() == 0  # in float32 black is a colour
    looked, check = [], trace.check_picture
    monkeypatch.setattr(trace, "check_picture", lambda drawn, family: looked.append(drawn) or check(drawn, family))
    last(small, adapter)
    assert len(looked) == 2  # that check refuses it in half precision


def test_strength_0_is_the_untouched_model_and_more_strength_moves_further(small, adapter):
    _, none = last(small, adapter, 0.0)
    assert np.array_equal(none.without, none.told)
    moved = [np.abs(pair.told.astype(int) - pair.without.astype(int)).mean()
             for _, pair in (last(small, adapter, strength) for strength in (0.1, 1.0))]
    assert 0 < moved[0] < moved[1]


def test_every_step_is_shown_and_the_same_seed_gives_the_same_pair(small, adapter):
    asked = drawing.request(adapter, "[trigger]", 3, steps=3)
    first, second = (list(drawing.pairs(small, adapter, asked)) for _ in range(2))
    assert [pair.step for pair in first] == [1, 2, 3, 3]
    assert np.array_equal(first[-1].told, second[-1].told)


@pytest.mark.parametrize("strength", [-0.1, 2.1, "much", None, float("nan")])
def test_a_strength_that_makes_no_sense_is_refused(small, adapter, strength):
    asked = drawing.request(adapter, "[trigger]", 3, steps=3)
    with pytest.raises(BadInput, match="strength"):
        next(drawing.pairs(small, adapter, asked, strength))


def test_deleting_a_training_takes_its_adapters_out_of_the_memory_as_well(small, adapter, tmp_path):
    last(small, adapter)
    *_, _ = trace.draw(small, drawing.request(adapter, "a face", 3, steps=2))
    job = SimpleNamespace(folder=tmp_path)
    (tmp_path / "checkpoints").mkdir()
    shutil.copy(adapter, tmp_path / "checkpoints" / "adapter-000002.safetensors")

    def held():
        return {row["variant"] for row in small.cache.stats()["models"] if row["name"] == models.POCKET}

    assert held() == {"inference", drawing.variant(adapter)}
    drawing.forget(small, drawing.checkpoints(job).values())
    assert held() == {"inference"}
