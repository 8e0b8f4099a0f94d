"""Long recordings: cut where they are quietest, the pieces' transcripts joined into one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from asr_core.audio import Audio
from asr_core.decoder import Hypothesis, TokenSpan
from asr_core.transcript import Transcript, Word

PAUSE_S = 0.6  # around a cut, over which its loudness is averaged
QUIETEST = 1e-10  # mean power; -100 dB, as in the features


@dataclass(frozen=True)
class Cutting:
    """Where a recording is cut.

    Attributes:
        longest_s: what is no longer stays whole.
        piece_s: a longer one is cut about so long after its start, ...
        reach_s: ... at the quietest place no further than this from there.
    """

    longest_s: float
    piece_s: float
    reach_s: float

    def __post_init__(self) -> None:
        assert self.piece_s - self.reach_s > PAUSE_S
        assert self.piece_s + self.reach_s + PAUSE_S < self.longest_s


WHOLE = Cutting(longest_s=60.0, piece_s=30.0, reach_s=5.0)  # so pieces last 25 to 60 s
LIVE = Cutting(longest_s=12.0, piece_s=6.0, reach_s=3.0)  # heard again and again while they grow


def cut(blocks: Iterable[Audio], frame: int, cutting: Cutting = WHOLE) -> Iterator[Audio]:
    """Cut a recording that comes in blocks of any sizes; it is never held as a whole.

    Every cut is at a multiple of the output frame, so that the frames of the pieces, one after the
    other, are those of the recording. Frame t is centred on sample `t * frame`, which makes n + 1
    frames of n: every piece but the last lacks the sample before its cut, and has n.

    Args:
        blocks: the recording, all at one rate (see `stream_audio`).
        frame: samples an output frame.
        cutting: how long pieces may be.
    """
    held, rate = np.zeros(0, dtype=np.float32), 0
    for block in blocks:
        rate = block.sample_rate
        held = np.concatenate([held, block.samples]) if len(held) else block.samples
        while len(held) > cutting.longest_s * rate:
            at = quietest(held, rate, frame, cutting)
            yield Audio(held[: at - 1], rate)
            held = held[at:]
    if len(held):
        yield Audio(held, rate)


def quietest(samples: np.ndarray, rate: int, frame: int, cutting: Cutting = WHOLE) -> int:
    """Where to cut samples longer than `cutting.longest_s`: a multiple of `frame`.

    Loudness is the power of each output frame in dB, smoothed by a Hann window of `PAUSE_S`: the
    middle of a pause wins over a shorter one, as between the sounds of a word.
    """
    first, last = (
        round((cutting.piece_s + side * cutting.reach_s) * rate / frame) for side in (-1, 1)
    )
    n_around = max(1, round(PAUSE_S / 2 * rate / frame))  # frames on each side of a cut
    near = samples[(first - n_around) * frame : (last + n_around) * frame]
    power = np.square(near.reshape(-1, frame), dtype=np.float64).mean(axis=1)
    weights = np.hanning(2 * n_around + 2)[1:-1]
    loudness = np.convolve(np.log10(power + QUIETEST), weights, mode="valid")  # of each cut
    return (first + int(loudness.argmin())) * frame


def join(parts: Sequence[Transcript], *, partial: bool = False) -> Transcript:
    """The transcript of a recording, given those of its pieces, at least one.

    A long recording has one reading: its pieces' best ones, one after the other. Its log_prob and
    score are their sums.

    Args:
        parts: in order, as `cut` made them.
        partial: the recording goes on after them.
    """
    if len(parts) == 1:
        return replace(parts[0], partial=partial)
    starts = list(accumulate((len(part.log_probs) for part in parts), initial=0))  # frames
    tokens = tuple(
        _later_token(token, start)
        for part, start in zip(parts, starts, strict=False)
        for token in part.tokens
    )
    best = [part.n_best[0] for part in parts]
    frame_s = parts[0].frame_s
    return replace(
        parts[0],
        text=" ".join(part.text for part in parts if part.text),
        words=tuple(
            _later_word(word, start * frame_s)
            for part, start in zip(parts, starts, strict=False)
            for word in part.words
        ),
        tokens=tokens,
        duration_s=starts[-2] * frame_s + parts[-1].duration_s,
        features=np.concatenate([part.features for part in parts]),
        log_probs=np.concatenate([part.log_probs for part in parts]),
        symbols=tuple(symbol for part in parts for symbol in part.symbols),
        n_best=(Hypothesis(tokens, sum(b.log_prob for b in best), sum(b.score for b in best)),),
        readings=(),
        partial=partial,
    )


def _later_token(token: TokenSpan, frames: int) -> TokenSpan:
    return replace(token, start=token.start + frames, end=token.end + frames)


def _later_word(word: Word, seconds: float) -> Word:
    return replace(word, start_s=word.start_s + seconds, end_s=word.end_s + seconds)
