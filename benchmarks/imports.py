"""How long an import takes and how much memory, from the command's start to the headline.

python -m benchmarks.imports [ROWS ...]

Rows of 8 words, 10 % of them wrong, in JSON lines; on one core, with GNU time. NeMo's Speech Data
Explorer is ready with 100,000 rows in 8 s and 255 MB.
"""

import argparse
import json
import random
import statistics
import tempfile
from pathlib import Path

from benchmarks.own_process import SIZES, timed_command
from benchmarks.results import Growth, Table, tell

ROOT = Path(__file__).parent.parent
RUNS = 3
FEW = 100_000  # rows; more are imported once
WORDS = 8
ERROR_RATE = 0.1
VOCABULARY = tuple(f"{a}{b}" for a in ("ba", "de", "fi", "go", "lu") for b in ("n", "ra", "stel"))


def write_predictions(path: Path, n_rows: int, seed: int = 0, system: int = 0) -> int:
    """Rows with planted substitutions; how many there are.

    Systems of other numbers hear the same texts with errors of their own.
    """
    draw, err = random.Random(seed), random.Random(f"{seed} {system}")  # noqa: S311
    planted = 0
    with path.open("w", encoding="utf-8") as file:
        for i in range(n_rows):
            said = draw.choices(VOCABULARY, k=WORDS)
            heard = list(said)
            for place in range(WORDS):
                if err.random() < ERROR_RATE:
                    heard[place] = f"{heard[place]}x"  # no word of the vocabulary: a substitution
                    planted += 1
            row = {
                "audio_filepath": f"clips/{i:07d}.wav",
                "duration": round(draw.uniform(1, 5), 2),
                "text": " ".join(said),
                "pred_text": " ".join(heard),
                "speaker": f"speaker {i % 97}",
            }
            file.write(json.dumps(row) + "\n")
    return planted


def measure(n_rows: int, folder: Path, system: int = 0) -> tuple[float, float]:
    """Seconds and peak MB of one import on one core, whose word error rate is the planted one."""
    predictions, out = folder / f"predictions-{system}.jsonl", folder / f"evaluation-{system}"
    planted = write_predictions(predictions, n_rows, system=system)
    command = ["-m", "analysis", "import", str(predictions), "--name", "planted", "--out", str(out)]
    seconds, megabytes, printed = timed_command(command, ROOT)
    assert f" {planted} substituted, 0 deleted, 0 inserted" in printed, printed
    return seconds, megabytes


def main() -> None:
    """Tell a row a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    found = []
    for n_rows in parser.parse_args().rows:
        runs = []
        for _ in range(1 if n_rows > FEW else RUNS):
            with tempfile.TemporaryDirectory() as folder:
                runs.append(measure(n_rows, Path(folder)))
        seconds, megabytes = (statistics.median(each) for each in zip(*runs, strict=True))
        found.append((n_rows, seconds, megabytes))
    rows = tuple((f"{n:,}", f"{s:.2f}", f"{mb:.0f}", f"{n / s:,.0f}") for n, s, mb in found)
    table = Table(
        "Import of another system's predictions",
        ("rows", "s", "peak, MB", "rows a second"),
        rows,
        f"The whole command, from its start to the headline, on one core; medians of {RUNS} up to"
        f" {FEW:,} rows. The word error rate printed is the planted one.",
    )
    growths = [
        Growth("import", "rows", "s", tuple((n, s) for n, s, _ in found)),
        Growth("import, peak memory", "rows", "MB", tuple((n, mb) for n, _, mb in found)),
    ]
    tell([table], growths)


if __name__ == "__main__":
    main()
