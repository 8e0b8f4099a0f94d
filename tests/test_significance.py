"""Tests of differences: against NIST's sc_stats, brute force, textbooks, and by calibration."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scoring import Interval
from analysis.significance import (
    LEAST_SEGMENTS,
    bootstrap_difference,
    holm,
    matched_pairs,
    mcnemar,
)


def kinds(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.unique(np.column_stack(columns), axis=0, return_counts=True)


def test_bootstrap_draws_as_resampling_utterances_does(rng: np.random.Generator) -> None:
    sizes = rng.integers(1, 9, size=80)
    a, b = rng.binomial(sizes, 0.3), rng.binomial(sizes, 0.22)
    drawn = rng.integers(80, size=(20_000, 80))  # the textbook's way
    rates = (b - a)[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    found = bootstrap_difference(*kinds(a, b, sizes), n=20_000)
    assert (found.a, found.b) == (a.sum() / sizes.sum(), b.sum() / sizes.sum())
    assert found.value == found.b - found.a
    low, high = np.quantile(rates, [0.025, 0.975])
    # atol: the sampling error of a 2.5 % quantile of 20,000 draws is about 0.0008 here
    np.testing.assert_allclose([found.interval.low, found.interval.high], [low, high], atol=0.004)
    assert found.improvement == pytest.approx(np.mean(rates < 0), abs=0.02)


def test_equal_systems_improve_in_half_of_all_resamples() -> None:
    found = bootstrap_difference(np.array([[1, 1, 4], [3, 3, 5]]), np.array([10, 2]))
    assert (found.value, found.interval, found.improvement) == (0, Interval(0, 0), 0.5)


def test_without_words_a_rate_is_a_number_of_errors() -> None:
    found = bootstrap_difference(np.array([[2, 1, 0]]), np.array([3]))
    assert (found.a, found.b, found.value) == (6, 3, -3)


def test_matched_pairs_by_hand() -> None:
    differences, times = np.array([-1, 0, 1]), np.array([30, 50, 20])
    found = matched_pairs(differences, times)
    assert (found.n, found.mean, found.exact) == (100, -0.1, False)
    assert found.deviation == pytest.approx(math.sqrt((50 - 1) / 99))
    assert found.z == pytest.approx(-0.1 / math.sqrt(49 / 99 / 100))
    assert found.p == pytest.approx(0.1552, abs=1e-4)  # of z = -1.4214, from a table


@given(st.lists(st.integers(-3, 3), max_size=9))
def test_few_segments_get_the_exact_p(values: list[int]) -> None:
    differences = np.array(values, dtype=np.int64)
    found = matched_pairs(*np.unique(differences, return_counts=True))
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, values, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(values))
    ]
    assert found.exact
    assert found.p == pytest.approx(np.mean([each >= abs(sum(values)) for each in sums]))


def test_the_exact_p_goes_over_into_the_normal_one(rng: np.random.Generator) -> None:
    differences = rng.integers(-2, 4, size=LEAST_SEGMENTS)
    many = matched_pairs(*np.unique(differences, return_counts=True))
    few = matched_pairs(*np.unique(differences[:-1], return_counts=True))
    assert (many.exact, few.exact) == (False, True)
    assert many.p == pytest.approx(few.p, abs=0.03)


@pytest.mark.parametrize(
    ("difference", "n", "p"), [(0, 3, 1), (0, 100, 1), (1, 4, 0.125), (-2, 60, 2 / 2**60)]
)
def test_all_segments_alike(difference: int, n: int, p: float) -> None:
    assert matched_pairs(np.array([difference]), np.array([n])).p == p


def test_nothing_to_test() -> None:
    assert matched_pairs(np.array([], dtype=int), np.array([], dtype=int)).p == 1
    assert mcnemar(0, 0).p == 1


def test_mcnemar_is_a_fair_coin() -> None:
    tails = sum(math.comb(13, k) for k in range(2)) / 2**13
    assert mcnemar(12, 1).p == mcnemar(1, 12).p == pytest.approx(2 * tails)
    assert mcnemar(5, 5).p == 1
    assert mcnemar(4000, 4000).p == 1


def test_holm() -> None:
    # Example of the definition: sorted p-values times 4, 3, 2, 1, never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def test_equal_systems_are_called_different_in_one_case_of_twenty(
    rng: np.random.Generator,
) -> None:
    n_sets, n_segments = 1000, 120
    called = outside = 0
    for seed in range(n_sets):
        sizes = rng.integers(1, 9, size=n_segments)
        a, b = rng.binomial(sizes, 0.3), rng.binomial(sizes, 0.3)
        wrong = (a > 0) | (b > 0)
        called += matched_pairs(*np.unique((b - a)[wrong], return_counts=True)).p < 0.05
        if seed < 300:
            interval = bootstrap_difference(*kinds(a, b, sizes), n=400, seed=seed).interval
            outside += not interval.low <= 0 <= interval.high
    # 5 % of 1000 with a deviation of 7; of 300 with 4, and the percentile bootstrap runs a bit high
    assert 30 <= called <= 72
    assert 5 <= outside <= 28
