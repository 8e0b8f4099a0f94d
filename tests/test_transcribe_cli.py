"""`python -m asr_core transcribe`, from the outside."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from asr_core.__main__ import app
from asr_core.audio import load_audio
from asr_core.checkpoint import save_model
from asr_core.recognizer import Recognizer
from asr_core.what_if import Change, apply

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "assets" / "examples").glob("*.opus"))
RUNNER = CliRunner()


@pytest.fixture
def model(tmp_path: Path, tiny_recognizer: Recognizer) -> Path:
    save_model(tmp_path / "models" / "tiny", tiny_recognizer.contract, tiny_recognizer.model)
    return tmp_path / "models" / "tiny"


@pytest.fixture
def recordings(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Not in the order of their lengths, which is the order they are transcribed in."""
    monkeypatch.chdir(tmp_path)
    names = ["b.wav", "a.flac", "c.ogg"]
    for name, seconds in zip(names, (2.0, 0.7, 1.3), strict=True):
        soundfile.write(name, rng.normal(0, 0.1, round(seconds * 16000)), 16000)
    Path("bad.wav").write_text("not audio")
    return names


@pytest.fixture
def texts(recordings: list[str], tiny_recognizer: Recognizer) -> dict[str, str]:
    transcripts = tiny_recognizer.transcribe(recordings)
    assert len({transcript.text for transcript in transcripts}) == len(recordings)
    return dict(zip(recordings, (t.text for t in transcripts), strict=True))


def transcribe(*arguments: str | Path) -> Result:
    return RUNNER.invoke(app, ["transcribe", *map(str, arguments)])


def test_one_file_is_its_bare_text(model: Path, texts: dict[str, str]) -> None:
    result = transcribe("b.wav", "--model", model)
    assert (result.exit_code, result.stdout, result.stderr) == (0, texts["b.wav"] + "\n", "")


def test_several_files_keep_their_order(model: Path, texts: dict[str, str]) -> None:
    result = transcribe(*texts, "b.wav", "--model", model)
    lines = [f"{name}\t{texts[name]}" for name in [*texts, "b.wav"]]  # the same one twice is fine
    assert (result.exit_code, result.stdout.splitlines()) == (0, lines)


