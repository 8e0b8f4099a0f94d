"""The model card: its figures are those of metrics.json, which are those of the evaluations."""

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.card import CARDS, render, write_card
from analysis.evaluating import evaluate
from analysis.evaluation import Evaluation, EvaluationError
from asr_core.checkpoint import Contract, find_model, save_model, write_json
from asr_core.recognizer import Recognizer
from tests.test_evaluation import CONTRACT, tiny_recognizer, write_rows, write_tone


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", CONTRACT, tiny_recognizer().model)
    write_json(tmp_path / "model" / "metrics.json", {"validation": {"wer": 0.25, "epoch": 4}})
    return tmp_path / "model"


@pytest.fixture
def evaluations(model: Path, tmp_path: Path) -> list[Evaluation]:
    """A set with words, and one without."""
    write_tone(tmp_path / "a.wav", (0.2, 0.5))
    sets = {
        "tones": [{"audio_filepath": "a.wav", "text": text} for text in ("one two", "two", "x")],
        "quiet": [{"audio_filepath": "a.wav", "text": ""}],
    }
    recognizer = Recognizer.load(model)
    return [
        evaluate(recognizer, write_rows(tmp_path / f"{name}.jsonl", *rows), tmp_path / f"e-{name}")
        for name, rows in sets.items()
    ]


def table(card: str, heading: str = "## Results") -> dict[str, list[str]]:
    """The first table below a heading: set -> its cells."""
    _, _, below = card.partition(f"\n{heading}\n\n")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in below.split("\n\n")[0].splitlines()
        if line.startswith("| ")
    ]
    return {name: cells for name, *cells in rows[1:]}


def check_figures(card: str, metrics: dict) -> None:
    rows = table(card)
    assert list(rows) == [each["name"] for each in metrics["evaluations"]]
    for each in metrics["evaluations"]:
        utterances, words, *rates = rows[each["name"]]
        assert int(utterances) == each["counts"]["utterances"]
        assert int(words) == each["counts"]["words"]
        for cell, key in zip(rates, ("wer", "cer", "ser"), strict=True):
            if cell == "–":
                assert key != "ser"
                assert each["counts"]["words"] == 0
                continue
            shown = [float(figure) for figure in re.findall(r"[\d.]+", cell)]
            measured = [100 * each["rates"][key][part] for part in ("value", "low", "high")]
            assert shown == pytest.approx(measured, abs=0.05 + 1e-9)  # one digit is shown
        assert each["command"] in card
    check_confidence(card, metrics)


def check_confidence(card: str, metrics: dict) -> None:
    rows = table(card, "### Confidence of the words heard")
    found = {e["name"]: e["confidence"] for e in metrics["evaluations"] if e["confidence"]}
    assert list(rows) == list(found)
    for name, each in found.items():
        words, right, nce, ece, auc = rows[name]
        assert int(words) == each["words"]
        assert float(right) == pytest.approx(100 * each["right"] / each["words"], abs=0.0501)
        assert float(ece) == pytest.approx(100 * each["ece"], abs=0.0501)
        for cell, value in ((nce, each["nce"]), (auc, each["auc"])):
            if value is None:
                assert cell == "–"
            else:
                assert float(cell) == pytest.approx(value, abs=0.000501)


