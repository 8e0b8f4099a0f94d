"""Manifests to batches: strings joined on the fly for training, whole utterances for validation.

A dataset item is a whole batch and depends on nothing but the seed and the batch's number, so the
same seed gives the same batches whatever the number of workers, and a resumed run goes on with
the batches that it would have seen.
"""

import bisect
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from asr_core.audio import AudioError, load_audio
from asr_core.manifest import Manifest, ManifestError, ManifestRow, read_manifest
from asr_core.recognizer import pad
from asr_core.text import Alphabet, normalise
from asr_core.training.augment import WaveformAugmenter, mix, subtract_noise
from asr_core.training.joining import join_clips
from asr_core.training.recipe import Recipe

N_READERS = 2  # threads that decode audio
SECONDS_A_WORD = 0.75  # of a string, gap included
EDGES_S = 0.5  # before and after the words


class Batch(NamedTuple):
    """One padded batch: samples (B, N), lengths (B,), targets (B, L) of ids, their lengths (B,)."""

    samples: Tensor
    lengths: Tensor
    targets: Tensor
    target_lengths: Tensor


@dataclass(frozen=True)
class Clip:
    """A decoded recording: samples (N,) float32, its text and its speaker."""

    samples: np.ndarray
    text: str
    speaker: str
    kind: str  # "word", "string", "sentence" or "noise"


@dataclass(frozen=True)
class Clips:
    """The recordings of a manifest that could be read, and how many could not."""

    clips: list[Clip]
    n_skipped: int


def read_clips(path: Path, sample_rate: int) -> Clips:
    """Decode all audio of a manifest into memory; bad rows are counted, not fatal."""
    manifest = read_manifest(path)
    with ThreadPoolExecutor(N_READERS) as pool:
        read = list(pool.map(lambda row: _read_clip(row, sample_rate), manifest.rows))
    clips = [clip for clip in read if clip is not None]
    if not clips:
        raise ManifestError(f"None of the {len(manifest.rows)} recordings of {path} can be read.")
    return Clips(clips, n_skipped=_n_rows(manifest) - len(clips))


def _read_clip(row: ManifestRow, sample_rate: int) -> Clip | None:
    try:
        samples = load_audio(row.audio_path, sample_rate).samples
    except AudioError:
        return None
    text = normalise(row.text)
    kind = row.fields.get("kind") or _kind(text)
    return Clip(samples, text, str(row.fields.get("speaker", "")), str(kind))


def _kind(text: str) -> str:
    """What a row without a `kind` field is taken for: one word joins, more are an utterance."""
    return "noise" if not text else "word" if len(text.split()) == 1 else "string"


def _n_rows(manifest: Manifest) -> int:
    return len(manifest.rows) + len(manifest.skipped)


def collate(recordings: Sequence[np.ndarray], texts: Sequence[str], alphabet: Alphabet) -> Batch:
    """Pad recordings and encode their texts."""
    samples, lengths = pad(recordings)
    ids = [torch.tensor(alphabet.encode(text), dtype=torch.long) for text in texts]
    targets = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
    return Batch(samples, lengths, targets, torch.tensor([len(i) for i in ids]))


