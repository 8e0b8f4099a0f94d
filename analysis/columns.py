"""Tables too long for a dict a row: columns that grow by batches of rows, kept as Arrow arrays."""

import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import arrays
from analysis.tables import INT64, utf8

if TYPE_CHECKING:
    import pyarrow

INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"  # 007 is a name, not a number
DECIMAL = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?$"
MAKERS: dict[str, Callable[[Any], "pyarrow.Array"]] = {  # of `UTTERANCE_COLUMNS`'s types
    "str": arrays.strings,
    "int64": arrays.integers,
    "Int64": arrays.integers,
    "float64": arrays.floats,
}


def arrow_types() -> dict[str, "pyarrow.DataType"]:
    """The types of `UTTERANCE_COLUMNS` and `ERROR_COLUMNS` -> Arrow's."""
    import pyarrow

    return {
        "str": pyarrow.string(),
        "int64": pyarrow.int64(),
        "Int64": pyarrow.int64(),
        "float64": pyarrow.float64(),
    }


class FixedColumns:
    """Columns of known names and types, in batches.

    Args:
        columns: name -> type, as `UTTERANCE_COLUMNS`.
    """

    def __init__(self, columns: dict[str, str]) -> None:
        import pyarrow

        kinds = arrow_types()
        self._kinds = columns
        self.schema = pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
        self._batches: list[pyarrow.RecordBatch] = []

    def add(self, **columns: Any) -> None:
        """A batch; columns that are not given are null."""
        import pyarrow

        n = len(next(iter(columns.values())))
        made = [
            MAKERS[self._kinds[field.name]](columns[field.name])
            if field.name in columns
            else pyarrow.nulls(n, field.type)
            for field in self.schema
        ]
        assert set(columns) <= set(self.schema.names)
        self._keep(pyarrow.RecordBatch.from_arrays(made, schema=self.schema))

    def batches(self) -> "Iterator[pyarrow.RecordBatch]":
        """The batches, in their order."""
        yield from self._batches

    def table(self) -> "pyarrow.Table":
        """All batches."""
        import pyarrow

        return pyarrow.Table.from_batches(self.batches(), schema=self.schema)

    def _keep(self, batch: "pyarrow.RecordBatch") -> None:
        self._batches.append(batch)


class SpooledColumns(FixedColumns):
    """The same for very many rows: batches wait in a nameless file until they are read at the end.

    Args:
        columns: as those of FixedColumns.
        folder: of the file (raises OSError, as `add` does).
    """

    def __init__(self, columns: dict[str, str], folder: Path) -> None:
        from pyarrow import ipc

        super().__init__(columns)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it goes with this object
        self._writer = ipc.new_stream(self._file, self.schema)

    def batches(self) -> "Iterator[pyarrow.RecordBatch]":
        from pyarrow import ipc

        self._writer.close()
        self._file.seek(0)
        yield from ipc.open_stream(self._file)

    def _keep(self, batch: "pyarrow.RecordBatch") -> None:
        self._writer.write_batch(batch)


class FreeColumns:
    """Columns whose names and types show as rows come: the fields of manifests.

    A column holds integers, numbers, truth values or text; where values are of several kinds, or
    are lists or objects, it holds their text (JSON), as `tables.table` has it.

    Args:
        from_text: the source knows text alone (CSV): empty cells are null, and a column of nothing
            but numbers holds numbers.
    """

    def __init__(self, *, from_text: bool) -> None:
        self._from_text = from_text
        self._batches: dict[str, list[tuple[int, pyarrow.Array]]] = {}  # from which row on
        self._n_rows = 0

    def add(self, records: Sequence[dict[str, Any]]) -> None:
        """A batch of rows: column -> value."""
        for name in dict.fromkeys(key for record in records for key in record):
            values = [record.get(name) for record in records]
            if self._from_text:
                values = [None if value == "" else value for value in values]
            self._batches.setdefault(name, []).append((self._n_rows, _array(values)))
        self._n_rows += len(records)

    def columns(self) -> dict[str, "pyarrow.ChunkedArray"]:
        """Every column met, in the order met, of as many rows as were added."""
        return {name: self._column(batches) for name, batches in self._batches.items()}

    def _column(self, batches: list[tuple[int, "pyarrow.Array"]]) -> "pyarrow.ChunkedArray":
        import pyarrow

        kind = _common({array.type for _, array in batches})
        chunks: list[pyarrow.Array] = []
        at = 0
        for start, array in batches:
            chunks += [pyarrow.nulls(start - at, kind), _cast(array, kind)]
            at = start + len(array)
        column = pyarrow.chunked_array([*chunks, pyarrow.nulls(self._n_rows - at, kind)], kind)
        return _numbers(column) if self._from_text else column


def _array(values: list[Any]) -> "pyarrow.Array":
    """Values of a batch; where they are not of one kind, their text."""
    import pyarrow

    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pyarrow.nulls(len(values))
    if kinds == {bool}:
        return arrays.booleans(values)
    if kinds == {int} and all(value in INT64 for value in values if value is not None):
        return arrays.integers(values)
    if kinds <= {int, float} and float in kinds and _fit(values):
        numbers = [None if value is None else float(value) for value in values]
        return arrays.floats([None if n is None or math.isnan(n) else n for n in numbers])
    return arrays.strings([_text(value) for value in values])


def _fit(values: list[Any]) -> bool:
    return all(value in INT64 for value in values if isinstance(value, int))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return utf8(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _common(kinds: "set[pyarrow.DataType]") -> "pyarrow.DataType":
    """A type that can hold several; text can hold anything."""
    import pyarrow

    known = kinds - {pyarrow.null()}
    if len(known) == 1:
        return known.pop()
    if known == {pyarrow.int64(), pyarrow.float64()}:
        return pyarrow.float64()
    return pyarrow.string()


def _cast(array: "pyarrow.Array", kind: "pyarrow.DataType") -> "pyarrow.Array":
    import pyarrow

    if array.type != kind and kind == pyarrow.string():
        return arrays.strings([_text(value) for value in array.to_pylist()])
    return array.cast(kind)


def _numbers(column: "pyarrow.ChunkedArray") -> "pyarrow.ChunkedArray":
    """A column of text as numbers, if every cell is one as a program writes it."""
    import pyarrow
    from pyarrow import compute

    if column.type != pyarrow.string() or column.null_count == len(column):
        return column
    for pattern, kind in ((INTEGER, pyarrow.int64()), (DECIMAL, pyarrow.float64())):
        if compute.all(compute.match_substring_regex(column, pattern)).as_py():
            return column.cast(kind)
    return column
