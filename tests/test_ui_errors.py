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
from asr_core.morse_code import SYMBOLS
from ui import errors, evidence_strings, table
from ui.background import Pending
from ui.fields import facts_of
from ui.headline import headline, is_synthetic, notice
from ui.table import Query, QueryError

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


class TestTable:
    def test_pages_hold_every_utterance_once_worst_first(self, evaluation):
        pages = [table.rows(evaluation, Query(offset=offset)) for offset in (0, 50)]
        assert [len(page["rows"]) for page in pages] == [50, 10]
        assert {page["total"] for page in pages} == {N_UTTERANCES}
        rows = [row for page in pages for row in page["rows"]]
        assert len({row["id"] for row in rows}) == N_UTTERANCES
        assert [row["errors"] for row in rows] == sorted((r["errors"] for r in rows), reverse=True)

    def test_words_spell_the_reference_and_what_was_heard(self, evaluation):
        for row in table.rows(evaluation, Query())["rows"]:
            said = [reference for _, reference, _ in row["words"] if reference is not None]
            heard = [got for _, _, got in row["words"] if got is not None]
            stored = evaluation.row(row["id"])
            assert " ".join(said) == stored["text"]
            assert " ".join(heard) == stored["pred_text"]
            assert sum(op != "equal" for op, _, _ in row["words"]) == row["errors"]

    @pytest.mark.parametrize("column", table.SORTABLE)
    def test_sorts_by_every_column_it_shows(self, evaluation, column):
        ids = [
            row["id"] for row in table.rows(evaluation, Query(sort=column, ascending=True))["rows"]
        ]
        values = [evaluation.row(i)[column] for i in ids]
        assert values == sorted(values)

    def test_past_the_last_page_there_is_nothing(self, evaluation):
        page = table.rows(evaluation, Query(offset=10_000))
        assert page == {"total": N_UTTERANCES, "offset": 10_000, "rows": []}

    def test_nothing_found(self, evaluation):
        assert table.rows(evaluation, Query(search="zebra"))["total"] == 0

    def test_pages_are_json_even_with_nulls(self, evaluation, tmp_path):
        broken = changed(evaluation, tmp_path / "nulls", confidence=np.nan, snr_db=np.nan)
        page = table.rows(broken, Query())
        assert json.loads(json.dumps(page, allow_nan=False))["rows"][0]["snr_db"] == ""


class TestQuery:
    def test_defaults(self):
        assert Query.parse({}) == Query()

    def test_all_given(self):
        raw = {
            "sort": "wer",
            "ascending": True,
            "offset": 50,
            "only_errors": True,
            "search": " go ",
        }
        assert Query.parse(raw) == Query("wer", True, 50, True, "go")

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            ([], "an object"),
            (None, "an object"),
            ({"sort": "audio_filepath"}, "Cannot sort"),
            ({"sort": ["wer"]}, "Cannot sort"),
            ({"offset": -1}, "from 0 on"),
            ({"offset": "0"}, "from 0 on"),
            ({"offset": 1.5}, "from 0 on"),
            ({"offset": True}, "from 0 on"),
        ],
    )
    def test_what_a_browser_should_not_send(self, raw, message):
        with pytest.raises(QueryError, match=message):
            Query.parse(raw)

    def test_a_long_search_is_cut(self):
        assert len(Query.parse({"search": "a" * 10_000}).search) == table.MAX_SEARCH


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
    def test_shows_rates_with_intervals_counts_and_origin(self, evaluation):
        text = read_html(headline(evaluation)).text
        rates, counts = evaluation.summary["rates"], evaluation.summary["counts"]
        for name in ("wer", "cer", "ser"):
            assert f"{100 * rates[name]['value']:.1f} %" in text
            low, high = (f"{100 * rates[name][end]:.1f}" for end in ("low", "high"))
            assert f"95 % interval {low} to {high} %" in text
        assert f"{counts['substitutions']:,} substituted" in text
        assert f"{counts['deletions']:,} missed" in text
        assert f"{counts['insertions']:,} added" in text
        assert f"of {counts['words']} words" in text
        assert "Model tiny" in text
        assert f"{N_UTTERANCES} utterances" in text

    def test_says_plainly_that_voices_are_synthetic(self, evaluation, tmp_path):
        assert is_synthetic(evaluation)
        assert "voices are synthetic" in read_html(headline(evaluation)).text
        real = changed(evaluation, tmp_path / "real", corpus="real")
        assert "synthetic" not in read_html(headline(real)).text

    def test_names_are_text(self, evaluation):
        found = read_html(headline(evaluation))
        assert HOSTILE in found.text
        assert "img" not in found.tags

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
        worst = table.rows(evaluation, Query())["rows"][0]["id"]
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
        ((head, value, view),) = handlers.opened("e")
        assert "Word error rate" in head
        assert value == {"evaluation": "e"}
        assert view["state"] == "empty"

    def test_without_an_evaluation(self, handlers):
        ((head, value, _),) = handlers.opened(None)
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
        assert errors._model_of(evaluation, models) is models[1]
        models[1].make()
        assert errors._model_of(evaluation, models) is models[1]
        assert errors._model_of(evaluation, models[:1]) is other

    @pytest.mark.parametrize("name", ["other", None, 3, ["e"]])
    def test_only_evaluations_that_are_shown(self, handlers, name):
        with pytest.raises(QueryError):
            handlers.find(name)

    def test_a_lost_recording_is_said(self, handlers, evaluation, tmp_path):
        moved = Evaluation.open(shutil.copytree(evaluation.folder, tmp_path / "moved" / "e"))
        values = errors._show(handlers.models[0], moved, "u1", publish=str)
        last = list(values)[-1]
        assert last["state"] == "failed"
        assert "does not exist" in last["text"]
