"""How far the words' estimated starts and ends lie from known ones, measured for a model.

Known are the times in what is made here: isolated words joined into strings, for a model whose
symbols are words; generated messages, for Morse. For a model that is there already:

    from asr_core.checkpoint import load_model
    from asr_core.training.batches import read_clips
    from asr_core.training.boundaries import store_boundary_error

    contract, _ = load_model(folder)
    rate = contract.features.sample_rate
    clips = read_clips(Path("data/spoken/validation.jsonl"), rate, contract.alphabet).clips
    store_boundary_error(folder, clips, seed=1)  # for Morse: [] instead of clips
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr_core.audio import Audio
from asr_core.checkpoint import load_model, write_json
from asr_core.morse_code import is_morse
from asr_core.recognizer import Recognizer
from asr_core.text import Alphabet
from asr_core.training.batches import Clip
from asr_core.training.corpora import morse
from asr_core.training.joining import join_clips, speech_of, trim
from asr_core.training.keying import word_times
from asr_core.training.receiver import SAMPLE_RATE
from asr_core.transcript import BoundaryError, Transcript

N_STRINGS = 100
N_WORDS = 4
GAP_S = (0.05, 0.5)
N_MESSAGES = 60
FEWEST_BOUNDARIES = 100  # a 95th percentile of fewer says little


@dataclass(frozen=True)
class Timed:
    """A recording of a known text with its words' known (start_s, end_s)."""

    audio: Audio
    text: str
    times_s: tuple[tuple[float, float], ...]


def store_boundary_error(folder: Path, clips: Sequence[Clip], seed: int) -> BoundaryError | None:
    """Measure a model folder's boundaries and write their error into its `config.json`."""
    recognizer = Recognizer.load(folder)
    errors_s = boundary_errors_s(recognizer, recordings_for(recognizer, clips, seed))
    found = summary(errors_s) if len(errors_s) >= FEWEST_BOUNDARIES else None
    contract = load_model(folder)[0].model_copy(update={"boundary_error_s": found})
    write_json(folder / "config.json", contract.model_dump(mode="json"))
    return found


def summary(errors_s: np.ndarray) -> BoundaryError:
    """Median and 95th percentile, to the millisecond."""
    median, p95 = np.quantile(errors_s, [0.5, 0.95])
    return BoundaryError(median=round(float(median), 3), p95=round(float(p95), 3))


def boundary_errors_s(recognizer: Recognizer, recordings: Iterable[Timed]) -> np.ndarray:
    """Absolute errors, in seconds, of each start and end in the recordings heard right: (2 W,)."""
    errors_s: list[float] = []
    for timed in recordings:
        (transcript,) = recognizer.transcribe([timed.audio])
        if transcript.text == timed.text:
            errors_s += _errors_s(transcript, timed.times_s)
    return np.array(errors_s)


def _errors_s(transcript: Transcript, times_s: Sequence[tuple[float, float]]) -> list[float]:
    found = [(word.start_s, word.end_s) for word in transcript.words]
    pairs = zip(found, times_s, strict=True)
    return [abs(a - b) for ours, known in pairs for a, b in zip(ours, known, strict=True)]


def recordings_for(recognizer: Recognizer, clips: Sequence[Clip], seed: int) -> Iterator[Timed]:
    """What a model's boundaries are measured on; nothing, if its words are neither."""
    if is_morse(recognizer.alphabet):
        yield from morse_messages("timed", N_MESSAGES, seed)
    elif recognizer.alphabet.joiner == " ":
        rng = np.random.default_rng((seed, 1))  # other strings than those the delay comes from
        yield from joined_strings(
            clips, recognizer.alphabet, recognizer.sample_rate, N_STRINGS, rng
        )


def joined_strings(
    clips: Sequence[Clip], alphabet: Alphabet, sample_rate: int, n: int, rng: np.random.Generator
) -> Iterator[Timed]:
    """Strings of isolated words; a word reaches over its clip's speech (see `joining.speech_of`).

    Args:
        clips: isolated words; those outside the alphabet are left out.
        alphabet: of a model whose symbols are words.
        sample_rate: of the clips, Hz.
        n: strings.
        rng: draws words, gaps and levels.
    """
    symbols = set(alphabet.symbols) - {alphabet.unknown}
    known = [clip for clip in clips if clip.kind == "word" and clip.text in symbols]
    for _ in range(n if known else 0):
        chosen = [known[i] for i in rng.integers(len(known), size=N_WORDS)]
        trimmed = [trim(clip.samples, sample_rate) for clip in chosen]
        samples, times = join_clips([clip.samples for clip in chosen], sample_rate, rng, GAP_S)
        # A joined clip's own times take in the margin that was kept around its speech.
        speech = [speech_of(clip, sample_rate) for clip in trimmed]
        times_s = tuple(
            (start_s + first / sample_rate, start_s + last / sample_rate)
            for (start_s, _), (first, last) in zip(times, speech, strict=True)
        )
        text = " ".join(clip.text for clip in chosen)
        yield Timed(Audio(samples, sample_rate), text, times_s)


def morse_messages(name: str, n: int, seed: int) -> Iterator[Timed]:
    """Messages as in training; a word reaches from its first mark's start to its last one's end.

    Another name, or seed, has other messages.
    """
    for index in range(n):
        message = morse.plan(f"{name}-{index}", morse.row_seed(name, seed, index), morse.Wanted())
        text = message.station.text
        audio = Audio(morse.render(message), SAMPLE_RATE)
        yield Timed(audio, text, tuple(word_times(text, message.marks)))
