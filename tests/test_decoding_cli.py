"""The switches of decoding on `transcribe` and `evaluate`, on real recordings."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from analysis.__main__ import app as analysis
from asr_core.__main__ import app
from tests.test_beam import EXAMPLES

CLIP = str(EXAMPLES / "three-seven-stop.opus")
RUNNER = CliRunner()


def transcribe(*arguments: str) -> Result:
    return RUNNER.invoke(app, ["transcribe", CLIP, *arguments])


def test_readings_are_listed_with_scores_and_times() -> None:
    result = transcribe("--decoder", "beam", "--n-best", "4", "--format", "json")
    assert result.exit_code == 0
    (found,) = json.loads(result.stdout)
    readings = found["readings"]
    assert len(readings) == 4
    assert len({reading["text"] for reading in readings}) == 4
    assert readings[0]["text"] == found["text"]
    assert readings[0]["words"] == found["words"]
    scores = [reading["score"] for reading in readings]
    assert scores == sorted(scores, reverse=True)
    for reading in readings:
        assert list(reading) == ["text", "score", "log_prob", "words"]
        assert reading["score"] == reading["log_prob"]  # nothing but the sound
        assert [word["word"] for word in reading["words"]] == reading["text"].split()


def test_hotwords_and_a_language_model_change_the_text(tmp_path: Path) -> None:
    assert transcribe("--decoder", "beam").stdout != "three seven stop\n"
    assert transcribe("--decoder", "beam", "--hotword", "stop=4").stdout == "three seven stop\n"
    (tmp_path / "text.txt").write_text("three seven stop\n" * 9)
    lm = str(tmp_path / "lm.arpa")
    assert RUNNER.invoke(app, ["lm", str(tmp_path / "text.txt"), "--out", lm]).exit_code == 0
    result = transcribe("--decoder", "beam", "--lm", lm, "--lm-weight", "1")
    assert result.stdout == "three seven stop\n"


def test_a_lexicon_closes_the_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("three\nstop\n")
    result = transcribe("--decoder", "beam", "--lexicon", str(tmp_path / "words.txt"))
    assert result.exit_code == 0
    assert set(result.stdout.split()) <= {"three", "stop"}
    assert result.stdout.split()[0] == "three"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--beam", "5"], "needs beam search"),
        (["--decoder", "beam", "--hotword", "stop"], "as stop=2.0"),
        (["--decoder", "beam", "--hotword", "left=1", "--hotword", "left=2"], "twice"),
        (["--decoder", "beam", "--hotword", "marvin=1"], "cannot write 'marvin'"),
        (["--decoder", "beam", "--lm", "none.arpa"], "language model none.arpa"),
        (["--decoder", "beam", "--lexicon", "none.txt"], "lexicon none.txt"),
        (["--decoder", "beam", "--lexicon", "model", "--model", "morse"], "no lexicon"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], message: str) -> None:
    result = transcribe(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_an_evaluation_records_how_it_was_decoded(tmp_path: Path) -> None:
    rows = [{"audio_filepath": CLIP, "text": "three seven stop"}]
    manifest = tmp_path / "set.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = ["evaluate", "--model", "spoken", "--manifest", str(manifest)]
    cases: dict[str, tuple[list[str], float]] = {
        "greedy": ([], 1 / 3),
        "beam": (["--decoder", "beam", "--lexicon", "model", "--hotword", "stop=4"], 0.0),
    }
    for name, (switches, wer) in cases.items():
        out = tmp_path / name
        assert RUNNER.invoke(analysis, [*common, "--out", str(out), *switches]).exit_code == 0
        summary = json.loads((out / "summary.json").read_text())
        assert summary["decoding"]["decoder"] == name
        assert summary["rates"]["wer"]["value"] == pytest.approx(wer)
    assert summary["decoding"]["lexicon"]["name"] == "lexicon.txt"
    assert summary["decoding"]["hotwords"] == {"stop": 4.0}
    wrong = RUNNER.invoke(analysis, [*common, "--out", str(tmp_path / "x"), "--beam", "3"])
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "x").exists()
