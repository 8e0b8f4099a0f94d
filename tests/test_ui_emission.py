from base64 import b64decode

import numpy as np
import pytest

from ui import emission
from ui.emission import MAX_COLUMNS, MAX_SYMBOLS, OTHERS


def log(probabilities) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.array(probabilities, dtype=float))


def levels(value: emission.Emission) -> np.ndarray:
    data = np.frombuffer(b64decode(value.levels), dtype=np.uint8)
    return data.reshape(len(value.ids), value.n_columns)


def test_rows_come_in_order_of_first_appearance_and_the_blank_last():
    value = emission.emission(log([[0, 0, 0, 1], [1, 0, 0, 0], [0.5, 0.3, 0.2, 0]]), 0.04)
    assert value.ids == (3, 1, 2, 0)
    expected = 255 * np.array([[1, 0, 0], [0, 0, 0.3], [0, 0, 0.2], [0, 1, 0.5]])
    np.testing.assert_allclose(levels(value), expected, atol=0.51)  # half a level
    assert value.column_s == 0.04


def test_what_is_never_probable_has_no_row_but_a_share_of_the_others():
    frame = [0.7, 0.18, 0.04, 0.04, 0.04]
    value = emission.emission(log([frame]), 0.04)
    assert value.ids == (1, OTHERS, 0)
    assert levels(value)[1, 0] == pytest.approx(255 * 0.12, abs=0.51)
    assert emission.emission(log([[0.96, 0, 0.04]]), 0.04).ids == (0,)


def test_what_is_wanted_has_a_row_however_improbable():
    value = emission.emission(log([[0.9, 0.09, 0.01], [0.9, 0.08, 0.02]]), 0.04, wanted={2})
    assert 2 in value.ids


def test_of_many_symbols_the_most_frequent_stay_and_those_wanted():
    n = 3 * MAX_SYMBOLS
    frames = np.eye(n + 1)[np.repeat(np.arange(1, n + 1), np.arange(1, n + 1))]
    value = emission.emission(log(frames), 0.04, wanted={1})
    assert value.ids == (1, *range(n - MAX_SYMBOLS + 2, n + 1), OTHERS, 0)


def test_a_long_recording_keeps_its_peaks_at_their_times():
    n_frames = 5 * MAX_COLUMNS + 3
    probabilities = np.tile([1.0, 0.0], (n_frames, 1))
    probabilities[7777] = [0, 1]
    value = emission.emission(log(probabilities), 0.04)
    assert value.n_columns <= MAX_COLUMNS
    (column,) = np.flatnonzero(levels(value)[0])
    assert column * value.column_s <= 7777 * 0.04 < (column + 1) * value.column_s
    assert len(value.levels) < 10_000


def test_no_frames():
    assert emission.emission(np.zeros((0, 4)), 0.04) == emission.Emission((0,), 0, 0.04, "")
