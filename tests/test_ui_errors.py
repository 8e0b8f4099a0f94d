import json
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from analysis.evaluating import evaluate
from analysis.evaluation import Evaluation
from analysis.imports import import_predictions
from analysis.predictions import read_predictions
from analysis.store import Filter
from analysis.summary import is_synthetic
from asr_core.morse_code import SYMBOLS
from ui import errors, evidence_strings, notes, panels, strings, table
from ui.background import Pending
from ui.explorer import MAX_SEARCH, QueryError, Question, read_question, server_function
from ui.fields import facts_of
from ui.headline import headline, notice
from ui.listening import Sounds

RATE = 8000
N_UTTERANCES = 60
HOSTILE = "<img src=x onerror=alert(1)>${1+1}"


@pytest.fixture(scope="module")
def stored(tiny_recognizer, tmp_path_factory) -> Path:
    """An evaluation of noise by the tiny model: everything is wrong, always in the same way."""
    folder = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(1)
    lines = []
    for i in range(N_UTTERANCES):
        soundfile.write(folder / f"{i}.wav", 0.1 * rng.standard_normal(RATE + 400 * i), RATE)
        fields = {"id": f"u{i}", "corpus": "synthetic", "snr_db": i % 7, "voice": HOSTILE}
        lines.append({"audio_filepath": f"{i}.wav", "text": "yes foreign go", **fields})
    manifest = folder / "manifest.jsonl"
    manifest.write_text("\n".join(json.dumps(line) for line in lines))
    evaluate(tiny_recognizer, manifest, folder / "evaluation", name=HOSTILE)
    return folder / "evaluation"


@pytest.fixture
def evaluation(stored) -> Evaluation:
    return Evaluation.open(stored)


def changed(evaluation: Evaluation, folder: Path, **columns) -> Evaluation:
    """A copy of an evaluation, in a folder of its own, with other values in some columns."""
    shutil.copytree(evaluation.folder, folder)
    table = evaluation.utterances.assign(**columns)
    table.to_parquet(folder / "utterances.parquet", index=False)
    return Evaluation.open(folder)


def ask(evaluation: Evaluation, wanted: Filter | None = None, **asked) -> Question:
    return Question(evaluation, wanted or Filter(), asked)


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
        assert question.evaluation is evaluation
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


class TestFields:
    def test_known_fields_have_names_and_units(self):
        row = {
            "utterance_id": "a",
            "text": "go",
            "text_raw": "Go!",
            "snr_db": 5.0,
            "rt60_s": 0.25,
            "level_dbfs": -20.5,
            "wer": 0.5,
            "mic_type": "far",
            "noise": None,
            "hits": 3,
        }
        facts = {fact.label: fact.value for fact in facts_of(row)}
        assert facts == {
            "Utterance": "a",
            "Word error rate": "50 %",
            "Signal-to-noise ratio": "5 dB",
            "Reference as written": "Go!",
            "Reverberation time": "0.25 s",
            "Level": "-20.5 dBFS",
            "Mic type": "far",
        }

    def test_long_values_are_cut(self):
        (fact,) = facts_of({"notes": "a" * 5000})
        assert len(fact.value) < 200


class TestCompare:
    def test_lanes_place_what_the_model_knows(self, tiny_recognizer, evaluation):
        worst = table.rows(ask(evaluation))["rows"][0]["id"]
        value = errors.compare(tiny_recognizer, evaluation, worst, publish=lambda path: path.name)
        reference, heard = value.lanes
        row = evaluation.row(worst)
        assert [word.text for word in reference.words] == row["text"].split()
        assert [word.text for word in heard.words] == row["pred_text"].split()
        assert reference.words[1].start_s is None  # "foreign" is not in the alphabet
        assert reference.words[0].start_s is not None
        assert all(word.start_s is not None for word in heard.words)
        assert value.note == ""
        assert value.audio_url == row["audio_filepath"]

    def test_another_models_words_are_placed_too_and_it_is_said(self, tiny_recognizer, stored):
        # Beside the first, from where its manifest says that the recordings are.
        other = changed(Evaluation.open(stored), stored.parent / "other", pred_text="go go")
        other.summary["model"] = {"name": "other"}
        value = errors.compare(tiny_recognizer, other, "u3", publish=str)
        assert [word.text for word in value.lanes[1].words] == ["go", "go"]
        assert value.lanes[1].words[0].start_s is not None
        assert "other" in value.note
        assert "Heard now" in value.note


