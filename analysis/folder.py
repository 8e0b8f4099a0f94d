"""An Evaluation folder on disk: written beside its place, then renamed into it."""

import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.evaluation import ERRORS, FILES, NOTES, SKIPPED, SUMMARY, UTTERANCES, EvaluationError
from analysis.tables import utf8
from asr_core.manifest import SkippedRow, write_manifest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

ROW_GROUP = 122_880  # rows: DuckDB's own


def check_replaceable(out: Path) -> None:
    """Refuse, before any work, to replace what is not an Evaluation (raises EvaluationError)."""
    with writing(out):
        check_own(out, FILES, "an evaluation")


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Where what cannot be written becomes an EvaluationError."""
    try:
        yield
    except OSError as e:
        raise EvaluationError(f"Cannot write {out}: {e}. Choose another folder.") from e


def check_own(out: Path, files: Collection[str], what: str) -> None:
    """Refuse a folder that holds other files (raises OSError); make its parents."""
    out.parent.mkdir(parents=True, exist_ok=True)
    found = sorted(path.name for path in out.iterdir()) if out.exists() else []
    foreign = [file for file in found if file not in files]
    if foreign:
        raise FileExistsError(
            f"it holds {foreign[0]!r}, which is no part of {what}; choose a new or empty folder, or"
            f" {what} to replace"
        )


def write_folder(
    out: Path,
    *,
    utterances: "pd.DataFrame | pyarrow.Table | pyarrow.RecordBatchReader",
    errors: "pd.DataFrame | pyarrow.Table | pyarrow.RecordBatchReader",
    skipped: Sequence[SkippedRow],
    summary: dict[str, Any],
) -> None:
    """Put an Evaluation into place; a crash leaves what was there, and notes are kept.

    Raises:
        EvaluationError: the folder cannot be written.
    """
    with writing(out), replacing(out, NOTES) as part:
        write_table(part / UTTERANCES, utterances)
        write_table(part / ERRORS, errors)
        write_manifest(part / SKIPPED, map(_skipped_record, skipped))
        write_summary(part / SUMMARY, summary)


@contextmanager
def replacing(out: Path, kept: Iterable[str] = ()) -> Iterator[Path]:
    """A new folder beside `out`, renamed into its place if all goes well (raises OSError).

    `kept` are names of files that a person added, which move over.
    """
    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a process that crashed
        part.mkdir()
        yield part
        _keep(out, part, kept)
        _replace(out, part)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_summary(path: Path, summary: Any) -> None:
    """JSON for persons and programs."""
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_table(
    path: Path, table: "pd.DataFrame | pyarrow.Table | pyarrow.RecordBatchReader"
) -> None:
    """A Parquet file in groups of rows that can be read one by one."""
    import pyarrow
    from pyarrow import parquet

    if isinstance(table, pyarrow.RecordBatchReader):
        with parquet.ParquetWriter(path, table.schema) as writer:
            for group in _groups(table):
                writer.write_table(group, row_group_size=ROW_GROUP)
        return
    if not isinstance(table, pyarrow.Table):
        table = pyarrow.Table.from_pandas(table, preserve_index=False)
    parquet.write_table(table, path, row_group_size=ROW_GROUP)


def _groups(reader: "pyarrow.RecordBatchReader") -> "Iterator[pyarrow.Table]":
    """Its rows, ROW_GROUP at a time; a table of none where there are none."""
    import pyarrow

    n_groups, held = 0, pyarrow.Table.from_batches([], reader.schema)
    for batch in reader:
        held = pyarrow.concat_tables([held, pyarrow.Table.from_batches([batch])])
        while len(held) >= ROW_GROUP:
            yield held.slice(0, ROW_GROUP)
            n_groups, held = n_groups + 1, held.slice(ROW_GROUP)
    if len(held) or not n_groups:
        yield held


def _keep(old: Path, new: Path, names: Iterable[str]) -> None:
    """Take along what a person added to the folder that is replaced."""
    for name in names:
        if (old / name).is_file():
            shutil.copy2(old / name, new / name)


def _replace(out: Path, new: Path) -> None:
    """Rename a folder into the place of another one, which comes back if that fails."""
    if not out.exists():
        new.rename(out)
        return
    old = out.with_name(f".{out.name}.old-{os.getpid()}")
    shutil.rmtree(old, ignore_errors=True)
    out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _skipped_record(row: SkippedRow) -> dict[str, Any]:
    return {"line": row.line, "reason": utf8(row.reason), "raw": utf8(row.raw)}
