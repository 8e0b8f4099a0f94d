"""How soon two evaluations of many utterances are compared, and a page of the result is there.

python -m benchmarks.comparing [ROWS ...]

Two Evaluations of the same 8 random words a row (seeded), each with 15 % of the words wrong, are
compared in a process of their own, on one core. Times are of one run, the peak is of the process.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.own_process import measured, options, peak_mb

SEED = 0
N_WORDS = 8  # of an utterance
ERROR_RATE = 0.15
WRONG = "wrong"
VOCABULARY = np.array(["one", "two", "three", "four", "five", "six", "seven", "stop", "yes", "no"])


def write_evaluation(folder: Path, said: np.ndarray, rng: np.random.Generator) -> None:
    """An Evaluation of references (U, N_WORDS) with planted substitutions."""
    import pandas as pd

    wrong = rng.random(said.shape) < ERROR_RATE
    errors = wrong.sum(axis=1)
    texts, heard = ([" ".join(row) for row in w] for w in (said, np.where(wrong, WRONG, said)))
    ids = np.array([f"utterance-{i:07d}" for i in range(len(said))])
    counts = {"hits": N_WORDS - errors, "substitutions": errors, "deletions": 0, "insertions": 0}
    counts |= {"errors": errors, "n_reference": N_WORDS}
    counts |= {"char_errors": 4 * errors, "n_char": [len(text) for text in texts]}
    names = {"utterance_id": ids, "audio_filepath": ids + ".wav", "text": texts, "pred_text": heard}
    row, word = np.nonzero(wrong)
    edits = {"utterance_id": ids[row], "op": "substitute", "reference": said[row, word]}
    edits |= {"heard": WRONG, "reference_index": word, "heard_index": word}
    folder.mkdir()
    pd.DataFrame(names | counts).to_parquet(folder / "utterances.parquet", index=False)
    pd.DataFrame(edits).to_parquet(folder / "errors.parquet", index=False)
    (folder / "skipped.jsonl").write_text("")
    summary = {"format_version": 1, "name": "synthetic", "model": {"name": folder.name}}
    summary["manifest"] = {"path": "manifest.jsonl"}
    (folder / "summary.json").write_text(json.dumps(summary))


def measure(folder: Path) -> dict[str, float]:
    """Seconds of each step, and the process's peak in MB."""
    from analysis.compare import of_pairing, table
    from analysis.evaluation import Evaluation
    from analysis.pairing import pair

    a, b = (Evaluation.open(folder / name) for name in "ab")
    pairing = pair(a, b)  # the first also reads the packages
    steps: dict[str, Callable[[], object]] = {
        "join": lambda: pair(a, b),
        "compare": lambda: of_pairing(pairing),
        "first page": pairing.page,
        "page of those won": lambda: pairing.page("won"),
        "page of a fixed word": lambda: pairing.page(word="seven", change="fixed"),
        "table of two": lambda: table([a, b]),
    }
    times = {}
    for name, step in steps.items():
        started = time.perf_counter()
        step()
        times[name] = time.perf_counter() - started
    times["peak MB"] = peak_mb()
    return times


def in_own_process(n_rows: int) -> dict[str, float]:
    """`measure` in a new process on one core."""
    rng = np.random.default_rng(SEED)
    said = rng.choice(VOCABULARY, (n_rows, N_WORDS))
    with tempfile.TemporaryDirectory() as folder:
        for name in "ab":
            write_evaluation(Path(folder) / name, said, rng)
        return measured("benchmarks.comparing", Path(folder))


def main() -> None:
    """Print a table, a column a number of rows."""
    given = options(__doc__, measure)
    found = [in_own_process(n_rows) for n_rows in given.rows]
    print(f"| | {' | '.join(f'{n:,}' for n in given.rows)} |\n|---|{'---|' * len(found)}")
    for name in found[0]:
        places = 0 if name == "peak MB" else 2
        print(f"| {name} | {' | '.join(f'{each[name]:.{places}f}' for each in found)} |")


if __name__ == "__main__":
    main()
