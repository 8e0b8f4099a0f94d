"""The Compare tab: what it offers, what it tells the browser, and what it refuses."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

import app
from analysis.compare import compare, table
from analysis.evaluation import Evaluation
from analysis.pairing import OUTCOMES, CompareError, pair
from tests.text_evaluations import write_heard
from ui import compare as tab
from ui import compare_strings, comparison
from ui.background import Pending
from ui.comparison import Pairings
from ui.explorer import QueryError, read_question, server_function

BUNDLED = Path(__file__).parent.parent / "assets" / "evaluations"
HOSTILE = "<img src=x onerror=alert(1)>"
REFERENCES = {f"u{i}": f"{HOSTILE.split(maxsplit=1)[0]} two three" for i in range(60)}
FIRST = HOSTILE.split(maxsplit=1)[0]


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory) -> dict[str, Evaluation]:
    """Two of the same set, a part of it, and a set that shares nothing with them."""
    folder = tmp_path_factory.mktemp("evaluations")
    texts = list(REFERENCES.values())
    few = dict(list(REFERENCES.items())[:5])
    return {
        "a": write_heard(folder / "a", REFERENCES, ["two three", *texts[1:]]),
        "part": write_heard(folder / "part", few, ["two"] * 5),
        "b": write_heard(folder / "b", REFERENCES, [texts[0], f"{FIRST} two", *texts[2:]]),
        HOSTILE: write_heard(folder / "other", {"x": "one"}, ["two"]),
    }


@pytest.fixture
def on(evaluations) -> tab._Handlers:
    pendings = [Pending.of(name, each) for name, each in evaluations.items()]
    never = Pending("later", lambda _: None, on_demand=True)
    broken = Pending("broken", lambda _: 1 / 0)
    broken.make()
    return tab._Handlers([], [*pendings, never, broken])


def ask(on: tab._Handlers, a: str, b: str, **more):
    return read_question({"evaluation": a, "other": b, **more}, on.find)


class TestPairings:
    def test_who_asks_at_once_shares_one_and_others_do_not_wait(self, evaluations, monkeypatch):
        a, b, part = (evaluations[name] for name in ("a", "b", "part"))
        joined, begun, go_on = [], threading.Event(), threading.Event()

        def slow_for_b(first, second):
            joined.append((first, second))
            if second is b:
                begun.set()
                assert go_on.wait(20)
            return pair(first, second)

        monkeypatch.setattr(comparison, "pair", slow_for_b)
        pairings = Pairings()
        with ThreadPoolExecutor() as pool:
            asked = [pool.submit(pairings.of, a, b) for _ in range(3)]
            assert begun.wait(20)
            assert pairings.of(a, part).b is part  # while A and B are still being joined
            assert not any(each.done() for each in asked)
            go_on.set()
            found = {each.result(20) for each in asked}
        assert len(found) == 1
        assert joined == [(a, b), (a, part)]

    def test_what_failed_is_tried_again(self, evaluations, monkeypatch):
        a, b, other = (evaluations[name] for name in ("a", "b", HOSTILE))
        pairings = Pairings()
        for _ in range(2):
            with pytest.raises(CompareError, match="no utterance to compare"):
                pairings.of(a, other)
        monkeypatch.setattr(comparison, "pair", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pairings.of(a, b)
        monkeypatch.undo()
        assert pairings.of(a, b).b is b

    def test_a_table_of_two_joins_nothing_anew(self, evaluations, monkeypatch):
        a, b, part = (evaluations[name] for name in ("a", "b", "part"))
        pairings = Pairings()
        kept = pairings.of(a, b)
        monkeypatch.setattr(comparison, "pair", pytest.fail)
        assert pairings.among(a, b, []) is kept
        assert table([a, b], pairings.among) == table([a, b])
        monkeypatch.undo()
        assert table([a, b, part], pairings.among) == table([a, b, part])

    def test_some_are_kept(self, evaluations):
        pairings = Pairings()
        a, b = evaluations["a"], evaluations["b"]
        first = pairings.of(a, b)
        assert pairings.of(a, b) is first
        assert pairings.of(b, a) is not first
        for other in ("part", "a", "b"):
            pairings.of(evaluations["part"], evaluations[other])
        assert pairings.of(a, b) is not first
        assert pairings.n_common(a, evaluations["part"]) == 5


class TestChoices:
    def test_those_that_share_most_come_first_and_the_others_say_why_not(self, on):
        a, b, state, value, *titles, _, _ = on.chosen(None, None)
        assert (a["value"], b["value"]) == ("a", "b")
        assert b["choices"] == ["b", "part"]
        assert value == {"evaluation": "a", "other": "b"}
        assert f"{compare_strings.NOTHING_COMMON})" in state
        assert "later (not made yet" in state
        assert "broken (failed)" in state
        assert "<img" not in state
        assert [title.count("<h3") for title in titles] == [1, 1]

    def test_a_choice_stays_where_it_can(self, on):
        assert on.chosen("b", "part")[3] == {"evaluation": "b", "other": "part"}
        assert on.chosen("part", "part")[3] == {"evaluation": "part", "other": "a"}
        assert on.chosen("nonsense", ["x"])[3] == {"evaluation": "a", "other": "b"}
        event = SimpleNamespace(other="part")
        assert on.other_chosen("b", event)[3] == {"evaluation": "b", "other": "part"}

    def test_one_that_shares_nothing_has_no_partner(self, on):
        _, second, state, value, *_ = on.chosen(HOSTILE, None)
        assert (second["choices"], value) == ([], None)
        assert state.count(compare_strings.NOTHING_COMMON) == 3

    def test_alone(self, evaluations):
        on = tab._Handlers([], [Pending.of("a", evaluations["a"])])
        first, _, state, value, *_ = on.chosen(None, None)
        assert (first["visible"], value) == (False, None)
        assert compare_strings.ALONE in state
        assert "python -m analysis evaluate" in state

    def test_coming_back_changes_nothing_that_is_looked_at(self, on):
        shown = on.chosen("a", "b")[3]
        again = on.entered("a", "b", shown | {"id": "u0"})
        assert all(part == tab.gr.skip() for part in again[3:])
        assert on.entered("a", "part", shown)[3] == {"evaluation": "a", "other": "part"}


class TestHeadline:
    def test_it_says_what_the_comparison_says(self, on):
        question = ask(on, "a", "b")
        found = comparison.headline(on.pairing(question))
        first, wer, chance = (part["text"] for part in found["sentence"])
        assert first == "B makes as many errors as A: 1 in 180 words."
        assert "WER 0.6 → 0.6 %, a difference of 0.0 points" in wer
        assert chance == "This could be chance (p\u00a0=\u00a01.00)."
        assert "exact" in found["sentence"][2]["hint"]
        assert [word for word, *_ in found["fixed"]] == [FIRST]
        assert [word for word, *_ in found["introduced"]] == ["three"]
        assert {name: n for name, _, _, _, n, _ in found["outcomes"]} == {
            "": 60,
            "won": 1,
            "lost": 1,
            "tied": 0,
            "right": 58,
            "both_wrong": 0,
        }
        assert json.loads(json.dumps(found)) == found

    def test_bundled(self):
        a, b = (Evaluation.open(BUNDLED / name) for name in ("spoken", "spoken-beam"))
        found = comparison.headline(Pairings().of(a, b))
        p = compare(a, b).matched_pairs.p
        text = " ".join(part["text"] for part in found["sentence"])
        assert "fewer errors than A: 668 instead of 678, in 1,458 words" in text
        assert "WER 46.5 → 45.8 %, a difference of −0.7 points" in text
        assert f"p\u00a0=\u00a0{p:.3f}" in text
        assert ["Words", "22 fixed, 3 introduced, 518 wrong in both"] in [
            fact[:2] for fact in found["facts"]
        ]

    def test_more_and_surely_more(self, tmp_path):
        texts = list(REFERENCES.values())
        good = write_heard(tmp_path / "good", REFERENCES, texts)
        bad = write_heard(tmp_path / "bad", REFERENCES, ["two three"] * 60)
        found = comparison.headline(Pairings().of(good, bad))
        first, _, chance = (part["text"] for part in found["sentence"])
        assert first == "B makes more errors than A: 60 instead of 0, in 180 words."
        assert chance == "This is hardly chance (p\u00a0<\u00a00.001)."

    def test_what_is_left_out_is_said(self, on):
        facts = comparison.headline(on.pairing(ask(on, "a", "part")))["facts"]
        assert ["Left out", "55 in A only"] in [fact[:2] for fact in facts]


class TestSystems:
    def test_those_that_share_enough(self, on):
        found = on.systems(ask(on, "a", "b"))
        assert [row["system"] for row in found["rows"]] == ["a", "b"]  # "part" shares 5 of 60
        found = on.systems(ask(on, "a", "part"))
        assert [row["system"] for row in found["rows"]] == ["a", "part", "b"]
        assert (found["utterances"], found["words"]) == ("5", "15")
        assert [row["p"] == "" for row in found["rows"]] == [True, False, False]
        assert found["rows"][1]["wer"].startswith("66.7 (")


class TestRows:
    def test_pages_hold_every_utterance_once(self, on):
        pages = [
            comparison.rows(on.pairing(q), q)
            for q in (ask(on, "a", "b", offset=offset) for offset in (0, 50))
        ]
        rows = [row for page in pages for row in page["rows"]]
        assert {row["id"] for row in rows} == set(REFERENCES)
        assert len(rows) == 60
        assert rows[0]["errors"] in ([1, 0], [0, 1])
        for row in rows:
            for pieces, n in zip(row["sides"], row["errors"], strict=True):
                said = " ".join(word for _, word, _ in pieces if word is not None)
                assert said == REFERENCES[row["id"]]
                assert sum(op != "equal" for op, _, _ in pieces) == n

    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_filters(self, on, outcome):
        question = ask(on, "a", "part", outcome=outcome)
        found = comparison.rows(on.pairing(question), question)
        holds = {
            "won": lambda a, b: b < a,
            "lost": lambda a, b: b > a,
            "tied": lambda a, b: a == b > 0,
            "right": lambda a, b: a == b == 0,
            "both_wrong": lambda a, b: a > 0 and b > 0,
        }[outcome]
        assert found["total"] == len(found["rows"])
        assert all(holds(*row["errors"]) for row in found["rows"])

    def test_a_word_that_was_fixed(self, on):
        question = ask(on, "a", "b", word=FIRST, change="fixed")
        found = comparison.rows(on.pairing(question), question)
        assert [row["id"] for row in found["rows"]] == ["u0"]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"outcome": "1=1"},
            {"change": ["fixed"]},
            {"offset": -1},
            {"other": "../.."},
            {"other": HOSTILE},
            {"other": None},
        ],
    )
    def test_what_a_browser_should_not_send(self, on, wrong):
        fetch = server_function(
            lambda question: comparison.rows(on.pairing(question), question), on.find, "fetch_pairs"
        )
        answer = fetch({"evaluation": "a", "other": "b", **wrong})
        assert set(answer) == {"error"}


class TestEvidence:
    @pytest.fixture
    def bundled(self, tiny_recognizer) -> tab._Handlers:
        pendings = [
            Pending.of(name, Evaluation.open(BUNDLED / name)) for name in ("spoken", "spoken-beam")
        ]
        on = tab._Handlers([Pending.of("tiny", tiny_recognizer)], pendings)
        on.publish = lambda path: path.name
        return on

    def test_both_sides_are_shown_and_it_is_said_by_which_model(self, bundled):
        a, b = (bundled.find(name) for name in ("spoken", "spoken-beam"))
        utterance_id = a.page()[0][0]["utterance_id"]
        value = {"evaluation": "spoken", "other": "spoken-beam", "id": utterance_id}
        (first, kept), (skipped, second) = bundled.picked(value)
        assert kept == skipped == tab.gr.skip()
        for value, evaluation in ((first, a), (second, b)):
            assert value["state"] == "ready"
            heard = " ".join(word["text"] for word in value["lanes"][1]["words"])
            assert heard == evaluation.row(utterance_id)["pred_text"]
            assert "picture and times come from tiny" in value["note"]
        assert "beam 20, lexicon.txt" in second["note"]
        assert first["audio_url"] == second["audio_url"]

    def test_a_recording_that_one_side_does_not_know_is_the_others(self, bundled, tmp_path):
        a = bundled.find("spoken")
        key, text = (a.page()[0][0][name] for name in ("utterance_id", "text"))
        imported = write_heard(tmp_path / "imported", {key: text}, ["two"])  # its sound is nowhere
        recordings = [tab._recording(each, each.row(key)) for each in (imported, a)]
        assert recordings[0] is None
        (value,) = bundled._evidence(imported, key, recordings)
        assert value["state"] == "ready"
        assert value["audio_url"] == a.audio_path(key).name
        (value,) = bundled._evidence(imported, imported, key)
        assert value["state"] == "failed"

    @pytest.mark.parametrize(
        "wrong", [{"id": "nobody"}, {"other": "x"}, {"evaluation": None}, None]
    )
    def test_only_what_is_there(self, bundled, wrong):
        known = {"evaluation": "spoken", "other": "spoken-beam", "id": "nobody"}
        with pytest.raises(tab.gr.Error):
            list(bundled.picked(wrong and known | wrong))


def test_a_fresh_clone_has_two_to_compare():
    _, evaluations = app.collect(app.parse([]))
    names = [each.name for each in evaluations]
    assert names[:2] == ["spoken, model spoken", "spoken, model spoken, beam 20, lexicon.txt"]
    on = tab._Handlers([], evaluations)
    assert on.chosen(None, None)[3] == {"evaluation": names[0], "other": names[1]}


def test_names_come_from_the_browser(on):
    for name in ("later", "broken", "../..", None, 3, ["a"]):
        with pytest.raises(QueryError):
            on.find(name)
