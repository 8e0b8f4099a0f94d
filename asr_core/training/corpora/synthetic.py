"""Corpus `synthetic`: the 20 words in synthetic voices, damaged in known ways, for validation.

What is drawn for an utterance (voice, style, noise, room, ...) is dealt from decks whose shares
are fixed, so a set of any size is balanced; every draw comes from one generator. Each draw is a
field of the manifest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile
from rich.console import Console
from rich.progress import track

from asr_core.degrade import Conditions, Mixture, degrade
from asr_core.manifest import write_manifest
from asr_core.training.corpora.spoken import COMMANDS, DIGITS, WORDS
from asr_core.training.voices import SAMPLE_RATE, VOICES, Synthesiser, Voice

N_UTTERANCES = 360
SEED = 1

OPUS_COMPRESSION = 0.9  # of libsndfile's 0 to 1: 31 kbit/s

# Decks: what there is to draw, and its share.
N_WORDS = {1: 20, 2: 10, 3: 15, 4: 15, 5: 10, 6: 10, 7: 10, 8: 10}
CONTENTS = {"digits": 45, "commands": 25, "mixed": 30}
STYLES = {"phrase": 40, "list": 25, "isolated": 35}
RATES = {0.8: 10, 0.9: 20, 1.0: 40, 1.1: 20, 1.25: 10}
PITCHES = {0.85: 10, 0.92: 20, 1.0: 40, 1.08: 20, 1.18: 10}
SNRS_DB = {None: 34, 30.0: 12, 20.0: 18, 15.0: 12, 10.0: 10, 5.0: 8, 0.0: 6}
NOISES = {
    "white": 15,
    "pink": 20,
    "brown": 10,
    "hum50": 8,
    "hum60": 7,
    "babble": 20,
    "clicks": 8,
    "fan": 12,
}
ROOMS = {"none": 60, "small": 25, "large": 15}
BANDS = {"wide": 80, "telephone": 20}
ENGINE_SHARES = {"espeak-ng": 1, "flite": 2, "festival": 2}  # few voices, but of real speakers

VOCABULARIES = {"digits": DIGITS, "commands": COMMANDS, "mixed": WORDS}
RT60_S = {"small": (0.2, 0.4), "large": (0.6, 1.1)}
DIRECT_DB = {"small": (3.0, 9.0), "large": (0.0, 5.0)}
LEVEL_DBFS = (-36.0, -16.0)
PAUSE_S = (0.15, 0.60)  # between words of the isolated style
EDGE_S = (0.25, 0.70)  # before the first word and after the last
TALKERS = 5  # in babble
TALKER_WORDS = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Utterance:
    """Everything decided about an utterance before it sounds."""

    id: str
    words: tuple[str, ...]
    content: str  # digits, commands or mixed
    style: str  # phrase, list (as if with commas), isolated (word by word, with pauses)
    voice: Voice
    rate: float
    pitch: float
    conditions: Conditions


@dataclass(frozen=True)
class Example:
    """A clip for the app, its name made of what is said and an ending."""

    text: str
    ending: str
    voice: str
    style: str
    conditions: Conditions
    description: str

    def utterance(self) -> Utterance:
        words = tuple(self.text.split())
        return Utterance(
            id="-".join(words) + self.ending,
            words=words,
            content=next(c for c, known in VOCABULARIES.items() if set(words) <= set(known)),
            style=self.style,
            voice=next(voice for voice in VOICES if voice.name == self.voice),
            rate=1.0,
            pitch=1.0,
            conditions=self.conditions,
        )


@dataclass(frozen=True)
class Rendering:
    """An utterance as sound: the mixture at 16 kHz and, where known, the words' seconds."""

    mixture: Mixture
    word_times: list[tuple[float, float]] | None


def prepare(out: Path, *, n: int = N_UTTERANCES, seed: int = SEED) -> None:
    """Render `n` utterances to `out`: `manifest.jsonl` and `audio/<id>.opus`, mono at 16 kHz.

    The samples before Opus coding are the same bit for bit for the same `n`, seed, versions of
    the synthesisers and of NumPy and SciPy.

    Raises:
        SynthesiserError: an engine or voice is missing; the message says what to install.
    """
    rng = np.random.default_rng(seed)
    synthesiser = Synthesiser()
    utterances = track(
        plan(n, rng), "synthetic", console=Console(stderr=True), disable=not _on_terminal()
    )
    records = [
        _write(out, "audio", utterance, rendering)
        for utterance, rendering in render_all(utterances, synthesiser, rng)
    ]
    write_manifest(out / "manifest.jsonl", records)