class TestSpelling:
    """A model that spells: its words are runs of symbols, and signs like <sk> are text."""

    @pytest.fixture
    def spelt(self, tiny_morse_recognizer, tmp_path, rng):
        soundfile.write(tmp_path / "a.wav", 0.1 * rng.standard_normal(6 * RATE), RATE)
        row = {"audio_filepath": "a.wav", "text": "TU <sk> É1", "id": "a", "wpm": 22.0}
        (tmp_path / "manifest.jsonl").write_text(json.dumps(row | {"clicks_per_s": 1.5}))
        manifest = tmp_path / "manifest.jsonl"
        evaluation = evaluate(tiny_morse_recognizer, manifest, tmp_path / "out")
        return tiny_morse_recognizer, evaluation

    def test_lanes_hold_whole_words_in_their_places(self, spelt):
        recognizer, evaluation = spelt
        value = errors.compare(recognizer, evaluation, "a", publish=str)
        reference, heard = value.lanes
        assert [word.text for word in reference.words] == ["tu", "<sk>", "é1"]
        assert " ".join(word.text for word in heard.words) == evaluation.row("a")["pred_text"]
        for lane in value.lanes:
            times = [t for word in lane.words for t in (word.start_s, word.end_s)]
            assert times == sorted(times)
            assert 0 <= times[0] < times[-1] <= 6
        assert value.note == ""

    def test_its_symbols_have_names(self, spelt):
        recognizer, evaluation = spelt
        value = errors.compare(recognizer, evaluation, "a", str)
        assert set(value.symbols) == {
            *SYMBOLS,
            evidence_strings.WORD_GAP,
            evidence_strings.BLANK_NAME,
        } - {" "}
        reference, heard = value.paths.rows
        assert "".join(value.symbols[run[0]] for run in reference.runs) == "tugap<sk>gapé1"
        assert len(heard.runs) > 1

    def test_facts_of_morse_have_units(self, spelt):
        facts = {fact.label: fact.value for fact in facts_of(spelt[1].row("a"))}
        assert facts["Keying speed"] == "22 wpm"
        assert facts["Clicks"] == "1.5 /s"
        assert facts["Reference as written"] == "TU <sk> É1"


