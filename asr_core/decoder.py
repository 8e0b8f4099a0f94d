"""log_probs to symbols: greedy (best path) decoding, and what every decoder returns."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
    """One reading of an utterance: its symbols in order and how probable they are.

    Attributes:
        spans: the symbols on the path that spells them best.
        log_prob: what the model gives the reading: greedy, that of the best path; beam search, the
            log of the sum over all the paths it kept.
        score: what readings are ranked by: `log_prob` and what a language model and hotwords add.
    """

    spans: tuple[TokenSpan, ...]
    log_prob: float
    score: float

    @property
    def ids(self) -> list[int]:
        return [span.id for span in self.spans]


class Decoder(Protocol):
    """(T, V) log_probs of one utterance -> its readings, the best first, at least one."""

    def __call__(self, log_probs: np.ndarray, /) -> Sequence[Hypothesis]: ...


def greedy(log_probs: np.ndarray) -> Hypothesis:
    """Best path decoding (Graves et al. 2006): the best symbol a frame, repeats and blanks merged.

    Args:
        log_probs: (T, V) of one utterance, without padding.
    """
    path = log_probs.argmax(axis=1)  # (T,)
    log_prob = float(log_probs.max(axis=1).sum())
    return Hypothesis(path_spans(path, log_probs), log_prob, log_prob)


def best_path(log_probs: np.ndarray, /) -> list[Hypothesis]:
    """Greedy decoding as a `Decoder`: one reading."""
    return [greedy(log_probs)]


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
