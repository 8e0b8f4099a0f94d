"""Corpus `morse`: radio Morse code whose every property is drawn, keyed and received here.

Every recording has a generator of its own, made from the seed, the set's name and its number: the
same seed gives the same bytes whatever the number of processes.
"""

import functools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile

from asr_core.manifest import write_manifest
from asr_core.morse_code import symbols
from asr_core.training.keying import Keying, key, length_s
from asr_core.training.messages import CONTENTS, message_words
from asr_core.training.receiver import SAMPLE_RATE, Reception, receive

HOURS = 20.0
SEED = 1
VALIDATION_H = 0.5
TEST_H = 0.5

WPM = (8.0, 40.0)
TONE_HZ = (300.0, 1200.0)
MESSAGE_S = (1.0, 15.0)  # with its edges; at the least one sign
EDGE_S = (0.15, 0.8)  # before the first mark and after the last
LEVEL_DBFS = (-25.0, -1.0)
RISE_S = (0.002, 0.010)

# Decks: what there is to draw, and its share.
HANDS = {"machine": 25, "paddle": 30, "bug": 15, "straight": 30}
FASTEST_WPM = {"machine": 40.0, "paddle": 40.0, "bug": 35.0, "straight": 27.0}
SNR_RANGES_DB = {None: 12, (-10.0, 0.0): 35, (0.0, 15.0): 43, (15.0, 30.0): 10}
FARNSWORTH = 0.15  # share of messages, of those faster than
FARNSWORTH_WPM = 13.0
FADING, CLICKS, NEIGHBOUR, FILTER, BAND_NOISE = 0.3, 0.2, 0.2, 0.4, 0.4  # shares of messages

GRID_SNRS_DB = (None, 10.0, 6.0, 3.0, 0.0, -3.0, -6.0, -10.0)
GRID_WPMS = (8.0, 12.0, 16.0, 20.0, 25.0, 30.0, 35.0, 40.0)
SNR_GRID_WPM = (12.0, 30.0)
WPM_GRID_SNR_DB = 10.0
VALIDATION_WPMS = (10.0, 15.0, 20.0, 25.0, 35.0)
N_VALIDATION = 200  # messages of the set that the app makes

T = TypeVar("T")


@dataclass(frozen=True)
class Wanted:
    """What is not drawn as in training but given."""

    wpm: tuple[float, float] = WPM
    snrs_db: tuple[float | None, ...] | None = None  # drawn from these, evenly
    is_plain: bool = False  # a machine's keying in white noise, and nothing else


@dataclass(frozen=True)
class Station:
    """Who sends what, how."""

    text: str
    content: str
    hand: str
    keying: Keying


@dataclass(frozen=True)
class Message:
    """Everything decided about a recording before it sounds."""

    id: str
    station: Station
    reception: Reception
    marks: np.ndarray  # (M, 2) seconds
    neighbour: np.ndarray | None  # (M', 2) seconds
    n_samples: int
    sound_seed: tuple[int, ...]


def prepare(out: Path, *, hours: float = HOURS, seed: int = SEED, workers: int = 2) -> None:
    """Write `train.jsonl`, `validation.jsonl`, `test.jsonl` and the grids, with their recordings.

    `test_snr.jsonl` has every signal-to-noise ratio of `GRID_SNRS_DB` at 12 to 30 words per
    minute, `test_speed.jsonl` every speed of `GRID_WPMS` at 10 dB, each as it is in training
    (`difficulty` "any") and by a machine in white noise ("plain"). Recordings are FLAC, mono, 16
    bits at 8 kHz.
    """
    sizes = {"train": hours, "validation": VALIDATION_H, "test": TEST_H}
    for name, size_h in sizes.items():
        write_set(out / f"{name}.jsonl", _messages_of(name, size_h, seed), workers)
    write_set(out / "test_snr.jsonl", snr_grid(seed), workers)
    write_set(out / "test_speed.jsonl", speed_grid(seed), workers)


def validation_set(out: Path, *, seed: int = SEED) -> Path:
    """A small set over noise and speed for the app, made in seconds; the manifest's path.

    A folder that already has its manifest, which is written last, is taken as it is.
    """
    path = out / "manifest.jsonl"
    if not path.is_file():
        messages = []
        for index in range(N_VALIDATION):
            speed, snr_db = divmod(index, len(GRID_SNRS_DB))
            wpm = VALIDATION_WPMS[speed % len(VALIDATION_WPMS)]
            wanted = Wanted(wpm=(wpm, wpm), snrs_db=(GRID_SNRS_DB[snr_db],))
            messages.append(plan(f"morse-{index + 1:03d}", row_seed("app", seed, index), wanted))
        write_set(path, messages, workers=1)
    return path


def snr_grid(seed: int, n: int = 40) -> list[Message]:
    """`n` messages a ratio of `GRID_SNRS_DB` and difficulty."""
    cells = [Wanted(SNR_GRID_WPM, (snr_db,)) for snr_db in GRID_SNRS_DB]
    return _grid("test_snr", cells, seed, n)


