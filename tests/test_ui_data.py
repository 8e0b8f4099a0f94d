"""The Data tab: what it tells the browser, what it plays, and what it refuses."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import soundfile

import app
from analysis.describing import describe
from analysis.description import FINDINGS, Description, Finding
from analysis.store import Filter
from asr_core.manifest import write_manifest
from ui import (
    check_strings,
    check_strings_ru,
    data,
    data_headline,
    data_lists,
    data_strings,
    descriptions,
)
from ui.background import Pending
from ui.data_figure import available, bars, draw, figures
from ui.explorer import DATA, QueryError, Question, server_function
from ui.recording_facts import facts_of

HOSTILE = "<img/src=x/onerror=alert(1)>${1+1}"
RATE = 8000
N_TRAIN = 55  # more than a page of the table
BAND = (60.0, 3800.0)
UI = Path(data.__file__).parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Tones of known levels, a file that is no sound, a row that is no recording."""
    place = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(5)
    rows = []
    for i in range(N_TRAIN):
        quiet = 1e-4 * rng.standard_normal(RATE // 4)
        tone = 10 ** (-i / 40) * 0.5 * np.sin(2 * np.pi * 700 * np.arange(RATE + 90 * i) / RATE)
        soundfile.write(place / f"t{i}.wav", np.concatenate([quiet, tone, quiet]), RATE)
        fields = {"speaker": f"s{i % 3}", "noise": HOSTILE if i % 2 else None, "session": 5 * i}
        rows.append({"audio_filepath": f"t{i}.wav", "text": "yes go", **fields})
    (place / "bad.wav").write_text("no sound")
    others = [
        {"audio_filepath": "t3.wav", "text": "no go", "speaker": "s0"},
        {"audio_filepath": "bad.wav", "text": "yes", "duration": 1.5},
        {"text": "no recording"},
    ]
    write_manifest(place / "train.jsonl", rows)
    write_manifest(place / "test.jsonl", others)
    describe([place / "train.jsonl", place / "test.jsonl"], place / "out", name=HOSTILE, workers=1)
    return place


@pytest.fixture(scope="module")
def description(folder) -> Description:
    return Description.open(folder / "out")


def ask(description: Description, wanted: Filter | None = None, **asked) -> Question:
    return Question(description, wanted or Filter(), asked)


class TestHeadline:
    def test_what_there_is_split_by_split(self, description):
        told = data_headline.headline(ask(description))
        json.dumps(told, allow_nan=False)
        assert [value for _, _, value in told["numbers"]] == ["57", "1.7", "3", "113", "3"]
        assert [row["name"] for row in told["splits"]] == ["train", "test"]
        assert told["splits"][1]["cells"] == ["2", "0.1", "1", "3", "3"]
        assert HOSTILE in told["origin"]
        assert "1 rows of the manifests could not be read" in told["origin"]
        for row in told["splits"]:
            count = description.store.view(Filter(where=row["where"])).count
            assert str(count) == row["cells"][0]

    def test_it_follows_the_filter_and_checks_do_not(self, description):
        told = data_headline.headline(ask(description, Filter(where="speaker = 's1'")))
        assert (told["count"], told["total"], told["filtered"]) == ("18", "57", True)
        assert told["checks"] == data_headline.headline(ask(description))["checks"]
        nothing = data_headline.headline(ask(description, Filter(where="false")))
        assert (nothing["count"], nothing["splits"]) == ("0", [])

    def test_checks_come_gravest_first_with_words_and_a_way_to_them(self, description):
        told = data_headline.headline(ask(description))["checks"]
        kinds = [each["kind"] for each in told]
        assert kinds == sorted(kinds, key=("error", "warning", "ok").index)
        [unreadable] = [each for each in told if each["title"] == "Unreadable files"]
        assert unreadable["kind"] == "error"
        assert "1 recordings cannot be read; 0 of them" in unreadable["what"]
        assert unreadable["verdict"] == "Error"
        for each in told:
            if each["where"]:
                n = description.store.view(Filter(where=each["where"])).count
                assert each["count"] == f"Recordings: {n}"

    def test_every_check_has_a_text(self, description):
        assert {finding.check for finding in description.findings} <= set(check_strings.CHECKS)

    def test_a_check_of_another_program_goes_by_its_name(self, description, tmp_path):
        folder = shutil.copytree(description.folder, tmp_path / "other")
        finding = {"check": "new_one", "verdict": "error", "count": 3, "where": "", "facts": {}}
        strange = finding | {"check": "very_short", "verdict": "warning"}
        findings = [each | {"examples": []} for each in (strange, finding)]
        (folder / FINDINGS).write_text(json.dumps(findings))
        told = data_headline.headline(ask(Description.open(folder)))["checks"]
        assert [each["title"] for each in told] == ["New one", "Very short recordings"]

    def test_without_sound_it_is_said(self, folder, tmp_path):
        done = describe([folder / "train.jsonl"], tmp_path / "out", sound=False)
        told = data_headline.headline(ask(done))
        assert "not measured" in told["origin"]
        names = available(done)
        assert "level_dbfs" not in names
        assert "features" not in names
        assert {"n_words", "speaker"} <= set(names)


class TestFigures:
    def test_every_figure_there_is_can_be_drawn(self, description):
        for name in available(description):
            figure = draw(ask(description, figure=name), BAND)
            assert figure.data, name
            assert HOSTILE not in figure.to_json(), name  # Plotly reads tags in its texts

    def test_every_bar_of_a_figure_leads_to_as_many_as_the_table_says(self, description):
        wanted = Filter(where="n_words = 2")
        for name in available(description):
            table = bars(ask(description, wanted, figure=name))
            cells = {cell[1]: cell[0] for _, row in table["rows"] for cell in row if cell}
            for where, n in cells.items():
                both = description.store.view(Filter(where=f"(n_words = 2) AND ({where})"))
                assert str(both.count) == n, (name, where)
            if name not in ("features", "bands_db"):
                figure = draw(ask(description, wanted, figure=name), None)
                drawn = {where for trace in figure.data for where in trace.customdata}
                assert drawn <= set(cells), name

    def test_shares_add_up_in_each_split_and_counts_are_counts(self, description):
        shares = draw(ask(description, figure="level_dbfs"), None)
        assert [trace.name for trace in shares.data] == ["train", "test"]
        assert [sum(trace.y) for trace in shares.data] == [pytest.approx(100)] * 2
        counts = draw(ask(description, figure="level_dbfs", counts=True), None)
        assert [sum(trace.y) for trace in counts.data] == [N_TRAIN, 1]

    def test_the_models_band_is_marked(self, description):
        [shape] = draw(ask(description, figure="bands_db"), BAND).layout.shapes
        assert (shape.x0, shape.x1) == BAND
        assert not draw(ask(description, figure="bands_db"), None).layout.shapes
        [shape] = draw(ask(description, figure="bands_db"), (0.0, 8000.0)).layout.shapes
        assert shape.x0 > 0  # the axis is logarithmic

    def test_fields_of_the_manifests_are_offered_too(self, description):
        groups = dict(figures(ask(description))["groups"])
        fields = dict(groups[data_strings.FIGURE_GROUPS["fields"]])
        assert set(fields) == {"noise", "session"}
        table = bars(ask(description, figure="noise"))
        assert table["rows"][0][0] == HOSTILE
        assert table["rows"][1] == [
            data_strings.MISSING,
            [["28", '"split" = \'train\' AND "noise" IS NULL'], ["2", table["rows"][1][1][1][1]]],
        ]

    def test_whole_numbers_are_named_by_themselves(self, description):
        assert [row[0] for row in bars(ask(description, figure="n_words"))["rows"]] == ["1", "2"]

    def test_what_is_none_is_refused(self, description):
        on = server_function(bars, lambda _: description, "fetch_bars", DATA)
        assert "Cannot sort" in on({"figure": "audio_filepath"})["error"]
        with pytest.raises(QueryError):
            draw(ask(description, figure="file_sha256"), None)


class TestLists:
    def test_pages_hold_every_recording_once(self, description):
        pages = [
            data_lists.rows(ask(description, offset=o, sort="position", ascending=True))
            for o in (0, 50)
        ]
        ids = [row["id"] for page in pages for row in page["rows"]]
        assert len(ids) == len(set(ids)) == N_TRAIN + 2
        assert ids[0] == "t0"
        assert pages[1]["rows"][-1]["tags"] == data_strings.COLUMNS["problem"]

    @pytest.mark.parametrize("column", ["level_dbfs", "text", "session"])
    def test_any_column_sorts_and_nulls_come_last(self, description, column):
        page = data_lists.rows(ask(description, sort=column, ascending=False))
        values = [description.row(row["id"])[column] for row in page["rows"]]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=True)
        assert values[: len(known)] == known

    def test_hashes_are_no_order(self, description):
        with pytest.raises(QueryError):
            data_lists.rows(ask(description, sort="file_sha256"))

    def test_words_say_which_split_lacks_them(self, description):
        table = data_lists.words(ask(description))
        rows = {row["word"]: row for row in table["rows"]}
        assert rows["yes"]["splits"] == [["train", 55], ["test", 1]]
        assert rows["no"]["splits"] == [["train", 0], ["test", 1]]
        assert rows["yes"]["count"] == "56"
        for row in table["rows"]:
            n = description.store.view(Filter(where=row["where"])).count
            assert row["recordings"] == str(n)
        [only] = data_lists.words(ask(description, word="N"))["rows"][:1]
        assert only["word"] == "no"

    def test_characters_are_counted(self, description):
        rows = {row["word"]: row for row in data_lists.symbols(ask(description))["rows"]}
        assert rows["n"]["count"] == "1"
        assert rows[data_strings.SPACE]["recordings"] == "56"
        for row in rows.values():
            n = description.store.view(Filter(where=row["where"])).count
            assert row["recordings"] == str(n)

    def test_what_cannot_be_read_has_its_reason(self, description):
        told = data_lists.skipped(ask(description))
        assert [row["id"] for row in told["unreadable"]] == ["bad"]
        assert told["unreadable"][0]["reason"]
        assert [(row["split"], row["line"]) for row in told["left_out"]] == [("test", 3)]


