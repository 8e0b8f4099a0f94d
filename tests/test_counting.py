"""Counts without objects against `score`, which aligns by jiwer itself."""

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from analysis import arrays, folder
from analysis.columns import FixedColumns, FreeColumns, SpooledColumns
from analysis.counting import Kinds, Sums, count
from analysis.scoring import Edit, resampled_interval, score, total
from analysis.summary import RESAMPLES, SEED, rate_of, rates
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
    sums = Sums()
    sums.add(counts)
    assert sums.totals == total(scores)


def test_pairs_only() -> None:
    with pytest.raises(ValueError, match="shorter"):
        count(["a", "b"], ["a"])


def test_batches_make_one() -> None:
    said, heard = ["one two", "", "three"], ["one", "four", "three"]
    sums = Sums()
    for pair in zip(said, heard, strict=True):
        sums.add(count(*([text] for text in pair))[0])
    scores = score(said, heard)
    assert sums.totals == total(scores)
    kinds = {"wer": sums.words, "cer": sums.characters, "ser": sums.utterances}
    assert {name: rate_of(each) for name, each in kinds.items()} == rates(scores, total(scores))


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15), max_size=3))
def test_the_interval_is_that_of_scoring(batches: list[list[tuple[int, int]]]) -> None:
    kinds = Kinds()
    for batch in batches:
        kinds.add(*np.array(batch, dtype=np.int64).reshape(-1, 2).T)
    counts = np.array([pair for batch in batches for pair in batch], dtype=np.int64).reshape(-1, 2)
    wanted = resampled_interval(counts[:, 0], counts[:, 1], n=RESAMPLES, seed=SEED)
    found = rate_of(kinds)
    np.testing.assert_array_equal([found["low"], found["high"]], [wanted.low, wanted.high])


VALUES = (
    st.none() | st.booleans() | st.integers() | st.text("aя", max_size=3)
    | st.floats(allow_nan=False, allow_infinity=False) | st.lists(st.integers(0, 3), max_size=2)
)  # fmt: skip
ARRAYS = {
    arrays.strings: (pyarrow.string(), st.text("aя\x00😀", max_size=4)),
    arrays.integers: (pyarrow.int64(), st.integers(-(2**63), 2**63 - 1)),
    arrays.floats: (pyarrow.float64(), st.floats(allow_nan=False) | st.integers(-9, 9)),
    arrays.booleans: (pyarrow.bool_(), st.booleans()),
}


@pytest.mark.parametrize("make", ARRAYS)
@given(st.data())
def test_arrays_are_those_of_arrow(make, data: st.DataObject) -> None:
    kind, values = ARRAYS[make]
    given_values = data.draw(st.lists(st.none() | values, max_size=20))
    found = make(given_values)
    found.validate(full=True)
    assert found.equals(pyarrow.array(given_values, kind))


def test_arrays_refuse_what_does_not_fit() -> None:
    for values in ([1.5], [2**63], ["1"]):
        with pytest.raises(TypeError):
            arrays.integers(values)
    assert np.isnan(arrays.floats([float("nan"), None])[0].as_py())


BATCHES = st.lists(st.lists(st.tuples(st.none() | st.text("aя"), st.integers(0, 9))), max_size=5)


@given(batches=BATCHES, group=st.integers(1, 4))
def test_batches_on_disk_are_those_in_memory(batches, group: int, tmp_path_factory) -> None:
    """And the file written of them is, to the byte, that of the whole table."""
    place = tmp_path_factory.mktemp("spooled")
    kinds = {"text": "str", "n": "int64", "never": "float64"}
    held, spooled = FixedColumns(kinds), SpooledColumns(kinds, place)
    for batch in filter(None, batches):
        for columns in (held, spooled):
            columns.add(text=[text for text, _ in batch], n=np.array([n for _, n in batch]))
    assert [*place.iterdir()] == []  # the file has no name to leave behind
    reader = pyarrow.RecordBatchReader.from_batches(spooled.schema, spooled.batches())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "ROW_GROUP", group)
        folder.write_table(place / "streamed", reader)
        folder.write_table(place / "whole", held.table())
    assert (place / "streamed").read_bytes() == (place / "whole").read_bytes()
    assert parquet.ParquetFile(place / "whole").num_row_groups >= 1


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
