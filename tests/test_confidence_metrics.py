"""What confidences are worth: worked out by hand, against scikit-learn and SciPy, and in limits."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.confidence_metrics import N_BINS, measure, wilson
from asr_core.confidence import CERTAIN

judged = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def unzipped(words: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [sure for sure, _ in words], [right for _, right in words]


def test_by_hand():
    found = measure([0.9, 0.8, 0.35, 0.6], [True, True, False, False])
    spent = -sum(math.log2(p) for p in (0.9, 0.8, 0.65, 0.4))
    assert found.nce == pytest.approx((4 - spent) / 4)  # a bit a word with one half right
    assert found.ece == pytest.approx((0.1 + 0.2 + 0.35 + 0.6) / 4)
    assert found.auc == 1.0
    assert (found.words, found.right) == (4, 2)
    assert [(b.low, b.high, b.words, b.right) for b in found.bins] == [
        (0.3, 0.4, 1, 0),
        (0.6, 0.7, 1, 0),
        (0.8, 0.9, 1, 1),
        (0.9, 1.0, 1, 1),
    ]


def test_the_share_of_right_words_says_nothing_more():
    right = [True] * 7 + [False] * 3
    found = measure([0.7] * 10, right)
    assert found.nce == pytest.approx(0, abs=1e-12)
    assert found.ece == pytest.approx(0, abs=1e-12)
    assert found.auc == 0.5


def test_knowing_is_one_and_the_opposite_is_far_below_zero():
    right = [True, True, False, True]
    assert measure([float(r) for r in right], right).nce == pytest.approx(1, abs=1e-5)
    worst = measure([1.0 - r for r in right], right)
    assert worst.auc == 0.0
    assert worst.ece == 1.0
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert worst.nce == pytest.approx(1 + math.log(CERTAIN) / entropy)


@pytest.mark.parametrize("right", [True, False])
def test_words_that_are_all_alike(right):
    found = measure([0.5, 1.0], [right, right])
    assert (found.nce, found.auc) == (None, None)
    assert found.ece == pytest.approx(0.25 if right else 0.75)


def test_no_words_and_no_pairs():
    assert measure([], []) is None
    with pytest.raises(ValueError, match="Got 1 confidences of 2 words"):
        measure([0.5], [True, False])


@given(judged)
def test_auc_is_the_share_of_pairs_won(words):
    sure, right = unzipped(words)
    of_right = [value for value, hit in words if hit]
    of_wrong = [value for value, hit in words if not hit]
    won = [(a > b) + (a == b) / 2 for a in of_right for b in of_wrong]
    found = measure(sure, right).auc
    assert found == (pytest.approx(np.mean(won)) if won else None)


@pytest.mark.parametrize("decimals", [1, 8])  # with many that are alike, and with none
def test_as_scikit_learn_measures(rng, decimals):
    from sklearn.metrics import log_loss, roc_auc_score

    sure = np.round(rng.random(500), decimals)
    right = rng.random(500) < sure
    found = measure(sure, right)
    assert found.auc == pytest.approx(roc_auc_score(right, sure))
    kept = np.clip(sure, CERTAIN, 1 - CERTAIN)
    most = log_loss(right, [right.mean()] * 500)
    assert found.nce == pytest.approx(1 - log_loss(right, kept) / most)


@given(judged)
def test_bins_hold_every_word_once(words):
    sure, right = unzipped(words)
    found = measure(sure, right)
    assert sum(each.words for each in found.bins) == len(words)
    assert sum(each.right for each in found.bins) == sum(right)
    assert 0 <= found.ece <= 1
    for each in found.bins:
        # A confidence on a border may lie a rounding error outside.
        assert each.low - 1e-9 <= each.mean <= each.high + 1e-9
        assert each.high - each.low == pytest.approx(1 / N_BINS)
        assert 0 <= each.share.low <= each.right / each.words <= each.share.high <= 1
    assert json.loads(json.dumps(found.to_dict()))["words"] == len(words)


@pytest.mark.parametrize(("right", "words"), [(0, 1), (1, 1), (3, 10), (50, 50), (981, 1000)])
def test_wilson_is_scipys(right, words):
    from scipy.stats import binomtest

    expected = binomtest(right, words).proportion_ci(method="wilson")
    found = wilson(right, words)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
