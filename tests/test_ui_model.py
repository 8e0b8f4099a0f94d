"""The Model tab's parts: files in any state become data, data becomes HTML."""

import json
import re
import shutil
from html import escape
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pandas as pd
import pytest

import app
from asr_core.checkpoint import Contract, save_model, write_json
from tests.test_imports import imports, loaded_by_page
from ui import library, model, model_strings, model_tables, strings
from ui.model_card import prose
from ui.model_record import lineage, record
from ui.model_runs import Progress, Training, progress, read_record, read_table, read_tables

HEADER = "epoch,step,loss,val_loss,val_wer,lr,seconds\n"
HOSTILE = "<img src=x onerror=alert(1)>"
BUNDLED = app.ASSETS / "models" / "spoken"


def write_table(folder: Path, *wers: float, seconds: float = 40.0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{i},{i},1.0,1.0,{wer},1e-3,{seconds}\n" for i, wer in enumerate(wers)]
    (folder / "training.csv").write_text(HEADER + "".join(rows))
    return folder / "training.csv"


def write_run(folder: Path, contract: Contract, *wers: float, **training: int) -> Training:
    """A folder as training leaves it, with a recipe of these `training` settings."""
    recipe = {"name": HOSTILE, "training": training}
    values = contract.model_dump(mode="json") | {"provenance": {"recipe": recipe, "seed": 1}}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", values)
    write_table(folder, *wers)
    return Training(folder.name, folder, live=True)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


class TestTable:
    def test_the_bundled_one(self):
        table = read_table(BUNDLED / "training.csv")
        stored = pd.read_csv(BUNDLED / "training.csv")
        pd.testing.assert_frame_equal(table, stored, check_dtype=False)

    def test_a_line_that_is_being_written_is_left_out(self, tmp_path):
        path = write_table(tmp_path, 0.5, 0.4)
        path.write_text(path.read_text() + "2,2,1.0,1.0,0.3")
        assert read_table(path)["val_wer"].tolist() == [0.5, 0.4]

    def test_a_resumed_epoch_counts_as_written_last(self, tmp_path):
        path = write_table(tmp_path, 0.5, 0.4)
        path.write_text(path.read_text() + "1,1,1.0,1.0,0.2,1e-3,9\n")
        assert read_table(path)["val_wer"].tolist() == [0.5, 0.2]

    def test_damaged_cells_are_null_and_damaged_rows_left_out(self, tmp_path):
        path = write_table(tmp_path, 0.5)
        lines = "1,1,oops,inf,0.3,1e-3,4\nx,1,1,1,1,1,1\n2,2,1,1,0.1,1,1,7,8,9\n\x00\n\xff\n3,3\n"
        path.write_bytes(path.read_bytes() + lines.encode("latin-1"))
        table = read_table(path)
        assert table["epoch"].tolist() == [0, 1, 3]
        assert table["loss"].isna().tolist() == [False, True, True]

    @pytest.mark.parametrize("text", ["", "epoch", HEADER, "a,b\n1,2\n", "\x00\x00\n", '"\n"\n'])
    def test_no_epoch_is_none(self, tmp_path, text):
        (tmp_path / "training.csv").write_text(text)
        assert read_table(tmp_path / "training.csv") is None

    def test_no_file_is_none(self, tmp_path):
        assert read_table(tmp_path / "training.csv") is None
        assert read_table(tmp_path) is None

    def test_seeds_and_runs_are_laid_over_the_chosen(self, tmp_path):
        write_table(tmp_path / "m", 0.5)
        shutil.copytree(tmp_path / "m", tmp_path / "m" / "seeds")
        (tmp_path / "m" / "seeds" / "training.csv").rename(tmp_path / "m" / "seeds" / "7.csv")
        write_table(tmp_path / "r", 0.4)
        chosen = Training("m", tmp_path / "m")
        others = [
            chosen,
            Training("r", tmp_path / "r", live=True),
            Training("gone", tmp_path / "gone", live=True),
            Training("model", tmp_path / "r"),
        ]
        assert list(read_tables(others, chosen)) == ["m", "m, seed 7", "r"]


class TestProgress:
    @pytest.fixture
    def run(self, tmp_path, tiny_contract):
        def measure(*wers: float, age_s: float = 10.0, **training: int) -> Progress:
            made = write_run(tmp_path / "run", tiny_contract, *wers, **training)
            table = read_table(made.folder / "training.csv")
            return progress(table, read_record(made.folder), age_s)

        return measure

    def test_running(self, run):
        value = run(0.5, 0.2, 0.3, epochs=10, patience=5)
        assert (value.state, value.done, value.total) == ("running", 3, 10)
        assert (value.wer, value.best_wer, value.best_epoch) == (0.3, 0.2, 1)
        assert value.left_s == pytest.approx(7 * 40 - 10)

    @pytest.mark.parametrize(
        ("wers", "age_s", "state"),
        [
            ((), 0, "waiting"),
            ((0.5, 0.4, 0.3), 0, "running"),
            ((0.5, 0.4, 0.3, 0.2), 0, "finished"),  # all epochs
            ((0.1, 0.4, 0.3), 0, "finished"),  # two without a better one: out of patience
            ((0.5, 0.4), 601, "stalled"),
            ((0.5, 0.4), 599, "running"),
        ],
    )
    def test_states(self, run, wers, age_s, state):
        assert run(*wers, age_s=age_s, epochs=4, patience=2).state == state

    def test_without_a_recipe_the_end_is_unknown(self, tmp_path):
        table = read_table(write_table(tmp_path, 0.5))
        value = progress(table, read_record(tmp_path), 0.0)
        assert (value.state, value.total, value.left_s) == ("running", None, None)

    @pytest.mark.parametrize("recipe", [None, [], {"training": 3}, {"training": {"epochs": "x"}}])
    def test_a_strange_recipe_is_no_recipe(self, tmp_path, tiny_contract, recipe):
        made = write_run(tmp_path / "run", tiny_contract, 0.5)
        config = json.loads((made.folder / "config.json").read_text())
        write_json(made.folder / "config.json", config | {"provenance": {"recipe": recipe}})
        table = read_table(made.folder / "training.csv")
        assert progress(table, read_record(made.folder), 0.0).total is None

    def test_as_words(self):
        value = Progress(
            "running", 3, 10, epoch_s=41.2, left_s=7500, wer=0.25, best_wer=0.2, best_epoch=1
        )
        text = text_of(model_tables.status(value, "runs/a", 5.0))
        assert "Training: 3 of 10 epochs done" in text
        assert "41 s an epoch · about 2 h 05 min left" in text
        assert "validation WER 25.0 % · lowest 20.0 % in epoch 1" in text
        assert "--share: 0.3000" in model_tables.status(value, "runs/a", 5.0)
        assert HOSTILE not in model_tables.status(Progress("waiting"), HOSTILE, 5.0)


class TestCard:
    CARD = (
        "---\nlicense: mit\n---\n# Model\n\nMade by `python -m analysis card`.\n\n## Results\n\n"
        "| a |\n\n## Limits\n\nFew voices.\n\n```\n## Results\n# a comment\n```\n\n## Training"
        "\n\nx\n"
    )

    def test_what_the_page_shows_itself_is_left_out(self):
        assert prose(self.CARD) == (
            "### Limits\n\nFew voices.\n\n```\n## Results\n# a comment\n```"
        )

    def test_a_card_by_hand_is_whole_but_for_its_front_matter(self):
        text = prose("---\ntags: [a]\n---\n\nHello\n\n## Results\n\n3 %\n")
        assert text == "Hello\n\n### Results\n\n3 %"

    def test_no_picture_is_fetched(self):
        text = prose("![a](https://host/a.png) <img src='https://host/b.png'> [b](c)")
        assert text == "[a](https://host/a.png) &lt;img src='https://host/b.png'> [b](c)"

    def test_the_bundled_one_keeps_data_and_limits(self):
        text = prose((BUNDLED / "README.md").read_text(encoding="utf-8"))
        assert "### Limits" in text
        assert "CC BY" in text
        assert "average_of" not in text


ONE = {"recipe": {"name": "a"}, "seed": 1, "init": None}
TWO = {"recipe": {"name": "a"}, "seed": 2, "init": ONE}
THREE = {"recipe": {"name": "b"}, "seed": 3, "init": ONE}


class TestLineage:
    def test_each_run_once_parents_first(self):
        assert lineage({"average_of": [TWO, THREE]}) == [ONE, TWO, THREE]

    def test_as_a_table(self):
        text = text_of(record({"average_of": [TWO, THREE]}))
        assert "the mean of those of the runs 2, 3" in text
        assert "Began with fresh weights weights of run 1 weights of run 1" in text

    @pytest.mark.parametrize("strange", [{}, {"recipe": 3}, {"init": []}, {"average_of": "x"}])
    def test_nothing_known(self, strange):
        assert escape(model_strings.NO_RECORD) in record(strange)

    def test_texts_are_escaped(self):
        run = dict.fromkeys(("seed", "data", "versions", "commit", "init"), HOSTILE)
        recipe = dict.fromkeys(("name", "optimiser", "scheduler", "training"), HOSTILE)
        assert HOSTILE not in record(run | {"recipe": recipe})
        nested = {"optimiser": {"name": HOSTILE, HOSTILE: HOSTILE}, HOSTILE: 1}
        assert HOSTILE not in record({"recipe": nested, "data": {"train": HOSTILE}})


class TestResults:
    def metrics(self) -> dict:
        return json.loads((BUNDLED / "metrics.json").read_text(encoding="utf-8"))

    def test_figures_are_those_of_the_file(self):
        metrics = self.metrics()
        rows = re.findall(r"<tr>(.*?)</tr>", model_tables.results(metrics), re.DOTALL)[1:]
        assert len(rows) == len(metrics["evaluations"])
        for row, each in zip(rows, metrics["evaluations"], strict=True):
            assert each["name"] in row.replace("<wbr>", "")
            shown = re.findall(r"<b>([\d.]+)</b><small>([\d.]+) to ([\d.]+)</small>", row)
            keys = ("wer", "cer", "ser") if each["counts"]["words"] else ("ser",)
            assert len(shown) == len(keys)
            for figures, key in zip(shown, keys, strict=True):
                expected = [100 * each["rates"][key][part] for part in ("value", "low", "high")]
                assert [float(figure) for figure in figures] == pytest.approx(expected, abs=0.0501)

    def test_parts_of_a_set_have_a_table_of_their_own(self):
        metrics = self.metrics()
        rates = metrics["evaluations"][0]["rates"]
        part = {"values": [None, HOSTILE], "utterances": 7, "rates": rates}
        metrics["evaluations"][0]["slices"] = {"by": ["snr_db", "who"], "rows": [part]}
        html = model_tables.results(metrics)
        assert "by snr_db, who</summary>" in html
        assert HOSTILE not in html
        (row,) = re.findall(r'<tr><th scope="row">none</th>(.*?)</tr>', html)
        assert row.endswith("<td>7</td>")
        assert f"<b>{100 * rates['cer']['value']:.1f}</b>" in row

    def test_none_yet(self):
        assert "Not tested yet" in model_tables.results({"validation": {"wer": 0.1}})

    def test_names_are_escaped(self):
        metrics = self.metrics()
        metrics["evaluations"][0] |= {"name": HOSTILE, "command": HOSTILE}
        assert HOSTILE not in model_tables.results(metrics)


class TestConfidence:
    def metrics(self) -> dict:
        return json.loads((BUNDLED / "metrics.json").read_text(encoding="utf-8"))

    def test_figures_are_those_of_the_file(self):
        metrics = self.metrics()
        rows = re.findall(r"<tr>(.*?)</tr>", model_tables.confidence(metrics), re.DOTALL)[1:]
        # Of silence every word heard is wrong: nothing to tell apart.
        expected = [e for e in metrics["evaluations"] if e["name"] != "test_silence"]
        assert len(rows) == len(expected)
        for row, each in zip(rows, expected, strict=True):
            assert each["name"] in row.replace("<wbr>", "")
            found = each["confidence"]
            nce, ece, auc, right, words = re.findall(r"<td>([\d.,]+)</td>", row)
            assert float(nce) == pytest.approx(found["nce"], abs=0.000501)
            assert float(ece) == pytest.approx(100 * found["ece"], abs=0.0501)
            assert float(auc) == pytest.approx(found["auc"], abs=0.000501)
            assert float(right) == pytest.approx(100 * found["right"] / found["words"], abs=0.0501)
            assert words == f"{found['words']:,}"

    def test_sets_of_an_older_program_say_nothing(self):
        metrics = self.metrics()
        for each in metrics["evaluations"]:
            del each["confidence"]
        assert model_tables.confidence(metrics) == ""
        assert model_tables.confidences({}) == {}

    def test_names_are_escaped(self):
        metrics = self.metrics()
        metrics["evaluations"][0]["name"] = HOSTILE
        assert HOSTILE not in model_tables.confidence(metrics)


class TestHandlers:
    @pytest.fixture
    def page(self):
        def make(*trainings: Training):
            with gr.Blocks():
                view = model._view()
            return model._Handlers(trainings, view), view

        return make

    def after(self, steps) -> dict:
        """What the components hold after all steps."""
        shown = {}
        for step in steps:
            shown |= step
        return shown

    def test_the_bundled_model(self, page):
        on, view = page(Training("spoken", BUNDLED))
        shown = self.after(on.opened("spoken"))
        parameters = json.loads((BUNDLED / "metrics.json").read_text())["model"]["parameters"]
        assert f"{parameters:,}" in shown[view.facts]
        assert "test_<wbr>commands" in shown[view.results]
        assert "Receptive" in shown[view.architecture]
        assert "Limits" in shown[view.card]
        assert shown[view.curves].visible
        assert model_strings.CONFIDENCE_HEADING in shown[view.confidence]
        assert shown[view.reliability].visible
        assert not shown[view.timer].active
        assert shown[view.status] == ""

    def test_a_run_goes_on(self, page, tmp_path, tiny_contract):
        run = write_run(tmp_path / "run", tiny_contract, 0.5, epochs=2)
        on, view = page(run)
        shown = self.after(on.opened("run"))
        assert shown[view.timer].active
        assert "1 of 2 epochs" in shown[view.status]
        assert HOSTILE not in "".join(str(value) for value in shown.values())

        again = self.after(on.looked("run", shown[view.seen]))
        assert list(again) == [view.status]  # nothing was written: nothing is made anew

        write_table(run.folder, 0.5, 0.4)
        later = self.after(on.looked("run", shown[view.seen]))
        assert "finished after 2 epochs" in later[view.status]
        assert view.curves in later
        assert not later[view.timer].active

    def test_a_look_never_starts_the_timer(self, page, tmp_path, tiny_contract):
        on, view = page(write_run(tmp_path / "run", tiny_contract, 0.5, epochs=9))
        assert view.timer not in self.after(on.looked("run", None))

    def test_leaving_the_tab_stops_the_timer(self, page, tmp_path, tiny_contract):
        on, view = page(write_run(tmp_path / "run", tiny_contract, 0.5, epochs=9))
        event = SimpleNamespace(value=strings.TAB_ERRORS)
        (left,) = on.switched("run", event)
        assert list(left) == [view.timer]
        assert not left[view.timer].active
        back = self.after(on.switched("run", SimpleNamespace(value=strings.TAB_MODEL)))
        assert back[view.timer].active

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("config.json", "{"),
            ("config.json", "[1]"),
            ("config.json", '{"name": 3}'),
            ("metrics.json", "nonsense"),
            ("metrics.json", '{"evaluations": [{"name": "a"}]}'),
            ("metrics.json", '{"evaluations": 3}'),
            ("metrics.json", '{"evaluations": [{"name": "a", "confidence": 3}]}'),
            ("training.csv", "\x00\xff"),
            ("README.md", "---\n"),
        ],
    )
    def test_damaged_files_are_a_message(self, page, tmp_path, tiny_contract, name, text):
        run = write_run(tmp_path / "run", tiny_contract, 0.5, epochs=2)
        (run.folder / name).write_text(text)
        on, view = page(run)
        shown = self.after(on.opened("run"))
        if name.endswith(".json"):
            assert "mh-problems" in shown[view.facts]
            assert name in shown[view.facts]

    def test_a_run_that_has_not_begun(self, page, tmp_path):
        on, view = page(Training("run", tmp_path / "none", live=True))
        shown = self.after(on.opened("run"))
        assert model_strings.NO_MODEL_YET in shown[view.facts]
        assert model_strings.RUN_STATES["waiting"] in shown[view.status]
        assert shown[view.timer].active
        assert not shown[view.curves].visible
        assert not shown[view.reliability].visible

    def test_nothing_to_show_and_an_unknown_name(self, page):
        on, view = page()
        assert model_strings.NO_TRAINING in self.after(on.opened(None))[view.status]
        on, view = page(Training("spoken", BUNDLED))
        with pytest.raises(gr.Error):
            list(on.opened("../.."))
        assert view.status not in self.after(on.looked("../..", None))