class StringBatches(Dataset[Batch]):
    """Training batches: strings of words, whole utterances and silence, all augmented."""

    def __init__(self, clips: Sequence[Clip], recipe: Recipe, seed: int) -> None:
        self.recipe = recipe
        self.seed = seed
        rate = recipe.features.sample_rate
        noises = [clip.samples for clip in clips if clip.kind == "noise"]
        self.noises = noises
        self.augment = WaveformAugmenter(recipe.augment, rate, noises)
        words = [clip for clip in clips if clip.kind == "word"]
        self.inside = _Choice([c for c in words if c.text in recipe.alphabet.symbols])
        self.outside = _Choice([c for c in words if c.text not in recipe.alphabet.symbols])
        by_length = sorted(clips, key=lambda clip: len(clip.samples))
        self.strings = [clip for clip in by_length if clip.kind == "string"]
        known = set(recipe.alphabet.symbols)
        self.sentences = [
            clip
            for clip in by_length
            if clip.kind == "sentence" and known.intersection(clip.text.split())
        ]

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        low, high = self.recipe.strings.n_words
        # Alike in a batch: less padding. The lesser of two draws: short strings are the cheaper.
        middle = int(rng.integers(low, high + 1, size=2).min())
        items = []
        for _ in range(self.recipe.training.batch_size):
            n_words = int(np.clip(middle + rng.integers(-1, 2), low, high))
            samples, text = self._item(n_words, rng)
            items.append((self.augment(samples, rng), text))
        return collate([s for s, _ in items], [t for _, t in items], self.recipe.alphabet)

    def _item(self, n_words: int, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        strings = self.recipe.strings
        kind = rng.random()
        if kind < strings.silence:
            rate = self.recipe.features.sample_rate
            return self._silence(round(rate * SECONDS_A_WORD * n_words), rng), ""
        if kind < strings.silence + strings.utterances:
            clip = self._utterance(n_words, rng)
            if clip is not None:
                return clip.samples, clip.text
        clips = self._words(n_words, rng)
        recordings = [self._other_channel(clip.samples, rng) for clip in clips]
        rate = self.recipe.features.sample_rate
        pace = (strings.gap_s[0], rng.uniform(*strings.gap_s))  # some speak without a pause
        samples, _ = join_clips(recordings, rate, rng, pace)
        return samples, " ".join(clip.text for clip in clips)

    def _utterance(self, n_words: int, rng: np.random.Generator) -> Clip | None:
        """A recorded utterance no longer than such a string would be, so that little is padded."""
        sentence = rng.random() < self.recipe.strings.sentences
        choices = self.sentences if sentence else self.strings
        longest = self.recipe.features.sample_rate * (EDGES_S + SECONDS_A_WORD * n_words)
        n = bisect.bisect_right(choices, longest, key=lambda clip: len(clip.samples))
        return choices[rng.integers(n)] if n else None

    def _other_channel(self, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Make a clip noisier or cleaner than its corpus.

        A corpus of clean digits and one of noisy commands would teach that what is clean is a
        digit.
        """
        strings = self.recipe.strings
        kind = rng.random()
        if kind < strings.clip_noise:
            noise = self._silence(len(samples), rng)
            return mix(samples, noise, rng.uniform(5.0, 30.0))
        if kind < strings.clip_noise + strings.clip_denoise:
            return subtract_noise(samples)
        return samples

    def _words(self, n_words: int, rng: np.random.Generator) -> list[Clip]:
        strings = self.recipe.strings
        same = rng.random() < strings.same_speaker
        speaker = self.inside.speaker(rng) if same else None
        clips = []
        for _ in range(n_words):
            if self.outside.clips and rng.random() < strings.other_words:
                clips.append(self.outside.clip(rng))
            else:
                clips.append(self.inside.clip(rng, speaker))
        return clips

    def _silence(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """N samples of noise, recorded or white."""
        if not self.noises or rng.random() < 0.3:
            return rng.normal(0, 0.01, size=n).astype(np.float32)
        noise = self.noises[rng.integers(len(self.noises))]
        start = int(rng.integers(len(noise)))
        return np.resize(noise[start:] if len(noise) - start >= n else np.roll(noise, -start), n)


class _Choice:
    """Draws clips: words evenly, speakers by the square root of how much they said.

    Evenly over speakers, a speaker of one clip would be heard as often as one of hundreds; evenly
    over clips, the few speakers of hundreds would drown the others.
    """

    def __init__(self, clips: Sequence[Clip]) -> None:
        self.clips = list(clips)
        by_word: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
        by_speaker: dict[str, list[Clip]] = defaultdict(list)
        for clip in self.clips:
            by_word[clip.text][clip.speaker].append(clip)
            by_speaker[clip.speaker].append(clip)
        self.words = sorted(by_word)
        self.by_word = {word: list(by_word[word].values()) for word in self.words}
        self.weights = {
            word: _root_shares([len(group) for group in groups])
            for word, groups in self.by_word.items()
        }
        self.speakers = list(by_speaker.values())
        self.speaker_weights = _root_shares([len(group) for group in self.speakers])

    def speaker(self, rng: np.random.Generator) -> list[Clip]:
        """All clips of a speaker."""
        return self.speakers[rng.choice(len(self.speakers), p=self.speaker_weights)]

    def clip(self, rng: np.random.Generator, among: list[Clip] | None = None) -> Clip:
        if among is not None:
            return among[rng.integers(len(among))]
        word = self.words[rng.integers(len(self.words))]
        groups = self.by_word[word]
        group = groups[rng.choice(len(groups), p=self.weights[word])]
        return group[rng.integers(len(group))]


def _root_shares(counts: Sequence[int]) -> np.ndarray:
    roots = np.sqrt(np.asarray(counts, dtype=float))
    return roots / max(roots.sum(), 1e-12)


class UtteranceBatches(Dataset[Batch]):
    """Whole utterances, unchanged, in batches of similar length: validation."""

    def __init__(self, clips: Sequence[Clip], alphabet: Alphabet, batch_size: int) -> None:
        ordered = sorted(clips, key=lambda clip: len(clip.samples))
        self.batches = [ordered[i : i + batch_size] for i in range(0, len(ordered), batch_size)]
        self.alphabet = alphabet

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        clips = self.batches[index]
        return collate([c.samples for c in clips], [c.text for c in clips], self.alphabet)

    def texts(self, index: int) -> list[str]:
        """The references of a batch."""
        return [clip.text for clip in self.batches[index]]


class EpochSampler(Sampler[int]):
    """Batch numbers that go on counting from epoch to epoch, shared out over processes.

    The epoch is counted from the steps done: a resumed run's first epoch begins before Lightning
    tells its number.
    """

    def __init__(
        self, n_batches: int, steps_done: Callable[[], int], rank: int = 0, world_size: int = 1
    ) -> None:
        self.n_batches = n_batches
        self.steps_done = steps_done
        self.rank = rank
        self.world_size = world_size

    def __iter__(self) -> Iterator[int]:
        first = self.steps_done() // len(self) * self.n_batches
        last = first + len(self) * self.world_size
        return iter(range(first + self.rank, last, self.world_size))

    def __len__(self) -> int:
        """Steps an epoch; the same for every process, or they would wait for each other."""
        return self.n_batches // self.world_size
