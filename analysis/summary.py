"""The summary of an Evaluation: counts, rates with intervals, and where they come from."""

from collections.abc import Sequence

import numpy as np

from analysis.counting import Kinds
from analysis.scoring import (
    CONFIDENCE_LEVEL,
    Interval,
    Rate,
    Score,
    Totals,
    bootstrap,
    interval_of_kinds,
    ratio,
)
from analysis.store import View

RATES: tuple[Rate, ...] = ("wer", "cer", "ser")
RESAMPLES = 1000
SEED = 0
SUMMED = ("hits", "substitutions", "deletions", "insertions", "char_errors", "n_char")
INTERVAL = {"level": CONFIDENCE_LEVEL, "over": "utterances", "resamples": RESAMPLES, "seed": SEED}

RATE_COLUMNS = {  # of an utterance: errors, and what they are divided by
    "wer": ("errors", "n_reference"),
    "cer": ("char_errors", "n_char"),
    "ser": ("(errors > 0)::BIGINT", "1"),
}


def counts(totals: Totals) -> dict[str, int]:
    """Sums as a summary has them."""
    return {
        "utterances": totals.n_utterances,
        "wrong_utterances": totals.n_wrong,
        "words": totals.n_reference,
        "hits": totals.hits,
        "substitutions": totals.substitutions,
        "deletions": totals.deletions,
        "insertions": totals.insertions,
        "characters": totals.n_char,
        "character_errors": totals.char_errors,
    }


def rates(scores: Sequence[Score], totals: Totals) -> dict[str, dict[str, float]]:
    """Rates of a set of utterances, with their intervals."""
    return {
        rate: _rate(getattr(totals, rate), bootstrap(scores, rate=rate, n=RESAMPLES, seed=SEED))
        for rate in RATES
    }


def rate(errors: np.ndarray, sizes: np.ndarray) -> dict[str, float]:
    """One rate from counts, with its interval.

    Args:
        errors: (U,) int64 of each utterance.
        sizes: (U,) int64 words, characters or 1 of each utterance.
    """
    kinds = Kinds()
    kinds.add(errors, sizes)
    return rate_of(kinds)


def rate_of(kinds: Kinds) -> dict[str, float]:
    """One rate, with its interval: that of `rates` to the last bit."""
    table, times = kinds.table()
    errors, size = times @ table
    interval = interval_of_kinds(table, times, n=RESAMPLES, seed=SEED)
    return _rate(ratio(int(errors), int(size)), interval)


def raw_of_view(view: View) -> dict[str, float] | None:
    """WER of the raw texts of the utterances that a filter lets through.

    None where an older program wrote the evaluation, which did not keep them.
    """
    kinds = view.ask(
        "SELECT raw_errors, raw_n_reference, count(*) AS times FROM matched"
        " WHERE raw_errors IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )
    if not kinds:
        return None
    table = np.array([list(row.values()) for row in kinds])  # (K, 3)
    errors, size = table[:, :2].T @ table[:, 2]
    interval = interval_of_kinds(table[:, :2], table[:, 2], n=RESAMPLES, seed=SEED)
    return _rate(ratio(int(errors), int(size)), interval)


def of_view(view: View) -> tuple[dict[str, int], dict[str, dict[str, float]]]:
    """Counts and rates of the utterances that a filter lets through.

    With all utterances let through they are those of the evaluation's summary, to the last bit.
    """
    totals = totals_of(view)
    found: dict[str, dict[str, float]] = {}
    for rate in RATES:
        errors, size = RATE_COLUMNS[rate]
        kinds = view.ask(
            f"SELECT {errors} AS errors, {size} AS size, count(*) AS times FROM matched"
            " GROUP BY ALL ORDER BY ALL"
        )
        table = np.array([[row["errors"], row["size"], row["times"]] for row in kinds])
        table = table.reshape(-1, 3)
        interval = interval_of_kinds(table[:, :2], table[:, 2], n=RESAMPLES, seed=SEED)
        found[rate] = _rate(getattr(totals, rate), interval)
    return counts(totals), found


def is_synthetic(view: View) -> bool:
    """Whether the manifest says that all voices come from synthesisers."""
    if "corpus" not in view.store.columns:
        return False
    [row] = view.ask("SELECT bool_and(corpus = 'synthetic') AS all_of FROM matched")
    return bool(row["all_of"])


def totals_of(view: View) -> Totals:
    """The sums over the utterances that a filter lets through."""
    [row] = view.ask(
        "SELECT count(*) AS n_utterances, count(*) FILTER (errors > 0) AS n_wrong, "
        + ", ".join(f"coalesce(sum({c}), 0)::BIGINT AS {c}" for c in SUMMED)
        + " FROM matched"
    )
    return Totals(**row)


def _rate(value: float, interval: Interval) -> dict[str, float]:
    return {"value": value, "low": interval.low, "high": interval.high}
