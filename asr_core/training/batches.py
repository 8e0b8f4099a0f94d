"""Manifests to batches: whole utterances, padded, those of similar length together.

A training item is a whole batch and depends on nothing but the seed and the batch's number, so the
same seed gives the same batches whatever the number of workers, and a resumed run goes on with
the batches that it would have seen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from asr_core.audio import AudioError
from asr_core.manifest import Manifest, ManifestError, ManifestRow, read_manifest
from asr_core.recognizer import pad
from asr_core.text import Alphabet
from asr_core.training.augment import WaveformAugmenter
from asr_core.training.recipe import Recipe
from asr_core.training.sounds import Sound, SoundCache, read_sounds

BUCKET = 16  # batches whose utterances are sorted by length together


class Targets(NamedTuple):
    """Ids of a batch's texts: (B, L) padded, and their lengths (B,)."""

    ids: Tensor
    lengths: Tensor


class Batch(NamedTuple):
    """One padded batch: samples (B, N), lengths (B,) and what was said.

    `counts` (B,) is 0 for utterances that only the auxiliary letters learn from, else 1; `letters`
    is None where a recipe has no auxiliary output.
    """

    samples: Tensor
    lengths: Tensor
    targets: Targets
    counts: Tensor
    letters: Targets | None = None


class Item(NamedTuple):
    """One utterance of a training batch: samples (N,) and its text."""

    samples: np.ndarray
    text: str
    counts: bool = True  # for the model's own output, not for the auxiliary letters alone


@dataclass(frozen=True, slots=True)
class Clip:
    """A decoded recording: samples (N,) float32, its text and its speaker."""

    samples: np.ndarray
    text: str
    speaker: str
    kind: str  # "word", "string", "sentence", "utterance" or "noise"
    n_speech: int = 0  # samples of a word between its pauses; 0 where nobody has looked


@dataclass(frozen=True)
class Clips:
    """The recordings of a manifest that can be learned from, and why the others cannot."""

    clips: list[Clip]
    skipped: list[str]


def read_clips(
    manifest: Path | Manifest,
    sample_rate: int,
    alphabet: Alphabet,
    sounds: SoundCache | None = None,
) -> Clips:
    """Decode all audio of a manifest; bad rows are listed, not fatal.

    Args:
        manifest: its path, or what was read from there.
        sample_rate: Hz.
        alphabet: rows whose text is not of it are left out.
        sounds: where decoded audio is kept; None decodes into memory.

    Raises:
        ManifestError: no manifest, or none of its rows can be used.
    """
    if isinstance(manifest, Path):
        manifest = read_manifest(manifest)
    rows, texts, foreign = _of_alphabet(manifest.rows, alphabet)
    read = sounds.read if sounds else read_sounds
    found = read([row.audio_path for row in rows], sample_rate)
    clips, broken = _clips(rows, texts, found)
    reasons = sorted([*foreign, *broken])
    skipped = [f"line {row.line}: {row.reason}" for row in manifest.skipped]
    skipped += [f"line {line}: {reason}" for line, reason in reasons]
    if not clips:
        raise ManifestError(
            f"None of the {len(manifest.rows)} recordings of {manifest.path} can be used:"
            f" {skipped[0]}."
        )
    return Clips(clips, skipped)


def _of_alphabet(
    rows: Sequence[ManifestRow], alphabet: Alphabet
) -> tuple[list[ManifestRow], list[str], list[tuple[int, str]]]:
    """Rows whose text can be written, these texts, and (line, reason) of the other rows."""
    fitting, texts, foreign = [], [], []
    for row in rows:
        text = alphabet.normalise(row.text)
        try:
            alphabet.encode(text)
        except ValueError as e:
            foreign.append((row.line, str(e)))
            continue
        fitting.append(row)
        texts.append(text)
    return fitting, texts, foreign


def _clips(
    rows: Sequence[ManifestRow], texts: Sequence[str], sounds: Sequence[Sound]
) -> tuple[list[Clip], list[tuple[int, str]]]:
    """The clips, and (line, reason) of rows without sound."""
    clips, broken = [], []
    for row, text, sound in zip(rows, texts, sounds, strict=True):
        if isinstance(sound, AudioError):
            broken.append((row.line, str(sound)))
            continue
        kind = row.fields.get("kind") or _kind(text)
        clips.append(Clip(sound, text, str(row.fields.get("speaker", "")), str(kind)))
    return clips, broken


def _kind(text: str) -> str:
    """What a row without a `kind` field is taken for: one word joins, more are an utterance."""
    return "noise" if not text else "word" if len(text.split()) == 1 else "string"


