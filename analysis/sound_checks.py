"""Checks of the sound: damage, level, noise and band, and how splits differ in them."""

from collections.abc import Iterable, Iterator
from typing import Any

from analysis.checking import Check, Material, found, passed, told
from analysis.conditions import literal
from analysis.description import Finding
from analysis.store import Filter

SPOKEN = "text <> '' AND samples_sha256 IS NOT NULL"  # noises without text may be as they like
SILENT_DBFS = -60.0  # of the peak: nothing can be heard
QUIET_DBFS = -45.0  # of the sound; normal speech is recorded at -30 to -15
# A few samples on a top tell clipping at full scale, many do where it was turned down later; in a
# quiet recording of loud vowels as many may lie there by chance.
CLIPPED = "peak_dbfs > -1 AND clipped_share >= 0.002 OR peak_dbfs > -12 AND clipped_share >= 0.02"
DC_OFFSET = 0.005  # of full scale
NOISY_DB = 5.0  # signal-to-noise ratio
PAUSED_S = 0.8  # a shorter recording may have no pause in which noise could be measured
CUT_DB = -6.0  # level of an edge over that of speech: it begins or ends at full voice
NARROW_HZ, WIDE_RATE = 4500.0, 12_000  # a telephone's band in a file that could hold more
# "No" has nothing high even in the best recording; a sentence has, or another word of the speaker.
DULL = (
    "(n_words >= 3 OR speaker IN (SELECT speaker FROM utterances"
    f" WHERE {SPOKEN} AND sample_rate >= {WIDE_RATE} GROUP BY speaker"
    f" HAVING count(DISTINCT text) >= 5 AND max(bandwidth_hz) < {NARROW_HZ}))"
)
CLEAR_DB, CLEAR_S = 10.0, 0.2  # of recordings whose speaking rate can be measured
FASTEST, SLOWEST = 30.0, 2.0  # characters a second of sound; people speak at 8 to 20
RATE_MADS = 6.0  # deviations of the logarithm, made normal by 1.4826, from the split's median
LEAST_SHARE = 0.5  # of a split's recordings, that a median must be of to speak for the split
RATES_PER_S = "characters_per_s"

# check -> verdict, condition, which examples come first
DAMAGES = {
    "silent": ("error", f"{SPOKEN} AND peak_dbfs < {SILENT_DBFS}", "peak_dbfs"),
    "clipped": ("warning", f"{SPOKEN} AND ({CLIPPED})", "clipped_share DESC"),
    "dropouts": ("warning", f"{SPOKEN} AND dropout_s > 0", "dropout_s DESC"),
    "cut_edges": (
        "warning",
        f"{SPOKEN} AND snr_db >= {CLEAR_DB} AND greatest(start_edge_db, end_edge_db) > {CUT_DB}",
        "greatest(start_edge_db, end_edge_db) DESC",
    ),
    "quiet": (
        "warning",
        f"{SPOKEN} AND peak_dbfs >= {SILENT_DBFS} AND sound_s > 0 AND level_dbfs < {QUIET_DBFS}",
        "level_dbfs",
    ),
    "noisy": (
        "warning",
        f"{SPOKEN} AND duration_s >= {PAUSED_S} AND peak_dbfs >= {SILENT_DBFS}"
        f" AND snr_db < {NOISY_DB}",
        "snr_db",
    ),
    "dc_offset": ("warning", f"{SPOKEN} AND abs(dc_offset) >= {DC_OFFSET}", "abs(dc_offset) DESC"),
    "narrow_band": (
        "warning",
        f"{SPOKEN} AND sample_rate >= {WIDE_RATE} AND bandwidth_hz < {NARROW_HZ} AND {DULL}",
        "bandwidth_hz",
    ),
    "several_channels": ("warning", "channels > 1", "channels DESC"),
}
# check -> column, what else must hold, least difference of the medians, as it is told
SHIFTS = {
    "level_shift": ("level_dbfs", "sound_s > 0", 6.0, "{:.0f} dBFS"),
    "snr_shift": ("snr_db", f"duration_s >= {PAUSED_S}", 8.0, "{:.0f} dB"),
    "bandwidth_shift": ("bandwidth_hz", "true", 1000.0, "{:.0f} Hz"),
}


def damages(material: Material) -> Iterator[Finding]:
    """Sound that is broken, too quiet, too loud, or hidden by noise."""
    if not material.sound:
        return
    for check, (verdict, where, worst) in DAMAGES.items():
        order = f"{worst}, position"
        yield found(material, check, verdict, where, _who(material, where), order=order)