class TestFacts:
    def test_where_a_recording_lies_among_the_others(self, description):
        facts = {fact.label: fact for fact in facts_of(description, description.row("t0"))}
        assert facts["Level"].value.endswith("above 98 %")  # as loud as its copy in no split
        assert float(facts["Level"].value.split(" dBFS")[0]) == pytest.approx(-9, abs=0.2)
        assert "Higher than in" in facts["Level"].hint
        assert facts["Sample rate"].value == "8000 Hz"
        assert facts["File"].value == "t0.wav"
        assert facts["Session"].value == "0"

    def test_the_shortest_is_above_none(self, description):
        facts = {fact.label: fact.value for fact in facts_of(description, description.row("t0"))}
        assert facts["Length"] == "1.5 s · above 0 %"


class TestHandlers:
    def handlers(self, folder, model) -> data._Handlers:
        made = Pending.of("d", Description.open(folder / "out"))
        on = data._Handlers([model], [made, Pending("later", lambda _: None, on_demand=True)])
        on.publish = lambda path: path.name
        return on

    def test_a_recording_is_heard_against_its_text(self, folder, tiny_recognizer):
        on = self.handlers(folder, Pending.of("tiny", tiny_recognizer))
        *_, value = on.picked({"description": "d", "id": "t4"})
        assert value["state"] == "ready"
        assert value["audio_url"] == "t4.wav"
        assert [word["text"] for word in value["lanes"][0]["words"]] == ["yes", "go"]
        assert "Speaker" in {fact["label"] for fact in value["facts"]}

    def test_without_a_model_there_is_sound_and_picture(self, folder):
        def fail(_: object) -> None:
            raise ValueError("no such model")

        model = Pending("broken", fail)
        model.make()
        *_, value = self.handlers(folder, model).picked({"description": "d", "id": "t4"})
        assert value["state"] == "ready"
        assert value["audio_url"] == "t4.wav"
        assert value["picture"]["src"].startswith("data:image/png")
        assert "no such model" in value["note"]

    def test_what_cannot_be_read_says_why(self, folder, tiny_recognizer):
        on = self.handlers(folder, Pending.of("tiny", tiny_recognizer))
        [value] = on.picked({"description": "d", "id": "bad"})
        assert value["state"] == "failed"
        assert "bad.wav" in value["text"]

    @pytest.mark.parametrize(
        "picked", [None, {}, {"description": "later", "id": "t0"}, {"description": "d", "id": "x"}]
    )
    def test_only_recordings_of_the_description_are_played(self, folder, tiny_recognizer, picked):
        on = self.handlers(folder, Pending.of("tiny", tiny_recognizer))
        with pytest.raises(gr.Error, match="no such recording"):
            list(on.picked(picked))

    def test_no_description_says_how_to_make_one(self):
        [shown] = data._Handlers([], []).opened(None)
        assert "analysis describe" in shown[0]

    def test_one_that_fails_says_why(self):
        def fail(_: object) -> None:
            raise ValueError(f"bad manifest {HOSTILE}")

        pending = Pending("broken", fail)
        pending.make()
        [shown] = data._Handlers([], [pending]).opened("broken")
        assert "bad manifest" in shown[0]
        assert HOSTILE not in shown[0]

    def test_it_opens_at_what_the_address_names(self, folder, tiny_recognizer):
        on = self.handlers(folder, Pending.of("tiny", tiny_recognizer))
        *_, shown = on.entered("later", SimpleNamespace(asked="d"))
        assert shown[0] == "d"
        assert shown[3] == {"description": "d"}

    def test_a_wrong_question_leaves_the_figure(self, folder, tiny_recognizer):
        on = self.handlers(folder, Pending.of("tiny", tiny_recognizer))
        assert isinstance(on.drawn({"description": "d", "figure": "duration_s"}), gr.Plot)
        wrong = {"where": "no such"}, {"figure": 1}, {"figure": "no such"}, {"description": "x"}
        for asked in (None, *({"description": "d"} | each for each in wrong)):
            assert on.drawn(asked) == gr.skip()


