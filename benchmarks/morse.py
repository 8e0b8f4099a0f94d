"""Morse code: character error rate against noise and against speed, ours and multimon-ng's.

    python -m benchmarks.morse --model assets/models/morse [--data data/morse] [--out FILE.json]

Both read the same recordings (see `asr_core.training.corpora.morse.prepare`): "plain" is a
machine's exact keying in white noise, "any" is what the recipe trains on. The ratio is that of the
carrier with the key down to the noise in 2500 Hz.

multimon-ng (`-a MORSE_CW`, Debian package multimon-ng) looks at the loudness of all that it hears,
so it is measured twice: "as it comes", and "helped", which is the best in each row of nine ways:
told the true speed or not, with its timing fixed or not, behind no filter or one of 500 or 150 Hz
around the true tone. It has no sign for é and ñ; messages with them are left out. A sign counts as
one character, `<sk>` and the like too.

Where ebook2cw (Debian) is installed, both read its sound as well: another program's code. It counts
its noise in 500 Hz, which gives a ratio 7 dB higher than in 2500 Hz.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
import soxr

from analysis.scoring import Score, bootstrap, score, total
from asr_core.audio import load_audio
from asr_core.manifest import ManifestRow, read_manifest
from asr_core.morse_code import ALIASES, SYMBOLS, symbols
from asr_core.recognizer import Recognizer
from asr_core.text import Alphabet
from asr_core.training.corpora.morse import SEED, snr_grid, speed_grid, write_set
from asr_core.training.messages import message_words

MORSE = Alphabet(symbols=SYMBOLS, aliases=ALIASES)
PEER_RATE = 22050  # Hz, the only one it takes
PEER_UNKNOWN = frozenset("éñ")
PEER_FILTERS_HZ = (None, 500.0, 150.0)
PEER_TIMINGS = ("as it comes", "speed told", "speed told and fixed")
AS_IT_COMES = (None, "as it comes")
TRAILING_S = 1.0  # of silence, so that the last sign is decoded

GENERATOR_SNRS_DB = (None, 10.0, 7.0, 4.0, 0.0, -3.0)  # in ebook2cw's 500 Hz: 7 dB less in 2500
GENERATOR_HZ = 800.0  # where its noise is
GENERATOR_WPMS = (12, 16, 20, 25, 30)

Way = tuple[float | None, str]  # a filter's width in Hz, a timing


@dataclass(frozen=True)
class Recording:
    """What is read: a file, what was sent, its speed and tone, and the table's row it counts in."""

    path: Path
    text: str
    wpm: float
    tone_hz: float
    row: tuple[Any, ...]


