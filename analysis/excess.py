"""Whether utterances have more errors than the rest would make expect, among many that are asked.

The errors of one utterance go together, so the utterance is the unit. The statistic is a score: the
errors of a part minus what the rate of the whole gives its words. Its variance and skewness are
those of the utterances' own residuals, for each length of utterance, so that long utterances are
not taken for bad ones; where the part varies more than utterances of its lengths do, its own
variance counts (a generalised score test: Boos 1992). Small parts have skewed sums: the tail is
that of Pearson's type III with the same skewness, as for permutation tests (Mielke and Berry 2007).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FEW_CELLS = 100_000  # counts of each kind in each part that are always afforded
LENGTH_CLASSES = 10  # of utterances, for variance and skewness
UTTERANCES, ERRORS, WORDS = 0, 1, 2  # rows of sums
(_EE, _EW, _WW, _VARIANCE, _THIRD) = range(3, 8)


@dataclass(frozen=True, eq=False)
class Terms:
    """What is summed over utterances. Those with as many errors in as many words are alike."""

    kinds: npt.NDArray[np.int64]  # (U,) of which kind each utterance is
    of_kinds: Array  # (8, K)

    @property
    def whole(self) -> Array:
        """(8,) the sums over all utterances."""
        return self.of_kinds @ np.bincount(self.kinds, minlength=self.of_kinds.shape[1])

    def sums_by(self, codes: npt.NDArray[Any], n: int) -> Array:
        """Sums over the utterances of each code, below n: (U,) -> (8, n)."""
        n_kinds = self.of_kinds.shape[1]
        if n * n_kinds > max(len(codes), FEW_CELLS):  # long utterances, of nearly as many kinds
            columns = self.of_kinds[:, self.kinds]
            return np.stack([np.bincount(codes, row, minlength=n) for row in columns])
        cells = np.bincount(codes * n_kinds + self.kinds, minlength=n * n_kinds)
        return self.of_kinds @ cells.reshape(n, n_kinds).T


def terms(errors: npt.NDArray[np.int64], words: npt.NDArray[np.int64]) -> Terms:
    """The terms of utterances: (U,) and (U,)."""
    width = int(words.max(initial=0)) + 1
    codes, kinds, times = np.unique(errors * width + words, return_inverse=True, return_counts=True)
    e, w = (codes // width).astype(float), (codes % width).astype(float)
    residual = e - w * (times @ e) / max(times @ w, 1)
    size = np.maximum(w, 1)
    steps = np.linspace(0, 1, LENGTH_CLASSES + 1)[1:-1]
    edges = np.unique(np.quantile(words, steps)) if len(words) else w
    length = np.searchsorted(edges, w)
    per_class = np.maximum(np.bincount(length, size * times), 1)
    second, third = (np.bincount(length, residual**n * times) / per_class for n in (2, 3))
    variance, skewness = (moment[length] * size for moment in (second, third))
    return Terms(kinds, np.stack([np.ones_like(e), e, w, e * e, e * w, w * w, variance, skewness]))


def p_of_excess(part: Array, whole: Array) -> Array:
    """How likely so many errors in a part are if the rest of its whole has the same rate.

    Args:
        part: (8, M) sums of `terms`.
        whole: (8, M) or (8, 1), of utterances that hold the part's.

    Returns:
        (M,) one-sided p values; 1 where the part or the rest has nothing to compare.
    """
    rest = whole - part
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = whole[ERRORS] / whole[WORDS]
        share = part[WORDS] / whole[WORDS]
        scale = _residuals(whole, rate) / whole[_VARIANCE]
        score = part[ERRORS] - rate * part[WORDS]
        variance = (1 - share) ** 2 * _variance(part, scale) + share**2 * _variance(rest, scale)
        third = (1 - share) ** 3 * part[_THIRD] - share**3 * rest[_THIRD]
        skewness = third * scale**1.5 / variance**1.5
        p = _tail(score / np.sqrt(variance), skewness)
    comparable = (part[WORDS] > 0) & (rest[WORDS] > 0) & (part[UTTERANCES] > 1)
    return np.where(comparable & np.isfinite(p), p, 1.0)


def false_discovery_rates(p: Array, family: npt.NDArray[Any]) -> Array:
    """The q values of p values, by Benjamini and Hochberg (1995).

    Families weigh the same, however many tests they have (Genovese, Roeder and Wasserman 2006): a
    few tests of single parts do not drown among thousands of pairs.

    Args:
        p: (M,).
        family: (M,) of each test, from 0.

    Returns:
        (M,).
    """
    if not len(p):
        return p
    sizes = np.bincount(family)
    weighted = p * sizes[family] * np.count_nonzero(sizes) / len(p)
    order = np.argsort(weighted)[::-1]  # the largest first
    ranks = np.arange(len(p), 0, -1)
    q = np.empty_like(p)
    q[order] = np.minimum(np.minimum.accumulate(weighted[order] * len(p) / ranks), 1.0)
    return q


def _residuals(sums: Array, rate: Array) -> Array:
    """Sum of (errors - rate x words) squared."""
    return sums[_EE] - 2 * rate * sums[_EW] + rate**2 * sums[_WW]


def _variance(sums: Array, scale: Array) -> Array:
    """Of the utterances' summed residuals: as their lengths say, or their own, the larger."""
    n = sums[UTTERANCES]
    own = _residuals(sums, sums[ERRORS] / sums[WORDS]) * n / (n - 1)
    return np.fmax(scale * sums[_VARIANCE], np.where(n > 1, own, 0))


def _tail(z: Array, skewness: Array) -> Array:
    """P(Z >= z) of Pearson's type III with mean 0 and variance 1."""
    from scipy.special import gammainc, gammaincc, ndtr

    shape = 4 / np.maximum(np.abs(skewness), 1e-6) ** 2
    reached = np.sqrt(shape) * z
    right = gammaincc(shape, np.maximum(shape + reached, 0))
    left = gammainc(shape, np.maximum(shape - reached, 0))
    return np.where(np.abs(skewness) < 1e-3, ndtr(-z), np.where(skewness > 0, right, left))
