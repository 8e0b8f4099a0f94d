"""Normalisers: what counts as the same, and that nothing said is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.normalisation import DIGITS, NORMALISERS, basic, english, none

TEXTS = st.text(max_size=30)
TRICKY = st.text("aZ5 .,'-\u2019\u0301%$ßİ\u200d½\u00a8", max_size=12)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("One, TWO -- three!", "one two three"),
        ("zero oh o 0 um uh", "zero oh o 0 um uh"),  # NeMo's and others' normalisers drop some
        ("Don\u2019t stop 'til dogs' o'clock", "don't stop til dogs o'clock"),
        ("3.14 and 1. and .5 v1.2.3", "3.14 and 1 and 5 v1.2.3"),
        ("12,345 but 1,2 and 1,234,567.5", "12345 but 1 2 and 1234567.5"),
        ("twenty-five 5-6 -5 \u22125", "twenty five 5 6 -5 -5"),
        ("50% of $5 R&B 20°", "50 % of $ 5 r & b 20 °"),
        ('<unk> <b>x</b> "q" a_b', "unk b x b q a b"),
        ("Straße ２ ﬁ ½", "strasse 2 fi 1 2"),
        ("Ёлка, ЁЛКА", "ёлка ёлка"),
        ("हिन्दी, e\u0301", "हिन्दी é"),
        ("soft\u00adhyphen \ufeffbom", "softhyphen bom"),
        ("... - !", ""),
    ],
)
def test_basic(written: str, expected: str) -> None:
    assert basic(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("5 and 0 and oh", "five and zero and oh"),
        ("1995 10 -5 3.5", "1995 10 -5 3.5"),
        ("We're, didn\u2019t, can't, won't, ain't", "we are did not can not will not ain't"),
        ("it's he'd", "it's he'd"),  # is or has, had or would
        ("n't 'm", "n't m"),
        ("50% & 1+1=2", "50 percent and one plus one equals two"),
    ],
)
def test_english(written: str, expected: str) -> None:
    assert english(written) == expected


def test_none_parts_at_white_space_alone() -> None:
    assert none(" A,b\t<c>\u00a0D\n") == "A,b <c> D"


@pytest.mark.parametrize("name", NORMALISERS)
@given(text=TEXTS | TRICKY)
def test_once_is_enough(name: str, text: str) -> None:
    normalise = NORMALISERS[name]
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize("name", NORMALISERS)
@given(words=st.lists(TEXTS | TRICKY, max_size=4))
def test_word_by_word(name: str, words: list[str]) -> None:
    """So that words that have times keep them."""
    normalise = NORMALISERS[name]
    alone = [part for word in words for part in normalise(word).split()]
    assert normalise(" ".join(words)).split() == alone


@pytest.mark.parametrize("name", NORMALISERS)
@given(words=st.lists(st.sampled_from([*DIGITS, "oh", "um", "a", "I", "ноль", "0", "7"])))
def test_no_word_is_lost(name: str, words: list[str]) -> None:
    """The digit-safe promise, in any case and between any punctuation."""
    written = ", ".join(word.capitalize() for word in words)
    assert len(NORMALISERS[name](written).split()) == len(words)


@given(TEXTS)
def test_letters_and_digits_survive(text: str) -> None:
    """Of ASCII text basic keeps every letter and digit, in order."""
    ascii_only = text.encode("ascii", "ignore").decode()
    kept = [char for char in basic(ascii_only) if char.isalnum()]
    assert kept == [char for char in ascii_only.lower() if char.isalnum()]
