"""How long an import takes and how much memory, from the command's start to the headline.

python -m benchmarks.imports [ROWS ...]

Rows of 8 words, 10 % of them wrong, in JSON lines; on one core, with GNU time. For 100,000 rows the
goal is 8 s and 400 MB, at which NeMo's Speech Data Explorer is ready (8.1 s, 255 MB).
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SIZES = (100_000, 1_000_000)
WORDS = 8
ERROR_RATE = 0.1
VOCABULARY = tuple(f"{a}{b}" for a in ("ba", "de", "fi", "go", "lu") for b in ("n", "ra", "stel"))


def write_predictions(path: Path, n_rows: int, seed: int = 0) -> int:
    """Rows with planted substitutions; how many there are."""
    draw = random.Random(seed)  # noqa: S311
    planted = 0
    with path.open("w", encoding="utf-8") as file:
        for i in range(n_rows):
            said = draw.choices(VOCABULARY, k=WORDS)
            heard = list(said)
            for place in range(WORDS):
                if draw.random() < ERROR_RATE:
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


def measure(n_rows: int, folder: Path) -> tuple[float, float]:
    """Seconds and peak MB of one import on one core, whose word error rate is the planted one."""
    predictions = folder / "predictions.jsonl"
    planted = write_predictions(predictions, n_rows)
    place = ["--name", "planted", "--out", str(folder / "evaluation")]
    command = [sys.executable, "-m", "analysis", "import", str(predictions), *place]
    core = str(min(os.sched_getaffinity(0)))
    done = subprocess.run(
        ["/usr/bin/time", "-f", "%e %M", "taskset", "-c", core, *command],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert f" {planted} substituted, 0 deleted, 0 inserted" in done.stdout, done.stdout
    found = re.search(r"^(\d+\.\d+) (\d+)$", done.stderr, re.MULTILINE)
    assert found, done.stderr
    return float(found[1]), int(found[2]) / 1024


def main() -> None:
    """Print a table, a row a size."""
    print("| rows | seconds | peak MB |\n|---|---|---|", flush=True)
    for n_rows in [int(size) for size in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            seconds, megabytes = measure(n_rows, Path(folder))
        print(f"| {n_rows:,} | {seconds:.1f} | {megabytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()