def test_json_is_what_the_recogniser_says(
    model: Path, recordings: list[str], tiny_recognizer: Recognizer
) -> None:
    result = transcribe(*recordings, "--model", model, "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    for name, got in zip(recordings, json.loads(result.stdout), strict=True):
        (expected,) = tiny_recognizer.transcribe([name])
        assert got == {"file": name, **json.loads(json.dumps(expected.to_dict()))}
        assert (got["file"], got["text"]) == (name, expected.text)
        assert got["duration"] == pytest.approx(expected.duration_s, abs=1e-3)
        assert [word["word"] for word in got["words"]] == expected.text.split()
        check_words(got)


def check_words(result: dict[str, Any]) -> None:
    end = 0.0
    for word in result["words"]:
        assert list(word) == ["word", "start", "end", "confidence"]
        assert end <= word["start"] < word["end"] <= result["duration"]
        assert 0 <= word["confidence"] <= 1
        end = word["end"]


@pytest.mark.parametrize("output_format", ["text", "json"])
def test_a_bad_file_is_one_line_and_the_others_are_done(
    model: Path, texts: dict[str, str], output_format: str
) -> None:
    arguments = ["b.wav", "bad.wav", "a.flac", "missing.wav", "c.ogg"]
    result = transcribe(*arguments, "--model", model, "--format", output_format)
    assert result.exit_code == 1
    errors = result.stderr.splitlines()
    assert [line.split()[:2] for line in errors] == [
        ["error:", "bad.wav"],
        ["error:", "missing.wav"],
    ]
    if output_format == "text":
        assert result.stdout.splitlines() == [f"{name}\t{text}" for name, text in texts.items()]
        return
    got = json.loads(result.stdout)
    assert [item["file"] for item in got] == arguments
    for i, line in zip((1, 3), errors, strict=True):
        assert got[i] == {"file": arguments[i], "error": line.removeprefix("error: ")}
    assert [got[i]["text"] for i in (0, 2, 4)] == list(texts.values())


def test_only_a_bad_file(model: Path, recordings: list[str]) -> None:
    result = transcribe("bad.wav", "--model", model)
    assert (result.exit_code, result.stdout) == (1, "")
    result = transcribe("bad.wav", "--model", model, "--format", "json")
    assert [list(item) for item in json.loads(result.stdout)] == [["file", "error"]]


def test_output_folder(model: Path, texts: dict[str, str]) -> None:
    common = ["--model", model, "--output", "out/deep"]
    result = transcribe(*texts, "bad.wav", *common)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: bad.wav")
    written = {p.name: p.read_text(encoding="utf-8") for p in Path("out/deep").iterdir()}
    assert written == {Path(name).stem + ".txt": text + "\n" for name, text in texts.items()}
    assert transcribe(*texts, *common, "--format", "json").exit_code == 0
    printed = json.loads(transcribe(*texts, "--model", model, "--format", "json").stdout)
    for item in printed:
        file = Path("out/deep") / f"{Path(item['file']).stem}.json"
        assert json.loads(file.read_text(encoding="utf-8")) == [item]


def test_output_of_files_with_one_name_overwrites_nothing(
    model: Path, texts: dict[str, str]
) -> None:
    """The third would be called what the second one was given instead of its own name."""
    for folder in ("x", "y"):
        Path(folder).mkdir()
    Path("b.wav").rename("x/a.wav")
    Path("c.ogg").rename("y/a-2.ogg")
    result = transcribe("a.flac", "x/a.wav", "y/a-2.ogg", "--model", model, "--output", "out")
    assert result.exit_code == 0
    written = sorted(p.read_text(encoding="utf-8").strip() for p in Path("out").iterdir())
    assert written == sorted(texts.values())


def test_output_that_cannot_be_written(model: Path, recordings: list[str]) -> None:
    result = transcribe("b.wav", "--model", model, "--output", "bad.wav/out")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "bad.wav" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_bundled_model_by_its_name(
    model: Path, texts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asr_core.checkpoint.MODELS", model.parent)
    result = transcribe("b.wav", "--model", "tiny")
    assert (result.exit_code, result.stdout) == (0, texts["b.wav"] + "\n")
    model.rename(model.parent / "spoken")  # the one taken where none is named
    assert transcribe("b.wav").stdout == texts["b.wav"] + "\n"


@pytest.mark.parametrize("name", ["nonsense", "b.wav", "x" * 5000])
def test_a_wrong_model_is_one_line(
    model: Path, recordings: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("asr_core.checkpoint.MODELS", model.parent)
    result = transcribe("b.wav", "--model", name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: No model at '{name}': expected a folder with config")
    assert result.stderr.endswith("the name of a bundled model (tiny).\n")
    assert len(result.stderr.splitlines()) == 1


def test_a_damaged_model_is_one_line(model: Path, recordings: list[str]) -> None:
    config = json.loads((model / "config.json").read_text())
    config |= {"colour": "red", "features": {"f_max": -1}}
    (model / "config.json").write_text(json.dumps(config))
    result = transcribe("b.wav", "--model", model)
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert "colour" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["b.wav", "--format", "xml"], ["-x.wav"]])
def test_wrong_usage(arguments: list[str]) -> None:
    assert transcribe(*arguments).exit_code == 2


def test_odd_names(model: Path, texts: dict[str, str]) -> None:
    latin1 = os.fsdecode(b"caf\xe9.wav")  # not UTF-8: shown with a replacement character
    names = ["-x.wav", "два слова.wav", 'it\'s "1".wav', latin1]
    for name in names:
        Path(name).write_bytes(Path("b.wav").read_bytes())
    shown = [*names[:-1], "caf\ufffd.wav"]
    result = transcribe("--model", model, "--", *names)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"{name}\t{texts['b.wav']}" for name in shown]
    result = transcribe("--model", model, "--format", "json", "--", *names)
    assert [item["file"] for item in json.loads(result.stdout)] == shown
    result = transcribe("--model", model, "--output", "out", "--", *names)
    assert result.exit_code == 0
    assert sorted(p.stem for p in Path("out").iterdir()) == sorted(Path(n).stem for n in names)


def run(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )


def test_the_program_on_the_bundled_examples() -> None:
    examples = [file.relative_to(ROOT) for file in EXAMPLES]
    assert len(examples) >= 3
    done = run("-m", "asr_core", "transcribe", *examples, "missing.wav", "--format", "json")
    assert done.returncode == 1
    assert done.stderr == "error: missing.wav does not exist. Check the path.\n"
    *got, missing = json.loads(done.stdout)
    assert missing == {
        "file": "missing.wav",
        "error": "missing.wav does not exist. Check the path.",
    }
    assert [item["file"] for item in got] == [str(file) for file in examples]
    for item, file in zip(got, examples, strict=True):
        assert item["duration"] == pytest.approx(soundfile.info(ROOT / file).duration, abs=2e-3)
        assert [word["word"] for word in item["words"]] == item["text"].split()
        check_words(item)


def test_a_long_file_is_what_the_straight_line_says(
    model: Path, texts: dict[str, str], tiny_recognizer: Recognizer, rng: np.random.Generator
) -> None:
    soundfile.write("long.flac", rng.normal(0, 0.1, 70 * 16000), 16000)
    result = transcribe("long.flac", "b.wav", "--model", model, "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    long, short = json.loads(result.stdout)
    (expected,) = tiny_recognizer.transcribe(["long.flac"])
    assert long == {"file": "long.flac", **expected.to_dict()}
    assert short["text"] == texts["b.wav"]


def test_ctrl_c_keeps_what_is_done(model: Path, texts: dict[str, str], tmp_path: Path) -> None:
    """A real signal to a real process, in the eighth piece of a long file."""
    soundfile.write("long.flac", np.zeros(1200 * 8000, dtype=np.int16), 8000)
    code = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
from asr_core.__main__ import app
from asr_core.recognizer import Recognizer
from asr_core.what_if import Change, apply
decode, pieces = Recognizer._decode, []
def interrupted(self, emission):
    pieces.append(emission)
    if len(pieces) == 9:  # the short file is the first
        os.kill(os.getpid(), signal.SIGINT)
    return decode(self, emission)
Recognizer._decode = interrupted
app()
"""
    common = ["transcribe", "long.flac", "b.wav", "missing.m4a", "--model", model]
    done = run("-c", code, *common, "--format", "json", cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == "stopped: this is what was done until then\n"
    long, short, missing = json.loads(done.stdout)
    assert long["partial"] is True
    assert 7 * 25 <= long["duration"] <= 7 * 35
    assert short["text"] == texts["b.wav"]
    assert missing == {"file": "missing.m4a", "error": "stopped before its turn"}


def test_transcribing_loads_nothing_that_is_slow_to_start(
    model: Path, recordings: list[str], tmp_path: Path
) -> None:
    code = """
import sys
from asr_core.__main__ import app
try:
    app()
finally:
    print(sorted({name.partition(".")[0] for name in sys.modules}))
"""
    done = run("-c", code, "transcribe", "b.wav", "--model", model, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("torch", "soundfile"):
        assert repr(name) in done.stdout  # the list is what we think it is
    for name in ("lightning", "gradio", "pandas", "librosa", "plotly", "audiomentations", "jiwer"):
        assert repr(name) not in done.stdout


def test_what_if_changes_come_in_order(
    model: Path, recordings: list[str], tiny_recognizer: Recognizer
) -> None:
    result = transcribe(
        *recordings, "bad.wav", "--model", model, "--what-if", "noise=3", "--what-if", "speed=1.5"
    )
    changes = [Change("noise", 3.0), Change("speed", 1.5)]
    expected = [
        tiny_recognizer.transcribe([apply(load_audio(name), changes)])[0].text
        for name in recordings
    ]
    lines = [f"{name}\t{text}" for name, text in zip(recordings, expected, strict=True)]
    assert (result.exit_code, result.stdout.splitlines()) == (1, lines)
    assert "bad.wav" in result.stderr


def test_what_if_names_the_changes_there_are(model: Path, recordings: list[str]) -> None:
    result = transcribe(recordings[0], "--model", model, "--what-if", "echo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no change 'echo'" in result.stderr
    assert "noise (-10 to 40 dB)" in result.stderr
