"""Evaluation folders of texts, without a model, for the tests that compare them."""

from collections.abc import Sequence
from pathlib import Path

from analysis.evaluation import Evaluation
from analysis.folder import write_folder
from analysis.scoring import score
from analysis.tables import ERROR_COLUMNS, UTTERANCE_COLUMNS, table


def write_evaluation(
    out: Path, references: dict[str, str], heard: Sequence[str], **model: str
) -> Evaluation:
    """An Evaluation of what was heard; references by utterance_id, in the order of `heard`."""
    scores = score(list(references.values()), heard)
    utterances, errors = [], []
    for (key, text), got, scored in zip(references.items(), heard, scores, strict=True):
        names = ("hits", "substitutions", "deletions", "insertions", "errors", "n_reference")
        counts = {name: getattr(scored, name) for name in (*names, "char_errors", "n_char")}
        utterances.append(
            {"utterance_id": key, "audio_filepath": f"{key}.wav", "text": text, "pred_text": got}
            | counts
            | {"wer": scored.wer, "cer": scored.cer}
        )
        errors += [
            {
                "utterance_id": key,
                "op": edit.op,
                "reference": edit.reference,
                "heard": edit.heard,
                "reference_index": edit.reference_index,
                "heard_index": edit.heard_index,
            }
            for edit in scored.edits
            if edit.op != "equal"
        ]
    summary = {
        "format_version": 1,
        "name": "planted",
        "model": {"name": out.name, **model},
        "manifest": {"path": "../manifest.jsonl", "sha256": ""},
    }
    write_folder(
        out,
        utterances=table(utterances, UTTERANCE_COLUMNS),
        errors=table(errors, ERROR_COLUMNS),
        skipped=[],
        summary=summary,
    )
    return Evaluation.open(out)
