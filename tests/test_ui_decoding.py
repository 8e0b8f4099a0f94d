"""The Decoding controls of the Recognise tab, their handlers, on the tiny models."""

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import soundfile

from asr_core.decoding import DecodingConfig, DecodingConfigError
from asr_core.ngrams import build_ngrams, write_arpa
from asr_core.recognizer import Recognizer
from ui import decoding, recognise
from ui.background import Pending
from ui.decoding import GREEDY

BEAM = DecodingConfig(decoder="beam", n_best=3)


@pytest.fixture
def clip(tmp_path: Path, rng: np.random.Generator) -> str:
    soundfile.write(tmp_path / "noise.wav", 0.1 * rng.standard_normal(12000), 8000)
    return str(tmp_path / "noise.wav")


@pytest.fixture
def on(tiny_recognizer: Recognizer, tmp_path: Path) -> recognise._Handlers:
    (tmp_path / "lexicon.txt").write_text("yes\nno\nstop\ngo\n")
    with_lexicon = Recognizer(
        tiny_recognizer.contract, tiny_recognizer.model, lexicon_path=tmp_path / "lexicon.txt"
    )
    models = [Pending.of("bare", tiny_recognizer), Pending.of("closed", with_lexicon)]
    return recognise._Handlers(models, [], lambda path: f"url:{path.name}")


def text(value: dict[str, Any]) -> str:
    return " ".join(word["text"] for word in value["lanes"][0]["words"])


def test_greedy_leaves_the_other_controls_alone() -> None:
    assert decoding.choice("greedy", 50, 9, True, "not a hotword") == GREEDY


def test_the_controls_are_a_configuration() -> None:
    found = decoding.choice("beam", 30.0, 4.0, True, "stop=2.0, go=1.5\nno=-1,")
    assert found == DecodingConfig(
        decoder="beam",
        beam=30,
        n_best=4,
        lexicon="model",
        hotwords={"stop": 2.0, "go": 1.5, "no": -1.0},
    )
    assert decoding.choice("beam", 3, 5, False, "").n_best == 3  # no more than the beam holds
    with pytest.raises(DecodingConfigError, match=r"as stop=2\.0"):
        decoding.choice("beam", 20, 5, False, "stop")


def test_another_decoding_hears_the_recording_again(on: Any, clip: str) -> None:
    before = text(next(on.changed(clip, "bare", "latin"))).split()
    said = before[0]
    values = ("beam", 20, 5, False, f"{said}=-20")
    ((value, config, error),) = on.decided(clip, "bare", "latin", GREEDY, "", *values)
    assert text(value).split().count(said) < before.count(said)
    assert (config.hotwords, error) == ({said: -20.0}, "")
    *_, (again, _, _) = on.heard(clip, "bare", "latin", config)  # and so are the next recordings
    assert text(again) == text(value)


def test_readings_are_there_for_the_view(on: Any, clip: str, tiny_recognizer: Recognizer) -> None:
    transcript = decoding.applied(tiny_recognizer, BEAM).transcribe([clip])[0]
    assert 1 < len(transcript.n_best) <= 3
    assert transcript.readings[0].text == transcript.text


@pytest.mark.parametrize(
    ("hotwords", "message"),
    [("stop", "as stop=2.0"), ("<b>=1", "cannot write|one word"), ("stop=99", "20, got 99")],
)
def test_a_wrong_hotword_is_told_in_place(on: Any, clip: str, hotwords: str, message: str) -> None:
    ((value, config, error),) = on.decided(
        clip, "bare", "latin", GREEDY, "", "beam", 20, 5, False, hotwords
    )
    assert value == config == gr.skip()
    assert 'role="alert"' in error
    assert "<b>" not in error
    with pytest.raises(ValueError, match=message):
        decoding.applied(on.find("bare").result(), decoding.choice("beam", 20, 5, False, hotwords))


def test_a_field_that_is_left_as_it_was_changes_nothing(on: Any, clip: str) -> None:
    values = ("beam", 20, 3, False, "")
    assert decoding.choice(*values) == BEAM
    ((value, config, error),) = on.decided(clip, "bare", "latin", BEAM, "", *values)
    assert (value, config, error) == (gr.skip(), gr.skip(), "")


def test_the_lexicon_is_offered_where_there_is_one(on: Any) -> None:
    assert on.offered("closed")[0]["visible"] is True
    assert on.offered("bare")[0]["visible"] is False


def test_the_lexicon_is_the_models(on: Any, clip: str) -> None:
    closed = BEAM.model_copy(update={"lexicon": "model"})
    assert decoding.applied(on.find("closed").result(), closed).decoder.words.lexicon
    # Another model, without a lexicon, while the box is still ticked.
    assert decoding.applied(on.find("bare").result(), closed).decoder.words is None
    assert next(on.changed(clip, "bare", "latin", closed))["state"] == "ready"


def test_words_of_another_model_are_told_in_the_view(on: Any, clip: str) -> None:
    strange = BEAM.model_copy(update={"hotwords": {"marvin": 1.0}})
    value = next(on.changed(clip, "bare", "latin", strange))
    assert (value["state"], value["title"]) == ("failed", "These words do not fit the model")
    assert "marvin" in value["text"]


def test_a_lexicon_and_a_language_model_are_given_as_files(
    on: Any, clip: str, tmp_path: Path
) -> None:
    (tmp_path / "words.txt").write_text("go\n")
    write_arpa(build_ngrams([["go", "go"], ["go"]], 2), tmp_path / "lm.arpa")
    files = str(tmp_path / "words.txt"), str(tmp_path / "lm.arpa")
    ((value, config, error),) = on.decided(
        clip, "bare", "latin", GREEDY, "", "beam", 20, 5, True, "", *files
    )
    assert (config.lexicon, config.lm, error) == (*files, "")
    assert set(text(value).split()) <= {"go"}
    words = decoding.applied(on.find("bare").result(), config).decoder.words
    assert (words.lexicon, words.lm.order) == ({"go"}, 2)


@pytest.mark.parametrize("wrong", ["lexicon", "lm"])
def test_a_file_that_cannot_be_used_is_told_without_its_folder(
    on: Any, clip: str, tmp_path: Path, wrong: str
) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")
    bad = str(tmp_path / "bad.txt")
    files = (bad, None) if wrong == "lexicon" else (None, bad)
    ((value, _, error),) = on.decided(
        clip, "bare", "latin", GREEDY, "", "beam", 20, 5, False, "", *files
    )
    assert value == gr.skip()
    assert "bad.txt" in error
    assert str(tmp_path) not in error
