"""What is known about an utterance, its manifest's fields first, as labels and values."""

from collections.abc import Mapping
from typing import Any

from ui import strings
from ui.evidence import Fact

SHOWN_FIRST = ("utterance_id", "errors", "wer", "cer", "confidence", "duration_s", "snr_db")
NOT_SHOWN = {  # said elsewhere on the page, or of no use to a reader
    "audio_filepath",
    "text",
    "pred_text",
    "hits",
    "substitutions",
    "deletions",
    "insertions",
    "n_reference",
    "char_errors",
    "n_char",
    "id",
    "duration",
    "word_times",
    "position",
    "tags",
    "note",
    "pred_raw",
    "raw_errors",
    "raw_n_reference",
    "hints",
}
SHARES = ("wer", "cer", "confidence")
LONGEST = 120  # characters of a value


def facts_of(row: Mapping[str, Any]) -> tuple[Fact, ...]:
    """The facts of a row of an evaluation's utterances; nulls are left out."""
    names = [*SHOWN_FIRST, *(name for name in row if name not in SHOWN_FIRST)]
    return tuple(
        Fact(label_of(name), value_of(name, row[name]), strings.FIELD_HINTS.get(name, ""))
        for name in names
        if name in row and _is_worth_showing(name, row)
    )


def _is_worth_showing(name: str, row: Mapping[str, Any]) -> bool:
    value = row[name]
    if name in NOT_SHOWN or value is None or value == "":
        return False
    return not (name == "text_raw" and value == row["text"])


def label_of(name: str) -> str:
    """What a column of the utterances is called on the page."""
    if name in strings.FIELDS:
        return strings.FIELDS[name]
    return name.replace("_", " ").capitalize()


def value_of(name: str, value: Any) -> str:
    """A value of a column with its unit."""
    if name in SHARES:
        return f"{100 * value:.0f} %"
    units = strings.FIELD_UNITS.items()
    unit = next((f" {unit}" for ending, unit in units if name.endswith(ending)), "")
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"{text[:LONGEST]}{unit}"
