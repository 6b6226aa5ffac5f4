"""The training loop on small random pipelines of every family: it learns, resumes exactly, its adapter loads whole."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from playground.context import build_context
from playground.diffusion import families, models
from playground.errors import BadInput
from playground.lora import adapters, drawing, learning, measure, objective, plan
from tests.diffusion import tiny_pipelines

SAVE = {models.POCKET: tiny_pipelines.save_pocket, tiny_pipelines.SD: tiny_pipelines.save_sd,
        tiny_pipelines.SDXL: tiny_pipelines.save_sdxl, tiny_pipelines.DEV: lambda root: tiny_pipelines.save_flux(
            root, tiny_pipelines.DEV, guided=True)}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def lab(settings, tmp_path_factory):
    """A context whose own models are small ones of every family."""
    root = tmp_path_factory.mktemp("models")
    for save in SAVE.values():
        save(root)
    return build_context(replace(settings, models_dir=root))


def planned(model=models.POCKET, **values):
    return plan.check({"trigger": "joshug", "model": model, "steps": 6, "rank": 2, "alpha": 2, "batch": 2,
                       "sample_every": 3, "sample_steps": 2, **values})


def pictures(count=4, side=64):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


class Bench:
    """A learner over a fresh pipeline of its own."""

    def __init__(self, context, wanted, priors=False):
        located = context.weights.locate(models.entry(wanted.model))
        spec = models.spec(context, wanted.model)
        self.context, self.plan = context, wanted
        self.pipe = spec.load()
        self.family = families.wrap(self.pipe, models.find(wanted.model).family, 64)
        shown = pictures(side=self.family.size)
        captions = ["a photo of a face, [trigger]"] * len(shown)
        lesson = learning.lesson(context, self.family, wanted, shown, captions)
        self.learner = learning.Learner(self.family, wanted, lesson, lesson if priors else None)
        self.folder = located.folder

    def learn(self, steps):
        for _ in range(steps):
            self.learner.learn()
        return self.learner


def test_photos_are_encoded_in_batches_with_a_turn_each(lab, monkeypatch):
    wanted = planned()
    pipe = models.spec(lab, wanted.model).load()
    family = families.wrap(pipe, "pocket", 64)
    asked = (lab, family, wanted, pictures(5), ["a photo of a face, [trigger]"] * 5)
    whole = learning.lesson(*asked).latents
    sizes, encode = [], pipe.vae.encode
    monkeypatch.setattr(pipe.vae, "encode", lambda pixels: sizes.append(len(pixels)) or encode(pixels))
    monkeypatch.setattr(families, "PIXELS_AT_ONCE", 2 * family.size**2)
    torch.testing.assert_close(learning.lesson(*asked).latents, whole, atol=1e-5, rtol=1e-5)
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize("model", list(SAVE), ids=["pocket", "sd", "sdxl", "flux"])
def test_every_family_learns_what_it_sees(lab, model):
    bench = Bench(lab, planned(model, learning_rate=1e-2, steps=30))
    example = bench.learner.lesson.batch(torch.arange(4))
    frozen = {name: value.clone() for name, value in bench.family.network.named_parameters() if not value.requires_grad}

    def loss():
        with torch.no_grad():
            return float(bench.learner.objective.loss(example, torch.Generator().manual_seed(1)))

    before = loss()
    bench.learn(30)
    assert loss() < before
    after = dict(bench.family.network.named_parameters())
    assert all(torch.equal(value, after[name]) for name, value in frozen.items())


def test_a_killed_and_resumed_training_is_the_one_that_ran_through(lab, tmp_path):
    whole = Bench(lab, planned()).learn(6)
    first = Bench(lab, planned()).learn(3)
    first.save(tmp_path)
    second = Bench(lab, planned())
    assert second.learner.resume(tmp_path)
    second.learn(3)
    for a, b in zip(whole.parameters, second.learner.parameters, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    assert second.learner.loss == pytest.approx(whole.loss, rel=1e-4)


def test_a_seed_repeats_and_another_differs(lab):
    same = [adapters.state(Bench(lab, planned()).learn(2).family) for _ in range(2)]
    other = adapters.state(Bench(lab, planned(seed=43)).learn(2).family)
    assert all(torch.equal(same[0][name], same[1][name]) for name in same[0])
    assert any(not torch.equal(same[0][name], other[name]) for name in other)


def test_the_untouched_adapter_changes_nothing(lab):
    bench = Bench(lab, planned())
    asked = learning.request(bench.plan, "a face")
    told = learning.listen(lab, asked, bench.pipe)
    fresh = families.wrap(models.spec(lab, models.POCKET).load(), "pocket", 64)
    plain = next(learning.draw_plain(fresh, [(asked, told)]))
    assert np.array_equal(next(bench.learner.sample([(asked, told)])), plain)


@pytest.mark.parametrize("model", list(SAVE), ids=["pocket", "sd", "sdxl", "flux"])
def test_every_family_draws_its_samples_and_with_the_adapter_beside_the_untouched_model(lab, tmp_path, model):
    bench = Bench(lab, planned(model, learning_rate=1e-2))
    bench.learn(2)
    asked = learning.request(bench.plan, "a face")
    told = learning.listen(lab, asked, bench.pipe)
    sample = next(bench.learner.sample([(asked, told)]))
    assert sample.shape == (bench.family.size, bench.family.size, 3)
    path = tmp_path / "adapter.safetensors"
    adapters.save(path, bench.family, bench.plan)
    *_, pair = drawing.pairs(lab, path, drawing.request(path, "a face, [trigger]", 3, steps=2))
    assert pair.told.shape == pair.without.shape


@pytest.mark.parametrize("targets", plan.TARGETS)
@pytest.mark.parametrize("model", list(SAVE), ids=["pocket", "sd", "sdxl", "flux"])
def test_an_adapter_comes_back_whole(lab, tmp_path, model, targets):
    bench = Bench(lab, planned(model, targets=targets, alpha=8))
    bench.learn(2)
    path = tmp_path / "adapter.safetensors"
    adapters.save(path, bench.family, bench.plan)
    fresh = families.wrap(models.spec(lab, model).load(), models.find(model).family, 64)
    card = adapters.load(path, fresh, model)
    assert (card.trigger, card.model) == ("joshug", model)
    before, after = adapters.state(bench.family), adapters.state(fresh)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    layer = next(module for module in fresh.network.modules() if hasattr(module, "lora_alpha"))
    assert layer.scaling[adapters.NAME] == 8 / 2


def test_diffusers_alone_loads_the_file(lab, tmp_path):
    bench = Bench(lab, planned(tiny_pipelines.SD))
    bench.learn(2)
    adapters.save(tmp_path / "mine.safetensors", bench.family, bench.plan)
    pipe = models.spec(lab, tiny_pipelines.SD).load()
    pipe.load_lora_weights(tmp_path, weight_name="mine.safetensors")
    assert pipe.get_active_adapters() == ["default_0"]


def test_strength_zero_is_the_untouched_model(lab, tmp_path):
    bench = Bench(lab, planned(learning_rate=1e-2))
    bench.learn(6)
    adapters.save(tmp_path / "a.safetensors", bench.family, bench.plan)
    fresh = families.wrap(models.spec(lab, models.POCKET).load(), "pocket", 64)
    asked = learning.request(bench.plan, "a face")
    told = [(asked, learning.listen(lab, asked, fresh.pipe))]
    plain = next(learning.draw_plain(fresh, told))
    adapters.load(tmp_path / "a.safetensors", fresh, models.POCKET)
    full = next(learning.draw_plain(fresh, told))
    adapters.strength(fresh, 0)
    assert np.array_equal(next(learning.draw_plain(fresh, told)), plain)
    assert not np.array_equal(full, plain)


def test_an_adapter_of_another_model_is_refused(lab, tmp_path):
    bench = Bench(lab, planned())
    adapters.save(tmp_path / "a.safetensors", bench.family, bench.plan)
    other = families.wrap(models.spec(lab, tiny_pipelines.SD).load(), "sd", 64)
    with pytest.raises(BadInput, match="belongs to pocket"):
        adapters.load(tmp_path / "a.safetensors", other, tiny_pipelines.SD)


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 64, b"\x02" + bytes(7) + b"[]",
                                     b"\x02" + bytes(7) + b"{}"])
def test_what_is_no_adapter_is_refused(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadInput):
        adapters.read_card(path)


@pytest.mark.parametrize("change", [float("nan"), float("inf")])
def test_an_adapter_with_values_that_are_no_numbers_is_refused(lab, tmp_path, change):
    bench = Bench(lab, planned())
    bench.learner.parameters[0].data.fill_(change)
    adapters.save(tmp_path / "a.safetensors", bench.family, bench.plan)
    fresh = families.wrap(models.spec(lab, models.POCKET).load(), "pocket", 64)
    with pytest.raises(BadInput, match="NaN"):
        adapters.load(tmp_path / "a.safetensors", fresh, models.POCKET)


def test_the_velocity_target_is_the_published_formula(lab):
    bench = Bench(lab, planned())
    scheduler = bench.learner.objective.scheduler
    x0, noise, t = torch.randn(2, 4, 16, 16), torch.randn(2, 4, 16, 16), torch.tensor([10, 900])
    abar = scheduler.alphas_cumprod[t][:, None, None, None]
    torch.testing.assert_close(scheduler.get_velocity(x0, noise, t), abar.sqrt() * noise - (1 - abar).sqrt() * x0)


def test_weights_count_pictures():
    answer, target = torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1)
    assert float(objective.weighted(answer, target, torch.tensor([3.0, 1.0]))) == pytest.approx((3 * 1 + 9) / 4)


def test_likeness_is_the_share_of_the_way_from_the_untouched_samples_to_the_photos():
    photos, untouched, control = pictures(4), np.full((4, 64, 64, 3), 128, np.uint8), np.zeros((2, 64, 64, 3), np.uint8)
    ruler = measure.Ruler(photos, untouched, control)
    assert ruler.likeness(photos) == pytest.approx(1.0)
    assert ruler.likeness(untouched) == pytest.approx(0.0)
    assert ruler.likeness(np.concatenate([photos, untouched])) == pytest.approx(0.5)  # its mean lies in the middle
    assert ruler.leak(control) == pytest.approx(0.0)
    assert ruler.leak(np.concatenate([photos, control, control])) == pytest.approx(0.5)
    assert ruler.scores(untouched, control).likeness == pytest.approx(0.0)
    assert ruler.copy_risk(photos[:1]) == pytest.approx(1.0)
    assert ruler.copy_risk(255 - photos[:1]) < 0.3


def test_the_best_checkpoint_is_like_without_leaking():
    scores = [(0, measure.Scores(0, 0, 0)), (50, measure.Scores(0.5, 0.0, 0.3)), (100, measure.Scores(0.6, 0.4, 0.3)),
              (150, measure.Scores(0.9, 0.0, 1.0))]
    assert measure.best(scores) == 50
    assert measure.best(scores[:1]) == 0
