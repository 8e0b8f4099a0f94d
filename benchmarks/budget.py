"""Many short training runs of one fixed budget, each a process of its own.

    python -m benchmarks.budget FOLDER   # one of them: trains, recognises, writes its result

What is finished is not done again, and what was stopped goes on, so a comparison of many runs may
be interrupted at any time. A folder keeps what its run was asked for and refuses to be another.
"""

import csv
import functools
import json
import operator
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asr_core.checkpoint import write_json
from asr_core.manifest import ManifestRow, fingerprint, read_manifest
from asr_core.recognizer import Recognizer
from asr_core.text import normalise
from asr_core.training.recipe import Recipe, load_recipe
from asr_core.transcript import Transcript

BATCHES = 200  # an epoch
# The runs share the cores, a core each, and keep the memory they had: giving it back and taking it
# anew is a seventh of a step.
PROCESS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(8 << 30),
}
TRAINER = {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False}


class BudgetError(RuntimeError):
    """Runs that failed, or a folder that holds another run."""


@dataclass(frozen=True)
class Run:
    """One training run and what its model is to recognise."""

    name: str
    recipe: Recipe
    data: Path  # folder with train.jsonl and validation.jsonl
    sets: Mapping[str, Path]  # manifests

    def request(self) -> dict[str, Any]:
        """All that decides the result, as plain data."""
        manifests = [self.data / f"{part}.jsonl" for part in ("train", "validation")]
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "data": str(self.data.resolve()),
            "sets": {name: str(path.resolve()) for name, path in self.sets.items()},
            "fingerprints": [fingerprint(path) for path in (*manifests, *self.sets.values())],
        }


@dataclass(frozen=True)
class Counts:
    """Word errors and reference words of each utterance of a set, greedy: (U,) and (U,)."""

    errors: np.ndarray
    words: np.ndarray

    @property
    def wer(self) -> float:
        return float(self.errors.sum() / max(self.words.sum(), 1))


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    sets: dict[str, Counts]
    n_parameters: int
    seconds: float  # of training and recognition, on one thread


def short_recipe(epochs: int, changes: Mapping[str, Any]) -> Recipe:
    """The recipe `spoken`, a third of its size, for a run of minutes.

    CTC first learns to say nothing but blanks. Short strings, light augmentation and a learning
    rate that is slow to fall bring a small network out of that within the budget; with all that
    `spoken` hears, it would still be there at the end.

    The moving average of the weights reaches back over the same share of the run as in `spoken`;
    as it stands there, it would hold little but the weights of the beginning.

    Args:
        epochs: of `BATCHES` batches each.
        changes: dotted key -> value, on top of it.
    """
    full = load_recipe("spoken")
    blocks = [block.model_copy(update={"channels": 96}) for block in full.model.blocks]
    decay = full.training.ema_decay
    if decay is not None:
        n_steps = full.training.epochs * full.training.batches / full.training.accumulate
        decay = max(0.5, 1 - (1 - decay) * n_steps / (epochs * BATCHES))
    small: dict[str, Any] = {
        "model.prologue.channels": 64,
        "model.blocks": [block.model_dump() for block in blocks],
        "model.gru_hidden": 64,
        "strings.n_words": [1, 4],
        "strings.sentences": 0.0,
        "strings.clip_noise": 0.1,
        "strings.clip_denoise": 0.0,
        "augment.speed": [0.9, 1.1],
        "augment.vocal_tract_probability": 0.0,
        "augment.room_probability": 0.0,
        "augment.noise_probability": 0.2,
        "augment.channel_probability": 0.0,
        "augment.codec_probability": 0.0,
        "augment.n_time_masks": 1,
        "augment.n_frequency_masks": 1,
        "scheduler.pct_start": 0.3,
        "training.epochs": epochs,
        "training.batches": BATCHES,
        "training.accumulate": 1,
        "training.patience": epochs,
        "training.workers": 0,
        "training.ema_decay": decay,
    }
    if full.auxiliary is not None:
        small["auxiliary.sentences"] = 0.0  # the letters of words and strings are still learned
    return changed(full, small | dict(changes))


def changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with other values at dotted keys, all of which it must have already."""
    values = recipe.model_dump(mode="json")
    for path, value in changes.items():
        *parents, key = path.split(".")
        inside = functools.reduce(operator.getitem, parents, values)
        assert key in inside, path
        inside[key] = value
    return Recipe.model_validate(values)


def record(row: ManifestRow) -> dict[str, Any]:
    """A row as another folder's manifest has it."""
    return {
        "audio_filepath": str(row.audio_path.resolve()),
        "duration": row.duration_s,
        "text": row.text,
        **row.fields,
    }


