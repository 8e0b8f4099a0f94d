"""What one recording became: text, words, tokens, and every intermediate result behind them."""

from dataclasses import dataclass
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

    @property
    def confidence(self) -> float | None:
        """The least sure word's confidence; None without words."""
        return min((word.confidence for word in self.words), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: text, duration and words, in seconds."""
        return {
            "text": self.text,
            "duration": round(self.duration_s, 3),
            "words": [
                {
                    "word": word.text,
                    "start": round(word.start_s, 3),
                    "end": round(word.end_s, 3),
                    "confidence": round(word.confidence, 4),
                }
                for word in self.words
            ],
        }
