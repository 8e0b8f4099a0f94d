"""The Robustness section: read where it was measured, measured where nobody did."""

import base64
import json

import gradio as gr
import numpy as np
import pytest
import soundfile

from analysis import robustness
from analysis.evaluating import evaluate
from analysis.evaluation import ROBUSTNESS
from ui.background import Pending
from ui.robustness import PANELS, Section, stored, to_be_measured

RATE = 8000


@pytest.fixture
def evaluation(tmp_path, rng, tiny_recognizer):
    rows = []
    for i in range(3):
        soundfile.write(tmp_path / f"{i}.wav", 0.1 * rng.standard_normal(RATE), RATE)
        rows.append(json.dumps({"audio_filepath": f"{i}.wav", "text": "yes no"}))
    (tmp_path / "set.jsonl").write_text("\n".join(rows))
    return evaluate(tiny_recognizer, tmp_path / "set.jsonl", tmp_path / "evaluation")


def section(evaluation, recognizer, runs):
    with gr.Blocks():
        return Section(
            [Pending.of("set", evaluation)], lambda _: Pending.of("tiny", recognizer), runs
        )


def test_panels_are_the_axes():
    assert tuple(robustness.AXES) == PANELS


def test_a_measurement_is_offered_made_kept_and_shown(evaluation, tiny_recognizer, tmp_path):
    here = section(evaluation, tiny_recognizer, tmp_path / "runs")
    [offer] = here.opened("set")
    assert offer[here.button].visible
    assert "Nobody has measured" in offer[here.state]
    *waiting, done = here.measured("set")
    assert all("Measuring" in each[here.state] for each in waiting)
    assert (evaluation.folder / ROBUSTNESS).is_file()
    found = robustness.read(evaluation.folder)
    check_curves(here, done, found)
    again = section(evaluation, tiny_recognizer, tmp_path / "runs")
    [shown] = again.opened("set")
    check_curves(again, shown, found)


def check_curves(here, shown, found):
    assert "3 utterances" in shown[here.state]
    assert not shown[here.button].visible
    for name, plot in here.plots.items():
        assert shown[plot].visible
        curve = json.loads(shown[plot].value["plot"])["data"][2]
        points = [point for point in found["axes"][name] if point["change"] != "telephone"]
        places = [
            [100 * point["wer"]["value"] for point in points].count(y) for y in decoded(curve)
        ]
        assert len(places) == len(points)
        assert all(places)


def decoded(curve):
    """The values of a Plotly trace, which may be packed in base64."""
    y = curve["y"]
    if isinstance(y, dict):
        return np.frombuffer(base64.b64decode(y["bdata"]), y["dtype"])
    return np.array(y)


def test_a_folder_that_refuses_leaves_it_in_runs(evaluation, tiny_recognizer, tmp_path):
    summary = evaluation.folder / "summary.json"
    told = json.loads(summary.read_text())
    told["model"]["sha256"] = "of another"
    summary.write_text(json.dumps(told))
    runs = tmp_path / "runs"
    pending = to_be_measured(Pending.of("tiny", tiny_recognizer), evaluation, runs)
    pending.make()
    assert stored(evaluation, runs) == pending.result()
    assert not (evaluation.folder / ROBUSTNESS).exists()


def test_what_cannot_be_measured_is_told_and_may_be_tried_again(
    evaluation, tiny_recognizer, tmp_path
):
    evaluation.manifest_path.unlink()
    here = section(evaluation, tiny_recognizer, tmp_path / "runs")
    for _ in range(2):
        *_, last = here.measured("set")
        assert "Cannot read manifest" in last[here.state]
        assert last[here.button].visible


def test_two_visitors_see_the_same_failure(evaluation, tiny_recognizer, tmp_path):
    evaluation.manifest_path.unlink()
    here = section(evaluation, tiny_recognizer, tmp_path / "runs")
    *_, first = here.measured("set")
    failed = here.measuring["set"] = to_be_measured(
        Pending.of("tiny", tiny_recognizer), evaluation, tmp_path / "runs"
    )
    failed.make()
    both = [here._watch("set", failed) for _ in range(2)]
    for watching in both:
        *_, last = watching
        assert last[here.state] == first[here.state]


def test_no_evaluation(evaluation, tiny_recognizer, tmp_path):
    here = section(evaluation, tiny_recognizer, tmp_path / "runs")
    [shown] = here.opened(None)
    assert "No evaluation" in shown[here.state]
    with pytest.raises(gr.Error, match="no such evaluation"):
        list(here.measured("other"))
