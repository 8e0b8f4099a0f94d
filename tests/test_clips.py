"""Recordings in a page: what comes out is what went in, and the same bytes each time."""

import io
from pathlib import Path

import numpy as np
import soundfile

from analysis.clips import CLIP_RATE, SERIAL, SERIAL_AT, opus, with_serial
from asr_core.audio import Audio, load_audio

EXAMPLE = Path(__file__).parent.parent / "assets" / "examples" / "three-seven-stop.opus"


def test_speech_survives_and_is_small() -> None:
    audio = load_audio(EXAMPLE)
    packed = opus(audio)
    assert len(packed) < 4000 * audio.duration_s  # 32 kbit/s
    heard, rate = soundfile.read(io.BytesIO(packed))
    assert rate == CLIP_RATE
    assert abs(len(heard) / rate - audio.duration_s) < 0.01
    n = min(len(heard), len(audio.samples))
    assert np.corrcoef(heard[:n], audio.samples[:n])[0, 1] > 0.9  # a codec, but the same waves


def test_the_same_bytes_each_time() -> None:
    audio = Audio(np.sin(np.arange(4000) / 5).astype(np.float32), 8000)
    assert opus(audio) == opus(audio)


def test_checksums_are_those_of_another_program() -> None:
    raw = EXAMPLE.read_bytes()
    serial = int.from_bytes(raw[SERIAL_AT : SERIAL_AT + 4], "little")
    assert serial != SERIAL
    other = with_serial(raw, SERIAL)
    assert other != raw
    assert with_serial(other, serial) == raw