def main() -> None:
    """Print the tables; write them as JSON where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="morse", help="a model folder, or a bundled model")
    parser.add_argument("--data", type=Path, help="what `prepare morse` wrote; else made anew")
    parser.add_argument("--messages", type=int, default=40, help="a row, of what is made anew")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    recognizer = Recognizer.load(arguments.model)
    with tempfile.TemporaryDirectory(prefix="misheard-morse-") as folder:
        data = arguments.data or _made(Path(folder), arguments.messages)
        tables = {
            "snr_db": measure(recognizer, of_manifest(data / "test_snr.jsonl", "snr_db")),
            "wpm": measure(recognizer, of_manifest(data / "test_speed.jsonl", "wpm")),
        }
        if shutil.which("ebook2cw") is None:
            print("ebook2cw is not installed: no check with another generator.")
        else:
            tables["ebook2cw"] = measure(recognizer, by_ebook2cw(Path(folder), arguments.messages))
    for name, rows in tables.items():
        print(f"\n{markdown(name, rows)}")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(tables, indent=2) + "\n", encoding="utf-8")


def _made(folder: Path, n_messages: int) -> Path:
    workers = os.cpu_count() or 1
    write_set(folder / "test_snr.jsonl", snr_grid(SEED, n_messages), workers)
    write_set(folder / "test_speed.jsonl", speed_grid(SEED, n_messages), workers)
    return folder


def of_manifest(path: Path, column: str) -> list[Recording]:
    """The recordings of a grid, its rows by difficulty and a column."""
    return [
        Recording(
            path=row.audio_path,
            text=row.text,
            wpm=float(row.fields["wpm"]),
            tone_hz=float(row.fields["tone_hz"]),
            row=(row.fields["difficulty"], row.fields[column]),
        )
        for row in _known_to_peer(read_manifest(path).rows)
    ]


def _known_to_peer(rows: Iterable[ManifestRow]) -> list[ManifestRow]:
    return [row for row in rows if not PEER_UNKNOWN & set(row.text)]


def measure(recognizer: Recognizer, recordings: Sequence[Recording]) -> list[dict[str, Any]]:
    """A row of figures for each `row` of the recordings, in their order."""
    read: dict[str, list[str]] = {"ours": hear(recognizer, recordings)}
    if shutil.which("multimon-ng") is None:
        print("multimon-ng is not installed: ours only.")
    else:
        for way in product(PEER_FILTERS_HZ, PEER_TIMINGS):
            read[_name(way)] = hear_by_peer(recordings, way)
    rows = []
    for key in dict.fromkeys(recording.row for recording in recordings):
        chosen = [i for i, recording in enumerate(recordings) if recording.row == key]
        texts = [recordings[i].text for i in chosen]
        scores = {way: rate_signs(texts, [heard[i] for i in chosen]) for way, heard in read.items()}
        rows.append(_figures(key, scores))
    return rows


def hear(recognizer: Recognizer, recordings: Sequence[Recording]) -> list[str]:
    """What our model reads."""
    heard = [""] * len(recordings)
    for i, result in recognizer.transcribe_each([str(r.path) for r in recordings]):
        if isinstance(result, Exception):
            raise result
        heard[i] = result.text
    return heard


def hear_by_peer(recordings: Sequence[Recording], way: Way) -> list[str]:
    """What multimon-ng reads, in our spelling."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda recording: _hear_one_by_peer(recording, way), recordings))


def _hear_one_by_peer(recording: Recording, way: Way) -> str:
    filter_hz, timing = way
    audio = load_audio(recording.path)
    samples, rate = audio.samples.astype(np.float64), audio.sample_rate
    if filter_hz is not None:
        band = np.clip(recording.tone_hz + np.array([-0.5, 0.5]) * filter_hz, 20.0, rate / 2 - 20)
        sections = scipy.signal.butter(3, band, "bandpass", fs=rate, output="sos")
        samples = scipy.signal.sosfilt(sections, samples)
    samples = soxr.resample(samples, rate, PEER_RATE)
    samples = np.pad(samples, (0, round(TRAILING_S * PEER_RATE)))
    pcm = (0.9 * 32767 * samples / max(np.abs(samples).max(), 1e-9)).astype("<i2")
    dot_ms = str(round(1200 / recording.wpm))
    told = [] if timing == "as it comes" else ["-d", dot_ms, "-g", dot_ms]
    fixed = ["-y"] if timing.endswith("fixed") else []
    command = ["multimon-ng", "-q", "-t", "raw", "-a", "MORSE_CW", *told, *fixed, "-"]
    done = subprocess.run(command, input=pcm.tobytes(), capture_output=True, check=True)
    return in_our_spelling(done.stdout.decode(errors="replace"))


def in_our_spelling(text: str) -> str:
    """multimon-ng's text with a sign it does not know as one `*`."""
    text = re.sub(r"<[._]+>|<ERR_\d+>", lambda m: "<hh>" if m[0] == "<ERR_8>" else "*", text)
    text = " ".join(text.lower().split())
    return "".join(ALIASES.get(symbol, symbol) for symbol in symbols(text))


