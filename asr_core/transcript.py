"""What one recording became: text, words, tokens, and every intermediate result behind them."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from asr_core.decoder import Hypothesis, TokenSpan


@dataclass(frozen=True)
class Word:
    """A word of a text placed in time: seconds from the start of the recording, half-open.

    `confidence` is in [0, 1]: how sure the model is that this word was said, as its folder says to
    measure it (see `asr_core.confidence`).
    """

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class BoundaryError:
    """How far the estimated starts and ends of words lie from known ones, in absolute seconds."""

    median: float
    p95: float  # 95th percentile


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
    symbols: tuple[str, ...] = ()  # what each token is
    boundary_error_s: BoundaryError | None = None  # of words' starts and ends; None: not measured
    partial: bool = False  # stopped before the recording's end: `duration_s` is what was heard

    @property
    def confidence(self) -> float | None:
        """The least sure word's confidence; None without words."""
        return min((word.confidence for word in self.words), default=None)

    @property
    def symbol_times_s(self) -> list[tuple[float, float]]:
        """Start and end of each token's emission, inside the recording."""
        return [
            (
                min(token.start * self.frame_s, self.duration_s),
                min(token.end * self.frame_s, self.duration_s),
            )
            for token in self.tokens
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; times and `boundary_error_s` in seconds; `partial` where it is so.

        Words reach as far as `placement` estimates; symbols over the frames that emit them.
        `log_prob` is what the model gives the text (of a path, its log-probability).
        """
        log_prob = self.n_best[0].log_prob if self.n_best else None
        n_frames = len(self.log_probs)
        known: dict[str, Any] = {
            "text": self.text,
            "duration": round(self.duration_s, 3),
            "log_prob": None if log_prob is None else round(log_prob, 4),
            "log_prob_per_frame": None if log_prob is None else round(log_prob / n_frames, 6),
            "boundary_error_s": self.boundary_error_s and asdict(self.boundary_error_s),
            "words": [_word_to_dict(word) for word in self.words],
            "symbols": [
                {
                    "symbol": symbol,
                    "start": round(start_s, 3),
                    "end": round(end_s, 3),
                    "score": round(token.score, 4),
                }
                for symbol, token, (start_s, end_s) in zip(
                    self.symbols, self.tokens, self.symbol_times_s, strict=True
                )
            ],
        }
        if self.readings:
            known["readings"] = [reading.to_dict() for reading in self.readings]
        return ({"partial": True} if self.partial else {}) | known


def _word_to_dict(word: Word) -> dict[str, Any]:
    return {
        "word": word.text,
        "start": round(word.start_s, 3),
        "end": round(word.end_s, 3),
        "confidence": round(word.confidence, 4),
    }
