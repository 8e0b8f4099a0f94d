"""Evaluations of texts alone, for tests of what is counted from them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.evaluation import Evaluation
from analysis.folder import write_folder
from analysis.scoring import score
from analysis.tables import ERROR_COLUMNS, UTTERANCE_COLUMNS, table

COUNTS = (
    *("hits", "substitutions", "deletions", "insertions", "errors", "n_reference"),
    *("char_errors", "n_char", "wer", "cer"),
)


def write_texts(
    folder: Path,
    said: Sequence[str],
    heard: Sequence[str],
    ids: Sequence[str] = (),
    **columns: Sequence[Any],
) -> Evaluation:
    """An Evaluation of pairs of texts, with further columns; replaces what was there."""
    scores = score(said, heard)
    ids = ids or [f"u-{i}" for i in range(len(said))]
    utterances = [
        {"utterance_id": ids[i], "audio_filepath": f"{i}.wav", "text": said[i], "text_raw": said[i]}
        | {"pred_text": heard[i], "pred_raw": heard[i]}
        | {"raw_errors": scores[i].errors, "raw_n_reference": scores[i].n_reference}
        | {name: getattr(scores[i], name) for name in COUNTS}
        | {name: values[i] for name, values in columns.items()}
        for i in range(len(said))
    ]
    errors = [
        {"utterance_id": ids[i]} | asdict(edit)
        for i in range(len(said))
        for edit in scores[i].edits
        if edit.op != "equal"
    ]
    write_folder(
        folder,
        utterances=table(utterances, UTTERANCE_COLUMNS),
        errors=table(errors, ERROR_COLUMNS),
        skipped=[],
        summary={
            "format_version": 1,
            "name": "texts",
            "model": {"name": folder.name},
            "manifest": {"path": "manifest.jsonl"},
        },
    )
    return Evaluation.open(folder)


def write_heard(folder: Path, references: dict[str, str], heard: Sequence[str]) -> Evaluation:
    """An Evaluation of what was heard; references by utterance_id, in the order of `heard`."""
    return write_texts(folder, list(references.values()), heard, list(references))
