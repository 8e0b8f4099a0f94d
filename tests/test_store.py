"""Conditions of strangers, answered from two tables and from nothing else."""

import random
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import store as store_module
from analysis.evaluation import Evaluation
from analysis.scoring import resampled_interval
from analysis.store import Filter, FilterError, Store
from analysis.summary import RESAMPLES, of_view

BUNDLED = Path(__file__).parent.parent / "assets" / "evaluations" / "spoken"


@pytest.fixture(scope="module")
def bundled() -> Evaluation:
    return Evaluation.open(BUNDLED)


@pytest.fixture
def small(tmp_path: Path) -> Store:
    """Names that are not easy: a quote in the path, our own columns in the file."""
    folder = tmp_path / "it's"
    folder.mkdir()
    utterances = pd.DataFrame(
        {"utterance_id": ["a", "b", "c"], "errors": [0, 2, 1], "tags": ["theirs", None, None]}
    )
    errors = pd.DataFrame({"utterance_id": ["b", "b", "c"], "heard": ["nine", None, "five"]})
    utterances.to_parquet(folder / "u.parquet", index=False)
    errors.to_parquet(folder / "e.parquet", index=False)
    return Store(
        folder / "u.parquet",
        folder / "e.parquet",
        {"utterances": {"snr_db": "DOUBLE"}, "errors": {"cause": "VARCHAR"}},
    )


def ids(store: Store, where: str) -> list[str]:
    found = store.view(Filter(where)).ask("SELECT utterance_id FROM matched ORDER BY position")
    return [row["utterance_id"] for row in found]


def test_conditions_over_both_tables(small: Store) -> None:
    assert ids(small, "") == ["a", "b", "c"]
    assert ids(small, "errors > 1 OR manifest_tags = 'theirs'") == ["a", "b"]
    assert ids(small, "utterance_id IN (SELECT utterance_id FROM errors WHERE heard = 'five')") == [
        "c"
    ]
    assert ids(small, "errors > 1 -- or so") == ["b"]
    assert ids(small, "snr_db IS NULL AND position = 2") == ["c"]
    wrong = small.view(Filter("errors = 2")).ask("SELECT heard, cause FROM wrong ORDER BY position")
    assert wrong == [{"heard": "nine", "cause": None}, {"heard": None, "cause": None}]


def test_notes_are_columns(small: Store) -> None:
    small.set_notes([("b", "noise, label wrong", "hm"), ("nobody", "x", "")])
    assert ids(small, "tags LIKE '%noise%'") == ["b"]
    small.set_notes([])
    assert ids(small, "tags IS NULL") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("erors > 1", 'Candidate bindings: "errors"'),
        ("erors > 1", "Columns: utterance_id, errors"),
        ("5", None),
        ("errors >", "syntax error"),
        ("utterance_id = '", "unterminated"),
        ("errors > 0) OR (1 = 1", "syntax error"),
        ("1 = 1; DROP VIEW utterances", "more than one statement"),
        ("errors > $1", "not provided"),
        ("errors > ?", "not provided"),
        ("count(*) > 1", "aggregates"),
        ("utterance_id", "cast"),
        ("\ud800 = 1", ""),
        ("x" * 20_000, "at most 10000"),
        ("(SELECT count(*) FROM read_text('/etc/hostname')) > 0", "disabled by configuration"),
        ("(SELECT count(*) FROM glob('/*')) > 0", "disabled by configuration"),
        ("(SELECT count(*) FROM read_csv('/etc/passwd')) > 0", "disabled by configuration"),
    ],
)
def test_what_is_no_condition_is_refused_with_its_reason(
    small: Store, where: str, why: str | None
) -> None:
    if why is None:
        assert ids(small, where) == ["a", "b", "c"]  # SQL takes a number for a truth value
        return
    with pytest.raises(FilterError) as refused:
        ids(small, where)
    assert why in str(refused.value)
    assert ids(small, "") == ["a", "b", "c"]


def test_an_endless_question_is_stopped(small: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "TIME_LIMIT_S", 0.3)
    endless = "(SELECT max(a.range) FROM range(10000000) a, range(1000000) b) > errors"
    started = time.perf_counter()
    with pytest.raises(FilterError, match="was stopped"):
        ids(small, endless)
    assert time.perf_counter() - started < 10
    assert ids(small, "errors = 0") == ["a"]


@pytest.mark.parametrize("statement", ["DROP TABLE notes", "SET threads = 1", "CHECKPOINT"])
def test_an_expression_is_no_statement(small: Store, statement: str) -> None:
    with pytest.raises(FilterError):
        small.checked(statement)


def test_without_a_filter_the_rates_are_the_summarys(bundled: Evaluation) -> None:
    counts, rates = of_view(bundled.store.view())
    assert rates == bundled.summary["rates"]
    assert counts.items() <= bundled.summary["counts"].items()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_rates_and_counts_agree_with_the_rows(seed: int) -> None:
    evaluation = Evaluation.open(BUNDLED)
    draw = random.Random(seed)
    snr, word = draw.choice([0, 5, 10, 20]), draw.choice(["one", "five", "go", "zebra"])
    wanted = Filter(f"snr_db <= {snr}", draw.choice(["", word]), draw.random() < 0.5)
    table = evaluation.utterances
    kept = table[table["snr_db"] <= snr]
    if wanted.search:
        kept = kept[kept["text"].str.contains(word) | kept["pred_text"].str.contains(word)]
    if wanted.only_errors:
        kept = kept[kept["errors"] > 0]
    view = evaluation.store.view(wanted)
    counts, rates = of_view(view)
    assert view.count == counts["utterances"] == len(kept)
    assert counts["substitutions"] == kept["substitutions"].sum()
    assert rates["wer"]["value"] == kept["errors"].sum() / max(kept["n_reference"].sum(), 1)
    expected = resampled_interval(
        kept["errors"].to_numpy(), kept["n_reference"].to_numpy(), n=RESAMPLES, seed=0
    )
    if len(kept):
        assert (rates["wer"]["low"], rates["wer"]["high"]) == (expected.low, expected.high)
    by_op = {
        row["op"]: row["n"] for row in view.ask("SELECT op, count(*) n FROM wrong GROUP BY op")
    }
    names = {"substitute": "substitutions", "delete": "deletions", "insert": "insertions"}
    assert {names[op]: n for op, n in by_op.items()} == {
        name: counts[name] for name in names.values() if counts[name]
    }
