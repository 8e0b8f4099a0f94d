"""On paper: what evaluating 1,000,000 hours of speech takes, from figures measured here.

    python -m benchmarks.sizing [--hours 1000000] [--speed HOURS] [--efficiency SHARE]

Without `--speed` (hours of audio that one core evaluates in an hour), the bundled validation set is
evaluated on one thread to measure it. Storage and the parts that are not shared out are measured
in any case.
"""

import argparse
import io
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import soundfile
import torch
from pyarrow import parquet

from analysis.evaluating import evaluate
from analysis.shard_workers import Done, Run, Task, here
from asr_core.audio import Audio
from asr_core.manifest import read_manifest
from asr_core.recognizer import Recognizer
from benchmarks.cluster import divided_and_merged, one_shard, repeated
from benchmarks.recognition import MANIFEST
from benchmarks.results import Table, tell

RUNS = 3
SERIAL_ROWS = 36_000  # divided and merged
MB = 1e6
CORES = 32  # of a machine
MACHINES = (1, 10, 30, 100)
PART_HOURS = 10_000  # of one evaluation: more is given to several, a manifest each
WAV_MB = 16_000 * 2 * 3600 / MB  # an hour at 16 kHz in 16 bits


@dataclass(frozen=True)
class Measured:
    """What one core of this machine does, and what an hour of audio takes on disk, in MB."""

    speed: float  # hours of audio evaluated in an hour
    utterance_s: float  # mean
    serial_s: float  # divided and merged, an hour of audio: not shared out among workers
    stored: float  # the recordings as they are, Opus
    flac: float  # the same at the model's rate
    tables: float  # both Parquet files of the evaluation
    work: float  # shards, while it runs


def main() -> None:
    """Measure what is not given, print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hours", type=float, default=1e6, help="of audio")
    parser.add_argument("--speed", type=float, help="hours of audio an hour, of one core")
    parser.add_argument(
        "--efficiency", type=float, default=0.8, help="of many machines, against one core each"
    )
    given = parser.parse_args()
    found = measure()
    if given.speed:
        found = replace(found, speed=given.speed)
    tell(
        [figures(found), sizing(found, given.hours, given.efficiency), storage(found, given.hours)]
    )


def measure() -> Measured:
    """The bundled validation set, evaluated on one thread after a warm-up."""
    torch.set_num_threads(1)
    recognizer = Recognizer.load("spoken")
    recordings = [recognizer.read(row.audio_path) for row in read_manifest(MANIFEST).rows]
    hours = sum(audio.duration_s for audio in recordings) / 3600
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one_shard(folder)  # the warm-up
        sizes: list[int] = []
        run = _weighed(recognizer, sizes)
        done = [evaluate(recognizer, MANIFEST, folder / "e", run=run) for _ in range(RUNS)]
        took_s = statistics.median(each.summary["took_s"] for each in done)
        tables = sum(_data_bytes(path) for path in (folder / "e").glob("*.parquet"))
        (folder / "many").mkdir()
        many_hours = repeated(folder / "many" / "manifest.jsonl", SERIAL_ROWS) / 3600
        serial = divided_and_merged(folder / "many")
    stored = sum(row.audio_path.stat().st_size for row in read_manifest(MANIFEST).rows)
    return Measured(
        speed=3600 * hours / took_s,
        utterance_s=3600 * hours / len(recordings),
        serial_s=(serial["divided_s"] + serial["merged_s"]) / many_hours,
        stored=stored / hours / MB,
        flac=sum(map(_flac_bytes, recordings)) / hours / MB,
        tables=tables / hours / MB,
        work=sizes[-1] / hours / MB,
    )


def figures(found: Measured) -> Table:
    """What was measured."""
    return Table(
        "What the sizing rests on",
        ("figure", "value"),
        (
            ("hours of audio that a core evaluates in an hour", round(found.speed)),
            ("divided and merged by one core, s an hour of audio", round(found.serial_s, 2)),
            ("mean utterance, s", round(found.utterance_s, 2)),
            ("recordings as they are (Opus), MB an hour", round(found.stored, 1)),
            ("recordings as FLAC at the model's rate, MB an hour", round(found.flac, 1)),
            ("recordings as WAV of 16 kHz, MB an hour", round(WAV_MB, 1)),
            ("Parquet files, MB an hour", round(found.tables, 2)),
            ("shards while it runs, MB an hour", round(found.work, 2)),
        ),
        f"The bundled validation set on one thread, median of {RUNS} runs. Its utterances are"
        " short; longer ones take less table an hour. A small file's dates and headers are left"
        " out of the Parquet files.",
    )


def sizing(found: Measured, hours: float, efficiency: float) -> Table:
    """Time by number of machines."""
    n_parts = max(1, round(hours / PART_HOURS))
    rows = []
    for n_machines in MACHINES:
        shared_h = hours / (found.speed * n_machines * CORES * efficiency)
        at_once = min(n_parts, n_machines * CORES)
        serial_h = found.serial_s * hours / 3600 / at_once
        times = (_time(each) for each in (shared_h, serial_h, shared_h + serial_h))
        rows.append((n_machines, n_machines * CORES, *times))
    return Table(
        f"On paper: {hours:,.0f} hours of audio evaluated",
        ("machines", "cores", "recognised and explained", "divided and merged", "together"),
        tuple(rows),
        f"Machines of {CORES} cores as fast as one of this machine, recordings read as fast as from"
        f" its disk, an efficiency of {efficiency:g} assumed. {n_parts} evaluations of"
        f" {hours / n_parts:,.0f} hours, each with a manifest of its own: one core divides it and"
        " merges its shards, and holds all its utterances' names meanwhile.",
    )


def storage(found: Measured, hours: float) -> Table:
    """Terabytes in and out."""
    kinds = {
        "recordings, Opus": found.stored,
        "recordings, FLAC": found.flac,
        "recordings, WAV": WAV_MB,
        "evaluations": found.tables,
        "shards, while they run": found.work,
    }
    return Table(
        f"On paper: storage of {hours:,.0f} hours of audio",
        ("what", "TB"),
        tuple((what, round(mb * hours / MB, 2)) for what, mb in kinds.items()),
        "The recordings in one of the three formats.",
    )


def _weighed(recognizer: Recognizer, sizes: list[int]) -> Run:
    """This process, which notes how many bytes the shards' folder has at the end."""

    def run(task: Task, todo: Sequence[int], done: Done) -> None:
        here(recognizer)(task, todo, done)
        sizes.append(sum(path.stat().st_size for path in task.shards.folder.iterdir()))

    return run


def _data_bytes(path: Path) -> int:
    """Of a Parquet file's columns, without the headers that every file has."""
    file = parquet.ParquetFile(path).metadata
    groups = [file.row_group(i) for i in range(file.num_row_groups)]
    return sum(
        group.column(i).total_compressed_size for group in groups for i in range(group.num_columns)
    )


def _flac_bytes(audio: Audio) -> int:
    file = io.BytesIO()
    soundfile.write(file, audio.samples, audio.sample_rate, format="FLAC")
    return file.getbuffer().nbytes


def _time(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:,.0f} days"
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"


if __name__ == "__main__":
    main()
