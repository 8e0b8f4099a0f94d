"""What is known about a recording of a description, and where it lies among the others."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from analysis.conditions import identifier
from analysis.description import Description
from ui import data_strings, fields, strings
from ui.evidence import Fact

RANKED = (  # measures whose place among the others is told
    "duration_s",
    "characters_per_s",
    "level_dbfs",
    "snr_db",
    "silence_share",
    "clipped_share",
    "bandwidth_hz",
    "ctc_ratio",
)
MEASURED = (  # in their order
    "utterance_id",
    "split",
    "speaker",
    *RANKED,
    "peak_dbfs",
    "noise_dbfs",
    "lead_s",
    "trail_s",
    "dropout_s",
    "dc_offset",
    "sample_rate",
    "channels",
    "format",
    "audio_filepath",
    "line",
)
NOT_SORTED = ("bands_db", "file_sha256", "samples_sha256", "tags", "note")
NOT_SHOWN = {  # said elsewhere, or of no use to a reader
    *NOT_SORTED,
    *("text", "n_words", "n_characters", "position", "problem", "id", "duration"),
    *("word_times", "words_per_s", "sound_s", "start_edge_db", "end_edge_db"),
    "burst_db",
}
OF_MANIFEST = "manifest_"  # how a field is renamed that has the name of one of our columns
DECIMALS = (  # of a measure, by how its name ends; an estimate is no better
    ("_per_s", 1),
    ("_s", 2),
    ("_db", 1),
    ("_dbfs", 1),
    ("_hz", 0),
    ("_ratio", 1),
)
SHARES = ("silence_share", "clipped_share", "speech_share", "dc_offset")


def facts_of(description: Description, row: Mapping[str, Any]) -> tuple[Fact, ...]:
    """The facts of a row of a description's recordings; nulls are left out."""
    names = [*MEASURED, *(name for name in row if name not in MEASURED)]
    ranks = _ranks(description, row)
    return tuple(
        _fact(name, row[name], ranks.get(name))
        for name in names
        if name not in NOT_SHOWN and row.get(name) not in (None, "")
        if not (name == "text_raw" and row[name] == row["text"])
    )


def label_of(name: str) -> str:
    """What a column of the recordings is called on the page."""
    if name.startswith(OF_MANIFEST):
        return data_strings.OF_MANIFEST.format(label=label_of(name.removeprefix(OF_MANIFEST)))
    if name in data_strings.COLUMNS:
        return data_strings.COLUMNS[name]
    if name in data_strings.FIGURES:
        return data_strings.FIGURES[name][0]
    return fields.label_of(name)


def _fact(name: str, value: Any, rank: float | None) -> Fact:
    share = name in SHARES
    text = f"{100 * value:.3g} %" if share else fields.value_of(name, _rounded(name, value))
    if name == "audio_filepath":
        text = PurePath(value).name
    if name == "sample_rate":
        text = f"{value} {strings.UNITS['hz']}"
    hints = [data_strings.COLUMN_HINTS.get(name) or strings.FIELD_HINTS.get(name, "")]
    if name in data_strings.FIGURES:
        hints = [data_strings.FIGURES[name][2]]
    if rank is not None and value != 0:  # above none, as are most where nothing is usual
        p = f"{100 * rank:.0f}"
        text = f"{text} · {data_strings.RANK.format(p=p)}"
        hints.insert(0, data_strings.RANK_HINT.format(p=p))
    return Fact(label_of(name), text, " ".join(filter(None, hints)))


def _rounded(name: str, value: Any) -> Any:
    for ending, decimals in DECIMALS:
        if isinstance(value, float) and name.endswith(ending):
            return round(value, decimals)
    return value


def _ranks(description: Description, row: Mapping[str, Any]) -> dict[str, float]:
    """The share of all recordings that each measure is above."""
    known = [name for name in RANKED if row.get(name) is not None]
    if not known:
        return {}
    asked = ", ".join(f"avg(({identifier(name)} < ?)::INT) AS {name}" for name in known)
    values = [row[name] for name in known]
    [found] = description.store.ask(f"SELECT {asked} FROM utterances", values)
    return {name: share for name, share in found.items() if share is not None}
