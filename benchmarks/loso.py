"""Leave one speaker out: train on five Free Spoken Digit speakers, test on the sixth, all six ways.

    python -m asr_core prepare spoken --out data/spoken
    python -m benchmarks.loso --data data/spoken --out runs/loso

Digits only, and nothing but Free Spoken Digit: no other corpus, no recorded noise. The network is
the short budget's small one (`budget.short_recipe`). The last epoch is taken; recordings of the
five that are not trained on (the official test's indices) only show how the run goes. The sixth is
heard only at the end: all 500 isolated clips, and strings of 2 to 8 of them joined by the code that
`prepare spoken` joins with ("joined clips").
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asr_core.checkpoint import write_json
from asr_core.manifest import ManifestError, ManifestRow, read_manifest, write_manifest
from asr_core.training.corpora.clips import Clip, Skipped
from asr_core.training.corpora.spoken import DIGITS, join_strings
from asr_core.training.recipe import Recipe, load_recipe
from benchmarks.budget import (
    BATCHES,
    Counts,
    Outcome,
    Run,
    perform,
    record,
    short_recipe,
)

SETS = ("isolated", "joined")
RESAMPLES = 2000
INTERVAL = (0.025, 0.975)  # 95 %


@dataclass(frozen=True)
class Recordings:
    """Rows of Free Spoken Digit: those for training, and those of the official test."""

    train: list[ManifestRow]
    official: list[ManifestRow]

    @property
    def speakers(self) -> list[str]:
        return sorted({row.fields["speaker"] for row in self.train})


def main() -> None:
    """Train, test, print a Markdown table; write it and all counts to --out."""
    parser = argparse.ArgumentParser(description="Leave one speaker out, on Free Spoken Digit.")
    parser.add_argument("--data", type=Path, required=True, help="what `prepare spoken` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--budget-epochs", type=int, default=8, help=f"of {BATCHES} batches")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, a thread each")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    recipe = digit_recipe(chosen.budget_epochs, chosen.seed)
    recordings = read_recordings(chosen.data)
    runs = [
        Run(speaker, recipe, folder, {name: folder / f"{name}.jsonl" for name in SETS})
        for speaker in recordings.speakers
        for folder in [write_fold(recordings, speaker, chosen.out / "data" / speaker, chosen.seed)]
    ]
    report(perform(runs, chosen.out, chosen.jobs), recipe, chosen.out)


def digit_recipe(epochs: int, seed: int) -> Recipe:
    """The short budget's recipe with an alphabet of the ten digits and `spoken`'s augmentation.

    Ten words leave the budget room for it, and a voice never heard is what it is for. Codecs are
    left out: they take a fifth of the time.
    """
    full = load_recipe("spoken")
    changes = {
        "name": "digits",
        "alphabet.symbols": DIGITS,
        "alphabet.unknown": None,
        "augment": full.augment.model_dump(mode="json") | {"codec_probability": 0.0},
        "strings.clip_noise": full.strings.clip_noise if full.strings else 0.0,
        "seed": seed,
    }
    return short_recipe(epochs, changes)


def read_recordings(data: Path) -> Recordings:
    """The Free Spoken Digit rows of what `prepare spoken` wrote (raises ManifestError)."""
    parts = [
        [r for r in read_manifest(data / f"{name}.jsonl").rows if r.fields.get("corpus") == "fsdd"]
        for name in ("train", "test_fsdd_official")
    ]
    if not all(parts):
        raise ManifestError(
            f"{data} has no rows of Free Spoken Digit. Expected what `prepare spoken` writes."
        )
    return Recordings(*parts)


def write_fold(recordings: Recordings, left_out: str, folder: Path, seed: int) -> Path:
    """The manifests of one way: `left_out` is in `isolated` and `joined` and nowhere else."""
    by_part = {"train": recordings.train, "validation": recordings.official}
    for part, rows in by_part.items():
        kept = [row for row in rows if row.fields["speaker"] != left_out]
        strings = [] if part == "train" else _joined(kept, folder, "validation", seed)
        write_manifest(folder / f"{part}.jsonl", [*map(record, kept), *strings])
    everything = [*recordings.official, *recordings.train]
    own = [row for row in everything if row.fields["speaker"] == left_out]
    write_manifest(folder / "isolated.jsonl", map(record, own))
    write_manifest(folder / "joined.jsonl", _joined(own, folder, "joined", seed))
    return folder


def _joined(
    rows: Sequence[ManifestRow], folder: Path, name: str, seed: int
) -> list[dict[str, Any]]:
    skipped: list[Skipped] = []
    clips = [
        Clip(row.audio_path.resolve(), row.text, "fsdd", row.fields["speaker"], "word")
        for row in rows
    ]
    strings = join_strings(clips, folder, name, seed, skipped)
    assert not skipped, skipped
    return [clip.record(clip.path.relative_to(folder).as_posix()) for clip in strings]


def speaker_interval(
    speakers: Sequence[Counts], rng: np.random.Generator, n: int = RESAMPLES
) -> tuple[float, float]:
    """The 95 % interval of the mean of the speakers' WERs, by a bootstrap of two levels.

    Six speakers are drawn out of the six with replacement, and for each draw its utterances anew,
    so the interval holds for another speaker as well as for other words of the same ones (Davison
    and Hinkley 1997, 3.8).
    """
    n_speakers = len(speakers)
    rates = np.stack([_resampled(counts, (n, n_speakers), rng) for counts in speakers])  # (S, n, S)
    drawn = rng.integers(n_speakers, size=(1, n, n_speakers))
    means = np.take_along_axis(rates, drawn, axis=0)[0].mean(axis=1)  # (n,)
    low, high = np.quantile(means, INTERVAL)
    return float(low), float(high)


def _resampled(counts: Counts, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """WERs of `shape` resamples of a speaker's utterances."""
    n_utterances = len(counts.words)
    kinds, times = np.unique([counts.errors, counts.words], axis=1, return_counts=True)
    draws = rng.multinomial(n_utterances, times / n_utterances, size=shape)  # (*shape, K)
    return (draws @ kinds[0]) / np.maximum(draws @ kinds[1], 1)