class TestHandlers:
    @pytest.fixture
    def handlers(self, tiny_recognizer, evaluation):
        handlers = errors._Handlers(
            [Pending.of("tiny", tiny_recognizer)], [Pending.of("e", evaluation)]
        )
        handlers.publish = lambda path: path.name
        return handlers

    def test_opening_fills_headline_and_table(self, handlers):
        ((told, head, lists, view, note),) = handlers.opened("e")
        assert (told, note) == ("", None)
        assert head == lists == {"evaluation": "e"}
        assert view["state"] == "empty"

    def test_the_address_names_an_evaluation(self, handlers, evaluation):
        handlers.evaluations["other"] = Pending.of("other", evaluation)
        for asked, shown in (("other", "other"), ("nobody", "e"), (None, "e")):
            ((name, _, head, *_),) = handlers.entered("e", SimpleNamespace(asked=asked))
            assert (name, head) == (shown, {"evaluation": shown})

    def test_a_click_on_a_cell_plays_its_word(self, handlers, evaluation):
        edit = evaluation.errors_of("u3")[0]
        meant = {"reference": edit["reference"], "heard": edit["heard"]}
        *_, (view, note) = handlers.picked({"evaluation": "e", "id": "u3", "at": meant})
        start_s, end_s = view["play_s"]
        assert start_s <= edit["start_s"] < edit["end_s"] <= end_s
        assert note == {"evaluation": "e", "id": "u3", "tags": [], "note": ""}
        *_, (view, _) = handlers.picked({"evaluation": "e", "id": "u3"})
        assert view["play_s"] is None

    def test_without_an_evaluation(self, handlers):
        ((head, value, *_),) = handlers.opened(None)
        assert "No evaluation yet" in head
        assert value is None

    def test_progress_then_failure(self, tiny_recognizer):
        def fail(report):
            report(3, 9)
            raise ValueError("no such <file>")

        pending = Pending("e", fail)
        handlers = errors._Handlers([Pending.of("tiny", tiny_recognizer)], [pending])
        values = handlers.opened("e")
        assert "Evaluating e" in next(values)[0]
        pending.make()
        assert "no such &lt;file&gt;" in next(values)[0]

    def test_what_is_on_demand_is_made_when_it_is_chosen(self, handlers, evaluation):
        told, go = threading.Event(), threading.Event()

        def make(report):
            report(0, 0, "making its <messages>")
            told.set()
            go.wait(5)
            return evaluation

        pending = Pending("signs", make, on_demand=True)
        handlers.evaluations["signs"] = pending
        list(handlers.opened("e"))
        assert not told.is_set()
        values = handlers.opened("signs")
        assert "Evaluating signs" in next(values)[0]
        assert told.wait(5)
        assert "making its &lt;messages&gt;" in next(values)[0]
        go.set()
        assert list(values)[-1][1] == {"evaluation": "signs"}

    def test_a_model_that_is_still_loading_is_waited_for(self, tiny_recognizer, evaluation):
        other = Pending.of("other", SimpleNamespace(contract=SimpleNamespace(name="other")))
        models = [other, Pending("tiny", lambda _: tiny_recognizer)]
        assert errors.model_of(evaluation, models) is models[1]
        models[1].make()
        assert errors.model_of(evaluation, models) is models[1]
        assert errors.model_of(evaluation, models[:1]) is other

    @pytest.mark.parametrize("name", ["other", None, 3, ["e"]])
    def test_only_evaluations_that_are_shown(self, handlers, name):
        with pytest.raises(QueryError):
            handlers.find(name)

    def test_an_imported_utterance_without_sound_still_shows_its_texts(self, handlers, tmp_path):
        lines = [{"text": "seven nine", "pred_text": "seven five"}, {"text": "go", "pred_text": ""}]
        (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, lines)))
        theirs = import_predictions(
            read_predictions(tmp_path / "p.jsonl"), tmp_path / "out", name="theirs"
        )
        said = []
        for row in theirs.page()[0]:
            *_, value = errors.show(handlers.models[0], theirs, row["utterance_id"], publish=str)
            assert value["state"] == "empty"
            said.append(value["text"])
        assert said == ["Said: seven nine. Heard: seven five.", "Said: go. Heard: nothing."]
        assert headline(ask(theirs))["origin"].startswith("Model theirs on the set p: 2 utterances")

    def test_causes_are_told_the_commonest_first(self, evaluation):
        facts = list(errors._causes(evaluation, "u3"))
        wrong = evaluation.errors_of("u3")
        assert {fact.value for fact in facts} == {
            strings.CAUSES[edit["cause"]][0] for edit in wrong
        }
        assert all(fact.hint for fact in facts)

    def test_a_lost_recording_is_said(self, handlers, evaluation, tmp_path):
        moved = Evaluation.open(shutil.copytree(evaluation.folder, tmp_path / "moved" / "e"))
        values = errors.show(handlers.models[0], moved, "u1", publish=str)
        last = list(values)[-1]
        assert last["state"] == "failed"
        assert "does not exist" in last["text"]
