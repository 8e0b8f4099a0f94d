"""The choices of decoding: what is refused, and the decoders that they make."""

import json
from pathlib import Path
from typing import Any

import pytest

from asr_core.beam import BeamSearch
from asr_core.checkpoint import MODELS
from asr_core.decoder import best_path
from asr_core.decoding import (
    DecodingConfig,
    DecodingConfigError,
    build_decoder,
    parse_hotwords,
    record,
)
from asr_core.fusion import WordScorer
from asr_core.language import LanguageModelError
from asr_core.lexicon import LexiconError, read_lexicon
from asr_core.ngrams import build_ngrams, write_arpa
from asr_core.recognizer import Recognizer
from asr_core.text import Alphabet

WORDS = Alphabet(symbols=("go", "stop", "<unk>"), joiner=" ", unknown="<unk>")
LETTERS = Alphabet(symbols=(" ", "a", "b", "<sk>"))


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_text("\ufeffSTOP\n\n go \n", encoding="utf-8")
    return tmp_path / "words.txt"


def beam(**values: Any) -> DecodingConfig:
    return DecodingConfig.checked(decoder="beam", **values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"decoder": "viterbi"}, "decoder: Input should be 'greedy' or 'beam', got 'viterbi'"),
        ({"beam": 30}, "beam needs beam search"),
        ({"hotwords": {"go": 1}}, "hotwords needs beam search"),
        ({"decoder": "beam", "beam": 0}, "greater than or equal to 1, got 0"),
        ({"decoder": "beam", "beam": 5, "n_best": 6}, "a beam of 5 holds no 6 readings"),
        ({"decoder": "beam", "lm_weight": 1.0}, "lm_weight needs a language model"),
        ({"decoder": "beam", "lm": "x", "lm_weight": -1.0}, "greater than or equal to 0"),
        ({"decoder": "beam", "hotwords": {"go": 99.0}}, "hotwords.go: .* got 99.0"),
        ({"decoder": "beam", "hotwords": {"go": float("nan")}}, "hotwords.go"),
        ({"decoder": "beam", "word_bonus": float("inf")}, "word_bonus"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(DecodingConfigError, match=message) as caught:
        DecodingConfig.checked(**values)
    assert "\n" not in str(caught.value)


def test_hotwords_are_words_and_what_they_are_worth() -> None:
    assert parse_hotwords(["stop=2.0", " go = -1 "]) == {"stop": 2.0, "go": -1.0}
    assert parse_hotwords(["==1.5"]) == {"=": 1.5}  # a Morse sign
    for option in ("stop", "=2", "stop=two", ""):
        with pytest.raises(DecodingConfigError, match=r"as stop=2\.0"):
            parse_hotwords([option])
    with pytest.raises(DecodingConfigError, match="twice"):
        parse_hotwords(["go=1", "go=2"])


def test_greedy_is_best_path() -> None:
    assert build_decoder(DecodingConfig(), WORDS) is best_path


def test_a_beam_without_words_scores_none() -> None:
    config = beam(beam=7, n_best=3)
    assert build_decoder(config, WORDS) == BeamSearch(WORDS, 7, 3, None)


def test_all_of_it_arrives(lexicon: Path, tmp_path: Path) -> None:
    lm = build_ngrams([["go", "stop"]], 2)
    write_arpa(lm, tmp_path / "lm.arpa")
    values = {"lm": str(tmp_path / "lm.arpa"), "lm_weight": 0.7, "word_bonus": 0.1}
    config = beam(lexicon=str(lexicon), hotwords={"Stop": 2.0}, **values)
    decoder = build_decoder(config, WORDS)
    assert isinstance(decoder, BeamSearch)
    assert isinstance(decoder.words, WordScorer)
    assert decoder.words.lexicon == {"go", "stop"}
    assert decoder.words.hotwords == {"stop": 2.0}
    assert (decoder.words.lm_weight, decoder.words.word_bonus) == (0.7, 0.1)
    expected = lm.score(lm.start(), "go")[0]
    assert decoder.words.lm.score(lm.start(), "go")[0] == pytest.approx(expected)


def test_the_models_own_lexicon(lexicon: Path) -> None:
    decoder = build_decoder(beam(lexicon="model"), WORDS, lexicon)
    assert decoder.words.lexicon == {"go", "stop"}
    with pytest.raises(DecodingConfigError, match="no lexicon of its own"):
        build_decoder(beam(lexicon="model"), WORDS)


@pytest.mark.parametrize(
    ("hotword", "message"),
    [("left", "cannot write 'left'"), ("go stop", "one word"), ("<unk>", "not in the lexicon")],
)
def test_a_hotword_that_is_never_said_is_refused(hotword: str, message: str) -> None:
    with pytest.raises(DecodingConfigError, match=message):
        build_decoder(beam(hotwords={hotword: 1.0}), WORDS)


def test_a_hotword_outside_the_lexicon_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("go")
    config = beam(hotwords={"stop": 1.0}, lexicon=str(tmp_path / "words.txt"))
    with pytest.raises(DecodingConfigError, match="'stop' is not in the lexicon"):
        build_decoder(config, WORDS)


def test_without_flashlight_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from asr_core import torchaudio_door

    def missing() -> None:
        raise ImportError("Beam search needs the package flashlight-text: none.")

    monkeypatch.setattr(torchaudio_door, "beam_decoding", missing)
    with pytest.raises(DecodingConfigError, match="flashlight-text"):
        build_decoder(beam(), WORDS)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    with pytest.raises(LexiconError, match="a word a line"):
        build_decoder(beam(lexicon=missing), WORDS)
    with pytest.raises(LanguageModelError, match="ARPA"):
        build_decoder(beam(lm=missing), WORDS)


def test_what_is_recorded_is_json_without_folders(lexicon: Path) -> None:
    assert record(DecodingConfig()) == {"decoder": "greedy"}
    config = beam(lexicon="model", hotwords={"go": 1.0})
    written = json.dumps(record(config, lexicon))
    assert str(lexicon.parent) not in written
    found = json.loads(written)
    assert (found["lexicon"]["name"], len(found["lexicon"]["sha256"])) == ("words.txt", 64)
    assert (found["decoder"], found["beam"], found["lm"]) == ("beam", 20, None)
    assert found["hotwords"] == {"go": 1.0}


# --- lexicons ---


def test_signs_and_the_unknown_symbol_may_be_words(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("ab<sk>\nB\n")
    assert read_lexicon(path, LETTERS) == {"ab<sk>", "b"}
    path.write_text("go\n<unk>\n")
    assert read_lexicon(path, WORDS) == {"go", "<unk>"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got no word"),
        (b"go\nleft\n", "cannot write 'left'. It writes: go, stop"),
        (b"go stop\n", "Expected one word"),
        (b"...\n", "Expected one word"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_lexicon_that_does_not_fit(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(LexiconError, match=message):
        read_lexicon(tmp_path / "words.txt", WORDS)


def test_the_model_of_speech_ships_its_words() -> None:
    recognizer = Recognizer.load("spoken")
    symbols = set(recognizer.alphabet.symbols) - {recognizer.alphabet.unknown}
    assert recognizer.lexicon_path == MODELS / "spoken" / "lexicon.txt"
    assert read_lexicon(recognizer.lexicon_path, recognizer.alphabet) == symbols
    assert len(symbols) == 20
    assert Recognizer.load("morse").lexicon_path is None


def test_equal_configurations_hash_alike() -> None:
    """The page keeps one in its state, and asks whether it has changed."""
    a, b = (DecodingConfig(decoder="beam", hotwords={"stop": 2.0}) for _ in range(2))
    assert hash(a) == hash(b)
    assert hash(a) != hash(DecodingConfig(decoder="beam", hotwords={"go": 2.0}))
