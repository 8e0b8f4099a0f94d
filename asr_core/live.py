"""Text while somebody is still speaking: what is new is heard again and again as it grows."""

from dataclasses import dataclass

import numpy as np

from asr_core.audio import Audio, load_audio
from asr_core.pieces import LIVE, Cutting, quietest
from asr_core.recognizer import Recognizer

SHORTEST_S = 0.3  # no word is over sooner


@dataclass(frozen=True)
class PartialText:
    """`settled` stays as it is; `growing` may change with every further sound."""

    settled: str
    growing: str


class Listener:
    """One recording that goes on; it holds no more sound than `cutting.longest_s`.

    What is longer is cut as any long recording, only sooner, so that a step stays cheap. The last
    word belongs to `Recognizer.transcribe` of the whole recording, which may differ near the cuts.
    """

    def __init__(self, recognizer: Recognizer, rate: int, cutting: Cutting = LIVE) -> None:
        self.rate = rate
        self._recognizer = recognizer
        self._cutting = cutting
        self._held = np.zeros(0, dtype=np.float32)  # after the last cut, at its own rate
        self._settled: list[str] = []

    def hear(self, samples: np.ndarray) -> PartialText:
        """The text so far, given what was recorded since the last call (raises AudioError).

        All that is held is resampled again: a resampler that goes on lags 0.1 s behind.

        Args:
            samples: (N,) floats or integers at the rate given; any N from 1 on.
        """
        mono = load_audio(samples, source_rate=self.rate).samples
        self._held = np.concatenate([self._held, mono])
        if len(self._held) < SHORTEST_S * self.rate:
            return self._partial("")
        rate = self._recognizer.sample_rate
        sound = load_audio(self._held, rate, source_rate=self.rate).samples
        while len(sound) > self._cutting.longest_s * rate:
            at = quietest(sound, rate, self._recognizer.frame, self._cutting)
            self._settled.append(self._text(sound[: at - 1]))
            self._held = self._held[round(at / rate * self.rate) :]
            sound = load_audio(self._held, rate, source_rate=self.rate).samples
        return self._partial(self._text(sound))

    def _partial(self, growing: str) -> PartialText:
        return PartialText(" ".join(filter(None, self._settled)), growing)

    def _text(self, samples: np.ndarray) -> str:
        (transcript,) = self._recognizer.transcribe([Audio(samples, self._recognizer.sample_rate)])
        return transcript.text
