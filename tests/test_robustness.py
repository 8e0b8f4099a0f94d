"""Robustness: the numbers by other means, the file, the figure and the command line."""

import json
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from analysis import robustness
from analysis.__main__ import app
from analysis.evaluating import evaluate
from analysis.evaluation import ROBUSTNESS, Evaluation
from analysis.robustness import AXES, RobustnessError, measure, read, write
from analysis.robustness_figure import robustness_curves
from asr_core.audio import load_audio
from asr_core.checkpoint import save_model
from asr_core.what_if import CHANGES, Change, apply
from ui import what_if_strings

BUNDLED = Path(__file__).parent.parent / "assets" / "evaluations" / "spoken"
RATE = 8000
N = 5


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Path:
    """Five recordings, one that is missing, and one row that is none."""
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("set")
    rows = []
    for i in range(N):
        wave = 0.1 * rng.standard_normal(RATE + 800 * i) * np.hanning(RATE + 800 * i)
        soundfile.write(folder / f"{i}.wav", wave, RATE)
        rows.append({"audio_filepath": f"{i}.wav", "text": "yes no stop"})
    rows.insert(2, {"audio_filepath": "missing.wav", "text": "go"})
    lines = [*map(json.dumps, rows), "nonsense"]
    (folder / "set.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder / "set.jsonl"


@pytest.fixture(scope="module")
def found(tiny_recognizer, manifest) -> dict:
    return measure(tiny_recognizer, manifest, axes=["snr", "band"], seed=7)


def test_every_point_is_a_change_that_exists():
    for change in {change for axis in AXES.values() for change in axis if change}:
        assert Change.checked(change.name, change.amount) == change
    assert all(None in axis for axis in AXES.values())
    assert CHANGES.keys() >= {"noise", "speed", "quiet", "lowpass", "telephone"}


def test_points_are_what_jiwer_counts(tiny_recognizer, manifest, found):
    """The same noise for an utterance whatever else is in the set: transcribed one by one."""
    lines = [1, 2, 4, 5, 6]  # of the rows that can be read
    paths = [manifest.parent / f"{i}.wav" for i in range(N)]
    for point in (found["axes"]["snr"][0], found["axes"]["snr"][-1], found["axes"]["band"][-1]):
        heard = []
        for path, line in zip(paths, lines, strict=True):
            audio = load_audio(path)
            if point["change"]:
                audio = apply(audio, [Change.parse(point["change"])], [7, line])
            heard.append(tiny_recognizer.transcribe([audio])[0].text)
        expected = jiwer.process_words(["yes no stop"] * N, heard)
        counts = {key: point[key] for key in ("hits", "substitutions", "deletions", "insertions")}
        assert counts == {key: getattr(expected, key) for key in counts}
        assert point["wer"]["value"] == pytest.approx(expected.wer, abs=1e-12)
        assert point["wer"]["low"] <= point["wer"]["value"] <= point["wer"]["high"]


def test_what_was_left_out_is_counted(found):
    assert found["counts"] == {"utterances": N, "skipped": 2}
    assert all(p["words"] == 3 * N for axis in found["axes"].values() for p in axis)


def test_the_undamaged_point_is_the_evaluation(tiny_recognizer, manifest, found, tmp_path):
    evaluation = evaluate(tiny_recognizer, manifest, tmp_path / "evaluation")
    assert found["axes"]["snr"][0]["wer"] == evaluation.summary["rates"]["wer"]
    assert found["axes"]["band"][0] == found["axes"]["snr"][0]


def test_a_sample_is_the_same_again_and_another_with_another_seed(tiny_recognizer, manifest):
    told = []
    first, again = (
        measure(
            tiny_recognizer,
            manifest,
            axes=["level"],
            sample=3,
            seed=2,
            progress=lambda done, total: told.append((done, total)),
        )
        for _ in range(2)
    )
    assert first["axes"] == again["axes"]
    assert first["counts"]["utterances"] <= 3
    assert told[-1][0] <= told[-1][1] == 3 * len(AXES["level"])
    chosen = [set(robustness._drawn(list(range(100)), 10, seed)) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_it_joins_an_evaluation_and_leaves_with_it(tiny_recognizer, manifest, found, tmp_path):
    folder = tmp_path / "evaluation"
    evaluate(tiny_recognizer, manifest, folder)
    assert read(folder) is None
    assert write(found, folder) == folder / ROBUSTNESS
    assert read(folder) == found
    assert Evaluation.open(folder).summary["name"]
    assert not list(folder.glob(".*part*"))
    evaluate(tiny_recognizer, manifest, folder)  # the file of old numbers does not stop it
    assert read(folder) is None


def test_another_models_evaluation_is_refused(tiny_recognizer, manifest, found, tmp_path):
    evaluate(tiny_recognizer, manifest, tmp_path / "evaluation")
    other = {**found, "model": {"name": "other", "sha256": "0"}}
    with pytest.raises(RobustnessError, match="evaluation of another model"):
        write(other, tmp_path / "evaluation")
    (tmp_path / "file").write_text("")
    with pytest.raises(RobustnessError, match="Choose another folder"):
        write(found, tmp_path / "file")


@pytest.mark.parametrize("text", ["{}", "[]", "nonsense", '{"format_version": 1, "axes": 3}'])
def test_a_damaged_file_is_told(tmp_path, text):
    (tmp_path / ROBUSTNESS).write_text(text)
    with pytest.raises(RobustnessError, match="Cannot read"):
        read(tmp_path)


def test_a_file_that_is_not_whole_is_told(found, tmp_path):
    """What the page shows is looked for when it is read, not when it is shown."""
    axis = next(iter(found["axes"]))
    point = found["axes"][axis][0]
    without = {name: value for name, value in point.items() if name != "change"}
    rate = {**point, "wer": {**point["wer"], "high": float("nan")}}
    for axes in ({}, {axis: []}, {axis: [without]}, {axis: [rate]}):
        write({**found, "axes": axes}, tmp_path)
        with pytest.raises(RobustnessError, match="Cannot read"):
            read(tmp_path)
    write({**found, "format_version": "one"}, tmp_path)
    with pytest.raises(RobustnessError, match="Cannot read"):
        read(tmp_path)


def test_a_newer_format_is_told(found, tmp_path):
    write({**found, "format_version": 99}, tmp_path)
    with pytest.raises(RobustnessError, match="format version 99"):
        read(tmp_path)


def test_nothing_to_hear_is_told(tiny_recognizer, tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text('{"audio_filepath": "none.wav", "text": "yes"}')
    with pytest.raises(RobustnessError, match="None of the 1 utterances"):
        measure(tiny_recognizer, path)
    with pytest.raises(RobustnessError, match=r"Got pitch.*snr, speed, level, band"):
        measure(tiny_recognizer, path, axes=["pitch"])


def test_the_bundled_measurement_is_of_the_bundled_evaluation():
    found, evaluation = read(BUNDLED), Evaluation.open(BUNDLED)
    assert found is not None
    for what in ("model", "manifest"):
        assert found[what]["sha256"] == evaluation.summary[what]["sha256"]
    assert found["counts"]["utterances"] == evaluation.summary["counts"]["utterances"]
    assert list(found["axes"]) == list(AXES)
    for name, points in found["axes"].items():
        assert [point["change"] for point in points] == [
            None if change is None else str(change) for change in AXES[name]
        ]
        clean = next(point for point in points if point["change"] is None)
        assert clean["wer"] == evaluation.summary["rates"]["wer"]


def test_the_figure_shows_every_point():
    found = read(BUNDLED)
    figures = robustness_curves(found, what_if_strings.CURVES)
    assert list(figures) == list(AXES)
    tops = {figure.layout.yaxis.range[1] for figure in figures.values()}
    assert len(tops) == 1
    for name, figure in figures.items():
        drawn = {y for trace in figure.data[2:] for y in trace.y}
        assert drawn == {100 * point["wer"]["value"] for point in found["axes"][name]}
        low, high, curve = figure.data[:3]
        assert all(a <= b <= c for a, b, c in zip(low.y, curve.y, high.y, strict=True))
        assert max(high.y) <= min(tops)
    assert figures["snr"].data[2].x[0] == "−5"
    assert figures["band"].data[3].x == ("phone",)


def test_the_command_line(tiny_contract, tiny_recognizer, manifest, tmp_path):
    save_model(tmp_path / "model", tiny_contract, tiny_recognizer.model)
    given = ["robustness", "--model", tmp_path / "model", "--manifest", manifest]
    out = ["--out", tmp_path / "out", "--sets", "level,band", "--sample", 4, "--seed", 1]
    result = CliRunner().invoke(app, list(map(str, [*given, *out])))
    assert result.exit_code == 0, result.output
    found = read(tmp_path / "out")
    assert list(found["axes"]) == ["level", "band"]
    point = found["axes"]["band"][-1]
    [line] = [line for line in result.stdout.splitlines() if "telephone" in line]
    assert f"{100 * point['wer']['value']:.1f}" in line.split()
    wrong = CliRunner().invoke(app, list(map(str, [*given, "--out", tmp_path, "--sets", "x"])))
    assert wrong.exit_code == 1
    assert "error: Got x as what to change" in wrong.stderr
