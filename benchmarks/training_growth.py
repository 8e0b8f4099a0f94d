"""How training's costs grow: a step, decoding and its cache, a manifest at start-up.

    python -m benchmarks.training_growth [--clips N ...] [--rows N ...]

Steps are of the recipe `spoken` on made-up sound, on one thread; recordings and rows are made up as
well, so nothing but the repository is needed.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from asr_core.audio import load_audio
from asr_core.checkpoint import Contract
from asr_core.manifest import fingerprint, read_manifest, write_manifest
from asr_core.training.batches import (
    Batch,
    Clip,
    EpochSampler,
    Item,
    TrainingUtterances,
    collate,
)
from asr_core.training.recipe import Recipe, load_recipe
from asr_core.training.sounds import SoundCache
from benchmarks import own_process
from benchmarks.results import Growth, Table, tell

CLIPS = (250, 500, 1000, 2000)
ROWS = (1_000, 10_000, 100_000, 1_000_000)
LENGTHS_S = (1, 2, 4, 8, 16)
BATCHES = (4, 8, 16, 32, 64)
REPEATS = 3
RATE = 8000
FILE_RATE = 16000  # of the recordings: they are resampled, as most are
WORDS = ("one", "two", "three", "four", "stop", "go")


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, nargs="+", default=CLIPS)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(start_up(given.measure)))
        return
    torch.set_num_threads(1)
    recipe = load_recipe("spoken")
    steps, step_growths = _steps(recipe)
    sounds, sound_growths = _sounds(given.clips)
    starts, start_growths = _starts(given.rows)
    tell([steps, sounds, starts], [*step_growths, *sound_growths, *start_growths])


def _steps(recipe: Recipe) -> tuple[Table, list[Growth]]:
    """A step's seconds by the length of its utterances, and by their number."""
    step = _Step(recipe)
    by_length = [(s, step.seconds(16, s)) for s in LENGTHS_S]
    by_number = [(n, step.seconds(n, 2)) for n in BATCHES]
    rows = [("16 utterances", f"{s} s each", round(t, 3), round(16 * s / t)) for s, t in by_length]
    rows += [(f"{n} utterances", "2 s each", round(t, 3), round(2 * n / t)) for n, t in by_number]
    table = Table(
        "One training step by the sound in it",
        ("batch", "length", "s", "utterance-seconds a second"),
        tuple(rows),
        f"Features, augmentation of the features, network, loss, backward, optimiser of `spoken`,"
        f" one thread, median of {REPEATS}; without making the batch.",
    )
    return table, [
        Growth("a training step of 16 utterances", "seconds an utterance", "s", tuple(by_length)),
        Growth("a training step of 2 s utterances", "utterances", "s", tuple(by_number)),
    ]