def test_figures_are_the_evaluations(model: Path, evaluations: list[Evaluation]) -> None:
    card = write_card(model, evaluations).read_text(encoding="utf-8")
    metrics = json.loads((model / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["validation"] == {"wer": 0.25, "epoch": 4}  # what training wrote stays
    for figures, evaluation in zip(metrics["evaluations"], evaluations, strict=True):
        assert figures["rates"] == evaluation.summary["rates"]
        assert figures["counts"] == evaluation.summary["counts"]
    check_figures(card, metrics)
    assert "python -m analysis calibrate" not in card  # this model has not been calibrated
    parameters = sum(p.numel() for p in tiny_recognizer().model.parameters())
    assert f"{parameters:,} parameters" in card


def test_the_command_makes_the_evaluation(
    model: Path, evaluations: list[Evaluation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_card(model, evaluations)
    metrics = json.loads((model / "metrics.json").read_text(encoding="utf-8"))
    command = metrics["evaluations"][0]["command"]
    assert command == (
        "python -m analysis evaluate --model model --manifest tones.jsonl --out e-tones"
    )
    arguments = shlex.split(command)[3:]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    again = Evaluation.open("e-tones").summary
    assert again["rates"] == metrics["evaluations"][0]["rates"]


def test_provenance_is_printed_whatever_its_keys(
    model: Path, evaluations: list[Evaluation]
) -> None:
    card = write_card(model, evaluations).read_text(encoding="utf-8")
    for line in ("seed: 5", "name: tiny", "speed: [0.9, 1.1]", "commit: null", "wer: 0.25"):
        assert line in card
    bare = Contract.model_validate(CONTRACT.model_dump() | {"provenance": {}})
    metrics = json.loads((model / "metrics.json").read_text(encoding="utf-8"))
    del metrics["validation"]
    assert "No record of how it was trained." in render(metrics, bare)


def test_prose_of_a_model_has_its_words_and_band(
    model: Path, evaluations: list[Evaluation]
) -> None:
    write_card(model, evaluations)
    metrics = json.loads((model / "metrics.json").read_text(encoding="utf-8"))
    for path in CARDS.glob("*.md"):
        contract = Contract.model_validate(CONTRACT.model_dump() | {"name": path.stem})
        card = render(metrics, contract)
        assert "one, two, three" in card
        assert "60 to 3800 Hz" in card
        assert "$" not in card


def test_evaluations_of_other_weights_or_twice_are_refused(
    model: Path, evaluations: list[Evaluation]
) -> None:
    with pytest.raises(EvaluationError, match="Two evaluations are named 'tones'"):
        write_card(model, [evaluations[0], evaluations[0]])
    other = tiny_recognizer().model
    other.head.bias.data += 1
    save_model(model, CONTRACT, other)
    with pytest.raises(EvaluationError, match="Evaluate it again"):
        write_card(model, evaluations)
    assert not (model / "README.md").exists()


def test_card_from_the_command_line(model: Path, evaluations: list[Evaluation]) -> None:
    folders = [str(evaluation.folder) for evaluation in evaluations]
    done = CliRunner().invoke(app, ["card", "--model", str(model), *folders])
    assert (done.exit_code, done.stdout.strip()) == (0, str(model / "README.md"))
    failed = CliRunner().invoke(app, ["card", "--model", str(model), str(model)])
    assert failed.exit_code == 1
    assert failed.stderr.startswith("error: Cannot read")


def test_a_set_is_shown_by_its_fields(model: Path, tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", (0.2, 0.5))
    rows = [
        {"audio_filepath": "a.wav", "text": text, "who": who, "snr_db": snr}
        for text, who, snr in [("one", "b", 3.5), ("one two", "a", None), ("x", "b", 3.5)]
    ]
    evaluation = evaluate(
        Recognizer.load(model), write_rows(tmp_path / "tones.jsonl", *rows), tmp_path / "e"
    )
    result = CliRunner().invoke(
        app,
        ["card", "--model", str(model), str(evaluation.folder), "--by", "tones:who,snr_db"],
    )
    assert result.exit_code == 0, result.output
    metrics = json.loads((model / "metrics.json").read_text())
    (slices,) = [each["slices"] for each in metrics["evaluations"]]
    assert [(row["values"], row["utterances"]) for row in slices["rows"]] == [
        (["b", 3.5], 2),
        (["a", None], 1),
    ]
    of_b = [evaluation.score(f) for f in evaluation.utterances["utterance_id"].iloc[[0, 2]]]
    expected = sum(each.errors for each in of_b) / 2
    assert slices["rows"][0]["rates"]["wer"]["value"] == expected
    card = (model / "README.md").read_text()
    assert "### `tones` by who and snr_db" in card
    assert "| a | none | 1 |" in card


@pytest.mark.parametrize(
    ("by", "complaint"),
    [
        ({"others": ["who"]}, "No evaluation is named others. Expected of: tones, quiet."),
        ({"tones": ["colour"]}, "Cannot group tones by colour. Expected of: utterance_id"),
    ],
)
def test_parts_that_are_not_there_are_refused(
    model: Path, evaluations: list[Evaluation], by: dict[str, list[str]], complaint: str
) -> None:
    with pytest.raises(EvaluationError, match=re.escape(complaint)):
        write_card(model, evaluations, by)


def test_the_bundled_models_card_tells_its_metrics() -> None:
    folder = find_model("spoken")
    if not (folder / "README.md").exists():
        pytest.skip("the bundled model has no card yet")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    card = (folder / "README.md").read_text(encoding="utf-8")
    check_figures(card, metrics)
    after = metrics["calibration"]["after"]
    assert f"NCE {after['nce']:.3f}, ECE {100 * after['ece']:.1f} %" in card
