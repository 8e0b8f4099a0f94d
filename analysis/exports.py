"""The utterances of a view as files for other programs: tables, manifests, NIST's trn and ctm.

What stands in them is streamed from the store, so a view may be longer than memory. A file is
written beside its place and then renamed, so a crash leaves what was there.

- csv: every column, for spreadsheets: UTF-8 with BOM, and text that begins with `=`, `+`, `-`, `@`,
  a tab or a line break gets an apostrophe in front, because a spreadsheet would run it.
- parquet: every column with its type.
- jsonl: a manifest: `id`, `audio_filepath` (relative where it lies below the new file's folder, or
  else absolute), `duration`, `text` and `pred_text` as they were written, every field of the
  manifest, and the tags and notes. `python -m analysis import` reads it.
- trn: `ref.trn` and `hyp.trn`, the texts that were compared, in a zip. Ours count case, so sclite
  needs `-s`; characters that mean something to it are replaced (see `SCLITE_WORD`).
- ctm: the words of errors whose time is known; an Evaluation keeps no time of other words.
"""

import csv
import enum
import io
import json
import os
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.evaluation import Evaluation, EvaluationError
from analysis.names import UniqueNames
from analysis.store import RESERVED, Filter, View
from analysis.tables import UTTERANCE_COLUMNS, utf8

if TYPE_CHECKING:
    import pyarrow

BATCH = 10_000  # rows that are Python objects at a time
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
SCLITE_WORD = str.maketrans({"(": "[", ")": "]", "{": "[", "}": "]", "@": "＠", ";": ",", "*": "✱"})
CHANNEL = "1"
LONGEST_NAME = 100  # characters
MANIFEST = ("id", "audio_filepath", "duration", "text", "pred_text", "snr_db")


class ExportFormat(enum.StrEnum):
    """How a view is written."""

    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    TRN = "trn"
    CTM = "ctm"


SUFFIXES = {each: f".{each}" for each in ExportFormat} | {ExportFormat.TRN: ".trn.zip"}


def file_name(evaluation: Evaluation, written: ExportFormat) -> str:
    """What a file of an evaluation may be called anywhere: `whisper-test.csv`."""
    return safe_name(evaluation) + SUFFIXES[written]


def safe_name(evaluation: Evaluation) -> str:
    """The same without what it ends with."""
    name = f"{evaluation.summary['model']['name']}-{evaluation.name}"
    safe = re.sub(r"[^\w.-]+", "_", name)[:LONGEST_NAME].strip("._-")
    return safe or "evaluation"


def export(
    evaluation: Evaluation,
    out: str | Path,
    written: ExportFormat,
    wanted: Filter | None = None,
    *,
    sort: str = "position",
    ascending: bool = True,
) -> int:
    """Write the utterances that a filter lets through; how many there are.

    Args:
        evaluation: whose.
        out: the file to write; one that is there is replaced.
        written: the format.
        wanted: the filter; None lets all of them through.
        sort: a column; ties keep the manifest's order, nulls come last.
        ascending: smallest first.

    Raises:
        EvaluationError: no such column, or the file cannot be written.
        FilterError: the filter's condition cannot be answered.
    """
    if sort not in evaluation.store.columns:
        raise EvaluationError(
            f"Cannot sort by {sort!r}. Expected one of: {', '.join(evaluation.store.columns)}."
        )
    out = Path(out).resolve()
    view = evaluation.store.view(wanted)
    order = f"ORDER BY {_quoted(sort)} {'ASC' if ascending else 'DESC'} NULLS LAST, position"
    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if written is ExportFormat.JSONL:
            _write_manifest(part, view, order, evaluation, out.parent)
        else:
            WRITERS[written](part, view, order)
        part.replace(out)
    except OSError as e:
        raise EvaluationError(f"Cannot write {out}: {e}. Choose another file.") from e
    finally:
        with suppress(OSError):
            part.unlink()
    return view.count


def _write_csv(path: Path, view: View, order: str) -> None:
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_harmless(view.store.columns))
        for rows in view.stream(f"SELECT * FROM matched {order}", BATCH):
            writer.writerows(map(_harmless, rows))


