"""Training: utterance-seconds a second, waiting for data, processes, growth, starting up.

    python -m benchmarks.training [--data data/spoken] [--batches 16] [--epochs 4] [--two-threads]

The recipe `spoken` on an eighth of its data; without it, on the bundled synthetic recordings. Every
process has one thread unless the table says otherwise. Growth: `benchmarks.training_growth`.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from asr_core.manifest import read_manifest, write_manifest
from benchmarks.budget import record
from benchmarks.results import Table, tell

ROOT = Path(__file__).parent.parent
BUNDLED = ROOT / "assets/validation/spoken/manifest.jsonl"
RECIPE = "spoken"
EVERY = 8  # rows of data/spoken, for the time it takes
SIDE = 1024  # of the matrices multiplied
PORT = 29531


def main() -> None:
    """Run one process, then two in two ways; tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "data/spoken")
    parser.add_argument("--batches", type=int, default=16, help="an epoch")
    parser.add_argument("--epochs", type=int, default=4, help="the first is for warming up")
    parser.add_argument(
        "--two-threads", action="store_true", help="one process with two: slow beside other work"
    )
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(_profiled(given.child)))
        return
    with tempfile.TemporaryDirectory() as folder:
        source = _prepare(given.data, Path(folder) / "data")
        settings = {"batches": given.batches, "epochs": given.epochs}
        tell(_measure(Path(folder), source, settings, 2 if given.two_threads else 1))


def _measure(folder: Path, source: str, settings: dict[str, int], most_threads: int) -> list[Table]:
    batches, epochs = settings["batches"], settings["epochs"]
    runs: dict[str, dict[str, Any]] = {}
    for name, threads in (("1 process", 1), ("1 process, 2 threads", 2))[:most_threads]:
        place = folder / name.replace(" ", "-")
        place.mkdir()
        (place / "asked.json").write_text(json.dumps(settings), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.training", "--child", str(place)]
        runs[name] = json.loads(_run(command, folder, threads).splitlines()[-1])
    single = runs["1 process"]
    for name, launcher in _launchers().items():
        out = folder / name.replace(" ", "-")
        command = [*launcher, "train", RECIPE, "--data", str(folder / "data"), "--out", str(out)]
        shared = ["--accelerator", "cpu", "--strategy", "ddp", "--devices", "2"]
        wanted = ["--set", f"training.batches={batches}", "--epochs", str(epochs)]
        _run([*command, *shared, *wanted], folder, 1)
        runs[name] = {"seconds": _epoch_seconds(out), "audio": single["audio"]}
        assert _steps(out) == batches // 2 * epochs, "each process takes every second batch"
    assert all(len(run["seconds"]) == epochs for run in runs.values())
    return [_shares(single, source), _processes(runs, source)]


def _launchers() -> dict[str, list[str]]:
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(PORT)]
    return {
        "2 processes, torchrun": [sys.executable, *torchrun, "-m", "asr_core"],
        "2 processes, Lightning": [sys.executable, "-m", "asr_core"],
    }


def _run(command: list[str], folder: Path, threads: int) -> str:
    """What a command prints; its decoded recordings are kept in `folder`."""
    own = {"OMP_NUM_THREADS": str(threads), "XDG_CACHE_HOME": str(folder)}
    print(" ".join(command[2:]), file=sys.stderr, flush=True)
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | own, check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def _prepare(data: Path, out: Path) -> str:
    """Write the data to train on; what it is, in words."""
    if (data / "train.jsonl").exists():
        rows = read_manifest(data / "train.jsonl").rows[::EVERY]
        unseen = read_manifest(data / "validation.jsonl").rows[::16]
        source = f"every {EVERY}th recording of {data.name}"
    else:
        rows = read_manifest(BUNDLED).rows
        unseen = rows[::12]
        source = "the bundled synthetic recordings, since data/spoken is not there"
    write_manifest(out / "train.jsonl", map(record, rows))
    write_manifest(out / "validation.jsonl", map(record, unseen))
    return f"{source} ({len(rows):,} recordings)"


