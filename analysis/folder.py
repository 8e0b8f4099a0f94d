"""An Evaluation folder on disk: written beside its place, then renamed into it."""

import json
import os
import shutil
from collections.abc import Iterable, Sequence
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
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in out.iterdir()) if out.exists() else []
    except OSError as e:
        raise EvaluationError(f"Cannot write {out}: {e}. Choose another folder.") from e
    foreign = [file for file in found if file not in FILES]
    if foreign:
        raise EvaluationError(
            f"{out} holds {foreign[0]!r}, which is no part of an evaluation. Choose a new or empty"
            " folder, or an evaluation to replace."
        )


def write_folder(
    out: Path,
    *,
    utterances: "pd.DataFrame | pyarrow.Table",
    errors: "pd.DataFrame | pyarrow.Table",
    skipped: Sequence[SkippedRow],
    summary: dict[str, Any],
) -> None:
    """Put an Evaluation into place; a crash leaves what was there, and notes are kept.

    Raises:
        EvaluationError: the folder cannot be written.
    """
    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a process that crashed
        part.mkdir()
        _write_table(part / UTTERANCES, utterances)
        _write_table(part / ERRORS, errors)
        write_manifest(part / SKIPPED, map(_skipped_record, skipped))
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        (part / SUMMARY).write_text(text + "\n", encoding="utf-8")
        _keep(out, part, NOTES)
        _replace(out, part)
    except OSError as e:
        raise EvaluationError(f"Cannot write {out}: {e}. Choose another folder.") from e
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_table(path: Path, table: "pd.DataFrame | pyarrow.Table") -> None:
    """A Parquet file in groups of rows that can be read one by one."""
    import pyarrow
    from pyarrow import parquet

    if not isinstance(table, pyarrow.Table):
        table = pyarrow.Table.from_pandas(table, preserve_index=False)
    parquet.write_table(table, path, row_group_size=ROW_GROUP)


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
