"""The presets do what they say, from five seeds: failures fail, their cures cure. Minutes of training on one thread."""

import dataclasses
import statistics

import pytest
import torch

from playground.gan.lab import data as sets
from playground.gan.lab import metrics
from playground.gan.lab.lane import latents
from playground.gan.lab.presets import PRESETS
from playground.gan.lab.trainer import Trainer

pytestmark = pytest.mark.slow

PLANS = {preset.key: preset.plan for preset in PRESETS}
SEEDS = range(1, 6)
LAST = 50  # updates over which the gradient's median is taken


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(run, seed, updates=None):
    """A trainer after the preset's updates (or fewer), and the median gradient at G over the last of them."""
    trainer = Trainer(dataclasses.replace(run, seed=seed), sets.ring())
    norms = []
    for _ in range(updates or run.updates):
        trainer.update()
        norms.append(trainer.last.gradient_g)
    return trainer, statistics.median(norms[-LAST:])


def modes(trainer):
    points = trainer.generate(latents(metrics.SAMPLES_POINTS, trainer.data.shape.latent, 12345)).numpy()
    return metrics.modes(points, trainer.data.centres, trainer.data.spread).covered


@pytest.mark.parametrize("seed", SEEDS)
def test_the_collapse_ends_with_two_modes_at_most_and_its_cure_with_all_eight(seed):
    failure, cure = (modes(trained(run, seed)[0]) for run in PLANS["collapse"].runs)
    print(seed, failure, cure, flush=True)
    assert failure <= 2
    assert cure == 8


@pytest.mark.parametrize("seed", SEEDS)
def test_the_vanishing_gradient_is_a_hundredth_of_its_cures(seed):
    failure, other_loss = PLANS["vanishing"].runs
    runs = {"failure": failure, "loss": other_loss, "noise": PLANS["vanishing-noise"].runs[1],
            "slower": PLANS["vanishing-slow"].runs[1]}
    norms = {name: trained(run, seed, 300)[1] for name, run in runs.items()}
    print(seed, norms, flush=True)
    assert all(norms["failure"] * 100 < norms[cure] for cure in ("loss", "noise", "slower"))


def test_the_healthy_run_covers_every_mode():
    trainer, _ = trained(PLANS["healthy"].runs[0], 1)
    assert modes(trainer) == 8
