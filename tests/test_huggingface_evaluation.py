"""Hugging Face CTC models in evaluations and in the app."""

import hashlib
import json
from pathlib import Path

import gradio as gr
import pytest
from typer.testing import CliRunner

import app
from analysis.__main__ import app as analysis
from analysis.evaluation import Evaluation
from analysis.report import model_for
from asr_core.recognizer import Recognizer
from tests.tiny_huggingface import save_tiny
from ui import errors, library, model, model_strings, strings
from ui.background import Pending

pytest.importorskip("transformers", reason="transformers is not installed (requirements-hf.txt)")

BUNDLED = app.ASSETS / "validation" / "spoken"
N_CLIPS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("hf") / "tiny")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few of the bundled clips."""
    path = tmp_path_factory.mktemp("set") / "few.jsonl"
    lines = (BUNDLED / "manifest.jsonl").read_text(encoding="utf-8").splitlines()[:N_CLIPS]
    rows = [json.loads(line) for line in lines]
    for row in rows:
        row["audio_filepath"] = str(BUNDLED / row["audio_filepath"])
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def evaluation(folder: Path, manifest: Path) -> Evaluation:
    """As the command line makes it."""
    out = manifest.parent / "evaluation"
    arguments = ["--model", f"hf:{folder}", "--manifest", manifest, "--out", out]
    result = CliRunner().invoke(analysis, ["evaluate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return Evaluation.open(out)


def test_the_evaluation_says_what_made_it(evaluation: Evaluation, folder: Path) -> None:
    summary = evaluation.summary
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert summary["model"] == {"name": "tiny", "sha256": weights}
    assert summary["versions"]["transformers"] == pytest.importorskip("transformers").__version__
    assert summary["counts"]["utterances"] == N_CLIPS
    assert "jiwer" in summary["versions"]


def test_its_errors_have_causes_and_times(evaluation: Evaluation) -> None:
    rows = evaluation.errors
    assert len(rows) >= N_CLIPS
    assert rows["cause"].notna().all()
    assert rows["start_s"].notna().all()  # letters spell every word of the references


def test_a_report_takes_it_when_it_is_named(evaluation: Evaluation, folder: Path) -> None:
    assert model_for(evaluation) is None
    assert model_for(evaluation, f"hf:{folder}").contract.name == "tiny"
    named = Evaluation.open(evaluation.folder)
    named.summary["model"]["name"] = f"hf:{folder}"
    assert model_for(named) is None  # nothing is loaded because a file says so


def test_calibration_prints_but_has_nowhere_to_write(folder: Path, manifest: Path) -> None:
    arguments = ["--model", f"hf:{folder}", "--manifest", str(manifest), "--write"]
    result = CliRunner().invoke(analysis, ["calibrate", *arguments])
    assert result.exit_code == 1
    assert "Expected a model of ours" in result.stderr


def test_a_card_is_of_our_models(folder: Path, evaluation: Evaluation) -> None:
    arguments = ["--model", f"hf:{folder}", str(evaluation.folder)]
    result = CliRunner().invoke(analysis, ["card", *arguments])
    assert result.exit_code == 1
    assert "Expected a model of ours" in result.stderr


class TestApp:
    @pytest.fixture
    def started(self, folder: Path, manifest: Path, tmp_path: Path, monkeypatch):
        """Models, evaluations and the Model tab's choice, as the command line asks for them."""
        monkeypatch.setattr(app, "RUNS", tmp_path)
        options = app.parse(["--model", f"hf:{folder}", "--manifest", str(manifest)])
        models, evaluations = app.collect(options)
        return models, evaluations, app.shown(options, models)

    def tab(self, *trainings) -> tuple[model._Handlers, model._View]:
        with gr.Blocks():
            view = model._view()
        return model._Handlers(trainings, view), view

    def test_an_evaluation_is_made_once(self, started, evaluation: Evaluation) -> None:
        models, (pending,), _ = started
        models[0].make()
        pending.make()
        made = pending.result()
        assert list(made.utterances["pred_text"]) == list(evaluation.utterances["pred_text"])
        before = made.folder.stat().st_mtime_ns
        again = library.to_be_made(models[0], made.manifest_path, made.folder.parent)
        again.make()
        assert again.result().folder.stat().st_mtime_ns == before

    def test_the_errors_tab_shows_its_evidence(self, started, evaluation: Evaluation) -> None:
        models, _, _ = started
        assert models[0].name == "tiny"
        on = errors._Handlers(models, [Pending.of("e", evaluation)])
        on.publish = lambda path: path.name
        row = evaluation.utterances.iloc[0]
        models[0].make()
        *_, (view, _) = on.picked({"evaluation": "e", "id": row["utterance_id"]})
        reference, heard = view["lanes"]
        assert [word["text"] for word in reference["words"]] == row["text"].split()
        assert " ".join(word["text"] for word in heard["words"]) == row["pred_text"]
        assert view["note"] == ""  # heard now as it was then
        assert set("abcxyz'") <= set(view["symbols"])

    def test_the_model_tab_tells_what_is_known(self, started, folder: Path) -> None:
        _, _, trainings = started
        assert [each.name for each in trainings][:2] == ["tiny", "morse"]
        on, view = self.tab(*trainings)
        first, last = list(on.opened("tiny"))[1:]
        assert model_strings.READING_MODEL in first[view.status]
        assert not first[view.curves].visible
        n = sum(p.numel() for p in Recognizer.load(f"hf:{folder}").model.model.parameters())
        for text in ("Wav2Vec2ForCTC", f"{n:,}", "16,000 Hz", "0 to 8,000 Hz", "20 ms"):
            assert text in last[view.facts]
        assert last[view.status] == ""

    def test_a_model_that_cannot_be_loaded_is_told_in_the_tab(self, tmp_path: Path) -> None:
        models = library.models([f"hf:{tmp_path}"])
        (training,) = library.foreign([f"hf:{tmp_path}"], models)
        on, view = self.tab(training)
        last = list(on.opened(training.name))[-1]
        assert strings.BAD_MODEL in last[view.facts]
        assert "No weights" in last[view.facts]

    def test_names_of_the_hub_keep_their_owner(self) -> None:
        names = [each.name for each in library.models(["hf:a/x", "hf:b/x", "spoken"])]
        assert names == ["a/x", "b/x", "spoken"]
        pending = library.models(["hf:a/x"])[0]
        made = library.to_be_made(pending, Path("set/m.jsonl"), Path("runs"))
        assert made.name == strings.EVALUATION_NAME.format(set="m", model="a/x")

    def test_a_name_without_a_model_is_refused_at_the_start(self) -> None:
        with pytest.raises(ValueError, match="facebook/wav2vec2-base-960h"):
            app.collect(app.parse(["--model", "hf:"]))
