"""Recordings of every kind for the tests of audio, made as they are needed."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

TONE_HZ = 440.0
LEVEL = 0.5  # peak
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def tone(rate: int, seconds: float = 1.0, hz: float = TONE_HZ) -> np.ndarray:
    return LEVEL * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def encoded(samples: np.ndarray, rate: int, kind: str, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def convert(source: Path, target: Path, *options: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), *options, str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def flac_of_unknown_length() -> bytes:
    """What an encoder leaves that writes to a pipe: 0 in the 36 bits of the number of samples."""
    flac = bytearray(encoded(tone(16000), 16000, "FLAC"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    return bytes(flac)
