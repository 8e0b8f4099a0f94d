"""How long a description takes and how much memory: manifests alone, and with their sound.

python -m benchmarks.describing [--manifest FILE] [ROWS ...]

Rows of 8 words without sound, on one core; then the recordings of a manifest (the bundled set) with
one process and with two, and once more from the cache. Memory is the parent process's peak.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.imports import ROOT, write_predictions

SIZES = (1_000, 10_000, 100_000)
BUNDLED = ROOT / "assets" / "validation" / "spoken" / "manifest.jsonl"


def describe(manifest: Path, folder: Path, *options: str, cores: int = 1) -> tuple[float, float]:
    """Seconds and peak MB of one `describe`, on some cores."""
    command = [sys.executable, "-m", "analysis", "describe", str(manifest), *options]
    chosen = ",".join(map(str, sorted(os.sched_getaffinity(0))[:cores]))
    timed = ["/usr/bin/time", "-f", "%e %M", "taskset", "-c", chosen]
    done = subprocess.run(
        [*timed, *command, "--out", str(folder / "description")],
        cwd=ROOT,
        env=os.environ | {"XDG_CACHE_HOME": str(folder)},
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"^(\d+\.\d+) (\d+)$", done.stderr, re.MULTILINE)
    assert found, done.stderr
    return float(found[1]), int(found[2]) / 1024


def without_sound(sizes: list[int]) -> None:
    """Print a row a size."""
    print("| rows, no sound | seconds | peak MB |\n|---|---|---|", flush=True)
    for n_rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / "manifest.jsonl"
            write_predictions(manifest, n_rows)
            seconds, megabytes = describe(manifest, Path(folder), "--no-sound")
        print(f"| {n_rows:,} | {seconds:.1f} | {megabytes:.0f} |", flush=True)


def with_sound(manifest: Path) -> None:
    """Print a row for one process, for two, and for the cache."""
    print(
        "| sound | seconds | recordings a second | x real time | peak MB |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        runs = (
            ("1 process", Path(first), 1),
            ("2 processes", Path(second), 2),
            ("from the cache", Path(second), 2),
        )
        for name, folder, n in runs:
            seconds, megabytes = describe(manifest, folder, "--workers", str(n), cores=n)
            count, audio_s = measured(folder / "description")
            rates = f"{count / seconds:.0f} | {audio_s / seconds:.0f}"
            print(f"| {name} | {seconds:.1f} | {rates} | {megabytes:.0f} |", flush=True)


def measured(folder: Path) -> tuple[int, float]:
    """How many recordings a description has, and how long they are together."""
    from analysis.description import Description

    question = "SELECT count(*) AS n, sum(duration_s) AS s FROM utterances WHERE problem IS NULL"
    [row] = Description.open(folder).store.ask(question)
    return int(row["n"]), float(row["s"])


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--manifest", type=Path, default=BUNDLED)
    given = parser.parse_args()
    without_sound(given.rows)
    with_sound(given.manifest.resolve())


if __name__ == "__main__":
    main()
