"""How good confidences are: do they tell right words from wrong ones, and are they what they say?

Every word that was heard is right or wrong by the one alignment of `analysis.scoring`; words that
were missed have no confidence and take no part.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analysis.scoring import CONFIDENCE_LEVEL, Interval
from asr_core.confidence import CERTAIN

N_BINS = 10  # of equal width, of the expected calibration error and the reliability diagram
Z = 1.959963984540054  # standard deviations to either side that hold CONFIDENCE_LEVEL of a normal
assert math.isclose(math.erf(Z / math.sqrt(2)), CONFIDENCE_LEVEL)


@dataclass(frozen=True)
class Bin:
    """The words whose confidence is in [low, high); the last bin holds 1 as well."""

    low: float
    high: float
    words: int
    right: int
    mean: float  # confidence
    share: Interval  # of right words: Wilson's interval


@dataclass(frozen=True)
class ConfidenceMetrics:
    """What the confidences of a set's words are worth.

    Attributes:
        words: that were heard.
        right: of them.
        nce: normalised cross entropy (NIST): 1 says of each word whether it is right, 0 as much as
            the share of right words alone, less than 0 misleads. None where all words are alike.
        ece: expected calibration error (Naeini et al. 2015): how far confidence and share of right
            words are apart in N_BINS bins, in the mean over words.
        auc: probability that a right word has more confidence than a wrong one (area under the
            ROC curve of error detection). None where all words are alike.
        bins: those with words, in order.
    """

    words: int
    right: int
    nce: float | None
    ece: float
    auc: float | None
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def measure(
    confidences: Sequence[float] | np.ndarray, right: Sequence[bool] | np.ndarray
) -> ConfidenceMetrics | None:
    """Measure the confidences of words; None where there are none.

    Args:
        confidences: (W,) in [0, 1].
        right: (W,) whether each word was said.
    """
    sure, hits = np.asarray(confidences, dtype=float), np.asarray(right, dtype=bool)
    if len(sure) != len(hits):
        raise ValueError(f"Got {len(sure)} confidences of {len(hits)} words. Expected pairs.")
    if len(sure) == 0:
        return None
    bins = _bins(sure, hits)
    return ConfidenceMetrics(
        words=len(hits),
        right=int(hits.sum()),
        nce=normalised_cross_entropy(sure, hits),
        ece=sum(abs(each.words * each.mean - each.right) for each in bins) / len(hits),
        auc=area_under_roc(sure, hits),
        bins=bins,
    )


def log_losses(sure: np.ndarray, right: np.ndarray) -> np.ndarray:
    """What each word costs, in nats: -log of the probability given to what it was, (W,) -> (W,).

    Confidences are kept CERTAIN away from 0 and 1: one word that is surely something and is not
    would else cost more than all others together.
    """
    kept = np.clip(sure, CERTAIN, 1 - CERTAIN)
    return -np.log(np.where(right, kept, 1 - kept))


def normalised_cross_entropy(sure: np.ndarray, right: np.ndarray) -> float | None:
    """NIST's NCE: (H_max - H) / H_max, H_max the cost with the share of right words for all.

    Source: Siu and Gish 1999, "Evaluation of word confidence for speech recognition systems".
    """
    if right.all() or not right.any():
        return None
    most = log_losses(np.full(len(right), right.mean()), right).sum()
    return float(1 - log_losses(sure, right).sum() / most)


def area_under_roc(sure: np.ndarray, right: np.ndarray) -> float | None:
    """Mann and Whitney's U over the number of pairs; a pair of equal confidences is half won."""
    n_right = int(right.sum())
    n_wrong = len(right) - n_right
    if n_right == 0 or n_wrong == 0:
        return None
    _, places, counts = np.unique(sure, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]  # from 1; those alike share theirs
    won = ranks[right].sum() - n_right * (n_right + 1) / 2
    return float(won / (n_right * n_wrong))


def wilson(right: int, words: int) -> Interval:
    """Where a share lies, with CONFIDENCE_LEVEL (Wilson 1927); words, one at least."""
    share = right / words
    centre = share + Z**2 / (2 * words)
    reach = Z * math.sqrt(share * (1 - share) / words + Z**2 / (4 * words**2))
    scale = 1 + Z**2 / words
    low, high = (centre - reach) / scale, (centre + reach) / scale
    return Interval(max(min(low, share), 0.0), min(max(high, share), 1.0))  # rounding


def _bins(sure: np.ndarray, right: np.ndarray) -> tuple[Bin, ...]:
    places = np.minimum((sure * N_BINS).astype(int), N_BINS - 1)
    bins = []
    for place in np.unique(places):
        inside = places == place
        n_words, n_right = int(inside.sum()), int(right[inside].sum())
        bins.append(
            Bin(
                low=int(place) / N_BINS,
                high=(int(place) + 1) / N_BINS,
                words=n_words,
                right=n_right,
                mean=float(sure[inside].mean()),
                share=wilson(n_right, n_words),
            )
        )
    return tuple(bins)
