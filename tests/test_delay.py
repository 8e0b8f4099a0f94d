"""A stand-in hears bursts of tone and emits each a known time after its middle."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from asr_core.audio import Audio
from asr_core.decoder import TokenSpan
from asr_core.text import Alphabet
from asr_core.training.batches import Clip
from asr_core.training.boundaries import Timed
from asr_core.training.delay import emission_delay_s, keyed_delay_s

RATE = 8000
FRAME_S = 0.01
ALPHABET = Alphabet(symbols=("go", "stop", "<unk>"), joiner=" ", unknown="<unk>")


@dataclass
class Heard:
    text: str
    tokens: list[TokenSpan]
    frame_s: float = FRAME_S


class Bursts:
    """Hears every burst as "go"."""

    alphabet = ALPHABET
    sample_rate = RATE

    def __init__(self, delay_s: float, unknown_first: bool = False) -> None:
        self.delay_s = delay_s
        self.unknown_first = unknown_first

    def transcribe(self, recordings: list[Audio]) -> list[Heard]:
        frames = recordings[0].samples
        frames = frames[: len(frames) // 80 * 80].reshape(-1, 80)
        loud = np.flatnonzero(np.abs(frames).max(axis=1) > 0.1)
        runs = np.split(loud, np.flatnonzero(np.diff(loud) > 4) + 1)
        middles = [round((run[0] + run[-1] + 1) / 2 + self.delay_s / FRAME_S) for run in runs]
        tokens = [TokenSpan(1, middle, middle + 1, 1.0) for middle in middles]
        text = " ".join(["go"] * len(tokens))
        if self.unknown_first:
            tokens = [TokenSpan(3, 0, 1, 1.0), *tokens]
        return [Heard(text, tokens)]


def burst(text: str) -> Clip:
    tone = 0.5 * np.sin(2 * np.pi * 400 * np.arange(3200) / RATE)
    return Clip(np.pad(tone, 1600).astype("f4"), text, "ann", "word")


@pytest.mark.parametrize("delay_s", [-0.5, 0.0, 0.4])
def test_the_delay_of_a_network_is_found(delay_s: float, rng: np.random.Generator) -> None:
    found = emission_delay_s(Bursts(delay_s), [burst("go")], rng)
    assert found == pytest.approx(delay_s, abs=0.02)  # frames of 10 ms


def test_an_unknown_word_beside_the_words_does_not_count(rng: np.random.Generator) -> None:
    found = emission_delay_s(Bursts(0.1, unknown_first=True), [burst("go")], rng)
    assert found == pytest.approx(0.1, abs=0.02)


def test_what_is_heard_wrong_says_nothing(rng: np.random.Generator) -> None:
    assert emission_delay_s(Bursts(0.1), [burst("stop")], rng) is None
    assert emission_delay_s(Bursts(0.1), [], rng) is None


@dataclass
class Keyed:
    """Hears "an e" in everything, its words' first signs at frames 10 and 50."""

    def transcribe(self, recordings: list[Audio]) -> list[SimpleNamespace]:
        tokens = [TokenSpan(1, start, start + 1, 1.0) for start in (10, 20, 30, 50)]
        symbols = ("a", "n", " ", "e")
        heard = SimpleNamespace(text="an e", tokens=tokens, symbols=symbols, frame_s=FRAME_S)
        return [heard for _ in recordings]


def test_the_delay_of_signs_is_that_of_the_words_first_ones() -> None:
    silence = Audio(np.zeros(RATE, dtype=np.float32), RATE)
    heard = Timed(silence, "an e", ((0.03, 0.2), (0.43, 0.6)))
    wrong = Timed(silence, "an i", ((0.09, 0.2), (0.49, 0.6)))
    assert keyed_delay_s(Keyed(), [heard] * 10 + [wrong] * 50) == pytest.approx(0.07)
    assert keyed_delay_s(Keyed(), [heard] * 9) is None  # 18 words are too few