def rate_signs(references: Sequence[str], heard: Sequence[str]) -> list[Score]:
    """Scores in which every sign is one character; CH, which multimon-ng writes so, is two."""
    return score([_as_characters(t) for t in references], [_as_characters(t) for t in heard])


def _as_characters(text: str) -> str:
    private_use = {symbol: chr(0xE000 + i) for i, symbol in enumerate(SYMBOLS) if len(symbol) > 1}
    signs = (
        private_use.get(s, s if len(s) == 1 else "*") for s in symbols(text.replace("ĥ", "ch"))
    )
    return " ".join("".join(signs).split())


def _figures(key: tuple[Any, ...], scores: dict[str, list[Score]]) -> dict[str, Any]:
    cer = {way: total(each).cer for way, each in scores.items()}
    of_peer = {way: rate for way, rate in cer.items() if way != "ours"}
    interval = bootstrap(scores["ours"], rate="cer")
    figures: dict[str, Any] = {
        "row": list(key),
        "messages": len(scores["ours"]),
        "signs": total(scores["ours"]).n_char,
        "ours": cer["ours"],
        "ours_interval": [interval.low, interval.high],
    }
    if of_peer:
        best = min(of_peer, key=lambda way: of_peer[way])
        figures |= {"multimon": of_peer[_name(AS_IT_COMES)], "multimon_helped": of_peer[best]}
        figures |= {"multimon_help": best}
    return figures


def _name(way: Way) -> str:
    filter_hz, timing = way
    return f"{timing}, {f'{filter_hz:.0f} Hz' if filter_hz else 'no filter'}"


def markdown(name: str, rows: Sequence[dict[str, Any]]) -> str:
    """A table of CER in per cent."""
    lines = [
        f"| set | {name} | messages | signs | ours, CER % | multimon-ng as it comes | helped |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        low, high = row["ours_interval"]
        ours = f"{100 * row['ours']:.1f} ({100 * low:.1f} to {100 * high:.1f})"
        peer = [_percent(row.get(column)) for column in ("multimon", "multimon_helped")]
        kind, value = row["row"]
        shown = "clean" if value is None else f"{value:g}"
        cells = [kind, shown, str(row["messages"]), str(row["signs"]), ours, *peer]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f}"


def by_ebook2cw(folder: Path, n_messages: int) -> list[Recording]:
    """Messages that ebook2cw renders, with the noise that it makes in 500 Hz around the tone."""
    rng = np.random.default_rng(SEED)
    recordings = []
    for snr_db in GENERATOR_SNRS_DB:
        for i in range(n_messages):
            text = " ".join(islice(_plain_words(lambda: message_words("words", rng)), 6))
            wpm = GENERATOR_WPMS[i % len(GENERATOR_WPMS)]
            name = f"ebook2cw-{'clean' if snr_db is None else f'{snr_db:g}'}-{i}"
            _render_by_ebook2cw(text, wpm, snr_db, folder, name)
            path = folder / f"{name}0000.ogg"
            recordings.append(Recording(path, text, float(wpm), GENERATOR_HZ, ("words", snr_db)))
    return recordings


def _plain_words(source: Callable[[], Iterable[str]]) -> Iterable[str]:
    """Words of letters and digits: other signs are keyed differently by different programs."""
    return (word for word in source() if word.isascii() and word.isalnum())


def _render_by_ebook2cw(text: str, wpm: int, snr_db: float | None, folder: Path, name: str) -> None:
    (folder / "text.txt").write_text(f"{text}\n\n", encoding="utf-8")
    noise = [] if snr_db is None else ["-N", f"{snr_db:g}"]
    options = ["-w", str(wpm), "-f", f"{GENERATOR_HZ:g}", "-u", "-p", "-O", "-s", "11025", *noise]
    subprocess.run(
        ["ebook2cw", *options, "-o", name, "text.txt"],
        cwd=folder,
        env=os.environ | {"HOME": str(folder)},  # it writes a configuration there
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    main()
