"""Text to symbols and back."""

import itertools
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from asr_core.text import BLANK, Alphabet, normalise

WORDS = Alphabet(symbols=("zero", "one", "two", "<unk>"), joiner=" ", unknown="<unk>")
CHARACTERS = Alphabet(symbols=(*"abcdefghijklmnopqrstuvwxyz' ",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", "hello world"),
        ("don\u2019t", "don't"),
        ("  tabs\tand\nlines\u00a0 ", "tabs and lines"),
        ("twenty-one", "twenty one"),
        ("snake_case", "snake case"),
        ("3.5 %", "3 5"),
        ("ЁЖИК, «Ёлка»", "ёжик ёлка"),
        ("за\u0301мок", "за\u0301мок"),  # a stress mark does not cut a word in two
        ("हिन्दी भाषा", "हिन्दी भाषा"),  # nor do vowel signs
        ("nai\u0308ve", "na\u00efve"),  # NFC
        ("I \u2764\ufe0f you", "i you"),  # the mark of an emoji goes with it
        ("\u0301", ""),
        ("", ""),
        ("?!", ""),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.text())
def test_normalise_is_clean_and_final(text: str) -> None:
    clean = normalise(text)
    assert normalise(clean) == clean
    assert clean == " ".join(clean.split())
    assert all(c.isalnum() or c in "' " or unicodedata.category(c)[0] == "M" for c in clean)
    assert unicodedata.is_normalized("NFC", clean)


@given(st.text(st.characters(codec="utf-8", max_codepoint=0x24F)))
def test_normalise_does_not_see_how_accents_are_written(text: str) -> None:
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(text)


@given(st.lists(st.sampled_from(["zero", "one", "two"])))
def test_words_round_trip(words: list[str]) -> None:
    text = " ".join(words)
    ids = WORDS.encode(text)
    assert ids == [("zero", "one", "two").index(word) + 1 for word in words]
    assert WORDS.decode(ids) == text


@given(st.text("abcdefghijklmnopqrstuvwxyz' "))
def test_characters_round_trip(text: str) -> None:
    ids = CHARACTERS.encode(text)
    assert len(ids) == len(text)
    assert CHARACTERS.decode(ids) == text


@given(st.lists(st.integers(1, 3)))
def test_ids_round_trip(ids: list[int]) -> None:
    assert WORDS.encode(WORDS.decode(ids)) == ids


@given(st.text())
def test_with_an_unknown_symbol_any_text_can_be_encoded(text: str) -> None:
    ids = WORDS.encode(text)
    assert all(1 <= i < len(WORDS) for i in ids)
    unknown = len(WORDS) - 1
    assert (unknown, unknown) not in itertools.pairwise(ids)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("one marvin sheila two", [2, 4, 3]),  # a run of unknown words is one symbol
        ("marvin one sheila", [4, 2, 4]),
        ("marvin <unk> <unk> one", [4, 2]),  # also where it is written out
        ("<unk>", [4]),
        ("one  two", [2, 3]),
        ("one one", [2, 2]),
        ("", []),
    ],
)
def test_unknown_words(text: str, ids: list[int]) -> None:
    assert WORDS.encode(text) == ids
    known = " ".join(word for word in text.split() if word in ("zero", "one", "two"))
    assert WORDS.decode(ids) == known


def test_unknown_characters_are_one_symbol_a_run() -> None:
    alphabet = Alphabet(symbols=("a", "b", "?"), unknown="?")
    assert alphabet.encode("xyabzz") == [3, 1, 2, 3]
    assert alphabet.decode([3, 1, 2, 3]) == "ab"


def test_without_an_unknown_symbol_other_text_is_refused() -> None:
    with pytest.raises(ValueError, match="'é' is not in the alphabet a b"):
        CHARACTERS.encode("caf" + "é")
    with pytest.raises(ValueError, match="'three' is not in the alphabet one two"):
        Alphabet(symbols=("one", "two"), joiner=" ").encode("one three")


def test_the_blank_is_no_symbol() -> None:
    assert BLANK == 0
    assert WORDS.symbol(BLANK) == ""
    assert [WORDS.symbol(i) for i in range(1, len(WORDS))] == list(WORDS.symbols)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"symbols": ()}, "at least one symbol"),
        ({"symbols": ("a", "")}, "no empty one"),
        ({"symbols": ("a", "b", "a", "b")}, r"each symbol once, got more of \['a', 'b'\]"),
        ({"symbols": ("a",), "unknown": "b"}, "unknown='b' to be one of the symbols"),
        ({"symbols": ("turn on", "off"), "joiner": " "}, "no symbol with the joiner ' '"),
        ({"symbols": ("a", 3)}, "valid string"),
        ({"symbols": ("a",), "blank": 1}, "Extra inputs"),
        ({"symbols": ("a", "b"), "aliases": {"x": "c"}}, "aliases of symbols"),
        ({"symbols": ("a", "b"), "aliases": {"a": "b"}}, "that are none themselves"),
    ],
)
def test_unsound_alphabets(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Alphabet(**wrong)


def test_order_survives_json() -> None:
    shuffled = Alphabet(symbols=("b", "c", "a", " "))
    assert Alphabet.model_validate_json(shuffled.model_dump_json()) == shuffled
    assert shuffled.encode("abc") == [3, 1, 2]


SIGNS = Alphabet(
    symbols=(*"abknr?,-+' ", "<sk>", "<unk>"), unknown="<unk>", aliases={"<ar>": "+", "–": "-"}
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bark, <SK>", "bark, <sk>"),  # its own signs stay, also several characters long
        ("<Ar>k<ar>", "+k+"),
        ("a–b - c", "a-b - c"),
        ("ab. nk! <b> (a)", "ab nk b a"),  # others go as in any text
        ("zebra\u2019s", "zebra's"),  # words outside the alphabet stay
        ("a\u0301?", "á?"),
        ("<unk>", "unk"),
        ("", ""),
    ],
)
def test_an_alphabet_keeps_its_own_punctuation(text: str, expected: str) -> None:
    assert SIGNS.normalise(text) == expected


@given(st.text("abk?,<>srun-+'–. "))
def test_an_alphabets_text_is_final(text: str) -> None:
    clean = SIGNS.normalise(text)
    assert SIGNS.normalise(clean) == clean
    assert clean == " ".join(clean.split())


@given(st.text())
def test_without_signs_an_alphabet_normalises_as_ever(text: str) -> None:
    assert WORDS.normalise(text) == CHARACTERS.normalise(text) == normalise(text)


def test_symbols_of_several_characters_without_a_joiner() -> None:
    alphabet = Alphabet(symbols=("s", "k", "<sk>", "<", ">"))
    assert alphabet.encode("s<sk>k<s") == [1, 3, 2, 4, 1]  # the longest that fits
    assert alphabet.decode([1, 3, 2, 4, 1]) == "s<sk>k<s"


def test_model_folders_without_aliases_still_load() -> None:
    old = '{"symbols": ["one", "<unk>"], "joiner": " ", "unknown": "<unk>"}'
    assert Alphabet.model_validate_json(old).aliases == {}
