"""What the Errors tab asks of an evaluation: table, lists, sounds, notes, headline."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from analysis.evaluation import Evaluation
from analysis.store import Filter
from analysis.summary import is_synthetic
from tests.noise_evaluation import HOSTILE, N_UTTERANCES, ask, changed, write_noise
from ui import errors, notes, panels, recording_list, strings, table
from ui.explorer import MAX_SEARCH, QueryError, read_question, server_function
from ui.headline import headline, notice
from ui.listening import Sounds


@pytest.fixture(scope="module")
def stored(tiny_recognizer, tmp_path_factory) -> Path:
    return write_noise(tiny_recognizer, tmp_path_factory.mktemp("set"))


@pytest.fixture
def evaluation(stored) -> Evaluation:
    return Evaluation.open(stored)


class TestTable:
    def test_pages_hold_every_utterance_once_worst_first(self, evaluation):
        pages = [table.rows(ask(evaluation, offset=offset)) for offset in (0, 50)]
        assert [len(page["rows"]) for page in pages] == [50, 10]
        assert {page["total"] for page in pages} == {N_UTTERANCES}
        rows = [row for page in pages for row in page["rows"]]
        assert len({row["id"] for row in rows}) == N_UTTERANCES
        assert [row["errors"] for row in rows] == sorted((r["errors"] for r in rows), reverse=True)

    def test_words_spell_the_reference_and_what_was_heard(self, evaluation):
        for row in table.rows(ask(evaluation))["rows"]:
            said = [reference for _, reference, _ in row["words"] if reference is not None]
            heard = [got for _, _, got in row["words"] if got is not None]
            stored = evaluation.row(row["id"])
            assert " ".join(said) == stored["text"]
            assert " ".join(heard) == stored["pred_text"]
            assert sum(op != "equal" for op, _, _ in row["words"]) == row["errors"]

    @pytest.mark.parametrize("column", [*strings.TABLE["columns"], "n_reference", "voice"])
    def test_sorts_by_every_column(self, evaluation, column):
        page = table.rows(ask(evaluation, sort=column, ascending=True))
        values = [evaluation.row(row["id"])[column] for row in page["rows"]]
        assert values == sorted(values)

    def test_past_the_last_page_there_is_nothing(self, evaluation):
        page = table.rows(ask(evaluation, offset=10_000))
        assert (page["total"], page["rows"]) == (N_UTTERANCES, [])

    def test_the_filter_is_followed(self, evaluation):
        assert table.rows(ask(evaluation, Filter(search="zebra")))["total"] == 0
        assert table.rows(ask(evaluation, Filter("snr_db = 3")))["total"] == 9

    def test_pages_are_json_even_with_nulls(self, evaluation, tmp_path):
        broken = changed(evaluation, tmp_path / "nulls", confidence=np.nan, snr_db=np.nan)
        page = table.rows(ask(broken))
        assert json.loads(json.dumps(page, allow_nan=False))["rows"][0]["snr_db"] == ""


class TestQuestion:
    def test_all_given(self, evaluation):
        raw = {"evaluation": "e", "where": "wer > 1", "search": " go ", "only_errors": True}
        question = read_question(raw, {"e": evaluation}.get)
        assert question.set is evaluation
        assert question.filter == Filter("wer > 1", "go", only_errors=True)

    def test_a_long_search_is_cut(self, evaluation):
        question = read_question({"search": "a" * 10_000}, lambda _: evaluation)
        assert len(question.filter.search) == MAX_SEARCH

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            ([], "an object"),
            (None, "an object"),
            ({"sort": "no such"}, "Cannot sort"),
            ({"sort": ["wer"]}, "Cannot sort"),
            ({"offset": -1}, "from 0 on"),
            ({"offset": "0"}, "from 0 on"),
            ({"offset": 1.5}, "from 0 on"),
            ({"offset": True}, "from 0 on"),
            ({"where": "wers > 1"}, "Candidate bindings"),
            ({"where": "1 = 1; DROP TABLE notes"}, "more than one statement"),
        ],
    )
    def test_what_a_browser_should_not_send_is_answered_in_words(self, evaluation, raw, message):
        rows = server_function(table.rows, lambda _: evaluation, "fetch_rows")
        assert rows.__name__ == "fetch_rows"
        assert message in rows(raw)["error"]


class TestPanels:
    @pytest.fixture
    def bundled(self) -> Evaluation:
        return Evaluation.open(Path(__file__).parents[1] / "assets" / "evaluations" / "spoken")

    def test_causes_are_of_all_errors_and_lead_to_their_utterances(self, bundled):
        question = ask(bundled, Filter("snr_db >= 10"))
        rows = panels.causes(question)["causes"]
        wrong = question.view.ask("SELECT count(*) AS n FROM wrong")[0]["n"]
        assert sum(row["errors"] for row in rows) == wrong
        assert rows[-1]["cumulative"] == pytest.approx(1)
        for row in rows:
            both = bundled.store.view(Filter(f"(snr_db >= 10) AND ({row['where']})"))
            assert both.count == row["utterances"]
            assert row["name"]

    def test_every_list_is_json_and_leads_where_it_says(self, bundled):
        question = ask(bundled, Filter("snr_db >= 5"))
        lists = panels.word_confusions(question)
        lists["words"] = panels.words(ask(bundled, question.filter, word="o"))["rows"]
        lists["slices"] = panels.by_slices(ask(bundled, question.filter, field="noise"))["slices"]
        json.dumps(lists, allow_nan=False)
        for name in ("substitutions", "deletions", "insertions", "slices"):
            assert lists[name]
            for row in lists[name][:5]:
                found = bundled.store.view(Filter(f"(snr_db >= 5) AND ({row['where']})"))
                assert found.count == row["utterances"]
        matrix = lists["matrix"]
        assert len(matrix["where"]) == len(matrix["counts"]) == len(matrix["words"])

    def test_a_field_that_is_none_is_refused(self, bundled):
        with pytest.raises(QueryError, match="Expected one of"):
            panels.by_slices(ask(bundled, field="text"))

    def test_hints_of_recordings_lead_to_their_utterances_and_say_what_they_cost(self, bundled):
        question = ask(bundled, Filter("snr_db >= 0"))
        answer = recording_list.recordings(question)
        json.dumps(answer, allow_nan=False)
        found = {row["code"]: row for row in answer["recordings"]}
        assert answer["known"]
        assert answer["recordings"][-1]["code"] == ""
        assert "noisy" in found
        rows = question.view.ask("SELECT hints, errors, n_reference FROM matched")
        for code, row in found.items():
            has = [r for r in rows if (code in r["hints"].split() if code else not r["hints"])]
            rest = [r for r in rows if r not in has]
            for share, some in ((row["wer"], has), (row["rest"], rest)):
                wer = sum(r["errors"] for r in some) / sum(r["n_reference"] for r in some)
                assert share == pytest.approx(wer)
            both = bundled.store.view(Filter(f"(snr_db >= 0) AND ({row['where']})"))
            assert both.count == row["utterances"] == len(has)
            assert row["name"] != code

    def test_an_evaluation_older_than_the_doctor_says_so(self, bundled, tmp_path):
        import pandas as pd

        older = shutil.copytree(bundled.folder, tmp_path / "older")
        table = pd.read_parquet(older / "utterances.parquet").drop(columns="hints")
        table.to_parquet(older / "utterances.parquet")
        answer = recording_list.recordings(ask(Evaluation.open(older)))
        assert answer == {"known": False, "recordings": []}

    def test_skipped_rows_are_listed(self, evaluation):
        assert panels.skipped(ask(evaluation)) == {"rows": []}


class TestListening:
    @pytest.fixture
    def sounds(self) -> Sounds:
        sounds = Sounds()
        sounds.publish = lambda path: path.name
        return sounds

    def test_ten_of_different_utterances(self, sounds, evaluation):
        found = sounds(ask(evaluation, edits={"op": "substitute"}))["sounds"]
        ids = [sound["id"] for sound in found]
        assert len(set(ids)) == len(ids) == 10
        assert found == sounds(ask(evaluation, edits={"op": "substitute"}))["sounds"]
        for sound in found:
            row = evaluation.row(sound["id"])
            assert sound["url"] == row["audio_filepath"]
            assert 0 <= sound["start_s"] < sound["end_s"] <= row["duration_s"] + 0.5
            assert sound["heard"] in row["pred_text"].split()

    def test_only_what_is_meant(self, sounds, evaluation):
        asked = ask(evaluation, edits={"reference": "it's", "heard": None, "cause": "x' OR '1"})
        assert sounds(asked) == {"sounds": []}

    @pytest.mark.parametrize("edits", [None, [], {}, "true", {"1 = 1 --": 1}])
    def test_what_is_no_edit_is_refused(self, sounds, evaluation, edits):
        with pytest.raises(QueryError, match="values of"):
            sounds(ask(evaluation, edits=edits))


class TestNotes:
    def test_what_is_saved_is_shown_again(self, stored, tmp_path):
        mine = Evaluation.open(shutil.copytree(stored, tmp_path / "mine"))
        saved = notes.save(ask(mine, id="u7", tags=["noise", HOSTILE], note=HOSTILE))
        assert saved == {"tags": ["noise", HOSTILE], "note": HOSTILE}
        shown = notes.of(Evaluation.open(mine.folder), "e", "u7")
        assert shown == {"evaluation": "e", "id": "u7", "tags": ["noise", HOSTILE], "note": HOSTILE}
        assert table.rows(ask(mine, Filter("tags IS NOT NULL")))["rows"][0]["id"] == "u7"

    def test_an_utterance_that_is_not_there(self, evaluation):
        with pytest.raises(QueryError, match="no such utterance"):
            notes.save(ask(evaluation, id="nobody", tags=["noise"]))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.text += data


def read_html(text: str) -> _Tags:
    parser = _Tags()
    parser.feed(text)
    return parser


class TestHeadline:
    def test_figures_are_the_summarys(self, evaluation):
        shown = headline(ask(evaluation))
        rates, counts = evaluation.summary["rates"], evaluation.summary["counts"]
        for name, told in zip(("wer", "cer", "ser"), shown["rates"], strict=True):
            value, low, high = (f"{100 * rates[name][key]:.1f}" for key in ("value", "low", "high"))
            assert told["value"] == value
            assert told["interval"] == f"95 % interval {low} to {high} %"
        told = [line["text"] for line in shown["counts"]["lines"]]
        assert told[0] == f"{counts['substitutions']:,} substituted"
        assert told[1:] == [f"{counts['deletions']:,} missed", f"{counts['insertions']:,} added"]
        assert shown["counts"]["of_words"] == f"of {counts['words']} words"
        assert "Model tiny" in shown["origin"]
        assert f"{N_UTTERANCES} utterances" in shown["origin"]
        assert not shown["filtered"]

    def test_it_follows_the_filter(self, evaluation):
        shown = headline(ask(evaluation, Filter("snr_db = 3")))
        assert (shown["count"], shown["total"], shown["filtered"]) == ("9", "60", True)
        nothing = headline(ask(evaluation, Filter("snr_db = 300")))
        assert [rate["value"] for rate in nothing["rates"]] == ["–"] * 3

    def test_says_plainly_that_voices_are_synthetic(self, evaluation, tmp_path):
        assert is_synthetic(evaluation.store.view())
        assert "voices are synthetic" in headline(ask(evaluation))["origin"]
        real = changed(evaluation, tmp_path / "real", corpus="real")
        assert "synthetic" not in headline(ask(real))["origin"]

    def test_names_are_text(self, evaluation):
        assert HOSTILE in headline(ask(evaluation))["origin"]

    def test_reasons_are_text(self):
        found = read_html(notice(errors.Notice("failed", HOSTILE, HOSTILE)))
        assert found.text.count(HOSTILE) == 2
        assert "img" not in found.tags