def render_examples(out: Path, *, seed: int = SEED) -> None:
    """Render the app's example clips to `out`: `manifest.jsonl` and `<what is said>.opus`.

    Raises:
        SynthesiserError: an engine or voice is missing; the message says what to install.
    """
    rng = np.random.default_rng(seed)
    records = []
    utterances = [example.utterance() for example in EXAMPLES]
    renderings = render_all(utterances, Synthesiser(), rng)
    for example, (utterance, rendering) in zip(EXAMPLES, renderings, strict=True):
        record = _write(out, "", utterance, rendering)
        records.append(record | {"description": example.description})
    write_manifest(out / "manifest.jsonl", records)


def plan(n: int, rng: np.random.Generator) -> list[Utterance]:
    """Decide `n` utterances; each property is dealt from its own shuffled deck."""
    voices = deal({v: ENGINE_SHARES[v.engine] for v in VOICES}, n, rng)
    n_words, contents, styles = (deal(deck, n, rng) for deck in (N_WORDS, CONTENTS, STYLES))
    rates, pitches = (deal(deck, n, rng) for deck in (RATES, PITCHES))
    conditions = _plan_conditions(n, rng)
    return [
        Utterance(
            id=f"{index + 1:03d}-{voices[index].name}",
            words=tuple(str(w) for w in rng.choice(VOCABULARIES[contents[index]], n_words[index])),
            content=contents[index],
            style="isolated" if n_words[index] == 1 else styles[index],
            voice=voices[index],
            rate=rates[index],
            pitch=pitches[index] if voices[index].has_pitch else 1.0,
            conditions=conditions[index],
        )
        for index in range(n)
    ]


def _plan_conditions(n: int, rng: np.random.Generator) -> list[Conditions]:
    snrs_db, rooms, bands = (deal(deck, n, rng) for deck in (SNRS_DB, ROOMS, BANDS))
    noises = iter(deal(NOISES, sum(snr is not None for snr in snrs_db), rng))
    conditions = []
    for snr_db, room, band in zip(snrs_db, rooms, bands, strict=True):
        reverberant = room in RT60_S
        conditions.append(
            Conditions(
                noise="none" if snr_db is None else next(noises),
                snr_db=snr_db,
                level_dbfs=round(rng.uniform(*LEVEL_DBFS), 1),
                room=room,
                rt60_s=round(rng.uniform(*RT60_S[room]), 2) if reverberant else None,
                direct_db=round(rng.uniform(*DIRECT_DB[room]), 1) if reverberant else None,
                band=band,
            )
        )
    return conditions


def deal(deck: dict[T, int], n: int, rng: np.random.Generator) -> list[T]:
    """`n` cards, each in proportion to its share (largest remainder first), shuffled."""
    shares = np.array(list(deck.values()), dtype=float)
    exact = n * shares / shares.sum()
    counts = np.floor(exact).astype(int)
    leftover = np.argsort(counts - exact, kind="stable")[: n - counts.sum()]
    counts[leftover] += 1
    cards = [card for card, count in zip(deck, counts, strict=True) for _ in range(count)]
    return [cards[position] for position in rng.permutation(n)]


def render_all(
    utterances: Iterable[Utterance], synthesiser: Synthesiser, rng: np.random.Generator
) -> Iterable[tuple[Utterance, Rendering]]:
    """Each utterance with its sound, in order."""
    chatter = {
        voice.name: synthesiser.say(
            voice, [" ".join(rng.choice(WORDS, TALKER_WORDS))], rate=1.0, pitch=1.0
        )[0]
        for voice in VOICES
    }
    for utterance in utterances:
        yield utterance, _render(utterance, synthesiser, chatter, rng)


