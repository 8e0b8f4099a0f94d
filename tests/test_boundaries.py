"""Errors of boundaries are measured against times that are known."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from asr_core.audio import Audio
from asr_core.checkpoint import find_model, load_model
from asr_core.recognizer import Recognizer
from asr_core.text import Alphabet
from asr_core.training import boundaries
from asr_core.training.batches import Clip
from asr_core.training.boundaries import (
    Timed,
    boundary_errors_s,
    joined_strings,
    morse_messages,
    recordings_for,
    store_boundary_error,
    summary,
)
from asr_core.transcript import BoundaryError, Word
from asr_core.verification import verify

RATE = 8000
ALPHABET = Alphabet(symbols=("go", "stop", "<unk>"), joiner=" ", unknown="<unk>")
SILENCE = Audio(np.zeros(RATE, dtype=np.float32), RATE)


@dataclass
class Heard:
    text: str
    words: list[Word]


@dataclass
class Planted:
    """Hears one word in everything, there."""

    start_s: float
    end_s: float

    def transcribe(self, recordings: list[Audio]) -> list[Heard]:
        return [Heard("go", [Word("go", self.start_s, self.end_s, 1.0)]) for _ in recordings]


def clip(text: str, noise: float = 0.001) -> Clip:
    """A burst of tone from 0.2 to 0.6 s in noise of 1 s."""
    samples = noise * np.random.default_rng(1).normal(size=RATE)
    samples[1600:4800] += 0.5 * np.sin(2 * np.pi * 400 * np.arange(3200) / RATE)
    return Clip(samples.astype("f4"), text, "ann", "word")


def test_starts_and_ends_count_either_way() -> None:
    known = Timed(SILENCE, "go", ((0.5, 1.0),))
    errors_s = boundary_errors_s(Planted(0.45, 1.2), [known, replace(known, times_s=((0.4, 1.3),))])
    assert errors_s == pytest.approx([0.05, 0.2, 0.05, 0.1])


def test_what_is_heard_wrong_does_not_count() -> None:
    known = Timed(SILENCE, "stop", ((0.5, 1.0),))
    assert len(boundary_errors_s(Planted(0.45, 1.2), [known])) == 0


def test_summary() -> None:
    assert summary(np.arange(101) / 1000) == BoundaryError(median=0.05, p95=0.095)


def test_words_in_joined_strings_are_where_their_sound_is(rng: np.random.Generator) -> None:
    clips = [clip("go"), clip("stop"), clip("other"), replace(clip("go"), kind="string")]
    strings = list(joined_strings(clips, ALPHABET, RATE, 5, rng))
    assert {word for timed in strings for word in timed.text.split()} == {"go", "stop"}
    for timed in strings:
        inside = np.zeros(len(timed.audio.samples), dtype=bool)
        assert len(timed.times_s) == len(timed.text.split())
        for start_s, end_s in timed.times_s:
            assert end_s - start_s == pytest.approx(0.4, abs=0.011)  # frames of 10 ms
            inside[round(start_s * RATE) : round(end_s * RATE)] = True
        level = np.abs(timed.audio.samples)
        assert level[~inside].max() < 0.05 < np.median(level[inside])


def test_nothing_known_is_nothing_to_measure(
    tiny_recognizer: Recognizer, rng: np.random.Generator
) -> None:
    assert list(joined_strings([], ALPHABET, RATE, 5, rng)) == []
    assert list(recordings_for(tiny_recognizer, [], seed=1)) == []


def test_words_of_morse_are_where_the_tone_is() -> None:
    """In messages with nothing but the tone there is silence before and after the words."""
    n_seen = 0
    for timed in morse_messages("test", 40, seed=3):
        assert len(timed.times_s) == len(timed.text.split())
        level = np.abs(timed.audio.samples) / np.abs(timed.audio.samples).max()
        first, last = (round(t * RATE) for t in (timed.times_s[0][0], timed.times_s[-1][1]))
        edge = 200  # samples: the tone rises and falls, and filters ring
        if level[:edge].max() < 0.001:
            n_seen += 1
            assert level[: first - edge].max() < 0.05 < level[first : first + 2 * edge].max()
            assert level[last + edge :].max() < 0.05 < level[last - 2 * edge : last].max()
    assert n_seen >= 2


def test_the_bundled_models_err_about_as_they_say() -> None:
    """On other messages, and on real words joined, than those it was measured on."""
    recognizer = Recognizer.load("morse")
    stored = recognizer.contract.boundary_error_s
    assert stored is not None
    errors_s = boundary_errors_s(recognizer, morse_messages("test", 20, seed=77))
    assert len(errors_s) >= 40
    assert 0.5 * stored.median < np.median(errors_s) < 2 * stored.median
    assert (errors_s <= stored.p95).mean() > 0.85  # 95 %, of another sample


def test_what_is_measured_is_stored_and_the_probe_still_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(find_model("morse"), tmp_path / "morse")
    before = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(boundaries, "N_MESSAGES", 4)
    assert store_boundary_error(folder, [], seed=5) is None  # too few to tell
    assert load_model(folder)[0].boundary_error_s is None
    monkeypatch.setattr(boundaries, "FEWEST_BOUNDARIES", 2)
    found = store_boundary_error(folder, [], seed=5)
    after = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert found is not None
    assert after["boundary_error_s"] == {"median": found.median, "p95": found.p95}
    assert load_model(folder)[0].boundary_error_s == found
    assert {k for k in after if after[k] != before[k]} <= {"boundary_error_s"}
    assert "failed" not in {check.status for check in verify(folder)}
