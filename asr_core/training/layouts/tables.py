"""Tables with a header, CSV or TSV, one recording a line; and Common Voice, which is such tables.

Common Voice (Ardila et al. 2020, arXiv 1912.06670) has its splits in `train.tsv`, `dev.tsv` and
`test.tsv`, recordings in `clips`, and speakers as `client_id`.
"""

import csv
import io
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from asr_core.manifest import ManifestError
from asr_core.training.layouts.found import (
    Found,
    Reject,
    choose_column,
    need_folder,
    own_fields,
    split_named,
)

PATH_COLUMNS = ("audio_filepath", "file_name", "path", "audio", "file", "filename", "wav")
TEXT_COLUMNS = ("text", "transcription", "transcript", "sentence", "normalized_text")
SPEAKER_COLUMNS = ("speaker", "speaker_id", "client_id", "spk")
DELIMITERS = ",;\t|"
Row = dict[str, str]


def read_csv(
    file: Path,
    *,
    audio_column: str | None = None,
    text_column: str | None = None,
    speaker_column: str | None = None,
    audio_root: Path | None = None,
) -> Iterator[Found | Reject]:
    """The recordings of a table; a column `split` says their split, every other one is a field.

    Args:
        file: `.csv` (comma, semicolon or bar, whichever its header has most) or `.tsv`, in UTF-8.
        audio_column: of the recordings' paths; left out, one of PATH_COLUMNS.
        text_column: of the texts; left out, one of TEXT_COLUMNS.
        speaker_column: of the speakers; left out, one of SPEAKER_COLUMNS, if any is there.
        audio_root: the folder that paths are relative to, if not the table's own.

    Raises:
        ManifestError: the table cannot be read, or lacks a column.
    """
    columns, rows = read_table(file)
    audio = choose_column(audio_column, PATH_COLUMNS, columns, "audio")
    text = choose_column(text_column, TEXT_COLUMNS, columns, "text")
    speaker = _speaker_column(speaker_column, columns)
    root = (audio_root or file.parent).resolve()
    for line, row, fields in _with_fields(rows, audio, text, "split", speaker or ""):
        if isinstance(row, Reject):
            yield row
        elif not row[audio].strip():
            yield Reject(f"{file}:{line}", f"no path in its column {audio!r}")
        else:
            yield Found(
                root / row[audio],
                row[text],
                row[audio],
                row[speaker].strip() if speaker else "",
                group=posixpath.normpath(row[audio]),
                split=split_named(row.get("split", "")),
                fields=fields,
            )


def _speaker_column(asked: str | None, columns: list[str]) -> str | None:
    if asked or any(name in columns for name in SPEAKER_COLUMNS):
        return choose_column(asked, SPEAKER_COLUMNS, columns, "speaker")
    return None


def read_common_voice(source: Path) -> Iterator[Found | Reject]:
    """A release of Common Voice: its three splits; without them, or of one table, that table.

    Args:
        source: the folder of a language, with `clips`, or one of its tables.

    Raises:
        ManifestError: no table, or not one of Common Voice.
    """
    if source.is_file():
        yield from _common_voice(source.resolve(), None)
        return
    folder = need_folder(source, "the folder of a language, with clips and validated.tsv")
    tables = [folder / f"{name}.tsv" for name in ("train", "dev", "test")]
    if tables[0].is_file():
        for table in tables:
            if table.is_file():
                yield from _common_voice(table, split_named(table.stem))
    elif (folder / "validated.tsv").is_file():
        yield from _common_voice(folder / "validated.tsv", None)
    else:
        raise ManifestError(f"No train.tsv or validated.tsv in {folder}. Expected Common Voice.")


def _common_voice(file: Path, split: str | None) -> Iterator[Found | Reject]:
    columns, rows = read_table(file)
    if missing := {"client_id", "path", "sentence"} - set(columns):
        raise ManifestError(
            f"{file} is no table of Common Voice: it has no column {', '.join(sorted(missing))}."
            " `prepare csv` reads tables with other columns."
        )
    clips = file.parent / "clips"
    for _, row, fields in _with_fields(rows, "client_id", "path", "sentence"):
        if isinstance(row, Reject):
            yield row
            continue
        name = row["path"] if Path(row["path"]).suffix else f"{row['path']}.mp3"  # until 2019
        yield Found(
            clips / name, row["sentence"], name, row["client_id"], split=split, fields=fields
        )


def read_table(file: Path) -> tuple[list[str], Iterator[tuple[int, Row | Reject]]]:
    """The columns and the rows of a table with their lines; a row of other length is rejected.

    Raises:
        ManifestError: no such file, not UTF-8, no header, or a column twice.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise ManifestError(f"Cannot read {file}: {e}. Expected a table in UTF-8.") from e
    header = next((line for line in text.split("\n") if line.strip()), "")
    is_tsv = file.suffix.lower() == ".tsv"
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter="\t" if is_tsv else max(DELIMITERS, key=header.count),
        quoting=csv.QUOTE_NONE if is_tsv else csv.QUOTE_MINIMAL,
        strict=not is_tsv,
    )
    try:
        columns = next((cells for cells in reader if any(cells)), [])
    except csv.Error as e:
        raise ManifestError(f"Cannot read the header of {file}: {e}.") from e
    if len(set(columns)) < max(1, len(columns)):
        raise ManifestError(
            f"The header of {file} is {columns}. Expected a different name for every column."
        )
    return columns, _rows(file, columns, reader)


def _rows(file: Path, columns: list[str], reader: Any) -> Iterator[tuple[int, Row | Reject]]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            yield line, Reject(f"{file}:{line}", f"not a row of a table: {e}")
            continue
        if len(cells) == len(columns):
            yield line, dict(zip(columns, cells, strict=True))
        elif any(cells):
            wrong = f"expected {len(columns)} cells as in the header, got {len(cells)}"
            yield line, Reject(f"{file}:{line}", wrong)


def _with_fields(
    rows: Iterable[tuple[int, Row | Reject]], *taken: str
) -> Iterator[tuple[int, Row | Reject, dict[str, Any]]]:
    """Each row with the cells that become fields, all of a column numbers or all of it text."""
    held = list(rows)
    fields = [{} if isinstance(row, Reject) else own_fields(row, *taken) for _, row in held]
    for (line, row), typed in zip(held, with_numbers(fields), strict=True):
        yield line, row, typed


def with_numbers(records: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The records; where all that a column says are numbers, these are numbers.

    Column by column: one of both kinds could neither be compared nor stored.
    """
    columns = dict.fromkeys(key for record in records for key in record)
    kinds = {key: _kind([r[key] for r in records if key in r]) for key in columns}
    return [{key: kinds[key](value) for key, value in record.items()} for record in records]


def _kind(values: Sequence[str]) -> type[int] | type[float] | type[str]:
    """What a column holds; `007` is a name."""
    if all(re.fullmatch(r"-?(0|[1-9][0-9]{0,14})", value) for value in values):
        return int
    if all(re.fullmatch(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?", value) for value in values):
        return float
    return str
