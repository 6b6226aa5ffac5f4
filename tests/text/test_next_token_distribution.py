"""Temperature, top-k, top-p, entropy and draws, against torch, scipy, transformers' own processors and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from playground.errors import BadInput
from playground.text.next_token import distribution, sampling
from playground.text.next_token.distribution import Controls

relaxed = settings(deadline=None)  # the first example imports torch
# a quarter apart at least: libraries differ on which of two equal tokens a cut keeps
LOGITS = st.lists(st.integers(-120, 120), min_size=2, max_size=60, unique=True).map(
    lambda quarters: np.array(quarters, dtype=np.float32) / 4)
TEMPERATURES = st.sampled_from([0.2, 0.7, 1.0, 1.8, 4.0])


def by_transformers(logits: np.ndarray, controls: Controls) -> np.ndarray:
    """The distribution that generate(do_sample=True) draws from."""
    import torch
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    scores = torch.from_numpy(logits.astype(np.float64))[None]
    scores = TemperatureLogitsWarper(controls.temperature)(None, scores)
    if controls.top_k:
        scores = TopKLogitsWarper(controls.top_k)(None, scores)
    if controls.top_p < 1:
        scores = TopPLogitsWarper(controls.top_p)(None, scores)
    return scores.softmax(-1)[0].numpy()


@relaxed
@given(LOGITS, TEMPERATURES, st.integers(0, 70), st.sampled_from([0.05, 0.31, 0.5, 0.9, 0.99, 1.0]))
def test_it_is_the_distribution_that_transformers_draws_from(logits, temperature, top_k, top_p):
    controls = Controls(temperature, top_k, top_p)
    assert distribution.shaped(logits, controls) == pytest.approx(by_transformers(logits, controls), abs=1e-9)


@relaxed
@given(LOGITS)
def test_softmax_is_torchs(logits):
    import torch

    assert distribution.softmax(logits) == pytest.approx(
        torch.from_numpy(logits).double().softmax(-1).numpy(), abs=1e-12)


@relaxed
@given(LOGITS, st.integers(0, 10), st.floats(0, 1))
def test_temperature_0_is_argmax_whatever_is_cut(logits, top_k, top_p):
    probabilities = distribution.shaped(logits, Controls(0.0, top_k, top_p))
    assert probabilities.sum() == 1.0
    assert probabilities[np.argmax(logits)] == 1.0


def test_a_whole_vocabulary_of_equal_tokens():
    """262,144 equally likely tokens: 18 bits, and every cut still leaves a distribution."""
    flat = np.zeros(2**18, dtype=np.float32)
    shape = distribution.shape(distribution.shaped(flat, Controls()))
    assert (shape.entropy, shape.effective, shape.kept) == (pytest.approx(18.0), pytest.approx(2**18), 2**18)
    half = distribution.shaped(flat, Controls(top_p=0.5))
    assert distribution.shape(half).kept == 2**17
    assert distribution.shaped(flat, Controls(top_p=0.0)).max() == 1.0


def test_extreme_logits_do_not_overflow():
    logits = np.array([-1e30, 1e4, 1e4 + 1, -np.inf], dtype=np.float32)
    assert distribution.softmax(logits, 0.01).tolist() == pytest.approx([0, 0, 1, 0], abs=1e-12)
    assert distribution.shape(distribution.softmax(logits, 0.01)).entropy == pytest.approx(0, abs=1e-12)


@relaxed
@given(LOGITS)
def test_entropy_is_scipys(logits):
    from scipy.stats import entropy

    probabilities = distribution.softmax(logits)
    assert distribution.shape(probabilities).entropy == pytest.approx(entropy(probabilities, base=2), abs=1e-9)


@relaxed
@given(arrays.arrays(np.float64, st.integers(1, 40), elements=st.sampled_from([0.0, 0.1, 0.2, 0.3])),
       st.integers(1, 50))
def test_most_likely_sorts_like_a_stable_sort(values, count):
    expected = sorted(range(len(values)), key=lambda each: (-values[each], each))[:count]
    assert distribution.most_likely(values, count).tolist() == expected


def test_surprise_by_hand():
    logits = np.log(np.array([0.5, 0.25, 0.25], dtype=np.float32))
    assert [distribution.surprise(logits, token) for token in range(3)] == pytest.approx([1, 2, 2])


@pytest.mark.parametrize(("values", "words"), [
    ((float("inf"), 0, 1.0), "temperature"), ((11, 0, 1.0), "temperature"), (("1", 0, 1.0), "temperature"),
    ((1.0, -1, 1.0), "Top-k"), ((1.0, True, 1.0), "Top-k"), ((1.0, 0, -0.1), "Top-p"), ((1.0, 0, None), "Top-p")])
def test_controls_out_of_range_are_named(values, words):
    with pytest.raises(BadInput, match=words):
        Controls.checked(*values)


# ---- draws

PROBABILITIES = np.array([0.125, 0.5, 0.0, 0.375])


@pytest.mark.parametrize(("u", "token", "low", "high"), [
    (0.0, 1, 0.0, 0.5), (0.4999, 1, 0.0, 0.5), (0.5, 3, 0.5, 0.875), (0.875, 0, 0.875, 1.0),
    (1 - 2**-53, 0, 0.875, 1.0)])
def test_a_number_falls_into_the_slice_of_its_token(u, token, low, high):
    drawn = sampling.Line(PROBABILITIES).at(u)
    assert drawn.token == token
    assert (drawn.low, drawn.high) == (pytest.approx(low), pytest.approx(high))


@relaxed
@given(LOGITS, st.floats(0, 1, exclude_max=True))
def test_a_drawn_token_is_possible_and_its_slice_holds_the_number(logits, u):
    probabilities = distribution.shaped(logits, Controls(top_k=5))
    drawn = sampling.Line(probabilities).at(u)
    assert probabilities[drawn.token] > 0
    assert drawn.low - 1e-9 <= u <= drawn.high + 1e-9
    assert drawn.high - drawn.low == pytest.approx(probabilities[drawn.token], abs=1e-9)


def test_frequencies_follow_the_probabilities():
    """Chi-squared of 10,000 draws: above the critical value once in a thousand seeds, and this seed is fixed."""
    from scipy.stats import chisquare

    counts = sampling.frequencies(PROBABILITIES, seed=1, number=0, count=10_000)
    assert counts[2] == 0
    assert chisquare([counts[1], counts[3], counts[0]], [5000, 3750, 1250]).pvalue > 0.001


def test_a_seed_repeats_its_draws_one_by_one():
    many = sampling.frequencies(PROBABILITIES, seed=5, number=10, count=50)
    assert sum(many.values()) == 50
    one_by_one = [sampling.draw(PROBABILITIES, 5, number).token for number in range(10, 60)]
    assert {token: one_by_one.count(token) for token in many} == dict(many)
    assert sampling.random_number(5, 0) == sampling.random_number(5, 0) != sampling.random_number(6, 0)
