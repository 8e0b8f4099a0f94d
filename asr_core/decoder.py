"""log_probs to symbols: greedy (best path) decoding."""

import itertools
from dataclasses import dataclass

import numpy as np

from asr_core.text import BLANK


@dataclass(frozen=True)
class TokenSpan:
    """One symbol on the time axis: frames [start, end) of the path that emit it.

    `score` is the mean probability that the model gave the symbol over these frames.
    """

    id: int
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Hypothesis:
    """One reading of an utterance: its symbols in order and the log-probability of its path."""

    spans: tuple[TokenSpan, ...]
    log_prob: float

    @property
    def ids(self) -> list[int]:
        return [span.id for span in self.spans]


def greedy(log_probs: np.ndarray) -> Hypothesis:
    """Best path decoding (Graves et al. 2006): the best symbol a frame, repeats and blanks merged.

    Args:
        log_probs: (T, V) of one utterance, without padding.
    """
    path = log_probs.argmax(axis=1)  # (T,)
    return Hypothesis(path_spans(path, log_probs), float(log_probs.max(axis=1).sum()))


def path_spans(path: np.ndarray, log_probs: np.ndarray) -> tuple[TokenSpan, ...]:
    """The runs of one symbol in a path (T,), blanks left out."""
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)] if len(path) else []
    spans = []
    for start, end in itertools.pairwise(edges):
        symbol = int(path[start])
        if symbol != BLANK:
            score = float(np.exp(log_probs[start:end, symbol]).mean())
            spans.append(TokenSpan(symbol, int(start), int(end), score))
    return tuple(spans)
