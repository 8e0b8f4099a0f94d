"""`analysis evaluate` by one process, by two, and by Ray's workers; then what shards cost.

    python -m benchmarks.cluster [ROWS ...]

The bundled validation set's rows, repeated to as many as are asked for. Every way's tables must be
those of one process, byte for byte. Each run is a new `python -m analysis evaluate`, so a line
through its seconds at all sizes tells the start from the speed.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from analysis.evaluating import evaluate
from analysis.folder import write_folder
from analysis.merging import merge
from analysis.shard_workers import Done, Task, here
from analysis.shards import open_shards
from asr_core.manifest import read_manifest
from asr_core.recognizer import Recognizer
from benchmarks.own_process import measured, peak_mb
from benchmarks.recognition import MANIFEST
from benchmarks.results import Growth, Table, tell

SIZES = (90, 180, 360, 720)  # rows
SHARD_ROWS = 45  # small ones, so that there are several for every worker
MERGED = (10_800, 36_000, 108_000, 324_000)  # rows, times 360
WAYS = {  # each worker has one thread
    "one process": (),
    "2 processes (`--jobs 2`)": ("--jobs", "2"),
    "Ray, 1 worker": ("--ray", "--jobs", "1"),
    "Ray, 2 workers": ("--ray", "--jobs", "2"),
}
ONE_SHARD = "one.parquet"
TABLES = ("utterances.parquet", "errors.parquet", "skipped.jsonl")


def main() -> None:
    """Print both tables and hand over the growths."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(divided_and_merged(given.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        table, growths = evaluated(Path(folder), sorted(given.rows))
        costs, more = of_shards(Path(folder))
    tell([table, costs], [*growths, *more])


def repeated(path: Path, n_rows: int) -> float:
    """Write a manifest of the bundled set's rows over and over; returns its seconds of audio."""
    rows = list(itertools.islice(itertools.cycle(read_manifest(MANIFEST).rows), n_rows))
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            known = {"audio_filepath": str(row.audio_path), "text": row.text}
            file.write(json.dumps(known | {"duration": row.duration_s} | row.fields) + "\n")
    return sum(row.duration_s or 0.0 for row in rows)


def evaluated(folder: Path, sizes: list[int]) -> tuple[Table, list[Growth]]:
    """Seconds of every way at every size, and what they come to."""
    ways = WAYS if find_spec("ray") else {n: o for n, o in WAYS.items() if "--ray" not in o}
    points: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for n_rows in sizes:
        manifest = folder / f"{n_rows}.jsonl"
        audio_s = repeated(manifest, n_rows)
        for i, (name, options) in enumerate(ways.items()):
            points[name].append((audio_s, run(manifest, folder / f"{n_rows}-{i}", options)))
            assert_same(folder / f"{n_rows}-{i}", folder / f"{n_rows}-0")
    lines = {name: np.polyfit(*np.array(found).T, 1) for name, found in points.items()}
    alone = lines["one process"][0]
    table = Table(
        "evaluate, by one process and by several workers",
        ("who", f"{sizes[-1]} rows, s", "start, s", "hours of audio an hour", "speed-up"),
        tuple(
            (
                name,
                round(points[name][-1][1], 1),
                round(max(start_s, 0.0), 1),
                round(1 / slope),
                round(alone / slope, 2),
            )
            for name, (slope, start_s) in lines.items()
        ),
        f"One thread a worker; {', '.join(map(str, sizes))} rows of the bundled set, whose tables"
        " came out the same, byte for byte. Start and speed are those of a line through all sizes:"
        " the start includes Python's imports, the model, and Ray's own.",
    )
    growths = [
        Growth(f"evaluate, {n}", "seconds of audio", "s", tuple(p)) for n, p in points.items()
    ]
    return table, growths


def run(manifest: Path, out: Path, options: tuple[str, ...]) -> float:
    """Seconds of a new process that evaluates."""
    command = [sys.executable, "-m", "analysis", "evaluate", "--model", "spoken", *options]
    command += ["--manifest", str(manifest), "--out", str(out), "--shard-rows", str(SHARD_ROWS)]
    started = time.perf_counter()
    subprocess.run(
        command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    return time.perf_counter() - started


def assert_same(one: Path, other: Path) -> None:
    """Tables byte for byte."""
    for name in TABLES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), (one, name)


def of_shards(folder: Path) -> tuple[Table, list[Growth]]:
    """What dividing a manifest and merging its shards cost, in a process of their own."""
    one_shard(folder)
    found = {}
    for n_rows in MERGED:
        work = folder / f"shards-{n_rows}"
        work.mkdir()
        repeated(work / "manifest.jsonl", n_rows)
        found[n_rows] = measured("benchmarks.cluster", work)
        shutil.rmtree(work)
    table = Table(
        "A manifest divided into shards, and shards merged into an evaluation",
        ("rows", "divided, s", "merged, s", "peak, MB"),
        tuple(
            (n_rows, round(each["divided_s"], 2), round(each["merged_s"], 2), round(each["mb"]))
            for n_rows, each in found.items()
        ),
        "Shards of the bundled set's 360 rows, the same again and again. Neither is shared out"
        " among workers.",
    )
    growths = [
        Growth(what, "rows", unit, tuple((n, each[key]) for n, each in found.items()))
        for what, unit, key in (
            ("divide a manifest into shards", "s", "divided_s"),
            ("merge shards", "s", "merged_s"),
            ("divide and merge", "MB", "mb"),
        )
    ]
    return table, growths


def divided_and_merged(folder: Path) -> dict[str, float]:
    """Divide `manifest.jsonl`, put the same results everywhere, merge."""
    started = time.perf_counter()
    rows_each = len(read_manifest(MANIFEST).rows)
    shards = open_shards(folder / "s", folder / "manifest.jsonl", {}, rows_each)
    divided_s = time.perf_counter() - started
    for n in range(len(shards)):
        os.link(folder.parent / ONE_SHARD, shards.folder / f"{n:06}.parquet")
    started = time.perf_counter()
    merged = merge(shards)
    write_folder(
        folder / "out",
        utterances=merged.utterances(),
        errors=merged.errors(),
        skipped=merged.skipped,
        summary=merged.summary(),
    )
    assert merged.n_utterances == shards.n_rows
    merged_s = time.perf_counter() - started
    return {"divided_s": divided_s, "merged_s": merged_s, "mb": peak_mb()}


def one_shard(folder: Path) -> None:
    """Leave the results of the bundled set as a shard in a folder."""
    recognizer = Recognizer.load("spoken")

    def keep(task: Task, todo: Sequence[int], done: Done) -> None:
        here(recognizer)(task, todo, done)
        shutil.copy(task.shards.folder / "000000.parquet", folder / ONE_SHARD)

    evaluate(recognizer, MANIFEST, folder / "one", run=keep)


if __name__ == "__main__":
    main()
