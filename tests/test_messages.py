"""Texts to send: only known symbols, every symbol in the end, call signs of the usual form."""

import itertools
import re
from collections import Counter

import numpy as np
import pytest

from asr_core.morse_code import ALIASES, CODES, SYMBOLS, symbols
from asr_core.text import Alphabet
from asr_core.training.messages import CONTENTS, call_sign, message_words

MORSE = Alphabet(symbols=SYMBOLS, aliases=ALIASES)


def words(content: str, n: int, rng: np.random.Generator) -> list[str]:
    return list(itertools.islice(message_words(content, rng), n))


@pytest.mark.parametrize("content", CONTENTS)
def test_words_are_what_a_model_is_taught(content, rng) -> None:
    for _ in range(20):
        for word in words(content, 30, rng):
            assert word
            assert set(symbols(word)) <= set(CODES)
            assert MORSE.normalise(word) == word


def test_every_symbol_is_sent_and_rare_ones_rarely(rng) -> None:
    counts = Counter(
        symbol
        for content, share in CONTENTS.items()
        for word in words(content, 200 * share, rng)
        for symbol in symbols(word)
    )
    assert set(counts) == set(CODES)
    assert min(counts.values()) >= 20
    rare = sum(counts[symbol] for symbol in ("é", "ä", "ö", "ü", "ĥ", "ñ", "<hh>", "<sos>"))
    assert rare < 0.05 * counts.total()


def test_call_signs(rng) -> None:
    pattern = re.compile(
        r"[a-z0-9]{1,3}\d[a-z]{1,3}(/[a-z0-9]+)?|[a-z0-9]?[a-z]\d[a-z]{1,3}(/\w+)?"
    )
    calls = [call_sign(rng) for _ in range(500)]
    assert all(pattern.fullmatch(call) for call in calls)
    assert len(set(calls)) > 450


def test_a_message_may_begin_in_the_middle_of_a_phrase() -> None:
    firsts = {words("phrases", 1, np.random.default_rng(seed))[0] for seed in range(300)}
    assert {"cq", "de", "tnx"} <= firsts


def test_the_same_seed_sends_the_same() -> None:
    for content in CONTENTS:
        one, other = (words(content, 50, np.random.default_rng(4)) for _ in range(2))
        assert one == other
