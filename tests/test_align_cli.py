"""`python -m asr_core align`, and formats of transcripts on the command line, from the outside."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from asr_core.__main__ import app
from asr_core.checkpoint import save_model
from asr_core.recognizer import Recognizer

EXAMPLES = Path(__file__).parents[1] / "assets" / "examples"
STOP = EXAMPLES / "three-seven-stop.opus"
FORMATS = {
    "json": ".json", "ctm": ".ctm", "textgrid": ".TextGrid", "srt": ".srt", "vtt": ".vtt",
    "labels": ".labels.txt", "text": ".txt",
}  # fmt: skip


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def model(tmp_path: Path, tiny_recognizer: Recognizer) -> Path:
    """Quick to load; what it hears is nonsense."""
    save_model(tmp_path / "tiny", tiny_recognizer.contract, tiny_recognizer.model)
    return tmp_path / "tiny"


def test_the_words_of_a_real_recording_are_found() -> None:
    result = run("align", STOP, "--text", "Three seven, stop!")
    assert (result.exit_code, result.stderr) == (0, "")
    (got,) = json.loads(result.stdout)
    assert (got["file"], got["text"]) == (str(STOP), "three seven stop")
    assert [word["word"] for word in got["words"]] == ["three", "seven", "stop"]
    times = [time for word in got["words"] for time in (word["start"], word["end"])]
    assert times == sorted(times)
    # The recording is above -40 dBFS from 0.69 to 1.65 s.
    assert times[0] == pytest.approx(0.69, abs=0.1)
    assert times[-1] == pytest.approx(1.65, abs=0.1)
    assert [symbol["symbol"] for symbol in got["symbols"]] == ["three", "seven", "stop"]
    assert got["log_prob"] < 0
    n_frames = got["log_prob"] / got["log_prob_per_frame"]
    assert n_frames == pytest.approx(got["duration"] / 0.04, abs=1.5)
    assert 0 < got["boundary_error_s"]["median"] < got["boundary_error_s"]["p95"]


def test_another_text_is_less_probable() -> None:
    """What tells a right text from a wrong one: the log-probability a frame."""
    right, wrong = (
        json.loads(run("align", STOP, "--text", text).stdout)[0]["log_prob_per_frame"]
        for text in ("three seven stop", "nine down yes")
    )
    assert right > wrong + 0.1


@pytest.mark.parametrize("written", FORMATS)
def test_a_file_is_what_the_screen_shows(model: Path, tmp_path: Path, written: str) -> None:
    common = ["align", STOP, "--text", "go stop", "--model", model, "--format", written]
    shown = run(*common)
    assert shown.exit_code == 0
    assert "stop" in shown.stdout
    filed = run(*common, "--output", tmp_path / "out")
    assert (filed.exit_code, filed.stdout) == (0, "")
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == STOP.stem + FORMATS[written]
    assert file.read_text(encoding="utf-8") == shown.stdout


def test_cyrillic_signs() -> None:
    recording = EXAMPLES / "morse" / "kak-slyshno.opus"
    options = ["--model", "morse", "--script", "cyrillic"]
    (got,) = json.loads(run("align", recording, "--text", "Привет, как слышно?", *options).stdout)
    assert got["text"] == "привет, как слышно?"  # the signs of "," and "?" are placed as well
    assert [word["word"] for word in got["words"]] == ["привет,", "как", "слышно?"]
    assert "".join(symbol["symbol"] for symbol in got["symbols"]) == got["text"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text", "three banana"], "error: The model does not know 'banana'. It knows zero one "),
        (["--text", ""], "error: Nothing to align in the text ''. Expected words, or signs."),
        (["--text", "stop " * 60], "error: The text has 60 symbols and 59 repeats, so it needs "),
        (["--text", "go", "--model", "none"], "error: No model at 'none': expected a folder "),
        (["--text", "go", "--script", "cyrillic"], "error: The script cyrillic is for Morse "),
    ],
)
def test_an_error_is_one_line(arguments: list[str], message: str) -> None:
    result = run("align", STOP, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_is_no_audio(model: Path) -> None:
    result = run("align", model / "config.json", "--text", "go", "--model", model)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "config.json is not audio" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_align_needs_a_text() -> None:
    assert run("align", STOP).exit_code == 2


# --- transcribe ---


@pytest.mark.parametrize("written", ["textgrid", "srt", "vtt", "labels"])
def test_several_recordings_on_the_screen_are_refused(model: Path, written: str) -> None:
    common = ["transcribe", STOP, STOP, "--model", model, "--format", written]
    result = run(*common)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"error: The format {written} holds one recording, and 2 are given. Add --output FOLDER to"
        " write a file for each.\n"
    )
    assert run(*common[:2], *common[3:]).exit_code == 0  # of one there is nothing to part


def test_ctm_lines_of_several_recordings_follow_each_other(model: Path, tmp_path: Path) -> None:
    other = EXAMPLES / "yes-four-down-far.opus"
    result = run("transcribe", STOP, other, STOP, "--model", model, "--format", "ctm")
    names = list(dict.fromkeys(line.split()[0] for line in result.stdout.splitlines()))
    assert names == [STOP.stem, other.stem, STOP.stem + "-2"]
    run("transcribe", STOP, other, STOP, "--model", model, "--format", "ctm", "--output", tmp_path)
    files = [tmp_path / f"{name}.ctm" for name in names]
    assert "".join(file.read_text(encoding="utf-8") for file in files) == result.stdout


@pytest.mark.parametrize("written", FORMATS)
def test_a_bad_file_is_left_out_of_every_format(model: Path, tmp_path: Path, written: str) -> None:
    bad = model / "config.json"
    result = run(
        *("transcribe", STOP, bad, "--model", model, "--format", written),
        *("--output", tmp_path / "out"),
    )
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert [file.name for file in (tmp_path / "out").iterdir()] == [STOP.stem + FORMATS[written]]
