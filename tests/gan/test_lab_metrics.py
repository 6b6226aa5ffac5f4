"""The lab's figures against scipy, scikit-learn and cases worked by hand."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.metrics import roc_auc_score

from playground.gan.lab import data as sets
from playground.gan.lab import metrics
from playground.gan.lab.series import ROWS, Series

CENTRES = np.array([[0.0, 0.0], [1.0, 0.0]])


@pytest.fixture
def random():
    return np.random.default_rng(7)


def test_a_mode_needs_one_sample_in_a_hundred_within_three_spreads():
    points = np.full((2500, 2), 9.0)
    points[:25] = (0.29, 0.0)  # within 3 x 0.1 of the first centre
    points[25:49] = (1.0, 0.0)  # one too few
    points[49:200] = (0.31, 0.0)  # just too far
    found = metrics.modes(points, CENTRES, 0.1)
    assert (found.covered, found.total) == (1, 2)
    assert found.quality == pytest.approx(49 / 2500)
    assert found.largest == pytest.approx(25 / 2500)


def test_the_frechet_distance_is_that_of_the_published_formula(random):
    first, second = random.normal(size=(300, 6)), random.normal(size=(400, 6)) @ random.normal(size=(6, 6)) + 1
    one, two = np.cov(first.T), np.cov(second.T)
    expected = (np.square(first.mean(0) - second.mean(0)).sum()
                + np.trace(one + two - 2 * linalg.sqrtm(one @ two).real))
    assert metrics.frechet(first, second) == pytest.approx(expected, rel=1e-6)


def test_the_frechet_distance_of_shifted_samples_is_the_shift_squared(random):
    samples = random.normal(size=(500, 3))
    assert metrics.frechet(samples, samples + np.array([3.0, 4.0, 0.0])) == pytest.approx(25.0)
    assert metrics.frechet(samples, samples) == pytest.approx(0.0, abs=1e-9)


def test_the_mean_distance_on_a_hand_worked_case():
    assert metrics.mean_distance(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 8.0]])) == pytest.approx((5 + 8 + 5) / 3)


def test_separation_is_the_area_under_the_curve(random):
    real, fake = random.normal(0.5, 1, 60).round(1), random.normal(0, 1, 50).round(1)  # rounded, so that ties occur
    expected = roc_auc_score([1] * 60 + [0] * 50, np.concatenate([real, fake]))
    assert metrics.separation(real, fake) == pytest.approx(expected)


def test_real_data_measure_as_real():
    import torch

    yardstick = metrics.Yardstick(sets.ring())
    figures = yardstick.measure(sets.ring().sample(2500, torch.Generator().manual_seed(5)).numpy())
    assert (figures["modes"], figures["of"]) == (8, 8)
    assert figures["quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.01)  # within 3 spreads on a plane
    assert figures["diversity"] == pytest.approx(1.0, abs=0.03)
    assert figures["duplicates"] == pytest.approx(0.05, abs=0.02)
    assert figures["frechet"] < 0.01


def test_a_collapsed_generator_measures_as_collapsed(random):
    figures = metrics.Yardstick(sets.ring()).measure(random.normal((1, 0), 0.001, (2500, 2)).astype(np.float32))
    assert figures["modes"] == 1
    assert figures["largest"] == 1.0
    assert figures["duplicates"] > 0.95
    assert figures["diversity"] < 0.01


def test_a_training_that_diverged_is_called_broken():
    assert metrics.Yardstick(sets.Moons()).measure(np.full((2500, 2), np.nan, np.float32)) == {"broken": True}


def test_pictures_are_measured_on_their_principal_components():
    digits = sets.digits()
    yardstick = metrics.Yardstick(digits)
    same = yardstick.measure(digits.pictures[400:800])
    noise = yardstick.measure(np.random.default_rng(1).integers(0, 256, (400, 8, 8, 1)).astype(np.uint8))
    assert same["frechet"] < 0.2 * noise["frechet"]
    assert same["diversity"] == pytest.approx(1.0, abs=0.05)


def test_a_series_keeps_averages_of_all_updates():
    series = Series()
    for step in range(1, 5001):
        series.add(step, 2.0 * step, 1.0, 0.5, 0.5)
    rows = series.array()
    assert len(rows) <= ROWS + 1
    assert np.average(rows[:, 1]) == pytest.approx(np.mean(2.0 * np.arange(1, 5001)), rel=0.01)
    assert rows[:, 1] == pytest.approx(2 * rows[:, 0], rel=1e-5)
    assert (np.diff(rows[:, 0]) > 0).all()


def test_the_moment_at_which_d_ran_away():
    series = Series()
    for step in range(1, 101):
        series.add(step, 0, 0, 0, 0.8)
    assert series.runaway == 0
    for step in range(101, 1500):
        series.add(step, 0, 0, 0, 1.0)
    smooth, step = 0.5, 0  # the running average, written out
    while smooth < 0.995:
        step += 1
        smooth += ((0.8 if step <= 100 else 1.0) - smooth) / 100
    assert series.runaway == step


def test_a_series_goes_on_from_its_state():
    whole, half = Series(), Series()
    for step in range(1, 701):
        whole.add(step, step, 0, 0, 1.0)
    for step in range(1, 334):
        half.add(step, step, 0, 0, 1.0)
    other = Series()
    other.restore(half.state())
    for step in range(334, 701):
        other.add(step, step, 0, 0, 1.0)
    assert (other.array() == whole.array()).all()
    assert other.runaway == whole.runaway
