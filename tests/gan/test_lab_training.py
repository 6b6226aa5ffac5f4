"""Runs of the lab: the same from the same seed, the same through a checkpoint, and looked at without being changed."""

import dataclasses

import numpy as np
import pytest
import torch

from playground.errors import BadInput, DamagedWeights
from playground.gan.lab import augment, files, nets, presets, settings
from playground.gan.lab import data as sets
from playground.gan.lab.lane import Lane
from playground.gan.lab.metrics import Yardstick
from playground.gan.lab.session import Session
from playground.gan.lab.settings import LOSSES, Plan, RunSettings
from playground.gan.lab.trainer import Trainer


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(run, data, updates=3):
    trainer = Trainer(run, data)
    for _ in range(updates):
        trainer.update()
    return trainer


def same(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_every_loss_and_optimizer_moves_both_networks(loss, optimizer):
    run = RunSettings(loss=loss, optimizer_d=optimizer, optimizer_g=optimizer, batch=16)
    before, after = Trainer(run, sets.ring()), trained(run, sets.ring())
    assert not torch.equal(before.g[0].weight, after.g[0].weight)
    assert not torch.equal(before.d[0].weight, after.d[0].weight)
    assert after.last.gradient_g > 0


@pytest.mark.parametrize("changes", [
    {"noise": 0.1}, {"smoothing": 0.1}, {"spectral": True}, {"r1": 1.0}, {"augment": True}, {"d_steps": 2},
    {"head_start": 3}])
def test_every_trick_changes_the_training(changes):
    plain = RunSettings(data="digits", batch=16)
    one, other = (trained(run, sets.digits()) for run in (plain, dataclasses.replace(plain, **changes)))
    assert not torch.equal(one.g[1].weight, other.g[1].weight)


def test_a_seed_gives_the_same_run_and_another_seed_another():
    run = RunSettings(noise=0.1, spectral=True, loss="wasserstein", batch=16)
    same(trained(run, sets.ring()).tensors(), trained(run, sets.ring()).tensors())
    other = trained(dataclasses.replace(run, seed=2), sets.ring())
    assert not torch.equal(other.g[0].weight, trained(run, sets.ring()).g[0].weight)


def test_looking_and_measuring_change_nothing():
    run = RunSettings(data="digits", spectral=True, batch=16)
    data = sets.digits()
    lane, bare = Lane(run, data, Yardstick(data)), trained(run, data, 4)
    for _ in range(4):
        lane.update()
        lane.frame(measured=True)
    same(lane.trainer.tensors(), bare.tensors())


@pytest.mark.parametrize("run", [
    RunSettings(batch=16, spectral=True), RunSettings(batch=16, optimizer_d="rmsprop", loss="wasserstein"),
    RunSettings(batch=16, optimizer_d="sgd", optimizer_g="sgd", momentum=0.9),
    RunSettings(data="digits", batch=16, augment=True)],
    ids=["adam", "rmsprop", "sgd", "digits"])
def test_a_run_goes_on_from_its_checkpoint_as_if_nothing_had_happened(run, tmp_path):
    data = sets.named(run.data)
    plan = Plan((run, dataclasses.replace(run, seed=9)), ("A", "B"))
    whole, half = Session(tmp_path / "whole", plan, data), Session(tmp_path / "half", plan, data)
    for session, updates in ((whole, 6), (half, 3)):
        for _ in range(updates):
            for lane in session.lanes:
                lane.update()
    half.keep()
    tensors, about = files.read_checkpoint(tmp_path / "half" / files.CHECKPOINT)
    again = Session(tmp_path / "half", settings.read_plan(about["plan"]), data)
    again.restore(tensors, about)
    for lane, expected in zip(again.lanes, whole.lanes, strict=True):
        for _ in range(3):
            lane.update()
        same(lane.trainer.tensors(), expected.trainer.tensors())
        assert (lane.series.array() == expected.series.array()).all()


def test_single_steps_move_one_network_only():
    trainer = trained(RunSettings(batch=16), sets.ring())
    before = trainer.tensors()
    trainer.update_d()
    assert torch.equal(trainer.g[0].weight, before["g.0.weight"])
    assert not torch.equal(trainer.d[0].weight, before["d.0.weight"])
    middle = trainer.tensors()
    trainer.update_g()
    assert torch.equal(trainer.d[0].weight, middle["d.0.weight"])
    assert not torch.equal(trainer.g[0].weight, middle["g.0.weight"])
    assert trainer.step == 3


def test_the_gradient_at_g_is_the_length_over_all_its_weights():
    trainer = trained(RunSettings(batch=16), sets.ring())
    total = sum(weight.grad.square().sum() for weight in trainer.g.parameters())
    assert trainer.last.gradient_g == pytest.approx(total.sqrt().item(), rel=1e-5)


def test_spectral_norm_bounds_every_layer():
    _, d = nets.build(nets.POINT, 1, spectral=True)
    for _ in range(30):  # its power iteration settles while training
        d(torch.randn(4, 2))
    largest = [torch.linalg.matrix_norm(layer.weight, 2).item() for layer in d if hasattr(layer, "weight")]
    assert largest == pytest.approx([1.0] * 3, abs=0.02)


def test_the_networks_fit_their_data():
    for shape, size in ((nets.POINT, (2,)), (nets.picture(8, 1), (1, 8, 8)), (nets.picture(32, 3), (3, 32, 32))):
        g, d = nets.build(shape, 1)
        made = g(torch.randn(5, shape.latent))
        assert made.shape == (5, *size)
        assert d(made).shape == (5,)


def test_points_lie_where_they_should():
    random = torch.Generator().manual_seed(1)
    ring = sets.ring().sample(4000, random)
    assert ring.norm(dim=1).mean().item() == pytest.approx(1.0, abs=0.01)
    assert len(sets.grid().centres) == 25
    moons = sets.Moons().sample(4000, random)
    assert moons.abs().max() < 1.3
    corner = np.zeros((64, 64), bool)
    corner[0:8, 56:64] = True  # top right on paper
    drawn = sets.drawing(corner).sample(500, random)
    assert (drawn >= 0.75).all() and (drawn <= 1).all()


def test_moons_are_those_of_scikit_learn():
    from sklearn.datasets import make_moons

    expected = (make_moons(4000, noise=0)[0] - (0.5, 0.25)) / 1.5
    made = sets.Moons(spread=0.0).sample(4000, torch.Generator().manual_seed(1)).double().numpy()
    assert made.mean(0) == pytest.approx(expected.mean(0), abs=0.02)
    assert np.cov(made.T) == pytest.approx(np.cov(expected.T), abs=0.02)


def test_a_drawing_survives_its_packing_and_an_empty_one_is_refused():
    mask = np.random.default_rng(1).random((64, 64)) < 0.3
    assert (sets.unpacked(sets.packed(mask)) == mask).all()
    with pytest.raises(BadInput, match="hardly anything"):
        sets.drawing(np.zeros((64, 64), bool))


def test_pictures_survive_the_way_to_tensors_and_back():
    pictures = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    assert (sets.to_array(sets.to_tensor(pictures)) == pictures).all()


def test_augmentation_shifts_blanks_and_lets_gradients_through():
    random = torch.Generator().manual_seed(3)
    pictures = torch.rand(6, 3, 32, 32, requires_grad=True)
    shifted = augment.shift(pictures, random)
    assert shifted.shape == pictures.shape
    centre = shifted[:, :, 8:24, 8:24]
    found = [any(torch.equal(centre[at], pictures[at, :, 8 + y:24 + y, 8 + x:24 + x])
                 for y in range(-4, 5) for x in range(-4, 5)) for at in range(6)]
    assert all(found)
    blanked = augment.cut_out(torch.ones(50, 1, 32, 32), random)
    assert 0 < (blanked == 0).float().mean() <= (17 / 32) ** 2
    augment.augment(pictures, random).sum().backward()
    assert pictures.grad.abs().sum() > 0


@pytest.mark.parametrize("values", [
    {"loss": "hinge", "smoothing": 0.1}, {"augment": True}, {"lr_d": 0}, {"lr_g": float("nan")}, {"batch": 3},
    {"d_steps": 21}, {"optimizer_g": "lion"}, {"seed": -1}, {"noise": "much"}, {"spectral": 1}, {"data": "cats"},
    {"colour": "red"}, {"r1": -1}, {"momentum": 1.0}, {"head_start": 2001}])
def test_settings_past_the_controls_are_refused(values):
    with pytest.raises(BadInput):
        settings.read_run(values)


@pytest.mark.parametrize("plan", [None, [], {}, {"runs": []}, {"runs": [{}] * 3}, {"runs": [{}], "names": ["A", "B"]},
                                  {"runs": [{}, {"data": "grid"}]}])
def test_plans_that_are_none_are_refused(plan):
    with pytest.raises(BadInput):
        settings.read_plan(plan)


def test_every_preset_is_a_plan_and_a_cure_differs_from_its_failure():
    for preset in presets.PRESETS:
        assert settings.read_plan(preset.plan.as_dict()) == preset.plan
        if len(preset.plan.runs) == 2:
            assert preset.plan.runs[0] != preset.plan.runs[1]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x05pickle", b"\xff" * 64])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content):
    path = tmp_path / files.CHECKPOINT
    path.write_bytes(content)
    with pytest.raises(DamagedWeights, match="not a checkpoint"):
        files.read_checkpoint(path)


def test_the_film_keeps_the_first_moments_and_a_reset_repeats_them(tmp_path):
    run = RunSettings(batch=16)
    session = Session(tmp_path, Plan((run,), ("A",)), sets.ring())
    session.start()
    session.pace = 1000.0
    while session.step < 20:
        session.train(0.01)
    first = {step: files.read_arrays(files.film_path(tmp_path, 0, step)) for step in (0, 1, 10, 20)}
    assert files.filmed(tmp_path, 0)[:10] == [0, 1, 2, 3, 5, 7, 10, 15, 20][:10]
    session.reset()
    assert files.filmed(tmp_path, 0) == [0]
    while session.step < 20:
        session.train(0.01)
    for step, frame in first.items():
        assert (files.read_arrays(files.film_path(tmp_path, 0, step))["made"] == frame["made"]).all()