def speed_grid(seed: int, n: int = 40) -> list[Message]:
    """`n` messages a speed of `GRID_WPMS` and difficulty."""
    cells = [Wanted((wpm, wpm), (WPM_GRID_SNR_DB,)) for wpm in GRID_WPMS]
    return _grid("test_speed", cells, seed, n)


def _grid(name: str, cells: Sequence[Wanted], seed: int, n: int) -> list[Message]:
    both = [replace(cell, is_plain=is_plain) for cell in cells for is_plain in (False, True)]
    wanted = [cell for cell in both for _ in range(n)]
    return [
        plan(f"{name}-{index + 1:05d}", row_seed(name, seed, index), cell)
        for index, cell in enumerate(wanted)
    ]


def _messages_of(name: str, hours: float, seed: int) -> list[Message]:
    """As many messages as it takes to fill the hours."""
    messages: list[Message] = []
    left = hours * 3600 * SAMPLE_RATE
    while left > 0:
        index = len(messages)
        messages.append(plan(f"{name}-{index + 1:05d}", row_seed(name, seed, index), Wanted()))
        left -= messages[-1].n_samples
    return messages


def row_seed(name: str, seed: int, index: int) -> tuple[int, ...]:
    """What decides the message of a number in a set."""
    return (seed, zlib.crc32(name.encode()), index)


def write_set(path: Path, messages: Sequence[Message], workers: int) -> None:
    """Render messages to `<name>/<id>.flac` beside the manifest, which is written last."""
    folder = path.parent / ("audio" if path.stem == "manifest" else path.stem)
    folder.mkdir(parents=True, exist_ok=True)
    write = functools.partial(_write, folder)
    if workers <= 1:
        records = [write(message) for message in messages]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            records = list(pool.map(write, messages, chunksize=32))
    write_manifest(path, records)


