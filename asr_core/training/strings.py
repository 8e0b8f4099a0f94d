"""Isolated words to strings, made anew for every batch: training where a vocabulary is closed."""

import bisect
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch.utils.data import Dataset

from asr_core.training.augment import WaveformAugmenter, mix, subtract_noise
from asr_core.training.batches import Batch, Clip, Item, collate
from asr_core.training.joining import join_clips, trim
from asr_core.training.recipe import Recipe

SECONDS_A_WORD = 0.6  # of a string, gap included
EDGE_S = 0.3  # before and after the words, together
SHORTEST_SHARE = 0.75  # of a batch's length: a shorter utterance would be padded too much


class StringBatches(Dataset[Batch]):
    """Training batches: strings of words, whole utterances and silence, all augmented.

    The items of a batch are of one length, or much of the work would go into padding.
    """

    def __init__(self, clips: Sequence[Clip], recipe: Recipe, seed: int) -> None:
        assert recipe.strings is not None
        self.recipe = recipe
        self.strings = recipe.strings
        self.rate = recipe.features.sample_rate
        self.seed = seed
        noises = [clip.samples for clip in clips if clip.kind == "noise"]
        self.noises = noises
        self.augment = WaveformAugmenter(recipe.augment, self.rate, noises)
        words = [
            replace(clip, n_speech=len(trim(clip.samples, self.rate)))
            for clip in clips
            if clip.kind == "word"
        ]
        known = set(recipe.alphabet.symbols)
        self.inside = _Choice([clip for clip in words if clip.text in known])
        self.outside = _Choice([clip for clip in words if clip.text not in known])
        sentences = [clip for clip in clips if clip.kind == "sentence"]
        self.whole = _ByLength([clip for clip in clips if clip.kind == "string"])
        self.mixed = _ByLength([c for c in sentences if known.intersection(c.text.split())])
        self.spelled = _ByLength(sentences)

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        low, high = self.strings.n_words
        # The lesser of two draws: short strings are the cheaper.
        n_words = int(rng.integers(low, high + 1, size=2).min())
        longest = round(self.rate * (EDGE_S + SECONDS_A_WORD * n_words))
        items = []
        for _ in range(self.recipe.training.batch_size):
            item = self._item(longest, rng)
            items.append(item._replace(samples=self.augment(item.samples, rng)))
        auxiliary = self.recipe.auxiliary
        return collate(items, self.recipe.alphabet, auxiliary.alphabet if auxiliary else None)

    def _item(self, longest: int, rng: np.random.Generator) -> Item:
        auxiliary = self.recipe.auxiliary
        if auxiliary is not None and rng.random() < auxiliary.sentences:
            clip = self.spelled.draw(longest, rng)
            if clip is not None:
                return Item(clip.samples, clip.text, counts=False)
        kind = rng.random()
        if kind < self.strings.silence:
            return Item(self._silence(longest, rng), "")
        if kind < self.strings.silence + self.strings.utterances:
            choices = self.mixed if rng.random() < self.strings.sentences else self.whole
            clip = choices.draw(longest, rng)
            if clip is not None:
                return Item(clip.samples, clip.text)
        return self._string(longest, rng)

    def _string(self, longest: int, rng: np.random.Generator) -> Item:
        low, high = self.strings.gap_s
        pace = (low, rng.uniform(low, high))  # some speak without a pause
        clips = self._words(longest, sum(pace) / 2, rng)
        recordings = [self._other_channel(clip.samples, rng) for clip in clips]
        samples, _ = join_clips(recordings, self.rate, rng, pace)
        return Item(samples, " ".join(clip.text for clip in clips))

    def _words(self, longest: int, gap_s: float, rng: np.random.Generator) -> list[Clip]:
        """At least one word, and as many as fit."""
        same = rng.random() < self.strings.same_speaker
        speaker = self.inside.speaker(rng) if same else None
        clips: list[Clip] = []
        room = longest
        while len(clips) < self.strings.n_words[1]:
            if self.outside.clips and rng.random() < self.strings.other_words:
                clip = self.outside.clip(rng)
            else:
                clip = self.inside.clip(rng, speaker)
            room -= clip.n_speech + round(gap_s * self.rate)
            if clips and room < 0:
                break
            clips.append(clip)
        return clips

    def _other_channel(self, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Make a clip noisier or cleaner than its corpus.

        A corpus of clean digits and one of noisy commands would teach that what is clean is a
        digit.
        """
        kind = rng.random()
        if kind < self.strings.clip_noise:
            noise = self._silence(len(samples), rng)
            return mix(samples, noise, rng.uniform(5.0, 30.0))
        if kind < self.strings.clip_noise + self.strings.clip_denoise:
            return subtract_noise(samples)
        return samples

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
        self.odds = {
            word: _RootOdds([len(group) for group in groups])
            for word, groups in self.by_word.items()
        }
        self.speakers = list(by_speaker.values())
        self.speaker_odds = _RootOdds([len(group) for group in self.speakers])

    def speaker(self, rng: np.random.Generator) -> list[Clip]:
        """All clips of a speaker."""
        return self.speakers[self.speaker_odds.draw(rng)]

    def clip(self, rng: np.random.Generator, among: list[Clip] | None = None) -> Clip:
        if among is not None:
            return among[rng.integers(len(among))]
        word = self.words[rng.integers(len(self.words))]
        groups = self.by_word[word]
        group = groups[self.odds[word].draw(rng)]
        return group[rng.integers(len(group))]


class _ByLength:
    """Draws clips that are nearly as long as wanted."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        self.clips = sorted(clips, key=lambda clip: len(clip.samples))

    def draw(self, longest: int, rng: np.random.Generator) -> Clip | None:
        """A clip of at most `longest` samples and not much less, or None."""
        first = bisect.bisect_left(self.clips, SHORTEST_SHARE * longest, key=_length)
        end = bisect.bisect_right(self.clips, longest, key=_length)
        return self.clips[rng.integers(first, end)] if end > first else None


def _length(clip: Clip) -> int:
    return len(clip.samples)


class _RootOdds:
    """Draws numbers in proportion to the square roots of counts.

    What numpy's `choice` draws, without its checks and sums of each time.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        roots = np.sqrt(np.asarray(counts, dtype=float))
        sums = (roots / roots.sum()).cumsum()
        self.bounds = sums / sums[-1:]  # (n,), rising to 1

    def draw(self, rng: np.random.Generator) -> int:
        return int(self.bounds.searchsorted(rng.random(), side="right"))