SCRIPTS = {
    "lists": (["panel_base.js", "table.js", "panel.js", "data_lists.js"], data.list_texts),
    "figure": (["data_figure.js"], lambda: data_strings.FIGURE),
    "filter": (["filters.js", "data_headline.js"], data.filter_texts),
}
NOT_HERE = {"only_errors", "export", "exporting", "format_names"}  # of the Errors tab's filter


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_ask_for_no_text_that_is_missing(name):
    files, texts = SCRIPTS[name]
    script = "".join((UI / file).read_text(encoding="utf-8") for file in files)
    asked = set(re.findall(r"\btexts\.(\w+)", script)) - NOT_HERE
    assert asked == set(texts())


NO_MODEL = Pending("never asked for", lambda _: None)


class TestDescriptions:
    def test_manifests_become_splits_of_one_description(
        self, folder, tmp_path, tiny_recognizer, monkeypatch
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        model = Pending.of("tiny", tiny_recognizer)
        manifests = [folder / "train.jsonl", folder / "test.jsonl"]
        pending = descriptions.to_be_made(manifests, model, tmp_path)
        assert (pending.name, pending.on_demand) == ("train, test", True)
        *_, shown = data._Handlers([], [pending]).opened("train, test")
        assert shown[2] == {"description": "train, test"}
        assert pending.result().splits == ["train", "test"]
        assert pending.result().summary["frame_s"] == tiny_recognizer.frame_s

    def test_two_of_a_name_go_by_their_folders(self, description, tmp_path):
        twin = shutil.copytree(description.folder, tmp_path / "twin")
        found = descriptions.stored([description.folder, twin])
        assert [each.name for each in found] == [str(description.folder), str(twin)]

    def test_without_options_the_bundled_one_is_shown_and_its_recordings_are_there(self):
        [bundled] = app.shown_data(app.parse([]), NO_MODEL)
        shown = bundled.result()
        rows = shown.store.ask("SELECT utterance_id, audio_filepath FROM utterances")
        assert len(rows) == 360
        assert not any(Path(row["audio_filepath"]).is_absolute() for row in rows)
        assert all(shown.audio_path(row["utterance_id"]).is_file() for row in rows[::40])
        assert {finding.check for finding in shown.findings} <= set(check_strings.CHECKS)
        assert sum(path.stat().st_size for path in shown.folder.iterdir()) < 400_000

    def test_a_manifest_that_is_not_there_is_told(self):
        with pytest.raises(ValueError, match="No manifest at nowhere"):
            app.shown_data(app.parse(["--describe", "nowhere.jsonl"]), NO_MODEL)


def test_shares_or_counts_are_offered_where_they_differ(description):
    for name in available(description):
        told = bars(ask(description, figure=name))
        shares, counts = (
            draw(ask(description, figure=name, counts=each), BAND) for each in (False, True)
        )
        assert told["counted"] == (shares.to_json() != counts.to_json()), name


def test_facts_of_checks_are_in_the_language_of_the_page(monkeypatch):
    monkeypatch.setattr(data_headline, "check_strings", check_strings_ru)

    def told(check, **facts):
        return data_headline._check_text(Finding(check, "warning", 3, "true", facts, []))[1]

    assert told("level_shift", train="-20 dBFS", splits="a-4 dB -31 dBFS").endswith(
        "при обучении −20 dBFS; a-4 dB −31 dBFS."
    )
    assert "16 дБ; test 60 дБ" in told("snr_shift", train="16 dB", splits="test 60 dB")
    assert "8000/16000 Гц" in told("sample_rates", rate=8000, splits="test 8000/16000 Hz")
    assert "(строчные)" in told("case_style", usual="lower")
    assert told("noisy", speakers="kal 5/46").endswith("По дикторам: kal 5/46.")
    assert told("noisy", speakers="").endswith(": 3.")
