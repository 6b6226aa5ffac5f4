"""Intervals, tests and agreement against published values and scipy."""

import math

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from playground.evaluation import statistics
from playground.evaluation.results import best_threshold

COUNTS = st.integers(0, 60)


@pytest.mark.parametrize(("successes", "trials", "low", "high"), [
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)])
def test_wilson_gives_the_published_intervals(successes, trials, low, high):
    """Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3."""
    assert statistics.wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS, COUNTS)
def test_wilson_is_scipys(successes, failures):
    trials = successes + failures
    if trials == 0:
        assert statistics.wilson(0, 0) == (0.0, 1.0)
        return
    reference = scipy.stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert statistics.wilson(successes, trials) == pytest.approx((reference.low, reference.high), abs=1e-12)


@given(COUNTS, COUNTS)
def test_the_sign_test_is_scipys(wins, losses):
    expected = scipy.stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert statistics.sign_test(wins, losses) == pytest.approx(expected)


@given(st.integers(1, 80), st.floats(0.5, 1.0))
def test_the_power_is_that_of_the_binomial(count, share):
    least = statistics.critical(count)
    expected = scipy.stats.binom.sf(least - 1, count, share)
    assert statistics.power(count, share) == pytest.approx(expected, abs=1e-9)
    assert least > count or 2 * scipy.stats.binom.sf(least - 1, count, 0.5) < 0.05
    assert least == 0 or 2 * scipy.stats.binom.sf(least - 2, count, 0.5) >= 0.05


@pytest.mark.parametrize(("table", "value"), [
    ([[20, 5], [10, 15]], 0.40), ([[45, 15], [25, 15]], 0.1304), ([[25, 35], [5, 35]], 0.2593),
    ([[5, 0], [0, 5]], 1.0)])
def test_kappa_gives_the_textbook_values(table, value):
    """The worked examples that go with Cohen 1960: 50 grants and two tables of 100 with equal agreement."""
    assert statistics.kappa(table) == pytest.approx(value, abs=5e-5)


def test_kappa_is_undefined_where_nothing_varies():
    assert statistics.kappa([[7, 0], [0, 0]]) is None
    assert statistics.kappa([[0, 0], [0, 0]]) is None
    assert "undefined" in statistics.kappa_words(None)


@given(st.lists(st.lists(COUNTS, min_size=2, max_size=2), min_size=2, max_size=2))
def test_kappa_is_scikit_learns(table):
    from sklearn.metrics import cohen_kappa_score

    pairs = [(a, b) for a in (0, 1) for b in (0, 1) for _ in range(table[a][b])]
    value = statistics.kappa(table)
    if value is not None:
        assert value == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))


def test_repeats_that_always_agree_count_once_a_case():
    """Six cases, five equal repeats each: as sure as six trials, not thirty."""
    rate = statistics.rate([1, 1, 1, 0, 0, 0], repeats=5)
    assert rate.effective == pytest.approx(6, abs=0.01)
    assert (rate.low, rate.high) == pytest.approx(statistics.wilson(3, 6), abs=0.01)


def test_repeats_that_differ_like_coins_count_all():
    rate = statistics.rate([0.4, 0.6, 0.5, 0.5, 0.6, 0.4], repeats=5)
    assert rate.effective == 30
    assert rate.trials == 30


@given(st.lists(st.sampled_from([0, 0.25, 0.5, 0.75, 1]), min_size=1, max_size=30))
def test_an_interval_holds_its_rate_and_repeats_never_widen_it(shares):
    rate, once = statistics.rate(shares, 4), statistics.rate(shares, 1)
    assert 0 <= rate.low <= rate.share + 1e-12 and rate.share <= rate.high + 1e-12 <= 1 + 1e-9
    assert rate.high - rate.low <= once.high - once.low + 1e-12
    assert len(shares) <= rate.effective <= 4 * len(shares)


def test_five_wins_of_five_are_not_enough_and_six_are():
    assert not statistics.paired([1] * 5, [0] * 5).settled
    assert statistics.paired([1] * 6, [0] * 6).settled
    assert "Not enough cases to tell" in statistics.verdict(statistics.paired([1] * 5, [0] * 5), "A", "B")
    assert statistics.verdict(statistics.paired([0] * 6, [1] * 6), "A", "B").startswith("B is better")


def test_how_many_more_is_what_a_simulation_says():
    """A wins 8 of 12 differing cases of 20: with the number forecast, the test finds it in 80 % of the runs."""
    import numpy as np

    needed = statistics.cases_needed(8, 4, 20)
    draws = np.random.default_rng(0).multinomial(needed, [8 / 20, 4 / 20, 8 / 20], size=2000)
    found = [statistics.sign_test(int(wins), int(losses)) < 0.05 for wins, losses, _ in draws]
    assert 0.74 < np.mean(found) < 0.88


def test_without_a_difference_no_number_of_cases_is_named():
    even = statistics.paired([1, 0, 1], [0, 1, 1])
    assert even.needed is None
    assert "no difference to find" in statistics.verdict(even, "A", "B")
    assert math.isclose(even.p, 1.0)


def test_the_best_threshold_separates_the_thumbs():
    assert best_threshold([(0.2, False), (0.3, False), (0.6, True), (0.9, True)]) == (pytest.approx(0.45), 1.0)
    assert best_threshold([]) is None
