"""The exponents of costs that grow with size."""

import math
from collections.abc import Sequence

import numpy as np

from benchmarks.results import Growth


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of log cost over log size by least squares: 1 is linear, 0 is flat.

    NaN where fewer than two sizes differ; a cost of nothing, too small to be measured, is left out.
    """
    sizes, costs = np.array([p for p in points if min(p) > 0]).reshape(-1, 2).T
    if len(set(sizes)) < 2:
        return math.nan
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def last_exponent(growth: Growth) -> float:
    """From the last size but one to the last: what a fixed cost hides at small sizes shows here."""
    return exponent(growth.points[-2:])


def shown(slope: float) -> str:
    """An exponent to two digits; "–" where there is none."""
    return "–" if math.isnan(slope) else f"{slope:.2f}".replace("-0.00", "0.00")


def number(value: float) -> str:
    """A size or a cost in three digits: 1,000,000 and 0.0123."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
