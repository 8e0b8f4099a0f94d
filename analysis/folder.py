"""An Evaluation folder on disk: written beside its place, then renamed into it."""

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
    utterances: "pd.DataFrame",
    errors: "pd.DataFrame",
    skipped: Sequence[SkippedRow],
    summary: dict[str, Any],
) -> None:
    """Put an Evaluation into place; a crash leaves what was there, and notes are kept.

    Raises:
        EvaluationError: the folder cannot be written.
    """
    from asr_core.checkpoint import write_json

    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a process that crashed
        part.mkdir()
        utterances.to_parquet(part / UTTERANCES, index=False)
        errors.to_parquet(part / ERRORS, index=False)
        write_manifest(part / SKIPPED, map(_skipped_record, skipped))
        write_json(part / SUMMARY, summary)
        _keep(out, part, NOTES)
        _replace(out, part)
    except OSError as e:
        raise EvaluationError(f"Cannot write {out}: {e}. Choose another folder.") from e
    finally:
        shutil.rmtree(part, ignore_errors=True)


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
