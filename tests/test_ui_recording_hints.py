"""What the page says of a recording: the doctor's hints in words, in both languages."""

import json

import numpy as np
import pytest
import soundfile

from asr_core.doctor import diagnose
from asr_core.recording_measures import measure_recording
from tests.test_doctor import CLEAR, RATE, VALIDATION
from ui import language
from ui.evidence import Evidence
from ui.hearing import hear
from ui.recording_hints import look


@pytest.fixture(scope="module")
def recognizer():
    from asr_core.recognizer import Recognizer

    return Recognizer.load("spoken")


@pytest.fixture(scope="module")
def good() -> np.ndarray:
    from asr_core.audio import load_audio
    from asr_core.manifest import read_manifest
    from benchmarks.doctor import untouched

    return load_audio(untouched(read_manifest(VALIDATION).rows)[0].audio_path, RATE).samples


def heard(recognizer, path) -> Evidence:
    value = list(hear(recognizer, path, str))[-1]
    assert isinstance(value, Evidence)
    return value


def test_the_evidence_of_a_clean_recording_says_that_nothing_is_unusual(recognizer, good, tmp_path):
    soundfile.write(tmp_path / "good.wav", good, RATE)
    assert heard(recognizer, tmp_path / "good.wav").hints == ()


def test_the_evidence_of_a_bad_recording_says_what_to_do(recognizer, good, tmp_path):
    clipped = CLEAR["clipped"].damage(good, RATE, np.random.default_rng(0))
    soundfile.write(tmp_path / "bad.wav", clipped, RATE)
    value = heard(recognizer, tmp_path / "bad.wav")
    (hint,) = value.hints
    assert hint.name == "Clipped"
    assert hint.found.startswith("The tops of the wave are cut off: ")
    assert "Lower the input level" in hint.advice
    assert "Clipped" in json.dumps(value.to_json())


def test_russian_has_the_same_numbers(recognizer, good, tmp_path):
    soundfile.write(tmp_path / "bad.wav", good + 0.1, RATE)
    english = look(recognizer, tmp_path / "bad.wav", None)
    language.use("ru")
    try:
        russian = look(recognizer, tmp_path / "bad.wav", None)
    finally:
        language.use("en")
    assert "10.0 %" in english[0].found
    assert "10.0 %" in russian[0].found
    assert russian[0].name == "Смещение"


def test_a_file_that_cannot_be_read_has_no_hints(recognizer, tmp_path):
    (tmp_path / "no.wav").write_text("no sound")
    assert look(recognizer, tmp_path / "no.wav", None) is None


def test_measures_do_not_depend_on_what_is_in_the_same_call(good, recognizer):
    from asr_core.audio import Audio

    once, again = (measure_recording(Audio(good, RATE)) for _ in range(2))
    assert once == again
    assert diagnose(once, recognizer.norms) == diagnose(again, recognizer.norms)
