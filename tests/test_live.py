"""Text while somebody speaks: chunks of any size, one text; what a browser sends is checked."""

import base64
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_core.audio import Audio, AudioError, load_audio
from asr_core.live import Listener, PartialText
from asr_core.pieces import LIVE, cut
from asr_core.recognizer import Recognizer
from tests.test_recognizer import babble
from ui.background import Pending
from ui.live import MOST_KEPT, ChunkError, Live

ROOT = Path(__file__).parents[1]
RATE = 8000


def text_of(partial: PartialText) -> str:
    return " ".join(filter(None, (partial.settled, partial.growing)))


def in_chunks(samples: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    edges = np.cumsum([0, *sizes])
    edges = [*edges[edges < len(samples)], len(samples)]
    return [samples[a:b] for a, b in itertools.pairwise(edges)]


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(1, 3 * RATE), max_size=8), seconds=st.floats(0.5, 11))
def test_chunks_of_any_size_end_with_the_text_of_the_whole(
    tiny_recognizer: Recognizer, sizes: list[int], seconds: float
) -> None:
    samples = babble(np.random.default_rng(7), seconds).samples
    listener = Listener(tiny_recognizer, RATE)
    texts = [listener.hear(chunk) for chunk in in_chunks(samples, sizes)]
    assert text_of(texts[-1]) == tiny_recognizer.transcribe([Audio(samples, RATE)])[0].text
    assert texts[-1].settled == ""


@settings(max_examples=5)
@given(sizes=st.lists(st.integers(RATE, 6 * RATE), min_size=4, max_size=8))
def test_a_long_one_is_cut_alike_whatever_its_chunks(
    tiny_recognizer: Recognizer, sizes: list[int]
) -> None:
    samples = babble(np.random.default_rng(8), 40).samples
    listener = Listener(tiny_recognizer, RATE)
    settled = ""
    for chunk in in_chunks(samples, sizes):
        partial = listener.hear(chunk)
        assert partial.settled.startswith(settled)  # what is settled stays
        settled = partial.settled
        assert len(listener._held) <= LIVE.longest_s * RATE
    pieces = list(cut([Audio(samples, RATE)], tiny_recognizer.frame, LIVE))
    expected = [t.text for t in tiny_recognizer.transcribe(pieces)]
    assert len(pieces) > 3
    assert text_of(partial) == " ".join(filter(None, expected))


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_the_bundled_model_hears_an_example_as_it_grows(rate: int) -> None:
    recognizer = Recognizer.load("spoken")
    audio = load_audio(ROOT / "assets/examples/nine-one-eight-off-telephone.opus", rate)
    pcm = np.round(32767 * audio.samples).astype(np.int16)
    listener = Listener(recognizer, rate)
    texts = [text_of(listener.hear(chunk)) for chunk in in_chunks(pcm, [rate // 4] * 40)]
    assert texts[0] == ""
    assert texts[-1] == recognizer.transcribe([Audio(pcm, rate)])[0].text
    assert len(set(texts)) >= 3  # word by word


def test_too_little_to_hear_is_no_text(tiny_recognizer: Recognizer) -> None:
    assert Listener(tiny_recognizer, 48000).hear(np.zeros(1, np.int16)) == PartialText("", "")


def test_what_is_no_sound_is_refused(tiny_recognizer: Recognizer) -> None:
    with pytest.raises(AudioError, match="NaN"):
        Listener(tiny_recognizer, RATE).hear(np.full(800, np.nan, np.float32))


# --- what the page sends ---


def asked(samples: np.ndarray, **changes: object) -> dict[str, object]:
    pcm = base64.b64encode(np.round(32767 * samples).astype("<i2").tobytes()).decode()
    return {"id": "a", "model": "tiny", "script": "latin", "rate": RATE, "pcm": pcm} | changes


@pytest.fixture
def live(tiny_recognizer: Recognizer, tiny_morse_recognizer: Recognizer) -> Live:
    models = [Pending.of("tiny", tiny_recognizer), Pending.of("signs", tiny_morse_recognizer)]
    return Live({model.name: model for model in models})


def test_pages_do_not_hear_each_other(live: Live, tiny_recognizer: Recognizer) -> None:
    sounds = {name: babble(np.random.default_rng(i), 3.0).samples for i, name in enumerate("ab")}
    for half in range(2):
        answers = {
            name: live.hear_more(asked(samples[half * 12000 :][:12000], id=name))
            for name, samples in sounds.items()
        }
    for name, samples in sounds.items():
        quantised = np.round(32767 * samples).astype(np.int16)
        (expected,) = tiny_recognizer.transcribe([Audio(quantised, RATE)])
        assert answers[name] == {"settled": "", "growing": expected.text}


def test_morse_in_the_script_chosen(live: Live) -> None:
    samples = babble(np.random.default_rng(1), 6.0).samples
    latin, cyrillic = (
        live.hear_more(asked(samples, model="signs", id=script, script=script))["growing"]
        for script in ("latin", "cyrillic")
    )
    assert latin != cyrillic
    assert len(latin.split()) == len(cyrillic.split())


def test_the_ones_silent_longest_are_forgotten(live: Live) -> None:
    for i in range(MOST_KEPT + 5):
        live.hear_more(asked(np.zeros(10), id=str(i)))
    assert len(live._listeners) == MOST_KEPT


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "../etc"},
        {"model": ["tiny"]},
        {"rate": 0},
        {"rate": "fast"},
        {"rate": float("inf")},
        {"pcm": ""},
        {"pcm": "?"},
        {"pcm": "AAAA"},  # no whole samples
        {"pcm": "A" * (8 * RATE * 60)},  # more than a minute
        {"pcm": None},
    ],
)
def test_what_is_refused(live: Live, wrong: dict[str, object]) -> None:
    with pytest.raises(ChunkError, match=r"Expected an id|no such model"):
        live.hear_more(asked(np.zeros(100)) | wrong)
    for nothing in (None, [], "x"):
        with pytest.raises(ChunkError):
            live.hear_more(nothing)