class _Step:
    """The whole of a training step but Lightning's loop."""

    def __init__(self, recipe: Recipe) -> None:
        from asr_core.training.train import CtcTraining

        contract = Contract(
            name="bench",
            features=recipe.features,
            alphabet=recipe.alphabet,
            model=recipe.model,
            provenance={},
        )
        self.recipe = recipe
        self.module = CtcTraining(recipe, contract, [])
        self.module._log_loss = lambda *_: None  # type: ignore[method-assign]
        self.optimiser = torch.optim.AdamW(self.module.parameters(), lr=1e-3)
        self.rng = np.random.default_rng(0)

    def seconds(self, n: int, length_s: int) -> float:
        batch = self._batch(n, length_s)
        self._do(batch)
        return statistics.median(_timed(lambda: self._do(batch)) for _ in range(REPEATS))

    def _batch(self, n: int, length_s: int) -> Batch:
        sound = self.rng.normal(0, 0.1, (n, length_s * RATE)).astype("f4")
        text = " ".join(WORDS[i % len(WORDS)] for i in range(2 * length_s))
        auxiliary = self.recipe.auxiliary
        letters = auxiliary.alphabet if auxiliary else None
        return collate([Item(row, text) for row in sound], self.recipe.alphabet, letters)

    def _do(self, batch: Batch) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = self.module.training_step(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        assert torch.isfinite(loss), "a loss that is no number"


def _sounds(sizes: Sequence[int]) -> tuple[Table, list[Growth]]:
    """Seconds to have recordings of 2 s: decoded and kept, then kept already."""
    rows, first, later = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        paths = _recordings(Path(folder), max(sizes))
        for n in sizes:
            place = Path(folder) / f"cache-{n}"
            filled = _timed(lambda n=n, place=place: SoundCache(place).read(paths[:n], RATE))
            again = statistics.median(
                _timed(lambda n=n, place=place: SoundCache(place).read(paths[:n], RATE))
                for _ in range(REPEATS)
            )
            found = SoundCache(place).read(paths[:n], RATE)
            for i in range(0, n, max(1, n // 20)):
                assert np.array_equal(found[i], load_audio(paths[i], RATE).samples)
            rows.append((f"{n:,}", round(filled, 2), round(again, 3), round(filled / again)))
            first.append((n, filled))
            later.append((n, again))
    table = Table(
        "Recordings of 2 s, decoded and resampled, or kept from a run before",
        ("recordings", "the first run, s", "later ones, s", "times as fast"),
        tuple(rows),
        "Ogg Opus at 16 kHz to 8 kHz, two threads; later ones read all files for their content's"
        " sake, and map what is kept. Every twentieth compared with its file, bit for bit.",
    )
    return table, [
        Growth("recordings decoded and kept", "recordings", "s", tuple(first)),
        Growth("recordings that were kept", "recordings", "s", tuple(later)),
    ]


def _recordings(folder: Path, n: int) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = [folder / f"{i:05d}.opus" for i in range(n)]
    for path in paths:
        sound = rng.normal(0, 0.05, 2 * FILE_RATE)
        soundfile.write(path, sound, FILE_RATE, format="OGG", subtype="OPUS")
    return paths


def _starts(sizes: Sequence[int]) -> tuple[Table, list[Growth]]:
    """What a manifest's rows cost before the first step, and at every pass over them."""
    rows, growths = [], []
    found = []
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.jsonl"
            write_manifest(path, _made_up(n))
            found.append(own_process.measured("benchmarks.training_growth", path))
    for n, cost in zip(sizes, found, strict=True):
        cells = (round(cost[k], 3) for k in ("manifest", "first batch", "next pass", "sampler"))
        rows.append((f"{n:,}", *cells, round(cost["MB"])))
    for key, what in (
        ("manifest", "reading a manifest and its fingerprint"),
        ("first batch", "the first batch of a run"),
        ("next pass", "the first batch of a later pass"),
    ):
        points = tuple((n, cost[key]) for n, cost in zip(sizes, found, strict=True))
        growths.append(Growth(what, "rows", "s", points))
    memory = tuple((n, cost["MB"]) for n, cost in zip(sizes, found, strict=True))
    growths.append(Growth("memory of a manifest's rows, imports included", "rows", "MB", memory))
    table = Table(
        "Starting an epoch by the rows of the manifest",
        ("rows", "manifest, s", "first batch, s", "next pass, s", "sampler, s", "peak, MB"),
        tuple(rows),
        "Without sound: every row has the same tenth of a second. The manifest is read once a"
        " process; a pass shuffles all rows and sorts them by length. The memory is that of the"
        " process; at 1,000 rows it is nearly all imports.",
    )
    return table, growths


def _made_up(n: int) -> list[dict[str, object]]:
    return [
        {
            "audio_filepath": f"clips/{i:07d}.wav",
            "duration": 2.0,
            "text": f"{WORDS[i % 6]} {WORDS[i // 6 % 6]}",
            "speaker": f"speaker {i % 97}",
        }
        for i in range(n)
    ]


def start_up(path: Path) -> dict[str, float]:
    """Seconds of each part of the start, and the peak in MB, of a manifest alone."""
    recipe = load_recipe("spoken")
    started = time.perf_counter()
    manifest = read_manifest(path)
    fingerprint(manifest)
    read = time.perf_counter() - started
    sound = np.full(RATE // 10, 0.1, np.float32)
    clips = [Clip(sound[: 400 + row.line % 400], row.text, "", "string") for row in manifest.rows]
    n_rows = len(clips)
    started = time.perf_counter()
    batches = TrainingUtterances(clips, recipe, seed=1)
    batches[0]
    first = time.perf_counter() - started
    n_batches = n_rows // batches.batch_size
    seen = np.sort(batches.pass_batches.ravel())
    assert len(np.unique(seen)) == n_batches * batches.batch_size, "a row came twice"
    later = _timed(lambda: batches[n_batches])
    sampler = EpochSampler(n_batches, lambda: 1)
    sampling = _timed(lambda: list(sampler))
    return {
        "manifest": read,
        "first batch": first,
        "next pass": later,
        "sampler": sampling,
        "MB": own_process.peak_mb(),
    }


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