def _profiled(place: Path) -> dict[str, Any]:
    """Train in this process with a clock on each part of a step."""
    from lightning.pytorch.profilers import SimpleProfiler

    from asr_core.training.recipe import load_recipe
    from asr_core.training.sounds import SoundCache, default_folder
    from asr_core.training.train import CtcTraining, train

    asked = json.loads((place / "asked.json").read_text(encoding="utf-8"))
    recipe = load_recipe(
        RECIPE, [f"training.batches={asked['batches']}", f"training.epochs={asked['epochs']}"]
    )
    profiler = SimpleProfiler()
    audio: list[float] = []
    spent: dict[str, list[float]] = defaultdict(list)
    step = CtcTraining.training_step

    def heard(module: Any, batch: Any) -> Any:
        audio.append(float(batch.lengths.sum()) / recipe.features.sample_rate)
        return step(module, batch)

    CtcTraining.training_step = heard
    options = {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False}
    options["profiler"] = profiler
    sounds = SoundCache(default_folder())
    with _clock(CtcTraining, "_features", spent), _clock(CtcTraining, "_augment", spent):
        train(recipe, place.parent / "data", place, sounds=sounds, trainer_options=options)
    n, size = len(audio), asked["batches"]
    parts = _parts(profiler.recorded_durations, spent)
    return {
        "parts": {name: sum(times[size:n]) for name, times in parts.items()},
        "audio": [sum(audio[i : i + size]) for i in range(0, n, size)],
        "seconds": _epoch_seconds(place),
        "matmul": _matmul() if torch.get_num_threads() == 1 else 0.0,
    }


def _parts(
    durations: dict[str, list[float]], spent: dict[str, list[float]]
) -> dict[str, list[float]]:
    """The seconds of each step's parts, by Lightning's profiler and our clocks."""
    told = {name.rpartition(".")[2]: times for name, times in durations.items()}
    assert len(spent["_features"]) == len(spent["_augment"])
    return {
        "waiting for data": told["train_dataloader_next"],
        "step": told["run_training_batch"],
        "forward": told["training_step"],
        "backward": told["backward"],
        "features": [a - b for a, b in zip(spent["_features"], spent["_augment"], strict=True)],
        "augmentation": spent["_augment"],
    }


@contextmanager
def _clock(owner: type, name: str, spent: dict[str, list[float]]) -> Iterator[None]:
    """Note how long each call of a module's method takes while it trains."""
    method: Callable[..., Any] = getattr(owner, name)

    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        result = method(*args, **kwargs)
        if args[0].training:
            spent[name].append(time.perf_counter() - started)
        return result

    setattr(owner, name, timed)
    try:
        yield
    finally:
        setattr(owner, name, method)


def _matmul() -> float:
    """How much faster a matrix product is on two threads than on one."""
    a = torch.rand(SIDE, SIDE)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(7):
        for threads, found in seconds.items():
            torch.set_num_threads(threads)
            a @ a
            started = time.perf_counter()
            for _ in range(5):
                a @ a
            found.append(time.perf_counter() - started)
    return statistics.median(seconds[1]) / statistics.median(seconds[2])


def _rows(out: Path) -> list[dict[str, str]]:
    with (out / "training.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _epoch_seconds(out: Path) -> list[float]:
    return [float(row["seconds"]) for row in _rows(out)]


def _steps(out: Path) -> int:
    return int(_rows(out)[-1]["step"])


def _speed(run: dict[str, Any]) -> float:
    """Utterance-seconds a second: the median of the epochs after the first."""
    pairs = list(zip(run["audio"], run["seconds"], strict=True))[1:]
    return statistics.median(audio / seconds for audio, seconds in pairs)


def _shares(run: dict[str, Any], source: str) -> Table:
    parts = dict(run["parts"])
    parts["forward"] -= parts["features"] + parts["augmentation"]
    rest = parts["step"] - sum(parts[k] for k in ("features", "augmentation", "forward"))
    parts["optimiser, averaging, gradient clip, logging"] = rest - parts["backward"]
    whole = parts["waiting for data"] + parts.pop("step")
    n = sum(run["audio"][1:])
    return Table(
        "Where the time of a training step goes",
        ("part", "share, %", "ms a second of sound"),
        tuple(
            (name, round(100 * s / whole, 1), round(1000 * s / n, 3)) for name, s in parts.items()
        ),
        f"`{RECIPE}`, {source}; one thread and one process that makes batches. Lightning's own"
        " clock; validation and checkpoints not counted.",
    )


def _processes(runs: dict[str, dict[str, Any]], source: str) -> Table:
    one = _speed(runs["1 process"])
    rows = [(name, round(_speed(run)), round(_speed(run) / one, 2)) for name, run in runs.items()]
    matmul = runs["1 process"]["matmul"]
    rows.append((f"a matrix product of {SIDE} on 2 threads", "–", round(matmul, 2)))
    kind = "two threads of one core" if matmul < 1.5 else "two cores"
    return Table(
        "Training with one process and with two",
        ("processes", "utterance-seconds a second", "times one process"),
        tuple(rows),
        f"`{RECIPE}`, {source}; batch of 32 a process, whole epochs with a short validation and"
        f" checkpoints, median of {len(runs['1 process']['audio']) - 1}. By the matrix product, the"
        f" {os.cpu_count()} processors here are {kind}; each training process has a second one"
        " that makes its batches.",
    )


if __name__ == "__main__":
    main()
