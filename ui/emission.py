"""The emission: how probable the model held each symbol, frame by frame; light enough to send."""

from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from asr_core.text import BLANK

SHOWN_FROM = 0.05  # a symbol that is never more probable than this gets no row of its own
MAX_SYMBOLS = 12  # rows, besides those of the blank and of all others
MAX_COLUMNS = 2000
FULL = 255  # the level of probability 1
OTHERS = -1  # the id of the row of all other symbols


@dataclass(frozen=True)
class Emission:
    """Probabilities of the most probable symbols on the time axis.

    Attributes:
        ids: the symbol of each row, in order of first appearance; then `OTHERS` where other
            symbols have a share, and the blank.
        n_columns: of a row.
        column_s: seconds a column.
        levels: base64 of uint8 (rows, columns), probability times 255.
    """

    ids: tuple[int, ...]
    n_columns: int
    column_s: float
    levels: str


def emission(log_probs: np.ndarray, frame_s: float, wanted: Collection[int] = ()) -> Emission:
    """The rows of (T, V) log_probs; a column of a long recording shows its highest frame.

    Args:
        log_probs: of one utterance.
        frame_s: seconds a frame.
        wanted: symbols that are shown first, however improbable; the blank is not counted.
    """
    probabilities = np.exp(log_probs)  # (T, V)
    shown = shown_symbols(probabilities, wanted)
    others = 1 - probabilities[:, [BLANK, *shown]].sum(axis=1)
    rows = [*probabilities.T[shown], probabilities[:, BLANK]]
    ids = [*shown, BLANK]
    if len(others) and others.max() >= SHOWN_FROM:
        rows.insert(-1, others)
        ids.insert(-1, OTHERS)
    frames_a_column = max(1, -(-len(log_probs) // MAX_COLUMNS))
    columns = _columns(np.array(rows), frames_a_column)
    levels = np.rint(columns.clip(0, 1) * FULL).astype(np.uint8)
    return Emission(
        ids=tuple(ids),
        n_columns=columns.shape[1],
        column_s=round(frames_a_column * frame_s, 5),
        levels=b64encode(levels.tobytes()).decode(),
    )


def shown_symbols(probabilities: np.ndarray, wanted: Collection[int] = ()) -> list[int]:
    """Which symbols of (T, V) get a row, in order of their first appearance.

    Those wanted come before the others, and then those of the largest share of the recording.
    """
    if not len(probabilities):
        return []
    peaks = probabilities.max(axis=0)
    total = probabilities.sum(axis=0)
    choice = [
        i for i in range(len(peaks)) if i != BLANK and (i in wanted or peaks[i] >= SHOWN_FROM)
    ]
    choice.sort(key=lambda i: (i not in wanted, -total[i]))
    kept = choice[:MAX_SYMBOLS]
    first = {i: int((probabilities[:, i] >= min(SHOWN_FROM, peaks[i])).argmax()) for i in kept}
    return sorted(kept, key=lambda i: (first[i], i))


def _columns(rows: np.ndarray, frames_a_column: int) -> np.ndarray:
    """(R, T) -> (R, columns), the highest of each column's frames."""
    if frames_a_column == 1 or not rows.shape[1]:
        return rows
    return np.maximum.reduceat(rows, np.arange(0, rows.shape[1], frames_a_column), axis=1)
