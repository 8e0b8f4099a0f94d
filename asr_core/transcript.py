"""What one recording became: text, words, tokens, and every intermediate result behind them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from asr_core.decoder import Hypothesis, TokenSpan


@dataclass(frozen=True)
class Word:
    """A word of a text placed in time: seconds from the start of the recording, half-open.

    `confidence` is in [0, 1]: the mean probability that the model gave the word's symbols over
    the frames where they are emitted.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Reading:
    """One of a decoder's readings as text (see `Hypothesis` for `log_prob` and `score`)."""

    text: str
    words: tuple[Word, ...]
    log_prob: float
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; the words as in a transcript's."""
        return {
            "text": self.text,
            "score": round(self.score, 4),
            "log_prob": round(self.log_prob, 4),
            "words": [_word_to_dict(word) for word in self.words],
        }


@dataclass(frozen=True)
class Transcript:
    """The result of the straight line; figures read it and recompute nothing."""

    text: str
    words: tuple[Word, ...]
    tokens: tuple[TokenSpan, ...]  # output frames; includes the unknown symbol, which text omits
    duration_s: float
    frame_s: float  # seconds an output frame
    hop_s: float  # seconds a feature frame
    features: np.ndarray  # (T, F) log-mel in [0, 1]
    log_probs: np.ndarray  # (T', V)
    n_best: tuple[Hypothesis, ...] = ()  # the decoder's readings, the best first
    readings: tuple[Reading, ...] = ()  # the same as text, where the decoder gave several

    @property
    def confidence(self) -> float | None:
        """The least sure word's confidence; None without words."""
        return min((word.confidence for word in self.words), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: text, duration and words, in seconds; readings if there are any."""
        plain = {
            "text": self.text,
            "duration": round(self.duration_s, 3),
            "words": [_word_to_dict(word) for word in self.words],
        }
        if self.readings:
            plain["readings"] = [reading.to_dict() for reading in self.readings]
        return plain


def _word_to_dict(word: Word) -> dict[str, Any]:
    return {
        "word": word.text,
        "start": round(word.start_s, 3),
        "end": round(word.end_s, 3),
        "confidence": round(word.confidence, 4),
    }