def collate(items: Sequence[Item], alphabet: Alphabet, letters: Alphabet | None = None) -> Batch:
    """Pad recordings and encode their texts."""
    samples, lengths = pad([item.samples for item in items])
    return Batch(
        samples,
        lengths,
        # An uncounted text may have words outside the alphabet; nothing is learned from it.
        _targets([alphabet.encode(item.text) if item.counts else [] for item in items]),
        torch.tensor([float(item.counts) for item in items]),
        None
        if letters is None
        else _targets([letters.encode(_spelled(item.text, letters)) for item in items]),
    )


def _targets(ids: Sequence[list[int]]) -> Targets:
    rows = [torch.tensor(each, dtype=torch.long) for each in ids]
    padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return Targets(padded, torch.tensor([len(each) for each in ids]))


def _spelled(text: str, letters: Alphabet) -> str:
    return "".join(character for character in text if character in letters.symbols)


class TrainingUtterances(Dataset[Batch]):
    """Training batches of a manifest's utterances as they are, augmented.

    Every pass over the manifest shuffles it, sorts each `BUCKET` batches' worth by length, so that
    little is padded, and shuffles the batches. The first pass goes from the shortest to the longest
    (SortaGrad, Amodei et al. 2016, arXiv 1512.02595): long ones teach a fresh network nothing but
    blanks.
    """

    def __init__(self, clips: Sequence[Clip], recipe: Recipe, seed: int) -> None:
        self.clips = [clip for clip in clips if clip.kind != "noise"]
        self.recipe = recipe
        self.seed = seed
        noises = [clip.samples for clip in clips if clip.kind == "noise"]
        self.augment = WaveformAugmenter(recipe.augment, recipe.features.sample_rate, noises)
        self.lengths = np.array([len(clip.samples) for clip in self.clips])
        self.batch_size = min(recipe.training.batch_size, len(self.clips))
        self.pass_number = -1
        self.pass_batches = np.empty((0, 0), dtype=int)

    def __getitem__(self, index: int) -> Batch:
        number, place = divmod(index, len(self.clips) // self.batch_size)
        rng = np.random.default_rng([self.seed, index])
        if number != self.pass_number:
            self.pass_number, self.pass_batches = number, self._shuffled(number)
        chosen = [self.clips[i] for i in self.pass_batches[place]]
        items = [Item(self.augment(clip.samples, rng), clip.text) for clip in chosen]
        return collate(items, self.recipe.alphabet)

    def _shuffled(self, number: int) -> np.ndarray:
        """The clips' numbers in batches, (n_batches, batch_size); a few are left out each pass."""
        rng = np.random.default_rng([self.seed, number, len(self.clips)])
        n_batches = len(self.clips) // self.batch_size
        order = rng.permutation(len(self.clips))[: n_batches * self.batch_size]
        size = BUCKET * self.batch_size
        if number == 0:
            size = len(order)
        chunks = [order[i : i + size] for i in range(0, len(order), size)]
        alike = np.concatenate([chunk[np.argsort(self.lengths[chunk])] for chunk in chunks])
        batches: np.ndarray = alike.reshape(n_batches, self.batch_size)
        return batches if number == 0 else rng.permutation(batches)


class UtteranceBatches(Dataset[Batch]):
    """Whole utterances, unchanged, in batches of similar length: validation."""

    def __init__(self, clips: Sequence[Clip], alphabet: Alphabet, batch_size: int) -> None:
        ordered = sorted(clips, key=lambda clip: len(clip.samples))
        self.batches = [ordered[i : i + batch_size] for i in range(0, len(ordered), batch_size)]
        self.alphabet = alphabet

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        items = [Item(clip.samples, clip.text) for clip in self.batches[index]]
        return collate(items, self.alphabet)

    def texts(self, index: int) -> list[str]:
        """The references of a batch."""
        return [clip.text for clip in self.batches[index]]


class EpochSampler(Sampler[int]):
    """Batch numbers that go on counting from epoch to epoch, shared out over processes.

    The epoch is counted from the steps done: a resumed run's first epoch begins before Lightning
    tells its number.
    """

    def __init__(
        self, n_batches: int, epochs_done: Callable[[], int], rank: int = 0, world_size: int = 1
    ) -> None:
        self.n_batches = n_batches
        self.epochs_done = epochs_done
        self.rank = rank
        self.world_size = world_size

    def __iter__(self) -> Iterator[int]:
        first = self.epochs_done() * self.n_batches
        last = first + len(self) * self.world_size
        return iter(range(first + self.rank, last, self.world_size))

    def __len__(self) -> int:
        """Batches an epoch; the same for every process, or they would wait for each other."""
        return self.n_batches // self.world_size
