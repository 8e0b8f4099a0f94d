"""Checks of files and lengths: what cannot be read, aligned, or is unlike the rest."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from analysis.checking import EXAMPLES, Check, Material, found, passed, told
from analysis.conditions import at_positions
from analysis.description import Finding

TIGHT_CTC = 1.2  # frames over the least: there is hardly a choice of where symbols lie
SHORTEST_S = 0.1  # no word is shorter
LONGEST_S = 30.0  # much memory, and hardly a batch is so long
OUTLIER_MADS = 8.0  # deviations of the logarithm, made normal by 1.4826
FEWEST = 20  # recordings of as many words, to call another unlike them
LEAST_RATIO = 3.0  # to the median, of an outlier, whatever the deviation
DECLARED_S, DECLARED_SHARE = 0.1, 0.02  # both must be exceeded
MOST_POSITIONS = 1000  # in a condition


def unreadable(material: Material) -> Iterator[Finding]:
    """Recordings that are missing, empty or damaged."""
    if material.sound:
        missing = sum(not _is_file(path) for path in _unread(material))
        yield found(material, "unreadable", "error", "problem IS NOT NULL", {"missing": missing})


def skipped_rows(material: Material) -> Iterator[Finding]:
    """Manifest rows that cannot be read; they are no recordings of the set."""
    counts = {split: n for split, n in material.skipped.items() if n}
    if counts:
        facts = {"splits": told(counts)}
        yield Finding("skipped_rows", "error", sum(counts.values()), "", facts, [])
    else:
        yield passed("skipped_rows")


def listed_twice(material: Material) -> Iterator[Finding]:
    """One file in several rows."""
    places: dict[Path, list[int]] = defaultdict(list)
    for position, path in enumerate(material.paths):
        places[path].append(position)
    groups = [group for group in places.values() if len(group) > 1]
    if not groups:
        yield passed("listed_twice")
        return
    rows = [position for group in groups for position in group]
    where = at_positions(rows[:MOST_POSITIONS])
    finding = found(material, "listed_twice", "warning", where, {"files": len(groups)})
    pairs = at_positions(position for group in groups[:EXAMPLES] for position in group[:2])
    ids = {
        row["position"]: row["utterance_id"]
        for row in material.store.ask(
            f"SELECT position, utterance_id FROM utterances WHERE {pairs}"
        )
    }
    examples = [[ids[i] for i in group[:2]] for group in groups[:EXAMPLES]]
    yield Finding("listed_twice", "warning", len(rows), finding.where, finding.facts, examples)


def too_short_for_ctc(material: Material) -> Iterator[Finding]:
    """Texts with more symbols than the recording has frames: CTC cannot align them."""
    if material.n_known["duration_s"]:
        order = "ctc_ratio, position"
        yield found(material, "too_short_for_ctc", "error", "ctc_ratio < 1", order=order)
        tight = f"ctc_ratio >= 1 AND ctc_ratio < {TIGHT_CTC}"
        facts = {"ratio": TIGHT_CTC}
        yield found(material, "tight_for_ctc", "warning", tight, facts, order=order)


def unknown_to_model(material: Material) -> Iterator[Finding]:
    """Texts that the model given with `--model` cannot spell."""
    where = "n_characters > 0 AND duration_s IS NOT NULL AND ctc_ratio IS NULL"
    finding = found(material, "unknown_to_model", "error", where)
    if finding.count:  # without a model everything can be spelt
        yield finding


def lengths(material: Material) -> Iterator[Finding]:
    """Recordings of a length that no utterance has, and those unlike others of as many words."""
    if not material.n_known["duration_s"]:
        return
    short = f"duration_s < {SHORTEST_S}"
    facts = {"seconds": SHORTEST_S}
    yield found(material, "very_short", "warning", short, facts, order="duration_s, position")
    longest = "duration_s DESC, position"
    facts = {"seconds": LONGEST_S}
    long = f"duration_s > {LONGEST_S}"
    yield found(material, "very_long", "warning", long, facts, order=longest)
    where = (
        "position IN (SELECT position FROM (SELECT position, duration_s,"
        " count(*) OVER s AS n, median(ln(duration_s)) OVER s AS m,"
        " mad(ln(duration_s)) OVER s AS d FROM utterances"
        " WHERE duration_s > 0 WINDOW s AS (PARTITION BY split, n_words))"
        f" WHERE n >= {FEWEST} AND abs(ln(duration_s) - m)"
        f" > greatest({OUTLIER_MADS} * 1.4826 * d, ln({LEAST_RATIO})))"
    )
    yield found(material, "unusual_length", "warning", where, order=longest)


def declared_duration(material: Material) -> Iterator[Finding]:
    """Durations that the manifest says and the recording does not have."""
    if "duration" not in material.store.columns or not material.sound:
        return
    difference = "abs(TRY_CAST(duration AS DOUBLE) - duration_s)"
    where = (
        f"problem IS NULL AND {difference} > {DECLARED_S}"
        f" AND {difference} > {DECLARED_SHARE} * duration_s"
    )
    order = f"{difference} DESC, position"
    yield found(material, "declared_duration", "warning", where, order=order)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long; a folder that may be there and cannot be looked into
        return False


def _unread(material: Material) -> list[Path]:
    rows = material.store.ask("SELECT position FROM utterances WHERE problem IS NOT NULL")
    return [material.paths[row["position"]] for row in rows]


CHECKS: tuple[Check, ...] = (
    unreadable,
    skipped_rows,
    listed_twice,
    too_short_for_ctc,
    unknown_to_model,
    lengths,
    declared_duration,
)
