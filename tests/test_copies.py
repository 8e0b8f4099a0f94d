"""Copies of real recordings are found, whatever happened to them; other takes are not."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.describing import describe
from analysis.fingerprints import LEAST_ALIKE, SAME_SOUND, alike, fingerprint, same_sound
from asr_core.audio import load_audio
from asr_core.manifest import read_manifest, write_manifest

SPOKEN = Path("assets/validation/spoken/manifest.jsonl")
RATE = 16_000


def coded(samples: np.ndarray, path: Path, *options: str) -> None:
    soundfile.write(path.with_suffix(".in.wav"), samples, RATE)
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(path.with_suffix(".in.wav"))]
    subprocess.run([*command, *options, str(path)], check=True)


@pytest.fixture(scope="module")
def rows() -> list:
    """Synthetic voices that say digits and commands; several say the same text."""
    return read_manifest(SPOKEN).rows[::12]


def test_copies_are_grouped_and_others_are_not(rows: list, tmp_path: Path) -> None:
    samples = load_audio(rows[0].audio_path, RATE).samples
    noise = np.random.default_rng(1).standard_normal(len(samples))
    rms = np.sqrt((samples**2).mean())
    plain = {
        "same": samples,
        "gain": -0.1 * samples,
        "padded": np.pad(samples, 4000),
        "cut": samples[800:-800],
        "noise": samples + 0.03 * rms * noise,
    }
    for name, changed in plain.items():
        soundfile.write(tmp_path / f"{name}.wav", changed, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "same.flac", soundfile.read(tmp_path / "same.wav")[0], RATE)
    soundfile.write(tmp_path / "rate.wav", soxr.resample(samples, RATE, 11_025), 11_025)
    coded(samples, tmp_path / "opus.opus", "-b:a", "16k")
    coded(samples, tmp_path / "mp3.mp3", "-b:a", "32k")
    names = [f"{name}.wav" for name in plain] + ["rate.wav", "opus.opus", "mp3.mp3"]
    copied = [{"audio_filepath": name, "text": rows[0].text, "id": name} for name in names]
    others = [{"audio_filepath": str(row.audio_path.resolve()), "text": "x"} for row in rows[1:]]
    write_manifest(tmp_path / "train.jsonl", [*copied[:1], *others])
    write_manifest(tmp_path / "test.jsonl", copied[1:])
    splits = [tmp_path / "train.jsonl", tmp_path / "test.jsonl"]
    done = describe(splits, tmp_path / "out", workers=1)
    found = done.store.ask("SELECT utterance_id FROM utterances WHERE copy_group IS NOT NULL")
    assert {row["utterance_id"] for row in found} == set(names)
    verdicts = {finding.check: (finding.verdict, finding.count) for finding in done.findings}
    assert verdicts["near_copies_in_train"] == ("error", len(names))
    assert verdicts["duplicates_in_train"] == ("ok", 0)


def test_the_same_samples_in_another_format_are_duplicates(rows: list, tmp_path: Path) -> None:
    samples = np.round(load_audio(rows[0].audio_path, RATE).samples * 32767).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, RATE)
    soundfile.write(tmp_path / "b.flac", samples, RATE)
    soundfile.write(tmp_path / "c.wav", samples[: RATE // 2], RATE)
    for split, files in (("train", ["a.wav", "c.wav"]), ("test", ["b.flac"])):
        texts = {"a.wav": "one", "b.flac": "two", "c.wav": "six"}
        write_manifest(
            tmp_path / f"{split}.jsonl",
            [{"audio_filepath": file, "text": texts[file]} for file in files],
        )
    splits = [tmp_path / "train.jsonl", tmp_path / "test.jsonl"]
    done = describe(splits, tmp_path / "out", workers=1)
    found = {finding.check: finding for finding in done.findings}
    assert found["duplicates_in_train"].examples == [["a", "b"]]
    assert found["duplicates_disagree"].verdict == "error"
    assert found["duplicates_within"].verdict == "ok"
    assert found["near_copies_in_train"].verdict == "ok"  # nothing besides


def test_takes_of_other_voices_are_another_sound(rows: list) -> None:
    waves = [load_audio(row.audio_path, 8000).samples for row in rows[:8]]
    for i, one in enumerate(waves):
        assert same_sound(one, -0.5 * one) > 0.999
        assert same_sound(one, np.pad(one, (999, 77))) > 0.999
        for other in waves[:i]:
            assert same_sound(one, other) < SAME_SOUND - 0.1


def test_silence_is_like_nothing() -> None:
    assert fingerprint(np.zeros((50, 64))) == b""
    assert same_sound(np.zeros(800), np.zeros(900)) == 0.0
    assert alike([b"", b""]) == []


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_the_fast_search_finds_what_comparing_all_finds(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    smooth = rng.standard_normal((max(n // 4, 1), 40, 64)).cumsum(axis=1).cumsum(axis=2)
    jitter = 0.3 * rng.standard_normal((n, 40, 64))
    powers = np.exp(0.1 * smooth[rng.integers(0, len(smooth), n)] + 0.1 * jitter)
    prints = [fingerprint(power) for power in powers]
    table = np.stack([np.frombuffer(each, np.int8) for each in prints]).astype(float)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    first, second = np.nonzero(np.triu(table @ table.T >= LEAST_ALIKE + 1e-4, 1))
    found = alike(prints)
    assert set(zip(first.tolist(), second.tolist(), strict=True)) <= set(found)
    cosines = [float(table[i] @ table[j]) for i, j in found]
    assert cosines == sorted(cosines, reverse=True) or np.all(np.diff(cosines) < 1e-5)
    assert all(cosine > LEAST_ALIKE - 1e-4 for cosine in cosines)
