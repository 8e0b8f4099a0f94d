"""The recording doctor: each planted fault brings its hint, and the clean clip has none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from asr_core import norms as norms_module
from asr_core.__main__ import app
from asr_core.audio import Audio, load_audio
from asr_core.checkpoint import MODELS, CheckpointError, load_model
from asr_core.doctor import codes_of, diagnose, examine
from asr_core.doctor_rules import CODES, PACE
from asr_core.doctor_texts import HINTS
from asr_core.manifest import read_manifest
from asr_core.norms import NORMS, PERCENTILES, Distribution, Norms, load_norms, save_norms
from asr_core.recognizer import Recognizer
from asr_core.recording_measures import RecordingMeasures, measure_recording
from asr_core.signal_measures import measure_signal
from benchmarks.doctor import FAULTS, Fault, untouched

VALIDATION = Path(__file__).parent.parent / "assets" / "validation" / "spoken" / "manifest.jsonl"
RATE = 8000
CLEAR = {fault.code: fault for fault in FAULTS}  # the last of a code is the clear one
LONG = {"long", "mostly_silence"}  # a minute and more to measure
SELDOM = {"slow", "tight"}  # seen in fewer than most: see benchmarks/README.md


@pytest.fixture(scope="module")
def clips() -> list[tuple[np.ndarray, str]]:
    """Clean ones with several words, of different voices."""
    rows = [row for row in untouched(read_manifest(VALIDATION).rows) if len(row.text.split()) > 2]
    return [(load_audio(row.audio_path, RATE).samples, row.text) for row in rows[::5]]


@pytest.fixture(scope="module")
def spoken() -> Norms:
    found = load_norms(MODELS / "spoken")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def contract():
    return load_model(MODELS / "spoken")[0]


def codes(samples: np.ndarray, text: str, norms: Norms | None, contract) -> set[str]:
    measures = measure_recording(Audio(samples.astype(np.float32), RATE))
    return {hint.code for hint in diagnose(measures, norms, text=text, contract=contract)}


def test_clean_clips_have_no_hint(clips, spoken, contract) -> None:
    assert len(clips) >= 5
    assert [codes(samples, text, spoken, contract) for samples, text in clips] == [set()] * len(
        clips
    )


@pytest.mark.parametrize("fault", [f for c, f in CLEAR.items() if c not in SELDOM])
def test_a_planted_fault_is_seen(fault: Fault, clips, spoken, contract) -> None:
    rng = np.random.default_rng(3)
    found = [
        codes(fault.damage(samples.astype(np.float64), RATE, rng), text, spoken, contract)
        for samples, text in (clips[:2] if fault.code in LONG else clips)
    ]
    n_hits = sum(fault.code in each for each in found)
    assert n_hits >= len(found) - (len(found) > 2), found


def test_slow_speech_is_told_from_the_pace_of_training(clips, spoken, contract) -> None:
    measures = measure_recording(Audio(clips[0][0], RATE))
    letters = "a" * 12
    for seconds, code in ((12 / PACE[0] * 1.5, "slow"), (12 / PACE[1] / 2, "fast"), (1.2, None)):
        case = replace(measures, sound_s=seconds)
        hints = diagnose(case, spoken, text=letters, contract=contract)
        assert {h.code for h in hints} == ({code} if code else set())


def test_a_file_of_a_lower_rate_than_the_models(clips, spoken, contract, tmp_path) -> None:
    samples, text = clips[0]
    soundfile.write(tmp_path / "low.wav", samples[::2], RATE // 2)
    found = {hint.code: hint for hint in examine(tmp_path / "low.wav", contract, spoken, text)}
    assert found["low_rate"].values["got"] == RATE // 2
    assert "2.0 kHz" in found["low_rate"].message


def test_how_far_outside_of_training_is_in_the_message(spoken, contract, clips) -> None:
    samples, text = clips[0]
    edge = spoken.training.percentile("level_dbfs", 5)
    measures = replace(measure_recording(Audio(samples, RATE)), level_dbfs=edge - 18)
    (hint,) = diagnose(measures, spoken, text=text, contract=contract)
    assert (hint.code, hint.severity) == ("quiet", "warning")
    assert "18 dB quieter than 95 % of the training data" in hint.message
    assert "Move closer" in hint.message


def test_a_fault_that_training_had_is_a_note(spoken, contract, clips) -> None:
    samples, text = clips[0]
    clipped = CLEAR["clipped"].damage(samples, RATE, np.random.default_rng(0))
    measures = measure_recording(Audio(clipped.astype(np.float32), RATE))
    (hint,) = diagnose(measures, None, text=text, contract=contract)
    assert (hint.severity, hint.outside) == ("warning", False)  # without norms nobody knows
    worse = {**spoken.training.measures, "clipped_share": (0.0,) + (0.9,) * 10}
    met = replace(spoken, training=replace(spoken.training, measures=worse))
    (hint,) = diagnose(measures, met, text=text, contract=contract)
    assert (hint.severity, hint.outside) == ("note", False)


def test_clean_morse_is_not_taken_for_clipped_speech_of_a_narrow_band() -> None:
    folder = MODELS / "morse"
    contract, norms = load_model(folder)[0], load_norms(folder)
    examples = VALIDATION.parent.parent.parent / "examples" / "morse"
    for row in read_manifest(examples / "manifest.jsonl").rows:
        hints = examine(row.audio_path, contract, norms, row.text)
        assert {h.code for h in hints} <= {"noisy"}, row.audio_path


def test_long_recordings_are_measured_at_their_start(clips, spoken, contract, tmp_path) -> None:
    samples, text = clips[0]
    loud = np.clip(20 * samples, -1, 1)
    soundfile.write(tmp_path / "long.wav", np.concatenate([samples, loud]), RATE)
    start = examine(tmp_path / "long.wav", contract, spoken, text, max_s=len(samples) / RATE)
    whole = examine(tmp_path / "long.wav", contract, spoken, text)
    assert "clipped" not in {hint.code for hint in start}
    assert "clipped" in {hint.code for hint in whole}


def test_every_hint_has_a_text_and_numbers_for_it() -> None:
    assert set(CODES) == set(HINTS)
    values = dict.fromkeys(("got", "difference", "whole", "top", "expected"), 1.0)
    for text in HINTS.values():
        for part in text:
            part.format(**values)


def test_norms_come_back_as_they_were(tmp_path: Path) -> None:
    spread = norms_module.distribution([{"a": float(i), "b": -1.0} for i in range(101)])
    assert spread.measures["a"] == PERCENTILES
    assert spread.percentile("a", 95) == 95.0
    assert spread.share_below("a", 25) == pytest.approx(0.25)
    assert spread.share_below("b", -1.0) == pytest.approx(0.5)
    assert (spread.share_below("b", -2), spread.share_below("b", 0)) == (0, 1)
    norms = Norms(RATE, "00", spread, spread)
    save_norms(tmp_path, norms)
    assert load_norms(tmp_path) == norms


def test_a_folder_without_norms_is_older_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    assert load_norms(tmp_path) is None
    good = Norms(RATE, "00", Distribution(1, {}), Distribution(1, {"a": (0.0,) * 11}))
    save_norms(tmp_path, good)
    path = tmp_path / NORMS
    record = json.loads(path.read_text())
    for broken in (
        "no JSON",
        "[]",
        json.dumps(record | {"format_version": 9}),
        json.dumps(record | {"sample_rate": float("inf")}),
        json.dumps(record | {"training": {"n": 1, "measures": {"a": [1, 2]}}}),
        json.dumps(record | {"training": {"n": 1, "measures": {"a": [3, *range(10)]}}}),
    ):
        path.write_text(broken)
        with pytest.raises(CheckpointError, match=r"recordings\.json.*run it again"):
            load_norms(tmp_path)


def test_bundled_models_have_norms_of_their_training(spoken) -> None:
    for name in ("spoken", "morse"):
        norms = load_norms(MODELS / name)
        contract = load_model(MODELS / name)[0]
        run = (contract.provenance.get("average_of") or [contract.provenance])[0]
        assert norms is not None
        assert norms.manifest_sha256 == run["data"]["train"]
        assert norms.sample_rate == contract.features.sample_rate
        numbers = {f for f in RecordingMeasures.__dataclass_fields__ if f != "bands_db"}
        assert numbers | {"letters_per_s"} == set(norms.training.measures)


def test_the_command_line_says_it_on_stderr_and_in_json(clips, tmp_path: Path) -> None:
    samples, _ = clips[0]
    soundfile.write(tmp_path / "good.wav", samples, RATE)
    soundfile.write(tmp_path / "bad.wav", np.clip(20 * samples, -1, 1), RATE)
    files = [str(tmp_path / "good.wav"), str(tmp_path / "bad.wav")]
    text = CliRunner().invoke(app, ["transcribe", *files, "--doctor"])
    plain = CliRunner().invoke(app, ["transcribe", *files])
    assert text.stdout == plain.stdout
    assert f"{files[0]}: Nothing unusual about this recording." in text.stderr
    assert "The tops of the wave are cut off" in text.stderr
    assert plain.stderr == ""
    done = CliRunner().invoke(app, ["transcribe", *files, "--doctor", "--format", "json"])
    good, bad = json.loads(done.stdout)
    assert good["doctor"] == []
    assert "clipped" in {hint["code"] for hint in bad["doctor"]}


def test_codes_for_a_table_are_those_of_the_file(clips, tmp_path, spoken) -> None:
    recognizer = Recognizer.load("spoken")
    samples, text = clips[0]
    audio = Audio(np.clip(20 * samples, -1, 1), RATE)
    soundfile.write(tmp_path / "bad.wav", audio.samples, RATE, "FLOAT")
    found = codes_of(recognizer, audio, measure_signal(audio), tmp_path / "bad.wav", text)
    hints = examine(tmp_path / "bad.wav", recognizer.contract, spoken, text)
    assert found.split() == [hint.code for hint in hints]


@pytest.mark.parametrize("n", [1, 100, 1000])
def test_of_less_than_a_word_only_that_is_said(spoken, contract, n: int) -> None:
    """Neither a level of speech that is not there, nor noise without a pause to measure it in."""
    audio = Audio(np.full(n, 0.01, np.float32) * (-1) ** np.arange(n).astype(np.float32), RATE)
    hints = examine(audio, contract, spoken)
    assert "short" in {hint.code for hint in hints}
    assert not {"quiet", "noisy"} & {hint.code for hint in hints}
