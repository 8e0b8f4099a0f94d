"""Whether one system is better than another, or luck: tests on the same utterances.

`bootstrap_difference` says how large the difference is, and how sure that is (Bisani and Ney
2004); `matched_pairs` and `mcnemar` are the tests of NIST's `sc_stats` (Gillick and Cox 1989);
`holm` corrects p-values for making several tests. All take kinds and how often each occurs, so
that a million utterances cost no more than a thousand.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.scoring import Interval, percentiles, ratio, resampled_rates

RESAMPLES = 1000
SEED = 0
LEAST_SEGMENTS = 50  # below, a mean of differences is not yet normal (Gillick and Cox 1989)
CHANCE = 0.05  # a p-value from here on is called chance


@dataclass(frozen=True)
class Difference:
    """The rate of B minus that of A on the same utterances; below 0 where B is better."""

    a: float
    b: float
    value: float  # b - a
    interval: Interval  # of that
    improvement: float  # the share of resamples in which B is better, ties counted half


@dataclass(frozen=True)
class MatchedPairs:
    """The matched-pairs test on segments, MAPSSWE."""

    n: int  # segments: stretches in which either system errs
    mean: float  # errors of B minus errors of A, a segment
    deviation: float  # of that, between segments
    z: float | None  # mean / (deviation / sqrt(n)); None where all differ alike
    p: float  # two-sided
    exact: bool  # p is of the exact test, because there are few segments


@dataclass(frozen=True)
class McNemar:
    """McNemar's test on whole utterances, right or wrong."""

    only_a: int  # utterances that A alone got right
    only_b: int
    p: float  # exact, two-sided


def bootstrap_difference(
    kinds: np.ndarray, times: np.ndarray, *, n: int = RESAMPLES, seed: int = SEED
) -> Difference:
    """Paired bootstrap of a difference of rates (Bisani and Ney 2004).

    Both systems get the same resampled utterances, so what is hard for both cancels out.

    Args:
        kinds: (K, 3) errors of A, errors of B and size, of each kind of utterance.
        times: (K,) utterances of each kind; at least one.
        n: resamples.
        seed: of the random draws.
    """
    errors_a, errors_b, size = (int(n) for n in times @ kinds)
    # Rates of the same utterances have the same denominator: their difference is a rate, too.
    changes = np.column_stack([kinds[:, 1] - kinds[:, 0], kinds[:, 2]])
    units, which = np.unique(changes, axis=0, return_inverse=True)
    rates = resampled_rates(units, np.bincount(which.ravel(), weights=times), n=n, seed=seed)
    improvement = np.mean(rates < 0) + np.mean(rates == 0) / 2
    a, b = ratio(errors_a, size), ratio(errors_b, size)
    return Difference(a, b, b - a, percentiles(rates), float(improvement))


def matched_pairs(differences: np.ndarray, times: np.ndarray) -> MatchedPairs:
    """The matched-pairs test on segments, MAPSSWE (Gillick and Cox 1989), as in `sc_stats`.

    A segment is a stretch in which either system errs, up to where both have two words right, so
    that segments do not depend on each other. The mean difference of errors is then normal with
    many segments. With fewer than LEAST_SEGMENTS the p-value is that of the exact test: the share
    of all ways to swap A and B within segments that differ at least as much (Fisher's
    randomisation test).

    Args:
        differences: (K,) errors of B minus errors of A, of each kind of segment.
        times: (K,) segments of each kind.
    """
    n = int(times.sum())
    if n == 0:
        return MatchedPairs(0, 0.0, 0.0, None, 1.0, exact=True)
    mean = float(times @ differences) / n
    squares = float(times @ (differences - mean) ** 2)
    deviation = math.sqrt(squares / (n - 1)) if n > 1 else 0.0
    z = mean / (deviation / math.sqrt(n)) if deviation > 0 else None
    exact = n < LEAST_SEGMENTS
    if exact:
        p = _randomisation(differences, times)
    elif z is None:  # all alike: as if a coin fell n times on one side
        p = 2.0 * 0.5**n if mean else 1.0
    else:
        p = math.erfc(abs(z) / math.sqrt(2))
    return MatchedPairs(n, mean, deviation, z, p, exact)


def mcnemar(only_a: int, only_b: int) -> McNemar:
    """McNemar's exact test: would a fair coin share utterances out as unevenly?

    Args:
        only_a: utterances that A alone got right.
        only_b: utterances that B alone got right.
    """
    from scipy.special import bdtr

    n = only_a + only_b
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), n, 0.5))) if n else 1.0
    return McNemar(only_a, only_b, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979), in the order given.

    The chance that any of several equal systems is called different stays what one test's is.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected = [0.0] * len(p_values)
    least = 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = least
    return corrected


def _randomisation(differences: np.ndarray, times: np.ndarray) -> float:
    """Of all ways to give segments' differences a sign, the share that sums to as much.

    Of m segments that differ by d, k keep their sign with a binomial probability and add
    d * (2 k - m): the sum's distribution is the convolution of these.
    """
    sums = np.ones(1)  # probabilities of the sums -reach, ..., reach
    sizes = np.abs(differences)
    for size in np.unique(sizes[sizes > 0]):
        m = int(times[sizes == size].sum())
        steps = np.zeros(2 * m * size + 1)
        steps[:: 2 * size] = _coin(m)
        sums = np.convolve(sums, steps)
    reach = len(sums) // 2
    observed = abs(int(times @ differences))
    far = np.abs(np.arange(-reach, reach + 1)) >= observed
    return min(1.0, float(sums[far].sum()))


def _coin(n: int) -> np.ndarray:
    """(n + 1,) probabilities of 0 to n heads in n throws."""
    return np.array([math.comb(n, heads) / 2**n for heads in range(n + 1)])