def _render(
    utterance: Utterance,
    synthesiser: Synthesiser,
    chatter: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> Rendering:
    pieces = {"phrase": [" ".join(utterance.words)], "list": [", ".join(utterance.words)]}.get(
        utterance.style, list(utterance.words)
    )
    clips = synthesiser.say(utterance.voice, pieces, utterance.rate, utterance.pitch)
    speech, spans = join(clips, rng)
    talkers = None
    if utterance.conditions.noise == "babble":
        others = [v.name for v in VOICES if v.speaker != utterance.voice.speaker]
        talkers = [chatter[name] for name in rng.choice(others, TALKERS, replace=False)]
    mixture = degrade(speech, utterance.conditions, SAMPLE_RATE, rng, talkers)
    known = len(spans) == len(utterance.words)
    return Rendering(mixture, spans if known else None)


def join(
    clips: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Clips (N,) with silence around and between; samples, and each clip's (start_s, end_s)."""
    parts, spans = [_silence(EDGE_S, rng)], []
    for index, clip in enumerate(clips):
        if index:
            parts.append(_silence(PAUSE_S, rng))
        start = sum(map(len, parts))
        parts.append(clip)
        spans.append((start / SAMPLE_RATE, (start + len(clip)) / SAMPLE_RATE))
    parts.append(_silence(EDGE_S, rng))
    return np.concatenate(parts), spans


def _silence(range_s: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    return np.zeros(round(rng.uniform(*range_s) * SAMPLE_RATE))


def _write(out: Path, folder: str, utterance: Utterance, rendering: Rendering) -> dict[str, Any]:
    """Write the Opus file; return its manifest row."""
    samples = rendering.mixture.samples
    name = Path(folder) / f"{utterance.id}.opus"
    (out / folder).mkdir(parents=True, exist_ok=True)
    soundfile.write(
        out / name,
        samples,
        SAMPLE_RATE,
        format="OGG",
        subtype="OPUS",
        compression_level=OPUS_COMPRESSION,
    )
    return {
        "audio_filepath": name.as_posix(),
        "duration": len(samples) / SAMPLE_RATE,
        "text": " ".join(utterance.words),
        **_fields(utterance, rendering),
    }


def _fields(utterance: Utterance, rendering: Rendering) -> dict[str, Any]:
    voice, conditions = utterance.voice, utterance.conditions
    times = rendering.word_times
    return {
        "id": utterance.id,
        "corpus": "synthetic",
        "speaker": voice.speaker,
        "voice": voice.name,
        "engine": voice.engine,
        "gender": voice.gender,
        "accent": voice.accent,
        "kind": "word" if len(utterance.words) == 1 else "string",
        "content": utterance.content,
        "style": utterance.style,
        "rate": utterance.rate,
        "pitch": utterance.pitch if voice.has_pitch else None,
        "noise": conditions.noise,
        "snr_db": conditions.snr_db,
        "level_dbfs": rendering.mixture.level_dbfs,
        "room": conditions.room,
        "rt60_s": conditions.rt60_s,
        "direct_db": conditions.direct_db,
        "band": conditions.band,
        "word_times": times and [[round(start, 3), round(end, 3)] for start, end in times],
    }


def _on_terminal() -> bool:
    return Console(stderr=True).is_terminal


CLEAN = Conditions(level_dbfs=-20.0)
EXAMPLES = (
    Example(
        "five five five zero one nine two six",
        "",
        "flite-rms",
        "list",
        CLEAN,
        "A phone number of eight digits, clean",
    ),
    Example("three seven stop", "", "flite-slt", "phrase", CLEAN, "Clean, close by"),
    Example(
        "go left no right",
        "-noisy",
        "festival-slt",
        "isolated",
        replace(CLEAN, noise="pink", snr_db=5.0),
        "Pink noise, 5 dB below the speech",
    ),
    Example(
        "yes four down",
        "-far",
        "flite-awb",
        "isolated",
        replace(CLEAN, room="large", rt60_s=0.7, direct_db=2.0, noise="fan", snr_db=20.0),
        "Far from the microphone, in a large room with a fan",
    ),
    Example(
        "nine one eight off",
        "-telephone",
        "festival-ked",
        "list",
        replace(CLEAN, band="telephone", noise="hum50", snr_db=20.0),
        "Over the telephone: 300 to 3400 Hz, with mains hum",
    ),
    Example(
        "on two six up",
        "-babble",
        "espeak-rp-f3",
        "isolated",
        replace(CLEAN, noise="babble", snr_db=10.0),
        "Others talking, 10 dB below the speech",
    ),
)
