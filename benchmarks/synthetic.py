"""Evaluations of any size with planted errors, in the folders that `analysis.folder` writes.

Two systems of other seeds hear the same utterances: they can be compared.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).parent.parent
SEED = 0
N_WORDS = 8  # of an utterance
SPEAKERS = 200
VOCABULARY = np.array(
    [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in ("n", "rt", "ll", "st")]
)
OPS = np.array(["equal", "substitute", "delete"])
OP_CHANCES = (0.9, 0.07, 0.03)
INSERTION_CHANCE = 0.02  # after each word
WANTED = "snr_db < 5 AND speaker LIKE 's01%' OR errors > 4"  # a condition, its answer is planted
RECORDINGS = ROOT / "assets" / "validation" / "spoken"


def recordings() -> list[str]:
    """The bundled set's, so that each row can be heard."""
    return [str(path) for path in sorted(RECORDINGS.glob("**/*.opus"))]


def write_evaluation(
    folder: Path, rows: int, *, system: int = 0, sounds: Sequence[str] = ()
) -> dict[str, Any]:
    """An Evaluation of random words and fields, with the errors of one system.

    Args:
        folder: a new one.
        rows: utterances.
        system: the seed of its errors; the utterances are those of any other system.
        sounds: recordings, taken in turns; files that are not there where none are given.

    Returns:
        Its summary, whose `counts` are the planted ones, with `wanted`: how many pass WANTED.
    """
    folder.mkdir(parents=True)
    utterances, errors = synthetic(rows, system)
    if sounds:
        utterances["audio_filepath"] = np.resize(np.array(sounds), rows)
    utterances.to_parquet(folder / "utterances.parquet", index=False, row_group_size=122_880)
    errors.to_parquet(folder / "errors.parquet", index=False, row_group_size=122_880)
    (folder / "skipped.jsonl").write_text("")
    summary = _summary(utterances, f"system {system}")
    summary["manifest"] = {"path": os.path.relpath("manifest.jsonl", folder), "sha256": ""}
    (folder / "summary.json").write_text(json.dumps(summary))
    return summary


def _summary(utterances: "pd.DataFrame", model: str) -> dict[str, Any]:
    names = ("hits", "substitutions", "deletions", "insertions")
    counts = {name: int(utterances[name].sum()) for name in names}
    low_snr = (utterances["snr_db"] < 5) & utterances["speaker"].str.startswith("s01")
    return {
        "format_version": 1,
        "name": "synthetic",
        "model": {"name": model, "imported": True, "sha256": model},
        "interval": {"over": "utterances"},
        "audio_s": float(utterances["duration_s"].sum()),
        "counts": counts
        | {
            "utterances": len(utterances),
            "wrong_utterances": int((utterances["errors"] > 0).sum()),
            "words": int(utterances["n_reference"].sum()),
            "skipped": 0,
        },
        "wanted": int((low_snr | (utterances["errors"] > 4)).sum()),
    }


def synthetic(rows: int, system: int) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """The two tables: planted edits, counted and not aligned again."""
    import pandas as pd

    shape = (rows, N_WORDS)
    of_all, of_system = np.random.default_rng(SEED), np.random.default_rng([SEED, 1 + system])
    said = VOCABULARY[of_all.integers(len(VOCABULARY), size=shape)]
    others = VOCABULARY[of_system.integers(len(VOCABULARY), size=shape)]
    op = OPS[of_system.choice(len(OPS), size=shape, p=OP_CHANCES)]
    op[(op == "substitute") & (others == said)] = "equal"
    added = VOCABULARY[of_system.integers(len(VOCABULARY), size=shape)]
    inserts = of_system.random(shape) < INSERTION_CHANCE
    heard = np.select([op == "equal", op == "substitute"], [said, others], "")
    text = _joined(said)
    pred_text = _joined(np.stack([heard, np.where(inserts, added, "")], axis=2).reshape(rows, -1))
    utterances = _utterances(text, pred_text, op, inserts) | _fields(rows, of_all)
    utterances["confidence"] = of_system.beta(8, 2, rows)
    ids = np.array([f"utterance-{i:07d}" for i in range(rows)])
    table = pd.DataFrame({"utterance_id": ids, "audio_filepath": ids + ".wav"} | utterances)
    return table, _errors(ids, said, np.where(op == "substitute", others, None), op, added, inserts)


