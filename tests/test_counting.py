"""Counts without objects against `score`, which aligns by jiwer itself."""

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.columns import FreeColumns
from analysis.counting import concatenated, count, interval
from analysis.scoring import Edit, resampled_interval, score, total
from analysis.tables import table

WORDS = st.sampled_from(["one", "two", "three", "a", "b", "ноль", "<unk>"])
TEXTS = st.lists(WORDS, max_size=7).map(" ".join) | st.text(" \t\u00a0ab", max_size=9)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), max_size=6)
COUNTED = ("hits", "substitutions", "deletions", "insertions", "errors", "n_reference")


@given(PAIRS)
def test_counts_and_edits_are_scores(pairs: list[tuple[str, str]]) -> None:
    references, heard = [said for said, _ in pairs], [got for _, got in pairs]
    scores = score(references, heard)
    counts, edits = count(references, heard)
    for name in (*COUNTED, "char_errors", "n_char", "wer", "cer"):
        np.testing.assert_array_equal(getattr(counts, name), [getattr(s, name) for s in scores])
    columns = (edits.op, edits.reference, edits.heard, edits.reference_index, edits.heard_index)
    found = [(place, Edit(*row)) for place, *row in zip(edits.utterance, *columns, strict=True)]
    wanted = [(i, e) for i, s in enumerate(scores) for e in s.edits if e.op != "equal"]
    assert found == wanted
    assert counts.totals == total(scores)


def test_pairs_only() -> None:
    with pytest.raises(ValueError, match="shorter"):
        count(["a", "b"], ["a"])


def test_batches_make_one() -> None:
    texts = ["one two", "", "three"], ["one", "four", "three"]
    whole, _ = count(*texts)
    parts = [count([said], [got])[0] for said, got in zip(*texts, strict=True)]
    assert concatenated(parts).totals == whole.totals


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_the_interval_is_that_of_scoring(pairs: list[tuple[int, int]]) -> None:
    counts = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    errors, sizes = counts[:, 0], counts[:, 1]
    ours, theirs = (
        interval(errors, sizes, n=50, seed=1),
        resampled_interval(errors, sizes, n=50, seed=1),
    )
    np.testing.assert_array_equal([ours.low, ours.high], [theirs.low, theirs.high])


VALUES = (
    st.none() | st.booleans() | st.integers() | st.text("aя", max_size=3)
    | st.floats(allow_nan=False, allow_infinity=False) | st.lists(st.integers(0, 3), max_size=2)
)  # fmt: skip
RECORDS = st.lists(st.dictionaries(st.sampled_from("pqr"), VALUES), max_size=6)


@given(RECORDS)
def test_a_batch_is_as_the_table_of_records(records: list[dict[str, object]]) -> None:
    columns = FreeColumns(from_text=False)
    columns.add(records)
    wanted = pyarrow.Table.from_pandas(table(records, {}))
    found = {name: column.to_pylist() for name, column in columns.columns().items()}
    assert found == {name: wanted[name].to_pylist() for name in wanted.column_names}


@given(st.lists(RECORDS, max_size=4))
def test_columns_that_show_late_and_change_their_kind(batches: list[list[dict]]) -> None:
    columns = FreeColumns(from_text=False)
    for batch in batches:
        columns.add(batch)
    rows = [record for batch in batches for record in batch]
    for name, column in columns.columns().items():
        values = column.to_pylist()
        given_null = [row.get(name) is None for row in rows]
        assert [value is None for value in values] == given_null
        assert len({type(value) for value in values} - {type(None)}) <= 1


def test_tables_of_text_hold_numbers_where_all_cells_are() -> None:
    columns = FreeColumns(from_text=True)
    columns.add([{"age": "31", "rate": "1.50", "code": "007", "mixed": "5", "none": ""}])
    columns.add([{"age": "", "rate": "-2e3", "code": "12", "mixed": "old", "none": ""}])
    found = {name: column.to_pylist() for name, column in columns.columns().items()}
    assert found == {
        "age": [31, None],
        "rate": [1.5, -2000.0],
        "code": ["007", "12"],
        "mixed": ["5", "old"],
        "none": [None, None],
    }
