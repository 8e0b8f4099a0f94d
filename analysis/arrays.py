"""Arrow arrays of Python lists, as `pyarrow.array` makes them.

`pyarrow.array` imports pandas, wherever that is installed, to see whether it was given a part of
it: 0.4 s and 40 MB of a command that needs none.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow

LONGEST = 2**31 - 1  # bytes of the text of one array: Arrow's offsets are 32 bits


def strings(values: Sequence[str | None]) -> "pyarrow.Array":
    """Text; None is null (raises UnicodeEncodeError)."""
    import pyarrow

    filled, valid = _filled(values, "")
    text = "".join(filled)
    encoded = text.encode()
    whole = len(text) == len(encoded)  # ASCII: a letter is a byte
    lengths = map(len, filled) if whole else (len(value.encode()) for value in filled)
    offsets = np.zeros(len(filled) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(lengths, np.int64, len(filled)), out=offsets[1:])
    assert offsets[-1] <= LONGEST
    buffers = [valid, pyarrow.py_buffer(offsets.astype(np.int32)), pyarrow.py_buffer(encoded)]
    return pyarrow.Array.from_buffers(pyarrow.string(), len(filled), buffers)


def integers(values: "Sequence[int | None] | np.ndarray") -> "pyarrow.Array":
    """64 bits each; None is null (raises TypeError, where a value does not fit)."""
    return _numbers(values, np.dtype(np.int64))


def floats(values: "Sequence[float | None] | np.ndarray") -> "pyarrow.Array":
    """64 bits each; None is null, NaN is NaN (raises TypeError)."""
    return _numbers(values, np.dtype(np.float64))


def booleans(values: Sequence[bool | None]) -> "pyarrow.Array":
    """Truth values; None is null."""
    import pyarrow

    filled, valid = _filled(values, False)
    return pyarrow.Array.from_buffers(
        pyarrow.bool_(), len(filled), [valid, _bits(np.array(filled, dtype=bool))]
    )


def _numbers(values: Any, kind: np.dtype[Any]) -> "pyarrow.Array":
    import pyarrow

    filled, valid = (values, None) if isinstance(values, np.ndarray) else _filled(values, 0)
    numbers = np.array(filled) if len(filled) else np.empty(0, dtype=kind)
    cells = np.ascontiguousarray(numbers.astype(kind, casting="safe"))
    arrow = pyarrow.int64() if kind == np.int64 else pyarrow.float64()
    return pyarrow.Array.from_buffers(arrow, len(cells), [valid, pyarrow.py_buffer(cells)])


def _filled(values: Sequence[Any], default: Any) -> tuple[Sequence[Any], "pyarrow.Buffer | None"]:
    """Values with a default in place of None, and which of them are valid, if not all are."""
    if None not in values:
        return values, None
    valid = np.array([value is not None for value in values])
    return [default if value is None else value for value in values], _bits(valid)


def _bits(flags: np.ndarray) -> "pyarrow.Buffer":
    import pyarrow

    return pyarrow.py_buffer(np.packbits(flags, bitorder="little"))