def _joined(words: np.ndarray) -> list[str]:
    return [" ".join(word for word in row if word) for row in words.tolist()]


def _utterances(
    text: list[str], pred_text: list[str], op: np.ndarray, inserts: np.ndarray
) -> dict[str, Any]:
    from rapidfuzz.distance import Levenshtein

    n_char = np.array([len(each) for each in text])
    char_errors = np.array(
        [Levenshtein.distance(*pair) for pair in zip(text, pred_text, strict=True)]
    )
    substitutions, deletions = ((op == name).sum(axis=1) for name in ("substitute", "delete"))
    insertions = inserts.sum(axis=1)
    errors = substitutions + deletions + insertions
    return {
        "text": text,
        "text_raw": text,
        "pred_text": pred_text,
        "pred_raw": pred_text,
        "raw_errors": errors,
        "raw_n_reference": N_WORDS,
        "hits": N_WORDS - substitutions - deletions,
        "substitutions": substitutions,
        "deletions": deletions,
        "insertions": insertions,
        "errors": errors,
        "n_reference": N_WORDS,
        "char_errors": char_errors,
        "n_char": n_char,
        "wer": errors / N_WORDS,
        "cer": char_errors / n_char,
    }


def _fields(rows: int, rng: np.random.Generator) -> dict[str, Any]:
    """Nine fields to group by."""
    return {
        "duration_s": rng.gamma(8, 0.4, rows).round(3),
        "snr_db": rng.normal(15, 8, rows).round(1),
        "speaker": np.array([f"s{i:03d}" for i in range(SPEAKERS)])[
            rng.integers(SPEAKERS, size=rows)
        ],
        "gender": np.array(["f", "m"])[rng.integers(2, size=rows)],
        "age": rng.integers(6, 90, rows),
        "noise": np.array(["none", "white", "fan", "street", "babble"])[rng.integers(5, size=rows)],
        "room": np.array(["none", "small", "hall"])[rng.integers(3, size=rows)],
        "rate": rng.choice([0.8, 0.9, 1.0, 1.1, 1.2], rows),
        "level_dbfs": rng.normal(-24, 6, rows).round(1),
    }


def _errors(
    ids: np.ndarray,
    said: np.ndarray,
    heard: np.ndarray,
    op: np.ndarray,
    added: np.ndarray,
    inserts: np.ndarray,
) -> "pd.DataFrame":
    import pandas as pd

    kept, inserted = np.cumsum(op != "delete", axis=1), np.cumsum(inserts, axis=1)
    row, word = np.nonzero(op != "equal")
    deleted = op[row, word] == "delete"
    before = kept[row, word] + inserted[row, word] - inserts[row, word] - 1
    edits = pd.DataFrame(
        {
            "utterance_id": ids[row],
            "op": op[row, word],
            "reference": said[row, word],
            "heard": heard[row, word],
            "reference_index": pd.array(word, dtype="Int64"),
            "heard_index": pd.arrays.IntegerArray(before, deleted),
            "row": row,
            "order": word,
        }
    )
    row, word = np.nonzero(inserts)
    more = pd.DataFrame(
        {
            "utterance_id": ids[row],
            "op": "insert",
            "heard": added[row, word],
            "heard_index": pd.array(kept[row, word] + inserted[row, word] - 1, dtype="Int64"),
            "row": row,
        }
    ).assign(order=word + 0.5)
    both = pd.concat([edits, more]).sort_values(["row", "order"])
    return both.drop(columns=["row", "order"]).reset_index(drop=True)
