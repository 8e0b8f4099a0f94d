"""Which few utterances tell most about the errors of many.

Every error region is a candidate. Causes share the places in proportion to the errors that they
explain, by Sainte-Laguë's method of highest averages (Webster's, in the United States), after each
frequent cause has got one. Within a cause come first the regions where reference and hypothesis are
furthest apart in the model's own view (nats a wrong word), then those whose words were surest, then
those with most errors. No utterance is taken twice, nor the same words misheard the same way. What
is chosen depends on the evaluation and the filter alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.store import View

FREQUENT = 0.01  # share of the errors from which a cause is told of in any case
LOOKED_AT = 200  # candidates of a cause, the most telling

Playable = Callable[[str], bool]  # whether a recording that an utterance names is there

CANDIDATES = """
    , regions AS (
        SELECT utterance_id, region, any_value(cause) AS cause, count(*) AS n_errors,
            any_value(cost) AS cost, min(confidence) AS confidence,
            any_value(region_snr_db) AS snr_db, any_value(region_clipped) AS clipped,
            any_value(edge_db) AS edge_db, min(start_s) AS start_s, max(end_s) AS end_s,
            coalesce(string_agg(reference, ' ' ORDER BY position), '') AS said,
            coalesce(string_agg(heard, ' ' ORDER BY position), '') AS heard
        FROM wrong GROUP BY utterance_id, region
    ), ranked AS (
        SELECT *, sum(n_errors) OVER (PARTITION BY cause) AS of_cause,
            row_number() OVER (
                PARTITION BY cause ORDER BY abs(cost) / n_errors DESC NULLS LAST,
                confidence DESC NULLS LAST, n_errors DESC, utterance_id, region
            ) AS rank
        FROM regions
    )
    SELECT ranked.* EXCLUDE (rank, of_cause), of_cause::BIGINT AS of_cause, audio_filepath
    FROM ranked JOIN matched USING (utterance_id)
"""


@dataclass(frozen=True)
class Telling:
    """An error region, and the utterance to show for it; None is what the evaluation does not know.

    Attributes:
        region: of the utterance; None where regions are not known: then all its errors are meant.
        cost: nats that the reference would have cost (see `error_regions.Cost`).
        confidence: of the least sure word heard.
        snr_db: the utterance's speech over the region's noise.
        clipped: share of the region's samples.
        edge_db: level of the cut edge it touches, under the speech.
        of_cause: errors of the same cause in all utterances.
        audio_filepath: as the evaluation names it.
    """

    utterance_id: str
    region: int | None
    cause: str | None
    n_errors: int
    cost: float | None
    confidence: float | None
    snr_db: float | None
    clipped: float | None
    edge_db: float | None
    start_s: float | None
    end_s: float | None
    said: str
    heard: str
    of_cause: int
    audio_filepath: str | None


def most_telling(view: View, playable: Playable, n: int = 10) -> list[Telling]:
    """Up to n utterances, those of the most frequent cause first.

    Where any candidate has a recording, only such are chosen.

    Args:
        view: the utterances.
        playable: whether a recording that an utterance names is there.
        n: how many at most.
    """
    found = [
        Telling(**row)
        for row in view.ask(
            f"{CANDIDATES} WHERE rank <= {LOOKED_AT} ORDER BY of_cause DESC, cause, rank"
        )
    ]
    heard = [e for e in found if e.audio_filepath is not None and playable(e.audio_filepath)]
    return choose(heard or found, n)


def choose(candidates: Sequence[Telling], n: int) -> list[Telling]:
    """The most telling of candidates that come by cause, and within a cause in their order."""
    waiting: dict[str | None, list[Telling]] = {}
    for each in candidates:
        waiting.setdefault(each.cause, []).append(each)
    n_errors = {cause: queue[0].of_cause for cause, queue in waiting.items()}
    total = sum(n_errors.values())
    taken: dict[str | None, list[Telling]] = {cause: [] for cause in waiting}

    def claim(cause: str | None) -> tuple[bool, float]:
        places = len(taken[cause])
        is_first = places == 0 and n_errors[cause] >= FREQUENT * total
        return is_first, n_errors[cause] / (2 * places + 1)

    while waiting and sum(map(len, taken.values())) < n:
        cause = max(waiting, key=claim)  # the first of several that claim as much
        others = [each for some in taken.values() for each in some]
        new = next((each for each in waiting[cause] if not _known(each, others)), None)
        if new is None:
            del waiting[cause]
            continue
        taken[cause].append(new)
        waiting[cause] = waiting[cause][waiting[cause].index(new) + 1 :]
    return [each for some in taken.values() for each in some]


def _known(candidate: Telling, others: Sequence[Telling]) -> bool:
    """Whether its utterance, or the same mistake, was chosen before."""
    return any(
        candidate.utterance_id == other.utterance_id
        or (candidate.said, candidate.heard) == (other.said, other.heard)
        for other in others
    )