def perform(runs: Sequence[Run], out: Path, jobs: int) -> dict[str, Outcome]:
    """Do all runs that are not done yet, `jobs` at a time.

    Args:
        runs: their names are their folders in `out`.
        out: folder for everything written.
        jobs: processes at a time, of one thread each.

    Raises:
        BudgetError: a run failed (the others are done first), or a folder holds another run.
    """
    for run in runs:
        _ask(run, out / run.name)
    waiting = [run for run in runs if not (out / run.name / "result.json").exists()]
    print(f"{len(runs)} runs, {len(runs) - len(waiting)} of them done already", flush=True)
    failed = _perform(waiting, out, jobs)
    if failed:
        logs = ", ".join(str(out / name / "train.log") for name in failed)
        raise BudgetError(f"{len(failed)} of {len(runs)} runs failed; see {logs}.")
    return {run.name: read_outcome(out / run.name) for run in runs}


def _perform(waiting: Sequence[Run], out: Path, jobs: int) -> list[str]:
    """Do the runs; the names of those that failed."""
    started, failed = time.monotonic(), []
    pool = ThreadPoolExecutor(jobs)
    names = {pool.submit(_in_process, out / run.name): run.name for run in waiting}
    try:
        for n_done, future in enumerate(as_completed(names), start=1):
            name = names[future]
            if future.result() != 0:
                failed.append(name)
                print(f"[{n_done}/{len(waiting)}] {name}: failed", flush=True)
                continue
            told = "; ".join(f"{k} {100 * v.wer:.1f} %" for k, v in _sets(out / name).items())
            left = (time.monotonic() - started) / n_done * (len(waiting) - n_done) / 60
            print(f"[{n_done}/{len(waiting)}] {name}: {told}; {left:.0f} min left", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    return failed


def _ask(run: Run, folder: Path) -> None:
    """Write what the run is to be, or check that it is what the folder holds."""
    asked, path = run.request(), folder / "run.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, asked)
    elif json.loads(path.read_text(encoding="utf-8")) != asked:
        raise BudgetError(
            f"{folder} holds a run of another recipe, budget or data. Delete it, or choose another"
            " --out."
        )


def _in_process(folder: Path) -> int:
    """The exit code of `python -m benchmarks.budget FOLDER`; its output goes to `train.log`."""
    with (folder / "train.log").open("ab") as log:
        command = [sys.executable, "-m", "benchmarks.budget", str(folder)]
        return subprocess.run(
            command, stdout=log, stderr=log, env=os.environ | PROCESS, check=False
        ).returncode


def do(folder: Path) -> None:
    """Train what `folder/run.json` asks for, recognise its sets, write `folder/result.json`."""
    from asr_core.training.train import train

    asked = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    recipe = Recipe.model_validate(asked["recipe"])
    train(recipe, Path(asked["data"]), folder, resume=True, trainer_options=TRAINER)
    with (folder / "training.csv").open(newline="", encoding="utf-8") as file:
        epochs = list(csv.DictReader(file))
    n_epochs, trained_s = len(epochs), sum(float(row["seconds"]) for row in epochs)
    if n_epochs < recipe.training.epochs:
        raise BudgetError(f"stopped after {n_epochs} of {recipe.training.epochs} epochs")
    started = time.monotonic()
    recognizer = Recognizer.load(folder)
    sets = {name: recognise(recognizer, Path(path)) for name, path in asked["sets"].items()}
    result = {
        "n_parameters": sum(weight.numel() for weight in recognizer.model.parameters()),
        "seconds": round(trained_s + time.monotonic() - started, 1),
        "sets": {
            name: {"errors": counts.errors.tolist(), "words": counts.words.tolist()}
            for name, counts in sets.items()
        },
    }
    write_json(folder / "result.json", result)


def recognise(recognizer: Recognizer, manifest: Path) -> Counts:
    """Greedy word errors of every row, in the manifest's order (raises AudioError)."""
    from analysis.scoring import score

    rows = read_manifest(manifest).rows
    heard = [""] * len(rows)
    for i, result in recognizer.transcribe_each([row.audio_path for row in rows]):
        if not isinstance(result, Transcript):
            raise result
        heard[i] = result.text
    scores = score([normalise(row.text) for row in rows], heard)
    return Counts(np.array([s.errors for s in scores]), np.array([s.n_reference for s in scores]))


def read_outcome(folder: Path) -> Outcome:
    """What `do` wrote."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return Outcome(_sets(folder), result["n_parameters"], result["seconds"])


def _sets(folder: Path) -> dict[str, Counts]:
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return {
        name: Counts(np.array(counts["errors"]), np.array(counts["words"]))
        for name, counts in result["sets"].items()
    }


if __name__ == "__main__":
    do(Path(sys.argv[1]))