def report(outcomes: dict[str, Outcome], recipe: Recipe, out: Path) -> None:
    """Print and write `loso.md` and `loso.json`."""
    rng = np.random.default_rng(recipe.seed)
    summary = {}
    for name in SETS:
        counts = [outcome.sets[name] for outcome in outcomes.values()]
        low, high = speaker_interval(counts, rng)
        mean = float(np.mean([each.wer for each in counts]))
        summary[name] = {"mean": mean, "low": low, "high": high}
    table = _table(outcomes, summary)
    steps = recipe.training.epochs * BATCHES
    n_parameters = next(iter(outcomes.values())).n_parameters
    note = (
        f"{steps} steps of {recipe.training.batch_size} strings each, {n_parameters:,} parameters,"
        f" digits only, seed {recipe.seed}. Intervals: 95 % bootstrap over speakers and, within"
        " each, utterances."
    )
    text = f"{table}\n\n{note}\n"
    print("\n" + text)
    (out / "loso.md").write_text(text, encoding="utf-8")
    speakers = {
        speaker: {name: _described(counts) for name, counts in outcome.sets.items()}
        for speaker, outcome in outcomes.items()
    }
    recorded = {"mean": summary, "speakers": speakers, "recipe": recipe.model_dump(mode="json")}
    write_json(out / "loso.json", recorded)


def _table(outcomes: dict[str, Outcome], summary: dict[str, dict[str, float]]) -> str:
    lines = ["| speaker left out | " + " | ".join(f"{name}, WER %" for name in SETS) + " |"]
    lines.append("|---|" + "---:|" * len(SETS))
    for speaker, outcome in outcomes.items():
        rates = " | ".join(f"{100 * outcome.sets[name].wer:.1f}" for name in SETS)
        lines.append(f"| {speaker.removeprefix('fsdd-')} | {rates} |")
    means = " | ".join(
        "{:.1f} ({:.1f} to {:.1f})".format(*(100 * s[key] for key in ("mean", "low", "high")))
        for s in summary.values()
    )
    return "\n".join([*lines, f"| mean | {means} |"])


def _described(counts: Counts) -> dict[str, float]:
    return {
        "utterances": len(counts.words),
        "words": int(counts.words.sum()),
        "errors": int(counts.errors.sum()),
        "wer": counts.wer,
    }


if __name__ == "__main__":
    main()
