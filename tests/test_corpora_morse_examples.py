"""The app's Morse clips: what is committed is what the program makes, and says what it should."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_core.audio import load_audio
from asr_core.manifest import read_manifest
from asr_core.morse_code import SYMBOLS, read_as, symbols
from asr_core.recognizer import Recognizer
from asr_core.training.corpora.morse_examples import EXAMPLES, render_examples
from asr_core.training.receiver import SAMPLE_RATE
from tests.morse_oracle import read

SHIPPED = Path(__file__).parent.parent / "assets" / "examples" / "morse"
MOST_BYTES = 60_000


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    render_examples(folder)
    return folder


def test_shipped_clips_are_those_that_are_rendered(rendered):
    shipped = read_manifest(SHIPPED / "manifest.jsonl").rows
    assert (rendered / "manifest.jsonl").read_bytes() == (SHIPPED / "manifest.jsonl").read_bytes()
    assert len(shipped) == len(EXAMPLES) >= 3
    for row in shipped:
        ours = load_audio(row.audio_path, SAMPLE_RATE).samples
        again = load_audio(rendered / row.audio_path.name, SAMPLE_RATE).samples
        # Another build of the Opus library may round otherwise.
        assert np.corrcoef(ours, again)[0, 1] > 0.99
        assert row.audio_path.stat().st_size < MOST_BYTES
        assert set(symbols(row.text)) <= set(SYMBOLS)


def test_an_independent_reader_reads_the_clean_one():
    (example,) = (each for each in EXAMPLES if each.reception.snr_db is None)
    samples, rate = soundfile.read(SHIPPED / f"{example.id}.opus", dtype="float32")
    assert rate == SAMPLE_RATE
    assert read(samples, rate, example.keying.wpm) == example.text


def test_the_bundled_model_reads_them_all():
    rows = read_manifest(SHIPPED / "manifest.jsonl").rows
    heard = Recognizer.load("morse").transcribe([row.audio_path for row in rows])
    assert [transcript.text for transcript in heard] == [row.text for row in rows]


def test_russian_is_keyed_in_signs_that_read_as_it_is_written():
    (example,) = (each for each in EXAMPLES if each.script == "cyrillic")
    assert example.signs == "priwet kak slyĥno"
    assert read_as(example.signs, "cyrillic") == example.text