class TestChoice:
    def test_runs_first_then_models_each_folder_once(self, tmp_path, tiny_recognizer):
        bundled = tmp_path / "bundled"
        for folder in (bundled / "spoken", tmp_path / "mine"):
            save_model(folder, tiny_recognizer.contract, tiny_recognizer.model)
        (tmp_path / "run").mkdir()
        found = library.trainings(
            ["spoken", str(tmp_path / "mine")], [str(tmp_path / "run")], bundled
        )
        assert [(each.name, each.live) for each in found] == [
            ("run", True),
            ("spoken", False),
            ("mine", False),
        ]
        both = library.trainings([str(tmp_path / "mine")], [str(tmp_path / "mine")], bundled)
        assert [(each.name, each.live) for each in both] == [("mine", True), ("spoken", False)]

    def test_a_run_called_like_a_bundled_model_bears_its_path(self, tmp_path):
        (tmp_path / "runs" / "spoken").mkdir(parents=True)
        run = str(tmp_path / "runs" / "spoken")
        found = library.trainings(["spoken"], [run], app.ASSETS / "models")
        assert [each.name for each in found][:2] == [run, "spoken"]

    def test_the_command_line(self):
        options = app.parse(["--run", "runs/a", "--run", "runs/b"])
        shown = app.shown(options, app.collect(options)[0])
        assert [each.name for each in shown][:3] == ["a", "b", "spoken"]


def test_the_start_loads_no_plotly():
    loaded = loaded_by_page(imports(app.ROOT))
    assert "ui.model" in loaded
    assert loaded.isdisjoint({"plotly", "analysis.figures", "asr_core.architecture", "torch"})
