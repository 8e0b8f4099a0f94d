"""How long after a word a network emits it, measured on strings whose times are known.

CTC leaves it to the network where it emits a symbol: with a layer that sees the whole recording,
two runs may say a word half a second before it begins or after it has ended.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from asr_core.audio import Audio
from asr_core.checkpoint import load_model, write_json
from asr_core.morse_code import is_morse
from asr_core.recognizer import Recognizer
from asr_core.training.batches import Clip
from asr_core.training.boundaries import Timed, morse_messages
from asr_core.training.joining import join_clips

N_STRINGS = 100
N_WORDS = 4
GAP_S = (0.05, 0.5)
N_MESSAGES = 60  # of Morse
FEWEST_WORDS = 20  # of strings heard right; a median of fewer says little


def store_delay(folder: Path, clips: Sequence[Clip], seed: int) -> float | None:
    """Measure the delay of a model folder's network and write it into its `config.json`."""
    recognizer = Recognizer.load(folder)
    if is_morse(recognizer.alphabet):
        delay_s = keyed_delay_s(recognizer, morse_messages("delay", N_MESSAGES, seed))
    else:
        delay_s = emission_delay_s(recognizer, clips, np.random.default_rng(seed))
    contract = load_model(folder)[0].model_copy(update={"emission_delay_s": delay_s})
    write_json(folder / "config.json", contract.model_dump(mode="json"))
    return delay_s


def emission_delay_s(
    recognizer: Recognizer, clips: Sequence[Clip], rng: np.random.Generator
) -> float | None:
    """Median time from a word's middle to the middle of its emission, in seconds.

    Args:
        recognizer: of a model whose symbols are words.
        clips: isolated words, which are joined into strings.
        rng: draws the strings.

    Returns:
        Negative where words are emitted early; None where too few strings are heard right.
    """
    known = [c for c in clips if c.kind == "word" and c.text in recognizer.alphabet.symbols]
    alphabet = recognizer.alphabet
    unknown = alphabet.symbols.index(alphabet.unknown) + 1 if alphabet.unknown else None
    delays_s: list[float] = []
    for _ in range(N_STRINGS if known else 0):
        chosen = [known[i] for i in rng.integers(len(known), size=N_WORDS)]
        samples, times = join_clips([c.samples for c in chosen], recognizer.sample_rate, rng, GAP_S)
        (transcript,) = recognizer.transcribe([Audio(samples, recognizer.sample_rate)])
        tokens = [token for token in transcript.tokens if token.id != unknown]
        if transcript.text == " ".join(clip.text for clip in chosen):
            delays_s += [
                (token.start + token.end) / 2 * transcript.frame_s - (start_s + end_s) / 2
                for token, (start_s, end_s) in zip(tokens, times, strict=True)
            ]
    return round(float(np.median(delays_s)), 3) if len(delays_s) >= FEWEST_WORDS else None


def keyed_delay_s(recognizer: Recognizer, messages: Iterable[Timed]) -> float | None:
    """Median time from the start of a word's first Morse sign to its emission, in seconds.

    None where too few words are in messages heard right.
    """
    delays_s: list[float] = []
    for message in messages:
        (transcript,) = recognizer.transcribe([message.audio])
        gaps = ["", *transcript.symbols]
        firsts = [
            token
            for token, symbol, before in zip(transcript.tokens, gaps[1:], gaps, strict=False)
            if symbol != " " and before in ("", " ")
        ]
        if transcript.text == message.text:
            delays_s += [
                token.start * transcript.frame_s - start_s
                for token, (start_s, _) in zip(firsts, message.times_s, strict=True)
            ]
    return round(float(np.median(delays_s)), 3) if len(delays_s) >= FEWEST_WORDS else None
