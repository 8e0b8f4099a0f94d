"""Recordings read block by block: the same samples, limits kept, ffmpeg ended."""

import io
import itertools
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from asr_core.audio import (
    BLOCK,
    Audio,
    AudioError,
    declared_length_s,
    load_audio,
    stream_audio,
)
from tests.audio_files import (
    convert,
    encoded,
    flac_of_unknown_length,
    needs_ffmpeg,
    tone,
)


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("MP3", None), ("OGG", "VORBIS"), ("OGG", "OPUS")],
)
@pytest.mark.parametrize("rate", [8000, 48000])
def test_blocks_are_the_whole(
    rng: np.random.Generator, kind: str, subtype: str | None, rate: int
) -> None:
    """Against soundfile and soxr at once: MP3's overlap is rounded otherwise, the rest is equal."""
    content = encoded(rng.normal(0, 0.1, (2 * BLOCK + 777, 2)), rate, kind, subtype)
    blocks = list(stream_audio(content, 8000))
    assert len(blocks) > 2
    samples, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    mono = samples.mean(axis=1, dtype=np.float32)
    whole = soxr.resample(mono, rate, 8000) if rate != 8000 else mono
    atol = 1e-6 if kind == "MP3" else 0
    got = np.concatenate([block.samples for block in blocks])
    np.testing.assert_allclose(got, whole, rtol=0, atol=atol)
    np.testing.assert_array_equal(load_audio(content, 8000).samples, got)


@needs_ffmpeg
def test_ffmpeg_gives_blocks_that_are_the_whole(tmp_path: Path, rng: np.random.Generator) -> None:
    soundfile.write(tmp_path / "a.wav", rng.normal(0, 0.1, (2 * BLOCK + 777, 2)), 48000)
    file = convert(tmp_path / "a.wav", tmp_path / "a.m4a")
    again = convert(file, tmp_path / "again.wav", "-c:a", "pcm_f32le")
    blocks = list(stream_audio(file))
    assert len(blocks) > 2
    got = np.concatenate([block.samples for block in blocks])
    np.testing.assert_array_equal(got, load_audio(again).samples)


@needs_ffmpeg
def test_where_soundfile_fails_midway_ffmpeg_goes_on(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    content = encoded(rng.normal(0, 0.1, 3 * BLOCK), 48000, "WAV", "PCM_16")
    whole = load_audio(content).samples
    read, n_reads = soundfile.SoundFile.read, itertools.count()

    def fail_in_the_second_block(*args: object, **options: object) -> np.ndarray:
        if next(n_reads):
            raise soundfile.LibsndfileError(1)
        return read(*args, **options)

    monkeypatch.setattr(soundfile.SoundFile, "read", fail_in_the_second_block)
    np.testing.assert_array_equal(load_audio(content).samples, whole)


def silence(folder: Path, suffix: str, seconds: int) -> Path:
    """It takes no room: two hours are 363 kB as FLAC."""
    soundfile.write(folder / "long.flac", np.zeros(seconds * 8000, dtype=np.int16), 8000)
    if suffix == ".flac":
        return folder / "long.flac"
    return convert(folder / "long.flac", folder / f"long{suffix}")


@pytest.mark.parametrize(
    ("suffix", "seconds"), [(".flac", 7200), pytest.param(".m4a", 200, marks=needs_ffmpeg)]
)
def test_a_limit_ends_the_reading_of_what_is_too_long(
    tmp_path: Path, suffix: str, seconds: int
) -> None:
    file = silence(tmp_path, suffix, seconds)
    got: list[Audio] = []
    with pytest.raises(AudioError, match=r"long.* lasts longer than 1.5 minutes\. Cut it"):
        got.extend(stream_audio(file, 8000, max_s=90))
    assert 0 < sum(block.duration_s for block in got) <= 90
    with pytest.raises(AudioError, match="longer than 2 minutes"):
        load_audio(file, 8000, max_s=120)


@needs_ffmpeg
def test_who_stops_reading_ends_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def note(*args: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **options))
        return started[-1]

    file = silence(tmp_path, ".m4a", 200)
    monkeypatch.setattr("asr_core.audio.subprocess.Popen", note)
    blocks = stream_audio(file)
    next(blocks)
    blocks.close()
    assert [process.poll() is not None for process in started] == [True]


@needs_ffmpeg
def test_an_ffmpeg_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("asr_core.audio.FFMPEG_TIMEOUT_S", 0.2)
    with pytest.raises(AudioError, match="took ffmpeg over"):
        load_audio(b"no audio at all")


def test_the_declared_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(16000, 1.5), 16000)
    assert declared_length_s(tmp_path / "a.flac") == 1.5
    (tmp_path / "b.flac").write_bytes(flac_of_unknown_length())
    (tmp_path / "c.m4a").write_bytes(b"hello")
    assert [declared_length_s(tmp_path / name) for name in ("b.flac", "c.m4a", "d")] == [None] * 3