def speaking_rate(material: Material) -> Iterator[Finding]:
    """Texts that nobody can say in the time, or that cover only a part of the sound."""
    if not material.sound:
        return
    clear = f"snr_db >= {CLEAR_DB} AND sound_s >= {CLEAR_S} AND {RATES_PER_S} > 0"
    sides = (
        ("too_fast", f"{RATES_PER_S} > greatest({FASTEST}, exp(m + s))", f"{RATES_PER_S} DESC"),
        ("too_slow", f"{RATES_PER_S} < least({SLOWEST}, exp(m - s))", RATES_PER_S),
    )
    for check, outside, order in sides:
        where = (
            f"position IN (SELECT position FROM (SELECT position, {RATES_PER_S},"
            f" median(ln({RATES_PER_S})) OVER w AS m,"
            f" {RATE_MADS} * 1.4826 * mad(ln({RATES_PER_S})) OVER w AS s"
            f" FROM utterances WHERE {clear} WINDOW w AS (PARTITION BY split)) WHERE {outside})"
        )
        yield found(material, check, "warning", where, order=f"{order}, position")


def sample_rates(material: Material) -> Iterator[Finding]:
    """Files of several rates in one split, or of rates that training does not have."""
    if not material.sound:
        return
    rows = material.store.ask(
        "SELECT split, sample_rate AS rate, count(*) AS n FROM utterances"
        " WHERE sample_rate IS NOT NULL GROUP BY split, sample_rate ORDER BY count(*) DESC"
    )
    rates: dict[str, dict[int, int]] = {}  # split -> rate -> files, the commonest first
    for row in rows:
        rates.setdefault(row["split"], {})[row["rate"]] = row["n"]
    trained = set(rates.get(material.train, {}))
    unlike = {split: own for split, own in rates.items() if len(own) > 1 or not set(own) <= trained}
    if not unlike:
        yield passed("sample_rates")
        return
    usual = next(iter(rates.get(material.train) or rates[next(iter(rates))]))
    splits = ", ".join(map(literal, unlike))
    where = f"split IN ({splits}) AND sample_rate <> {usual}"
    facts = {
        "rate": usual,
        "splits": told({split: _hertz(own) for split, own in unlike.items()}),
    }
    yield found(material, "sample_rates", "warning", where, facts)


def _hertz(rates: Iterable[int]) -> str:
    return "/".join(f"{rate}" for rate in sorted(rates)) + " Hz"


def shifts(material: Material) -> Iterator[Finding]:
    """Splits whose usual level, noise or band is not that of the training data."""
    if not (material.sound and material.held_out):
        return
    for check, (column, holds, least, form) in SHIFTS.items():
        rows = material.store.ask(
            f"SELECT split, median({column}) FILTER ({holds}) AS m FROM utterances WHERE {SPOKEN}"
            f" GROUP BY split HAVING count(*) FILTER ({holds}) >= {LEAST_SHARE} * count(*)"
            " ORDER BY min(position)"
        )
        medians = {row["split"]: row["m"] for row in rows}
        train = medians.pop(material.train, None)
        far = {s: m for s, m in medians.items() if train is not None and abs(m - train) >= least}
        if not far:
            yield passed(check)
            continue
        where = f"split IN ({', '.join(map(literal, far))}) AND {SPOKEN}"
        facts: dict[str, Any] = {
            "train": form.format(train),
            "splits": told({split: form.format(m) for split, m in far.items()}),
        }
        yield found(material, check, "warning", where, facts)


def _who(material: Material, where: str) -> dict[str, Any]:
    """Whose recordings they are, the commonest first, and how many of the speaker's."""
    if not material.n_known["speaker"]:
        return {"speakers": ""}
    view = material.store.view(Filter(where=where))
    rows = view.ask(
        "SELECT hit.speaker, hit.n, whole.n AS total FROM"
        " (SELECT speaker, count(*) AS n FROM matched GROUP BY speaker) AS hit JOIN"
        " (SELECT speaker, count(*) AS n FROM utterances GROUP BY speaker) AS whole"
        " ON hit.speaker = whole.speaker ORDER BY hit.n DESC, hit.speaker LIMIT 4"
    )
    return {"speakers": told({row["speaker"]: f"{row['n']}/{row['total']}" for row in rows})}


CHECKS: tuple[Check, ...] = (damages, speaking_rate, sample_rates, shifts)
