"""The Errors tab's evidence and handlers."""

import json
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile

from analysis.evaluating import evaluate
from analysis.evaluation import Evaluation
from analysis.imports import import_predictions
from analysis.predictions import read_predictions
from asr_core.morse_code import SYMBOLS
from tests.noise_evaluation import RATE, ask, changed, write_noise
from ui import errors, evidence_strings, strings, table
from ui.background import Pending
from ui.explorer import QueryError
from ui.fields import facts_of
from ui.headline import headline


@pytest.fixture(scope="module")
def stored(tiny_recognizer, tmp_path_factory) -> Path:
    return write_noise(tiny_recognizer, tmp_path_factory.mktemp("set"))


@pytest.fixture
def evaluation(stored) -> Evaluation:
    return Evaluation.open(stored)


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