def _write(folder: Path, message: Message) -> dict[str, Any]:
    """Write the recording; return its manifest row."""
    path = folder / f"{message.id}.flac"
    soundfile.write(path, render(message), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return {
        "audio_filepath": f"{folder.name}/{path.name}",
        "duration": message.n_samples / SAMPLE_RATE,
        "text": message.station.text,
        **_fields(message),
    }


def render(message: Message) -> np.ndarray:
    """The message as it is received: samples (N,) float32 at 8 kHz."""
    rng = np.random.default_rng(message.sound_seed)
    return receive(message.marks, message.n_samples, message.reception, rng, message.neighbour)


def _fields(message: Message) -> dict[str, Any]:
    station, reception = message.station, message.reception
    keying = station.keying
    return {
        "id": message.id,
        "kind": "utterance",
        "content": station.content,
        "difficulty": "plain" if _is_plain(message) else "any",
        "hand": station.hand,
        "wpm": round(keying.wpm, 1),
        "spacing_wpm": round(keying.spacing_wpm or keying.wpm, 1),
        "dash_ratio": round(keying.dash, 2),
        "weight": round(keying.weight, 2),
        "mark_jitter": round(keying.mark_jitter, 3),
        "gap_jitter": round(keying.gap_jitter, 3),
        "snr_db": None if reception.snr_db is None else round(reception.snr_db, 1),
        "noise": reception.noise,
        "tone_hz": round(reception.tone_hz),
        "drift_hz": round(reception.drift_hz),
        "rise_ms": round(1000 * reception.rise_s, 1),
        "fading_db": round(reception.fading_db, 1),
        "clicks_per_s": round(reception.clicks_per_s, 1),
        "neighbour_db": reception.neighbour_db and round(reception.neighbour_db, 1),
        "filter_hz": reception.filter_hz and round(reception.filter_hz),
    }


def _is_plain(message: Message) -> bool:
    return message.station.hand == "machine" and message.reception == Reception(
        tone_hz=message.reception.tone_hz,
        rise_s=message.reception.rise_s,
        snr_db=message.reception.snr_db,
        noise=message.reception.noise,
        level_dbfs=message.reception.level_dbfs,
    )


def plan(name: str, seed: tuple[int, ...], wanted: Wanted) -> Message:
    """Decide a message from its seed."""
    rng = np.random.default_rng(seed)
    reception = _reception(wanted, rng)
    lead_s, tail_s = rng.uniform(*EDGE_S, 2)
    room_s = rng.uniform(*MESSAGE_S) - lead_s - tail_s
    station = _station(wanted, room_s, rng)
    marks = key(station.text, station.keying, rng) + lead_s
    end_s = float(marks[-1, 1] + tail_s)
    neighbour = None
    if reception.neighbour_db is not None:
        other = _station(Wanted(), end_s, rng)
        neighbour = key(other.text, other.keying, rng) + rng.uniform(-1.0, 1.0)
        neighbour = neighbour[neighbour[:, 0] > 0]
    n_samples = int(np.ceil(end_s * SAMPLE_RATE))
    return Message(name, station, reception, marks, neighbour, n_samples, (*seed, 1))


def _station(wanted: Wanted, room_s: float, rng: np.random.Generator) -> Station:
    wpm = rng.uniform(*wanted.wpm)
    possible = {hand: n for hand, n in HANDS.items() if wpm <= FASTEST_WPM[hand]}
    hand = "machine" if wanted.is_plain else _draw(possible, rng)
    keying = _keying(hand, wpm, rng)
    if not wanted.is_plain and wpm >= FARNSWORTH_WPM and rng.random() < FARNSWORTH:
        keying = replace(keying, spacing_wpm=wpm * rng.uniform(0.5, 0.9))
    content = _draw(CONTENTS, rng)
    return Station(_fill(message_words(content, rng), room_s, keying), content, hand, keying)


def _keying(hand: str, wpm: float, rng: np.random.Generator) -> Keying:
    if hand == "machine":
        return Keying(wpm)
    if hand == "paddle":  # a keyer times the marks, the hand the gaps
        return Keying(
            wpm,
            dash=rng.uniform(2.8, 3.3),
            weight=rng.uniform(-0.15, 0.2),
            mark_jitter=0.02,
            gap_jitter=rng.uniform(0.03, 0.18),
        )
    if hand == "bug":  # a spring times the dots, the hand makes long dashes
        return Keying(
            wpm,
            dash=rng.uniform(2.8, 4.2),
            weight=rng.uniform(-0.1, 0.2),
            mark_jitter=rng.uniform(0.02, 0.08),
            gap_jitter=rng.uniform(0.08, 0.2),
            drift=rng.uniform(-0.05, 0.05),
        )
    return Keying(
        wpm,
        dash=rng.uniform(2.5, 4.0),
        weight=rng.uniform(-0.2, 0.25),
        mark_jitter=rng.uniform(0.04, 0.14),
        gap_jitter=rng.uniform(0.08, 0.2),
        drift=rng.uniform(-0.1, 0.1),
    )


def _fill(words: Iterator[str], room_s: float, keying: Keying) -> str:
    """As many words as there is room for; of a first one that is too long, its first signs."""
    text = next(words)
    while len(symbols(text)) > 1 and length_s(text, keying) > room_s:
        text = "".join(symbols(text)[:-1])
    for word in words:
        longer = f"{text} {word}"
        if length_s(longer, keying) > room_s:
            return text
        text = longer
    raise AssertionError("words come without end")


def _reception(wanted: Wanted, rng: np.random.Generator) -> Reception:
    tone_hz = rng.uniform(*TONE_HZ)
    snr_db = _snr_db(wanted, rng)
    plain = Reception(
        tone_hz=tone_hz,
        rise_s=rng.uniform(*RISE_S),
        snr_db=snr_db,
        noise="none" if snr_db is None else "white",
        level_dbfs=rng.uniform(*LEVEL_DBFS),
    )
    if wanted.is_plain:
        return plain
    drift_hz = rng.uniform(-60.0, 60.0) if rng.random() < 0.15 else rng.uniform(-10.0, 10.0)
    reception = replace(plain, drift_hz=drift_hz)
    if snr_db is not None and rng.random() < BAND_NOISE:
        reception = replace(
            reception,
            noise="band",
            noise_band_hz=(tone_hz - rng.uniform(150, 900), tone_hz + rng.uniform(150, 2000)),
            noise_slope_db=rng.uniform(-6.0, 3.0),
        )
    if rng.random() < FADING:
        depth_db, period_s = rng.uniform(3.0, 15.0), np.exp(rng.uniform(*np.log((0.7, 12.0))))
        reception = replace(reception, fading_db=depth_db, fading_period_s=float(period_s))
    if rng.random() < CLICKS:
        reception = replace(reception, clicks_per_s=rng.uniform(0.2, 3.0))
    if rng.random() < NEIGHBOUR:
        reception = _with_neighbour(reception, rng)
    if rng.random() < FILTER:
        width_hz = float(np.exp(rng.uniform(*np.log((150.0, 1500.0)))))
        offset = rng.uniform(-0.25, 0.25)
        reception = replace(reception, filter_hz=width_hz, filter_offset=offset)
    return reception


def _with_neighbour(reception: Reception, rng: np.random.Generator) -> Reception:
    """A weaker station 150 to 500 Hz away, never as strong as this one at its weakest."""
    away_hz = rng.uniform(150.0, 500.0) * rng.choice([-1.0, 1.0])
    hz = reception.tone_hz + away_hz
    if hz < TONE_HZ[0] - 50.0:
        hz = reception.tone_hz - away_hz
    below_db = rng.uniform(6.0, 20.0) + reception.fading_db / 2
    return replace(reception, neighbour_hz=hz, neighbour_db=-below_db)


def _snr_db(wanted: Wanted, rng: np.random.Generator) -> float | None:
    if wanted.snrs_db is not None:
        return wanted.snrs_db[rng.integers(len(wanted.snrs_db))]
    chosen = _draw(SNR_RANGES_DB, rng)
    return None if chosen is None else rng.uniform(*chosen)


def _draw(deck: Mapping[T, int], rng: np.random.Generator) -> T:
    """A card, in proportion to its share."""
    shares = np.array(list(deck.values()), dtype=float)
    return list(deck)[rng.choice(len(shares), p=shares / shares.sum())]
