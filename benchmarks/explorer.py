"""How soon an evaluation of many utterances answers: open, filter, sort, rates, confusions, slices.

python -m benchmarks.explorer [ROWS ...]

Makes an Evaluation of 8 synthetic words a row (seeded) for each number of rows, 100,000 and
1,000,000 where none is given, and asks it in a process of its own, on one core. Times are medians
of 5, on the wall and of the processor; the peak is of the process, Python and all.
"""

import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.own_process import measured, options, peak_mb

if TYPE_CHECKING:
    import pandas as pd

RUNS = 5
SEED = 0
N_WORDS = 8  # of an utterance
SPEAKERS = 200
VOCABULARY = np.array(
    [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in ("n", "rt", "ll", "st")]
)
OPS = np.array(["equal", "substitute", "delete"])
OP_CHANCES = (0.9, 0.07, 0.03)
INSERTION_CHANCE = 0.02  # after each word


def write_evaluation(folder: Path, rows: int) -> None:
    """An Evaluation as `analysis.folder` writes it, from random words, fields and errors."""
    rng = np.random.default_rng(SEED)
    folder.mkdir()
    utterances, errors = synthetic(rows, rng)
    utterances.to_parquet(folder / "utterances.parquet", index=False)
    errors.to_parquet(folder / "errors.parquet", index=False)
    (folder / "skipped.jsonl").write_text("")
    summary = {"format_version": 1, "name": "synthetic", "manifest": {"path": "manifest.jsonl"}}
    (folder / "summary.json").write_text(json.dumps(summary))


def synthetic(rows: int, rng: np.random.Generator) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """The two tables: planted edits, counted and not aligned again."""
    import pandas as pd

    shape = (rows, N_WORDS)
    said = VOCABULARY[rng.integers(len(VOCABULARY), size=shape)]
    others = VOCABULARY[rng.integers(len(VOCABULARY), size=shape)]
    op = OPS[rng.choice(len(OPS), size=shape, p=OP_CHANCES)]
    op[(op == "substitute") & (others == said)] = "equal"
    added = VOCABULARY[rng.integers(len(VOCABULARY), size=shape)]
    inserts = rng.random(shape) < INSERTION_CHANCE
    heard = np.select([op == "equal", op == "substitute"], [said, others], "")
    text = _joined(said)
    pred_text = _joined(np.stack([heard, np.where(inserts, added, "")], axis=2).reshape(rows, -1))
    utterances = _utterances(text, pred_text, op, inserts) | _fields(rows, rng)
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
    """Ten fields to group by."""
    return {
        "duration_s": rng.gamma(8, 0.4, rows).round(3),
        "confidence": rng.beta(8, 2, rows),
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

    row, word = np.nonzero(op != "equal")
    edits = pd.DataFrame(
        {
            "utterance_id": ids[row],
            "op": op[row, word],
            "reference": said[row, word],
            "heard": heard[row, word],
            "row": row,
            "word": word,
        }
    )
    row, word = np.nonzero(inserts)
    more = pd.DataFrame(
        {"utterance_id": ids[row], "op": "insert", "heard": added[row, word], "row": row}
    ).assign(word=word + 0.5)
    both = pd.concat([edits, more]).sort_values(["row", "word"])
    return both.drop(columns=["row", "word"]).reset_index(drop=True)


def questions(evaluation: Any) -> dict[str, Callable[[], object]]:
    """What a person does to the page -> the call behind it."""
    from analysis import confusions, slices
    from analysis.store import Filter
    from analysis.summary import of_view

    condition = Filter("snr_db < 5 AND speaker LIKE 's01%' OR errors > 4")
    everything = evaluation.store.view()
    filtered = evaluation.store.view(condition)
    return {
        "first page": evaluation.page,
        "filter by SQL": lambda: evaluation.page(condition),
        "filter by SQL on errors": lambda: evaluation.page(
            Filter(confusions.cell_condition(*VOCABULARY[:2].tolist()))
        ),
        "text search": lambda: evaluation.page(Filter(search="bart kin")),
        "only errors": lambda: evaluation.page(Filter(only_errors=True)),
        "last page": lambda: evaluation.page(offset=max(evaluation.store.view().count - 50, 0)),
        **{
            f"sort by {name}": lambda name=name: evaluation.page(sort=name)
            for name in evaluation.store.columns
        },
        "rates of all": lambda: of_view(everything),
        "rates of a filter": lambda: of_view(filtered),
        "substitutions": lambda: confusions.substitutions(everything),
        "words": lambda: confusions.words(everything),
        "matrix of words": lambda: confusions.matrix(everything),
        "characters": lambda: confusions.characters(everything),
        "fields": lambda: slices.fields(evaluation.store),
        "slices by speaker": lambda: slices.slice_by(everything, "speaker"),
        "slices by snr_db": lambda: slices.slice_by(everything, "snr_db"),
        "slices of a filter by snr_db": lambda: slices.slice_by(filtered, "snr_db"),
        "worst slices": lambda: slices.worst(everything),
    }


def measure(folder: Path) -> dict[str, tuple[float, ...]]:
    """Median milliseconds of each question, waited and computed, and the process's peak in MB."""
    from analysis.evaluation import Evaluation

    times = {"open": _median_ms(lambda: Evaluation.open(folder))}
    for name, question in questions(Evaluation.open(folder)).items():
        times[name] = _median_ms(question)
    times["peak MB"] = (peak_mb(),)
    return times


def _median_ms(question: Callable[[], object]) -> tuple[float, float]:
    """Of the clock on the wall and of the processor's, which other work does not slow down."""
    clocks = (time.perf_counter, time.process_time)
    times = []
    for _ in range(RUNS):
        started = [clock() for clock in clocks]
        question()
        times.append([1000 * (clock() - s) for clock, s in zip(clocks, started, strict=True)])
    wall, processor = (statistics.median(each) for each in zip(*times, strict=True))
    return wall, processor


def in_own_process(rows: int) -> dict[str, list[float]]:
    """`measure` in a new process on one core, so that the peak is of the questions alone."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "evaluation"
        write_evaluation(folder, rows)
        return measured("benchmarks.explorer", folder)


def main() -> None:
    """Print a table, a column a number of rows."""
    given = options(__doc__, measure)
    found = [in_own_process(rows) for rows in given.rows]
    columns = " | ".join(f"{rows:,} rows | processor" for rows in given.rows)
    print(f"| ms, median of {RUNS} | {columns} |")
    print(f"|---|{'---:|' * 2 * len(found)}")
    for name in found[0]:
        cells = [f"{ms:.0f}" for each in found for ms in (*each[name], math.nan)[:2]]
        print(f"| {name} | {' | '.join(cells).replace('nan', '')} |")


if __name__ == "__main__":
    main()
