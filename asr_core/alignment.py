"""Text on the frames: exact CTC forced alignment, of one utterance or of a batch."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from asr_core.decoder import TokenSpan, path_spans
from asr_core.text import BLANK, Alphabet

MOST_LISTED = 100  # symbols named in a message


class AlignmentError(ValueError):
    """No path through the frames spells the text."""


@dataclass(frozen=True)
class Alignment:
    """A path through the frames that spells a text.

    Attributes:
        path: (T,) the symbol of each frame; the blank before, between and after the text's.
        frame_log_probs: (T,) what the model gave these symbols.
        spans: the text's symbols, half-open, in order.
    """

    path: np.ndarray
    frame_log_probs: np.ndarray
    spans: tuple[TokenSpan, ...]

    @property
    def log_prob(self) -> float:
        """Log-probability of the path."""
        return float(self.frame_log_probs.sum())


def spell(text: str, alphabet: Alphabet) -> list[int]:
    """The symbols of any text, every one of them known, as ids for `align`.

    Raises:
        AlignmentError: nothing is left of the text when it is normalised, or something in it is no
            symbol of the model; the one for unknown words stands for none here.
    """
    clean = alphabet.normalise(text)
    if not clean:
        raise AlignmentError(f"Nothing to align in the text {text!r}. Expected words, or signs.")
    known = [symbol for symbol in alphabet.symbols if symbol != alphabet.unknown]
    strange = [piece for piece in dict.fromkeys(alphabet.pieces(clean)) if piece not in known]
    if strange:
        raise AlignmentError(
            f"The model does not know {', '.join(map(repr, strange))}. {_advice(strange, known)}"
        )
    return alphabet.encode(clean)


def _advice(strange: Sequence[str], known: Sequence[str]) -> str:
    """What a model knows, or of a long list what is nearest to what it does not know."""
    if len(known) <= MOST_LISTED:
        return f"It knows {' '.join(symbol for symbol in known if symbol.strip())}."
    nearest = [get_close_matches(piece, known, n=3, cutoff=0.0) for piece in strange]
    listed = dict.fromkeys(itertools.chain.from_iterable(nearest))
    return f"Of its {len(known)} symbols, the nearest are {' '.join(listed)}."


def forced_align(log_probs: np.ndarray, ids: Sequence[int]) -> tuple[TokenSpan, ...]:
    """The spans of `align`: where each of the symbols `ids` is (raises AlignmentError)."""
    return align(log_probs, ids).spans


def align(log_probs: np.ndarray, ids: Sequence[int]) -> Alignment:
    """The most probable CTC path that spells `ids`; a batch of one of `align_batch`.

    Args:
        log_probs: (T, V) of one utterance, without padding.
        ids: the symbols to place, L of them, without blanks.

    Raises:
        AlignmentError: T < L + repeats (a repeated symbol needs a blank between), an id outside
            the alphabet, or no path of a probability above zero.
    """
    return align_batch(log_probs[None], [len(log_probs)], [ids])[0]


def align_batch(
    log_probs: np.ndarray, lengths: Sequence[int], texts: Sequence[Sequence[int]]
) -> list[Alignment]:
    """The most probable CTC path of each text (Viterbi over the lattice of Graves 2006).

    Exact, and vectorised over utterances and lattice states: a step of Python a frame.

    Args:
        log_probs: (B, T, V), padded.
        lengths: frames of each utterance.
        texts: the symbols to place in each, without blanks.

    Raises:
        AlignmentError: of the first utterance that has no alignment (see `align`).
    """
    for n_frames, ids in zip(lengths, texts, strict=True):
        _check_feasible(n_frames, ids, log_probs.shape[2])
    n_states = 2 * max((len(ids) for ids in texts), default=0) + 1
    states = np.full((len(texts), n_states), BLANK)  # blank, symbol, blank, ..., blank
    for row, ids in zip(states, texts, strict=True):
        row[1 : 2 * len(ids) : 2] = ids
    ends = np.array([2 * len(ids) for ids in texts], dtype=int)
    best = _best_states(log_probs, np.asarray(lengths, dtype=int), states, ends)
    # Between two equal symbols the lattice forces a blank, so runs of the path are the symbols.
    return [
        _alignment(row[path[:length]], frames[:length])
        for row, path, frames, length in zip(states, best, log_probs, lengths, strict=True)
    ]


def n_needed(symbols: Sequence[object]) -> int:
    """Frames that CTC needs for a text: one a symbol, and a blank between equal neighbours."""
    return len(symbols) + sum(a == b for a, b in itertools.pairwise(symbols))


def _check_feasible(n_frames: int, ids: Sequence[int], n_symbols: int) -> None:
    least = n_needed(ids)
    if n_frames < least:
        raise AlignmentError(
            f"The text has {len(ids)} symbols and {least - len(ids)} repeats, so it needs at least"
            f" {least} frames; the recording has {n_frames}."
        )
    if any(not BLANK < i < n_symbols for i in ids):
        raise AlignmentError(f"Expected ids from 1 to {n_symbols - 1}, got {list(ids)}.")


def _alignment(path: np.ndarray, log_probs: np.ndarray) -> Alignment:
    frame_log_probs = log_probs[np.arange(len(path)), path]
    return Alignment(path, frame_log_probs, path_spans(path, log_probs))


def _best_states(
    log_probs: np.ndarray, lengths: np.ndarray, states: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Viterbi: the best state a frame, (B, T); past an utterance's length it stays where it was.

    Args:
        log_probs: (B, T, V).
        lengths: (B,) frames.
        states: (B, S) the symbols of the lattice's states, padded with blanks.
        ends: (B,) each lattice's last state, a blank; the symbol before it may end a path, too.
    """
    n_utterances, n_frames, _ = log_probs.shape
    n_states = states.shape[1]
    rows = np.arange(n_utterances)
    skips = np.zeros(states.shape, dtype=bool)  # a symbol may follow another one without a blank
    skips[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    outside = np.arange(n_states) > ends[:, None]
    best = np.full(states.shape, -np.inf)
    steps = np.zeros((n_frames, n_utterances, n_states), dtype=np.int8)  # states back
    for t in range(n_frames):
        scores = log_probs[rows[:, None], t, states]
        if t == 0:
            arrived = np.where(np.arange(n_states) < 2, scores, -np.inf)
        else:
            arrived, steps[t] = _step(best, skips)
            arrived += scores
        arrived[outside] = -np.inf
        going = t < lengths
        best = np.where(going[:, None], arrived, best)
        steps[t, ~going] = 0
    state = ends - ((ends > 0) & (best[rows, ends - 1] > best[rows, ends]))
    if not np.isfinite(best[rows, state][lengths > 0]).all():
        raise AlignmentError(
            "Every path that spells the text has a probability of zero, or of NaN."
        )
    path = np.empty((n_utterances, n_frames), dtype=int)
    for t in range(n_frames - 1, -1, -1):
        path[:, t] = state
        state = state - steps[t, rows, state]
    return path


def _step(best: np.ndarray, skips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best way into each state from the same one, the one before or two before: (B, S)."""
    arrived = best.copy()
    back = np.zeros(best.shape, dtype=np.int8)
    back[:, 1:] = best[:, :-1] > arrived[:, 1:]
    # maximum keeps a NaN, so that it reaches the end and is reported there.
    arrived[:, 1:] = np.maximum(arrived[:, 1:], best[:, :-1])
    skipped = np.where(skips[:, 2:], best[:, :-2], -np.inf)
    back[:, 2:][skipped > arrived[:, 2:]] = 2
    arrived[:, 2:] = np.maximum(arrived[:, 2:], skipped)
    return arrived, back
