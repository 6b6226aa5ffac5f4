"""The measuring script on tiny shapes; the true shapes have the published numbers of parameters."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from playground.context import build_context
from playground.diffusion import families, models
from playground.errors import BadInput, PlaygroundError
from playground.lora import adapters, estimate, learning, plan, quantised
from tests.benchmarks import gpu, gpu_shapes
from tests.diffusion import tiny_pipelines


@pytest.mark.parametrize("name", ["sd15", "sdxl", "flux-schnell", "flux-dev"])
def test_the_true_shapes_have_the_published_numbers_of_parameters(name):
    shape = gpu_shapes.SHAPES[name]
    made = gpu_shapes.parts(shape)
    published = dict(models.find(shape.key).parts)
    assert made.keys() == published.keys()
    for part, network in made.items():
        assert sum(each.numel() for each in network.parameters()) == pytest.approx(published[part], rel=0.005), part


@pytest.mark.parametrize("name", ["tiny-sd", "tiny-sdxl", "tiny-flux"])
def test_a_tiny_shape_is_trained_and_drawn(name, tmp_path, capsys):
    results = tmp_path / "rows.jsonl"
    assert gpu.main(["--shape", name, "--device", "cpu", "--resolution", "64", "--rank", "2", "--steps", "2",
                     "--draw-steps", "2", "--json", str(results)]) == 0
    printed = capsys.readouterr().out
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert [row["what"] for row in rows] == ["drawing", "training"]
    for row in rows:
        assert row["steps_s"] > 0
        assert row["peak"] >= row["weights"] > 1000
        assert "CPU" in row["machine"]
        assert row["machine"] in printed
    assert rows[1]["minutes_1000"] == pytest.approx(1000 / rows[1]["steps_s"] / 60)
    assert rows[1]["size"] == 64


@pytest.mark.parametrize("kind", [plan.NF4, plan.INT8])
def test_without_the_library_it_says_what_to_install(kind, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(PlaygroundError, match=r"requirements-gpu\.txt"):
        quantised.require(kind)
    assert gpu.main(["--shape", "tiny-flux", "--device", "cpu", "--quantise", kind]) == 2
    assert "requirements-gpu.txt" in capsys.readouterr().err


def test_only_flux_has_a_quantised_base_and_only_in_known_precisions(context, monkeypatch):
    assert quantised.spec(context, models.POCKET, plan.NONE).key == models.spec(context, models.POCKET).key
    monkeypatch.setitem(sys.modules, "bitsandbytes", sys)
    with pytest.raises(BadInput, match="Only FLUX"):
        quantised.spec(context, models.POCKET, plan.NF4)
    with pytest.raises(BadInput, match="int2"):
        quantised.require("int2")


def test_a_base_in_4_bits_fits_24_gb_and_one_in_16_does_not():
    parts = models.find(gpu_shapes.DEV).parts
    card = 24 * 10**9
    assert quantised.bytes_of(parts, plan.NF4) < 0.75 * card
    assert quantised.bytes_of(parts, plan.NF4) < quantised.bytes_of(parts, plan.INT8) < card
    assert 2 * sum(parts.values()) > card


# ---- with the library


@pytest.fixture
def library():
    """bitsandbytes, which is installed on wish only."""
    return pytest.importorskip("bitsandbytes")


@pytest.mark.parametrize("kind", [plan.NF4, plan.INT8])
def test_a_quantised_base_learns_and_answers_nearly_as_before(library, kind):
    shape = gpu_shapes.SHAPES["tiny-flux"]
    torch.manual_seed(0)
    pipe = gpu.built(shape, plan.NONE, "cpu")
    linear = pipe.transformer.transformer_blocks[0].attn.to_q
    weight = linear.weight.detach().clone()
    told = torch.randn(3, linear.in_features)
    before = linear(told)
    count = quantised.quantise(pipe.transformer, kind, "cpu")
    assert count == sum(1 for name, each in pipe.transformer.named_modules() if "blocks" in name
                        and isinstance(each, torch.nn.Linear))
    smaller = pipe.transformer.transformer_blocks[0].attn.to_q
    assert smaller.weight.dtype in (torch.uint8, torch.int8)
    assert smaller.weight.numel() * smaller.weight.element_size() < weight.numel() * 2
    bound = {plan.NF4: 0.15, plan.INT8: 0.02}[kind]  # relative error of rounding to 4 and 8 bits
    assert float((smaller(told) - before).norm() / before.norm()) < bound
    asked = gpu.options(["--shape", "tiny-flux", "--device", "cpu", "--resolution", "64", "--rank", "2", "--steps", "2",
                         "--quantise", kind])
    row = gpu.training(pipe, shape, asked)
    assert np.isfinite(row["steps_s"])


@pytest.mark.parametrize("kind", [plan.NF4, plan.INT8])
def test_the_script_measures_a_quantised_base(library, kind, capsys):
    assert gpu.main(["--shape", "tiny-flux", "--device", "cpu", "--resolution", "64", "--steps", "1", "--draw-steps",
                     "1", "--quantise", kind]) == 0
    assert f"base {kind}" in capsys.readouterr().out


@pytest.fixture
def lab(settings, tmp_path):
    """A context whose FLUX is a small one."""
    tiny_pipelines.save_flux(tmp_path, tiny_pipelines.DEV, guided=True)
    return build_context(replace(settings, models_dir=tmp_path, data_dir=tmp_path / "data"))


def planned(kind):
    return plan.check({"trigger": "joshug", "model": tiny_pipelines.DEV, "quantise": kind, "steps": 4, "rank": 2,
                       "alpha": 2, "batch": 2, "sample_every": 4, "sample_steps": 2})


@pytest.mark.parametrize("kind", [plan.NF4, plan.INT8])
def test_an_adapter_over_a_quantised_base_comes_back_whole(library, kind, lab, tmp_path):
    wanted, path = planned(kind), tmp_path / "adapter.safetensors"
    with lab.cache.lease(quantised.spec(lab, wanted.model, kind)) as pipe:
        adapters.attach(families.wrap(pipe, "flux", 64), wanted)
        adapters.save(path, families.wrap(pipe, "flux", 64), wanted)
    lab.cache.drop_idle()
    for precision in (kind, plan.NONE):
        with lab.cache.lease(quantised.spec(lab, wanted.model, precision)) as pipe:
            family = families.wrap(pipe, "flux", 64)
            assert adapters.load(path, family, wanted.model).plan["quantise"] == kind
            asked = learning.request(wanted, "a cat")
            told = learning.listen(lab, asked, pipe)
            assert next(learning.draw_plain(family, [(asked, told)])).shape == (64, 64, 3)


@pytest.mark.parametrize("kind", [plan.NF4, plan.INT8])
def test_a_training_of_flux_is_measured_with_its_base_quantised(library, kind, lab):
    wanted, context = planned(kind), lab
    pictures = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    told = estimate.measure(context, wanted, pictures, ["a [trigger]"] * 4)
    assert (told.fits, told.reason) == (True, "")
    assert not context.cache.stats()["models"]  # the pipeline that the tabs share was not brought in beside it
