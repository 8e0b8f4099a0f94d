"""Where a reference's words are, with emissions whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from analysis.recognition import place_reference
from asr_core.morse_code import SYMBOLS
from asr_core.text import Alphabet
from asr_core.transcript import Transcript

HOP_S, STRIDE = 0.01, 4
MORSE = Alphabet(symbols=SYMBOLS)
LETTERS = Alphabet(symbols=(" ", "'", *"abcdefghijklmnopqrstuvwxyz"))


def planted(alphabet: Alphabet, symbols: list[str]) -> Transcript:
    """A recording in which a symbol is emitted every third frame, and words sound but gaps do not.

    Output frames: blank, symbol, blank, blank, symbol, ...; a word sounds from a frame before its
    first symbol to a frame after its last.
    """
    n_frames = 3 * len(symbols)
    probabilities = np.full((n_frames, len(alphabet)), 0.01 / len(alphabet))
    features = np.zeros((n_frames * STRIDE + 1, 8))
    for n, symbol in enumerate(symbols):
        frame = 3 * n + 1
        probabilities[[frame - 1, frame + 1], 0] += 0.99
        probabilities[frame, alphabet.encode(symbol)[0]] += 0.99
        if symbol != " ":
            features[(frame - 1) * STRIDE : (frame + 2) * STRIDE] = 1.0
    log_probs = np.log(probabilities / probabilities.sum(axis=1, keepdims=True))
    return Transcript(
        "", (), (), n_frames * STRIDE * HOP_S, STRIDE * HOP_S, HOP_S, features, log_probs
    )


def place(alphabet: Alphabet, words: list[str], transcript: Transcript):
    recognizer = SimpleNamespace(
        alphabet=alphabet,
        model=SimpleNamespace(stride=STRIDE),
        contract=SimpleNamespace(emission_delay_s=None, confidence=None),
    )
    return place_reference(recognizer, words, transcript)


@pytest.mark.parametrize(
    ("alphabet", "symbols", "words"),
    [
        (MORSE, ["t", "u", " ", "<sk>", " ", "e"], ["tu", "<sk>", "e"]),
        (LETTERS, [*"it's me"], ["it's", "me"]),
    ],
)
def test_words_of_a_model_that_spells(alphabet, symbols, words):
    placed = place(alphabet, words, planted(alphabet, symbols))
    assert [word.text for word in placed.values()] == words
    starts = np.cumsum([0, *(3 * (len(alphabet.encode(word)) + 1) for word in words)])
    for start, word in zip(starts, placed.values(), strict=False):
        length = 3 * len(alphabet.encode(word.text))
        assert word.start_s == pytest.approx(start * STRIDE * HOP_S, abs=2 * HOP_S)
        assert word.end_s == pytest.approx((start + length) * STRIDE * HOP_S, abs=2 * HOP_S)
        assert word.confidence > 0.9


def test_a_word_that_cannot_be_spelt_has_no_place_and_the_others_have():
    transcript = planted(LETTERS, [*"go on"])
    placed = place(LETTERS, ["go", "42", "on"], transcript)
    assert {i: word.text for i, word in placed.items()} == {0: "go", 2: "on"}


def test_where_no_path_spells_it_nothing_has_a_place():
    assert place(LETTERS, ["go"] * 40, planted(LETTERS, [*"go"])) == {}


def test_no_words():
    assert place(MORSE, [], planted(MORSE, ["e"])) == {}
