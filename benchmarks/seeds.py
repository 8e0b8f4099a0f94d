"""What another seed changes: one recipe's runs, each recognising the same sets.

    python -m asr_core train spoken --data data/spoken --out runs/spoken-2 --seed 2
    python -m benchmarks.seeds --data data/spoken spoken runs/spoken-2 runs/spoken-3

With `--curves FOLDER` each run's `training.csv` goes to `FOLDER/<seed>.csv`; in the `seeds` folder
of a model, the Model tab lays them over the model's own.
"""

import argparse
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path

from analysis.recognition import recognise_manifest
from analysis.scoring import total
from asr_core.checkpoint import find_model
from asr_core.recognizer import Recognizer

SETS = (
    "validation",
    "test_fsdd_official",
    "test_fsdd_joined",
    "test_commands",
    "test_commands_joined",
    "test_digit_strings",
)


def main() -> None:
    """Print a Markdown table of WER by set and seed, with mean and standard deviation."""
    parser = argparse.ArgumentParser(description="Runs of one recipe with several seeds.")
    parser.add_argument("models", nargs="+", help="model folders, or bundled models' names")
    parser.add_argument("--data", type=Path, required=True, help="what `prepare spoken` wrote")
    parser.add_argument("--curves", type=Path, help="folder to copy the training curves to")
    chosen = parser.parse_args()
    recognizers = {seed_of(each): each for each in map(Recognizer.load, chosen.models)}
    if len(recognizers) < len(chosen.models):
        parser.error(f"expected models of different seeds, got seeds {list(recognizers)}")
    rows = {
        name: [wer(each, chosen.data / f"{name}.jsonl") for each in recognizers.values()]
        for name in SETS
    }
    print("\n" + table(rows, list(recognizers)))
    if chosen.curves:
        copy_curves(dict(zip(recognizers, chosen.models, strict=True)), chosen.curves)


def seed_of(recognizer: Recognizer) -> int:
    """The seed that a model was trained with; of an average, its last run's."""
    provenance = recognizer.contract.provenance
    return int(provenance.get("average_of", [provenance])[-1]["seed"])


def wer(recognizer: Recognizer, manifest: Path) -> float:
    """Word error rate of a whole set, greedy."""
    recognition = recognise_manifest(recognizer, manifest, None)
    assert not recognition.skipped, recognition.skipped
    return total(row.score for row in recognition.rows).wer


def table(rows: dict[str, list[float]], seeds: Sequence[int]) -> str:
    """Markdown: a line a set, WER in % by seed, their mean and standard deviation."""
    lines = ["| WER, % | " + " | ".join(f"seed {s}" for s in seeds) + " | mean | SD |"]
    lines.append("|---|" + "---:|" * (len(seeds) + 2))
    for name, wers in rows.items():
        percent = [100 * each for each in wers]
        spread = f"{statistics.stdev(percent):.1f}" if len(percent) > 1 else "–"
        each = " | ".join(f"{p:.1f}" for p in percent)
        lines.append(f"| `{name}` | {each} | {statistics.mean(percent):.1f} | {spread} |")
    return "\n".join(lines)


def copy_curves(models: dict[int, str], folder: Path) -> None:
    """Each run's `training.csv` under its seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, model in models.items():
        shutil.copyfile(find_model(model) / "training.csv", folder / f"{seed}.csv")


if __name__ == "__main__":
    main()
