"""The table of signs: against ITU-R M.1677 and Russia's alphabet, typed in again; the scripts."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from asr_core.__main__ import app
from asr_core.checkpoint import Contract, build_model, save_model
from asr_core.decoder import TokenSpan
from asr_core.morse_code import (
    ALIASES,
    CODES,
    KEYED_SLACK_S,
    SYMBOLS,
    check_script,
    is_morse,
    keyed_bounds_s,
    read_as,
    read_transcript,
    signs_of,
    symbols,
)
from asr_core.text import BLANK, Alphabet
from asr_core.training.recipe import load_recipe
from asr_core.transcript import Transcript, Word
from tests.morse_oracle import ITU, RUSSIAN

MORSE = Alphabet(symbols=SYMBOLS, aliases=ALIASES)


def test_codes_are_those_of_the_standard() -> None:
    assert {symbol: CODES[symbol] for symbol in ITU} == ITU


def test_no_two_symbols_are_keyed_alike() -> None:
    assert len(set(CODES.values())) == len(CODES)
    assert all(set(code) <= {".", "-"} and code for code in CODES.values())


def test_every_russian_letter_has_its_sign() -> None:
    latin = {code: symbol for symbol, code in CODES.items()}
    for letter, code in RUSSIAN.items():
        assert read_as(latin[code], "cyrillic") == letter


@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [
        ("priwet mir", "привет мир"),
        ("ĥĥuka qit öas", "шшука щит час"),
        ("äblokoñ üg éto", "яблокоъ юг это"),
        ("cq de r1a/p <sk>", "цщ де р1а/п <sk>"),  # procedure signs are no letters
        ("73! = 5,5?", "73! = 5,5?"),
        ("<mystery> ß", "<mystery> ß"),
        ("", ""),
    ],
)
def test_the_same_signs_in_cyrillic(latin: str, cyrillic: str) -> None:
    assert read_as(latin, "cyrillic") == cyrillic
    assert read_as(latin, "latin") == latin


def test_a_text_in_cyrillic_is_written_in_the_signs_it_is_read_from() -> None:
    for letter in RUSSIAN:
        assert read_as(signs_of(letter.upper(), "cyrillic"), "cyrillic") == letter
    assert signs_of("Ёж и\u0306 73 <sk>", "cyrillic") == "ev j 73 <sk>"
    assert signs_of("Ж", "latin") == "Ж"


def test_a_word_takes_as_long_as_its_signs_are_keyed() -> None:
    """ "an e" with a dot of 0.1 s: a is .-, n is -., and each sign is emitted 0.25 s late."""
    words = [[("a", 1.25), ("n", 2.05)], [("e", 3.25)]]
    assert keyed_bounds_s(words, 0.25) == [
        pytest.approx((1.0 - KEYED_SLACK_S, 2.3 + KEYED_SLACK_S)),
        pytest.approx((3.0 - KEYED_SLACK_S, 3.1 + KEYED_SLACK_S)),
    ]


def test_the_dot_of_words_of_one_sign_is_told_by_the_gaps_between() -> None:
    """ "t e": a dash of three dots and seven dots of gap in 1 s; the last one is a dot."""
    bounds_s = keyed_bounds_s([[("t", 0.0)], [("e", 1.0)]], 0.0)
    assert bounds_s[0][1] == pytest.approx(0.3 + KEYED_SLACK_S)
    assert bounds_s[1][1] == pytest.approx(1.1 + KEYED_SLACK_S)


def test_one_sign_alone_has_no_known_end() -> None:
    assert keyed_bounds_s([[("t", 1.0)]], 0.5) == [(pytest.approx(0.5 - KEYED_SLACK_S), np.inf)]


def test_a_transcript_in_cyrillic_keeps_its_times() -> None:
    word = Word("da<sk>", 0.1, 0.7, 0.9)
    empty = np.zeros((0, 1))
    latin = Transcript("da<sk>", (word,), (TokenSpan(1, 0, 2, 0.9),), 1.0, 0.03, 0.01, empty, empty)
    cyrillic = read_transcript(latin, "cyrillic")
    assert cyrillic.text == "да<sk>"
    assert cyrillic.words == (Word("да<sk>", 0.1, 0.7, 0.9),)
    assert cyrillic.tokens == latin.tokens
    assert read_transcript(latin, "latin") == latin


def test_symbols_of_a_text() -> None:
    assert symbols("a<sk> <b") == ["a", "<sk>", " ", "<", "b"]


@given(st.lists(st.sampled_from(SYMBOLS)))
def test_the_alphabet_writes_and_reads_every_sign(message: list[str]) -> None:
    text = " ".join("".join(message).split())
    assert MORSE.normalise(text) == text
    assert MORSE.decode(MORSE.encode(text)) == text
    assert len(MORSE.encode(text)) == len(symbols(text))


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("CQ CQ DE K1ABC <AR>", "cq cq de k1abc +"),
        ("R <BT> TNX\u2019S <VA>", "r = tnx's <sk>"),
        ("a & b <KN>", "a <as> b ("),
        ("5 % off*", "5 off"),  # no sign of ours: as in any text
    ],
)
def test_other_spellings(written: str, canonical: str) -> None:
    assert MORSE.normalise(written) == canonical


def test_the_recipe_has_this_table() -> None:
    alphabet = load_recipe("morse").alphabet
    assert alphabet.symbols == SYMBOLS
    assert alphabet.aliases == ALIASES
    assert is_morse(alphabet)


def test_cyrillic_is_refused_for_other_models() -> None:
    english = Alphabet(symbols=tuple("abcdefghijklmnopqrstuvwxyz' "))
    check_script("cyrillic", MORSE)
    check_script("latin", english)
    with pytest.raises(ValueError, match="cyrillic is for Morse"):
        check_script("cyrillic", english)


@pytest.fixture
def deaf_model(tmp_path: Path, tiny_contract: Contract) -> Path:
    """A Morse model that hears nothing but the sign of W and В, in everything."""
    contract = tiny_contract.model_copy(update={"alphabet": MORSE, "name": "deaf"})
    model = build_model(contract)
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.zero_()
        model.head.bias[MORSE.encode("w")[0]] = 9.0
    assert MORSE.encode("w")[0] != BLANK
    save_model(tmp_path / "deaf", contract, model)
    return tmp_path / "deaf"


@pytest.mark.parametrize(("script", "text"), [("latin", "w"), ("cyrillic", "в")])
def test_transcribe_in_a_script(deaf_model: Path, tmp_path: Path, script: str, text: str) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(8000), 8000)
    command = ["transcribe", str(tmp_path / "a.wav"), "--model", str(deaf_model)]
    done = CliRunner().invoke(app, [*command, "--script", script])
    assert (done.exit_code, done.stdout) == (0, f"{text}\n")


def test_transcribe_refuses_cyrillic_of_words(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(8000), 8000)
    done = CliRunner().invoke(app, ["transcribe", str(tmp_path / "a.wav"), "--script", "cyrillic"])
    assert done.exit_code == 1
    assert "--model morse" in done.stderr
