"""The fixed feature space the pocket model is measured in."""

import numpy as np
import pytest
from scipy import linalg

from playground.diffusion.pocket import evaluate
from playground.diffusion.pocket.autoencoder import psnr
from playground.diffusion.pocket.features import Axes, colours, features, frechet, mean_distance, nearest, outlines

RNG = np.random.default_rng(0)


def test_frechet_distance_equals_the_formula_with_scipy_s_matrix_root():
    a = RNG.normal(size=(200, 5)) @ RNG.normal(size=(5, 5))
    b = RNG.normal(1, 2, size=(150, 5))
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(cov_a @ cov_b).real
    wanted = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert frechet(a, b) == pytest.approx(wanted, rel=1e-6)


def test_frechet_distance_of_a_set_to_itself_is_0_and_of_a_shift_its_square():
    a = RNG.normal(size=(300, 4))
    assert frechet(a, a) == pytest.approx(0, abs=1e-8)
    assert frechet(a, a + np.array([3, 0, 0, 4])) == pytest.approx(25)


def test_outlines_tell_upright_from_flat_stripes_and_ignore_plain_pictures():
    upright = np.zeros((1, 64, 64, 3), np.uint8)
    upright[:, :, ::4] = 255
    flat = upright.transpose(0, 2, 1, 3)
    ours, theirs = outlines(upright)[0].reshape(9, 64), outlines(flat)[0].reshape(9, 64)
    assert ours.sum(axis=1).argmax() == 0 and theirs.sum(axis=1).argmax() == 4
    assert outlines(np.full((1, 64, 64, 3), 90, np.uint8)).max() == 0


def test_colours_are_the_means_of_the_cells():
    picture = np.zeros((1, 64, 64, 3), np.uint8)
    picture[:, :8, :8, 0] = 255
    found = colours(picture)[0].reshape(3, 8, 8)
    assert found[0, 0, 0] == 1 and found.sum() == 1
    assert features(picture).shape == (1, 768)


def test_axes_give_the_reference_unit_variance_and_mean_0():
    reference = RNG.normal(size=(400, 20)) * np.arange(1, 21)
    points = Axes(reference, 6)(reference)
    assert points.mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-9)
    assert np.cov(points.T) == pytest.approx(np.eye(6), abs=1e-9)


def test_nearest_names_the_closest_reference():
    references = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    assert nearest(np.array([[1.0, 1.0], [8.0, 3.0]]), references, ["a", "b", "c"]) == ["a", "b"]


def test_mean_distance_leaves_out_a_point_s_distance_to_itself():
    assert mean_distance(np.array([[0.0], [2.0]])) == pytest.approx(2)


def test_psnr_of_a_known_error():
    assert psnr(4.0) == pytest.approx(0) and psnr(0.004) == pytest.approx(30)


def test_the_table_names_every_measure():
    numbers = {
        "autoencoder_psnr_db": {"faces": 31.0}, "frechet": {"gan": 0.5, "spread, pocket model / gan": 0.9},
        "retrieval": 0.75, "retrieval_without_guidance": 0.5, "seconds_a_picture_20_steps": 1.234}
    table = evaluate.table(numbers)
    for words in ("held-out faces | 31.0 dB", "GAN faces: gan | 0.50", "guidance 2 | 75%", "1.23 s"):
        assert words in table
