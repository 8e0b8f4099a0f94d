"""The tables of an Evaluation: their columns, and how records of any kind become them."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

INT64 = range(-(2**63), 2**63)

UTTERANCE_COLUMNS = {  # a manifest field of one of these names becomes `manifest_<name>`
    "utterance_id": "str",
    "audio_filepath": "str",  # absolute, or relative to the manifest's folder
    "text": "str",  # the reference, normalised: what is scored
    "text_raw": "str",  # the reference as the manifest has it
    "pred_text": "str",  # the hypothesis, normalised
    "pred_raw": "str",  # the hypothesis as the system wrote it
    "duration_s": "float64",  # measured; a manifest's own `duration` is kept beside it
    "hits": "int64",
    "substitutions": "int64",
    "deletions": "int64",
    "insertions": "int64",
    "errors": "int64",
    "n_reference": "int64",
    "char_errors": "int64",
    "n_char": "int64",
    "raw_errors": "int64",  # of the raw texts, in words as white space parts them
    "raw_n_reference": "int64",
    "wer": "float64",
    "cer": "float64",
    "confidence": "float64",  # of the least sure word; null where nothing was heard
    "snr_db": "float64",  # as the manifest says; null where it does not
    "snr_estimate_db": "float64",  # from the sound itself
    "clipped_share": "float64",  # of the samples, those on a clipped top
    "letters_per_s": "float64",  # of the reference, a second of sound; null where noise hides it
    "hints": "str",  # codes of asr_core.doctor, by spaces; '' none, null where nobody looked
    "label_suspicion": "float64",  # nats a disputed word; 0 without errors (see analysis.causes)
}
DUCKDB_TYPES = {"str": "VARCHAR", "int64": "BIGINT", "Int64": "BIGINT", "float64": "DOUBLE"}
ERROR_COLUMNS = {
    "utterance_id": "str",
    "op": "str",  # substitute, delete or insert
    "reference": "str",
    "heard": "str",
    "reference_index": "Int64",  # words from 0
    "heard_index": "Int64",
    "start_s": "float64",  # a heard word's own time; a deleted word's by forced alignment
    "end_s": "float64",
    "confidence": "float64",  # of the word heard; null for deletions
    "cause": "str",  # of its region (see analysis.causes)
    "region": "Int64",  # neighbouring edits are one region; from 0 in each utterance
    "cost": "float64",  # nats: what the region's reference would have cost in the region's frames
    "region_snr_db": "float64",  # the utterance's speech over the region's noise
    "region_clipped": "float64",  # share of the region's samples on a clipped top
    "edge_db": "float64",  # level of the cut edge it touches, under speech; null: not cut, or noise
}


def table(records: Sequence[dict[str, Any]], columns: dict[str, str]) -> "pd.DataFrame":
    """Records -> a table of `columns` with their types, then every other key met."""
    import pandas as pd

    names = list(columns) + [key for key in _keys(records) if key not in columns]
    data = {}
    for name in names:
        values = [record.get(name) for record in records]
        data[name] = column(values, columns.get(name) or column_type(kinds_of(values)))
    return pd.DataFrame(data)


def column(values: Sequence[Any], kind: str) -> "pd.Series[Any]":
    """A column of a type; where that is "str", other values become their text (JSON)."""
    import pandas as pd

    return pd.Series(list(map(_text, values)) if kind == "str" else values, dtype=kind)


def kinds_of(values: Iterable[Any]) -> set[type]:
    """The types of values, nulls left out; that of an integer that no column can hold is object."""
    return {
        object if type(value) is int and value not in INT64 else type(value)
        for value in values
        if value is not None
    }


def column_type(kinds: set[type]) -> str:
    """The type of a column that can hold values of these types; text can hold any."""
    if kinds == {int}:
        return "Int64"
    if kinds == {bool}:
        return "boolean"
    return "float64" if kinds and kinds <= {int, float} else "str"


def number(value: Any) -> float | None:
    """A float, or None where the value is not a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


@lru_cache
def field_column(name: str, ours: tuple[str, ...]) -> str:
    """The column of a manifest field; names that a table has, in any case, belong to the table."""
    if not name.strip():
        return "unnamed"
    return utf8(f"manifest_{name}" if name.lower() in ours else name)


def utf8(text: str) -> str:
    """Text that UTF-8 can hold: JSON may escape half a surrogate pair."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _keys(records: Iterable[dict[str, Any]]) -> list[str]:
    """Every key, in the order met."""
    return list(dict.fromkeys(key for record in records for key in record))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return utf8(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