def _harmless(cells: tuple[Any, ...]) -> list[Any]:
    """Cells of which a spreadsheet makes no formula."""
    return [f"'{c}" if isinstance(c, str) and c.startswith(FORMULA) else c for c in cells]


def _write_parquet(path: Path, view: View, order: str) -> None:
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema([(name, _arrow(kind)) for name, kind in view.store.types.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        for rows in view.stream(f"SELECT * FROM matched {order}", BATCH):
            columns = zip(*rows, strict=True)
            arrays = [pyarrow.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))


def _arrow(kind: str) -> "pyarrow.DataType":
    """Arrow's type of what the tables hold (see `tables.table`)."""
    import pyarrow

    kinds = {"BIGINT": pyarrow.int64(), "DOUBLE": pyarrow.float64(), "BOOLEAN": pyarrow.bool_()}
    return kinds.get(kind, pyarrow.string())


def _write_manifest(
    path: Path, view: View, order: str, evaluation: Evaluation, folder: Path
) -> None:
    """`folder` is where the manifest will be, `path` where it is written."""
    audio = evaluation.manifest_path.parent
    fields = {c: _field(c) for c in view.store.columns if c not in (*UTTERANCE_COLUMNS, "position")}
    for ours in ("id", "duration"):  # which are unique, and measured
        fields.pop(ours, None)
    sql = (
        "SELECT utterance_id, audio_filepath, duration_s, coalesce(text_raw, text),"
        " coalesce(pred_raw, pred_text), snr_db"
        + "".join(f", {_quoted(column)}" for column in fields)
        + f" FROM matched {order}"
    )
    names = (*MANIFEST, *fields.values())
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        for rows in view.stream(sql, BATCH):
            for row in rows:
                record = {k: v for k, v in zip(names, row, strict=True) if v is not None}
                if "audio_filepath" in record:
                    record["audio_filepath"] = _placed(audio / record["audio_filepath"], folder)
                file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _field(column: str) -> str:
    """What a column was called in its manifest, if no field of ours is called so."""
    name = column.removeprefix("manifest_")
    return column if name in (*MANIFEST, *RESERVED) else name


def _placed(audio: Path, folder: Path) -> str:
    """A recording's path in a manifest: relative where it lies below the manifest."""
    path = Path(os.path.normpath(audio))
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _write_trn(path: Path, view: View, order: str) -> None:
    """Two passes, one a text, because a zip holds one file after the other."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, column in (("ref.trn", "text"), ("hyp.trn", "pred_text")):
            names = UniqueNames()
            sql = f"SELECT {column}, utterance_id FROM matched {order}"
            with archive.open(name, "w", force_zip64=True) as file:
                lines = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
                for rows in view.stream(sql, BATCH):
                    lines.writelines(
                        f"{text.translate(SCLITE_WORD)} ({names.take(_recording(key))})\n"
                        for text, key in rows
                    )
                lines.flush()


def _recording(key: str) -> str:
    """An utterance's name as NIST's formats can hold it."""
    return re.sub(r"[\s();]+", "_", utf8(key)) or "_"


def _write_ctm(path: Path, view: View, order: str) -> None:
    """`order` counts for nothing: sclite wants the words of a recording by their time."""
    del order
    sql = (
        "SELECT utterance_id, start_s, end_s, heard, confidence FROM wrong"
        " WHERE heard IS NOT NULL AND start_s IS NOT NULL ORDER BY position"
    )
    with path.open("w", encoding="utf-8") as file:
        for rows in view.stream(sql, BATCH):
            file.writelines(_ctm_line(*row) for row in rows)


def _ctm_line(key: str, start_s: float, end_s: float, heard: str, confidence: float | None) -> str:
    length_s = round(end_s, 3) - round(start_s, 3)
    sure = "" if confidence is None else f" {confidence:.4f}"
    return f"{_recording(key)} {CHANNEL} {start_s:.3f} {length_s:.3f} {heard}{sure}\n"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


WRITERS = {
    ExportFormat.CSV: _write_csv,
    ExportFormat.PARQUET: _write_parquet,
    ExportFormat.TRN: _write_trn,
    ExportFormat.CTM: _write_ctm,
}
