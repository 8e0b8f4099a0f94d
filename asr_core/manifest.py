"""Manifests: the field's JSON lines (`audio_filepath`, `duration`, `text`, anything else).

The format is NeMo's; CSV and TSV files with the same columns are read too.
"""

import csv
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KNOWN_FIELDS = ("audio_filepath", "duration", "text", "pred_text")


class ManifestError(ValueError):
    """A manifest that cannot be read at all: missing, empty, or of an unknown format."""


@dataclass(frozen=True)
class ManifestRow:
    """One recording of a manifest; `fields` holds every column we do not know by name."""

    audio_path: Path
    text: str
    duration_s: float | None  # None where the manifest does not say
    line: int  # 1-based, in the file it came from
    pred_text: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SkippedRow:
    """A row left out: where it stood, why, and what it said."""

    line: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Manifest:
    """The rows that can be used and, with their reasons, those that cannot."""

    path: Path
    rows: list[ManifestRow]
    skipped: list[SkippedRow]


def read_manifest(path: str | Path) -> Manifest:
    """Read a JSON-lines, CSV or TSV manifest; a bad row is returned in `skipped`, never lost.

    Args:
        path: `.jsonl`/`.json` (an object a line), `.csv` or `.tsv` (a header line). Relative
            `audio_filepath`s are taken relative to the manifest's folder.

    Raises:
        ManifestError: the file is missing, unreadable, of another ending, or has no row at all.
    """
    path = Path(path)
    rows: list[ManifestRow] = []
    skipped: list[SkippedRow] = []
    for row in stream_manifest(path):
        if isinstance(row, ManifestRow):
            rows.append(row)
        else:
            skipped.append(row)
    if not rows and not skipped:
        raise ManifestError(f"Manifest {path} has no rows. Expected one JSON object a line.")
    return Manifest(path, rows, skipped)


def stream_manifest(path: str | Path) -> Iterator[ManifestRow | SkippedRow]:
    """The rows of `read_manifest` one by one, of a file that may be longer than memory.

    Raises:
        ManifestError: the file is missing, unreadable or of another ending, also where that shows
            only in the middle of it.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line, raw, record in read_records(path, file):
                try:
                    yield _row(record, line, path.parent)
                except (ValueError, TypeError) as e:
                    yield SkippedRow(line, str(e), raw[:1000])
    except (OSError, UnicodeDecodeError) as e:
        raise ManifestError(
            f"Cannot read manifest {path}: {e}. Expected a UTF-8 file of JSON lines, CSV or TSV."
        ) from e


def write_manifest(path: str | Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write records as JSON lines, beside the target first and then renamed over it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    # A lone surrogate is no text in UTF-8; escaped with a backslash, it is in JSON.
    with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    part.replace(path)


def fingerprint(manifest: str | Path | Manifest) -> str:
    """SHA-256 of a manifest's texts and file names; not of folders' names, nor of the order.

    Raises:
        ManifestError: see `read_manifest`.
    """
    if not isinstance(manifest, Manifest):
        manifest = read_manifest(manifest)
    rows = sorted((row.audio_path.name, row.text) for row in manifest.rows)
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def newlines(path: Path) -> str:
    """The `newline` with which `open` or `StringIO` shows `read_records` a manifest's rows."""
    return "" if is_table(path) else "\n"  # a quoted line break stays in its cell


def is_table(path: Path) -> bool:
    """Whether a manifest is CSV or TSV, which knows text alone."""
    return path.suffix.lower() in (".csv", ".tsv")


def read_records(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, str, Any]]:
    """(line, raw text, parsed record or the error met) for every non-blank line.

    Args:
        path: its ending says the format.
        lines: the file, opened with `newlines(path)`; it may be longer than memory.

    Raises:
        ManifestError: another ending, or a table without a header that can be used.
    """
    suffix = path.suffix.lower()
    if is_table(path):
        yield from _table_records(path, lines, is_tsv=suffix == ".tsv")
    elif suffix in (".jsonl", ".json", ".manifest"):
        for number, raw in enumerate(lines, start=1):
            if raw.strip():
                try:
                    yield number, raw.rstrip("\n"), _STRICT_JSON.decode(raw)
                except (ValueError, RecursionError) as e:
                    yield number, raw.rstrip("\n"), ValueError(f"not JSON: {e}")
    else:
        raise ManifestError(
            f"Manifest {path} ends in {suffix!r}. Expected .jsonl, .json, .csv or .tsv."
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are all different."""
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = {key for key, n in Counter(key for key, _ in pairs).items() if n > 1}
        raise ValueError(f"repeats the keys {', '.join(sorted(repeated))}")
    return found


_STRICT_JSON = json.JSONDecoder(object_pairs_hook=_unique)


def _table_records(
    path: Path, lines: Iterable[str], *, is_tsv: bool
) -> Iterator[tuple[int, str, Any]]:
    """The records of a CSV table, or of a TSV one, in which a quote is a letter like any other."""
    delimiter = "\t" if is_tsv else ","
    reader = csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if is_tsv else csv.QUOTE_MINIMAL,
        strict=True,
    )
    try:
        header = next((cells for cells in reader if cells), [])
    except csv.Error as e:
        raise ManifestError(f"Cannot read the header of manifest {path}: {e}.") from e
    if len(set(header)) < len(header):
        raise ManifestError(f"Manifest {path} names a column twice: {', '.join(header)}.")
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            yield line, "", ValueError(f"not a row of a table: {e}")
            continue
        raw = delimiter.join(cells)
        if len(cells) == len(header):
            yield line, raw, dict(zip(header, cells, strict=True))
        elif raw.strip():
            wrong = f"expected {len(header)} cells as in the header, got {len(cells)}"
            yield line, raw, ValueError(wrong)


def _row(record: Any, line: int, folder: Path) -> ManifestRow:
    if isinstance(record, ValueError):
        raise record
    if not isinstance(record, dict):
        raise TypeError(f"expected an object, got {type(record).__name__}")
    audio = record.get("audio_filepath")
    if not isinstance(audio, str) or not audio.strip():
        raise ValueError("no audio_filepath")
    text = record.get("text")
    if not isinstance(text, str):
        raise ValueError("no text" if text is None else "text is not a string")  # noqa: TRY004
    pred_text = record.get("pred_text")
    if pred_text is not None and not isinstance(pred_text, str):
        raise ValueError("pred_text is not a string")
    return ManifestRow(
        audio_path=folder / audio,  # an absolute path stays as it is
        text=text,
        duration_s=read_duration(record.get("duration")),
        line=line,
        pred_text=pred_text,
        fields={k: v for k, v in record.items() if k not in KNOWN_FIELDS},
    )


def read_duration(value: Any) -> float | None:
    """Seconds as a manifest says them, None where it does not (raises ValueError)."""
    if value is None or value == "":
        return None
    try:
        duration = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError) as e:
        raise ValueError(f"duration {value!r} is not a number of seconds") from e
    if not math.isfinite(duration) or duration < 0:
        raise ValueError(f"duration {value!r} is not a positive number of seconds")
    return duration
