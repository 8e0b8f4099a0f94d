"""How probable texts are: CTC's sum over all the paths that spell each of them."""

from collections.abc import Sequence

import numpy as np

from asr_core.text import BLANK


def log_likelihoods(log_probs: np.ndarray, texts: Sequence[Sequence[int]]) -> np.ndarray:
    """How probable each text is, given the recording: the forward algorithm of Graves et al. 2006.

    Exact, and vectorised over texts and lattice states: a step of Python a frame.

    Args:
        log_probs: (T, V) of one utterance, without padding.
        texts: the symbols of each of the n texts, without blanks.

    Returns:
        (n,), -inf for a text that no path spells.
    """
    n_states = 2 * max((len(ids) for ids in texts), default=0) + 1
    states = np.full((len(texts), n_states), BLANK)  # blank, symbol, blank, ..., blank
    for row, ids in zip(states, texts, strict=True):
        row[1 : 2 * len(ids) : 2] = ids
    # A state is reached from itself, the one before and, into a symbol that differs from the last,
    # from two before. Column 1 is "not begun", two before the first symbol; column 0 is never.
    skips = np.zeros(states.shape, dtype=bool)
    skips[:, 1:2] = True
    skips[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    reached = np.full((len(texts), n_states + 2), -np.inf)
    reached[:, 1] = 0.0
    for frame in log_probs:
        stayed_or_stepped = np.logaddexp(reached[:, 2:], reached[:, 1:-1])
        skipped = np.where(skips, reached[:, :-2], -np.inf)
        reached[:, 2:] = np.logaddexp(stayed_or_stepped, skipped) + frame[states]
        reached[:, 1] = -np.inf
    return _ended(reached[:, 1:], np.array([2 * len(ids) for ids in texts], dtype=int))


def _ended(reached: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The sum over a lattice's last two states; of no frames, all is on "not begun", column 0."""
    rows = np.arange(len(ends))
    # Of an empty text, the state before the last is "not begun".
    return np.logaddexp(reached[rows, ends + 1], reached[rows, ends])
