"""`python -m analysis evaluate`: what it prints, writes, and says when it cannot."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.evaluation import Evaluation
from asr_core.checkpoint import save_model
from tests.test_evaluation import CONTRACT, tiny_recognizer, write_rows, write_tone

RUNNER = CliRunner()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", CONTRACT, tiny_recognizer().model)
    return tmp_path / "model"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    write_tone(tmp_path / "a.wav", (0.2, 0.5))
    return write_rows(
        tmp_path / "tones.jsonl",
        {"audio_filepath": "a.wav", "text": "one two"},
        {"audio_filepath": "missing.wav", "text": "one"},
    )


def evaluate(model: Path, manifest: Path, out: Path, *more: str) -> tuple[int, str, str]:
    options = ["--model", str(model), "--manifest", str(manifest), "--out", str(out), *more]
    result = RUNNER.invoke(app, ["evaluate", *options])
    return result.exit_code, result.stdout, result.stderr


def test_summary_on_stdout(model: Path, manifest: Path, tmp_path: Path) -> None:
    code, stdout, _ = evaluate(model, manifest, tmp_path / "eval", "--name", "tones of mine")
    assert code == 0
    summary = Evaluation.open(tmp_path / "eval").summary
    assert "tiny on tones of mine: 1 utterances, 2 words, 1.0 s of audio" in stdout
    rates = summary["rates"]["wer"]
    figures = (100 * rates[key] for key in ("value", "low", "high"))
    assert "{:6.2f} %  (95 %: {:.2f} to {:.2f})".format(*figures) in stdout
    assert f"{summary['counts']['deletions']} deleted" in stdout
    assert "skipped rows      1\n" in stdout
    assert str(tmp_path / "eval") in stdout


def test_a_set_without_words_has_no_wer(model: Path, tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav")
    rows = write_rows(tmp_path / "quiet.jsonl", {"audio_filepath": "a.wav", "text": ""})
    code, stdout, _ = evaluate(model, rows, tmp_path / "eval")
    assert code == 0
    assert "WER, words        none" in stdout


def test_one_clear_line_when_it_cannot(model: Path, manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    cases = {
        "Cannot read manifest": (model, tmp_path / "none.jsonl", tmp_path / "eval"),
        "No model at": (tmp_path / "none", manifest, tmp_path / "eval"),
        "holds 'thesis.txt'": (model, manifest, tmp_path / "full"),
    }
    for message, arguments in cases.items():
        code, stdout, stderr = evaluate(*arguments)
        assert code == 1
        assert message in stderr
        assert "Traceback" not in stderr
        assert len([line for line in stderr.splitlines() if line.strip()]) == 1
        assert stdout == ""
