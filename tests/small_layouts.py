"""Tiny data in every layout that `prepare` reads, its recordings tones, for the tests of them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import soundfile

from asr_core.training.layouts.found import Found, Reject

RATE = 8000


def parted(each_found: Iterable[Found | Reject]) -> tuple[dict[str, Found], dict[str, str]]:
    """By name; and the reasons by location."""
    found, rejects = {}, {}
    for each in each_found:
        if isinstance(each, Found):
            assert each.name not in found
            found[each.name] = each
        else:
            rejects[each.location] = each.reason
    return found, rejects


def record(path: Path, seconds: float = 0.3, rate: int = RATE, hz: float = 440.0) -> Path:
    """A tone as a file of whatever its ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {"format": "OGG", "subtype": "OPUS"} if path.suffix == ".opus" else {}
    times = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * times), rate, **kind)
    return path


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_voices(folder: Path, texts: Mapping[str, str], ending: str = ".wav") -> Path:
    """`speaker/name`, or a name alone -> text: a recording and its .txt each."""
    for name, text in texts.items():
        record(folder / (name + ending))
        write(folder / f"{name}.txt", text)
    return folder


def write_kaldi(folder: Path, split: str = "train", *, segments: bool = True) -> Path:
    """Two speakers in two long recordings, or (without segments) an utterance a recording."""
    data = folder / "data" / split
    names = [f"{split}-{speaker}" for speaker in ("ann", "bob")]
    for name in names:
        record(folder / "wav" / f"{name}.flac", 4.0)
    write(data / "wav.scp", *(f"{name} wav/{name}.flac" for name in names))
    parts = ("-1", "-2") if segments else ("",)
    write(data / "text", *(f"{n}{part} SAY IT{part}" for n in names for part in parts))
    write(data / "utt2spk", *(f"{n}{part} {n[-3:]}" for n in names for part in parts))
    write(data / "spk2gender", "ann f", "bob m")
    write(data / "spk2age", "ann 31", "bob 7")
    write(data / "spk2accent", "ann us", "bob scottish")
    if segments:
        write(
            data / "segments",
            *(f"{n}-1 {n} 0.50 1.25" for n in names),
            *(f"{n}-2 {n} 2 -1" for n in names),
        )
    return data


def write_common_voice(folder: Path, splits: tuple[str, ...] = ("train", "dev", "test")) -> Path:
    """A clip each of two people a split, with the columns of release 17."""
    header = "client_id path sentence_id sentence up_votes down_votes age gender accents locale"
    for split in splits:
        rows = [header.replace(" ", "\t")]
        for number in range(2):
            name = f"common_voice_en_{split}{number}.mp3"
            record(folder / "clips" / name, rate=32000)
            person = f"{split}{number}" * 20
            quoted = f'He said "yes{number}".'
            rows.append(f"{person}\t{name}\ts{number}\t{quoted}\t3\t0\ttwenties\t\tScottish\ten")
        write(folder / f"{split}.tsv", *rows)
    return folder


def write_librispeech(folder: Path) -> Path:
    """Three subsets of a speaker and a chapter each."""
    write(folder / "SPEAKERS.TXT", "; ID  |SEX| SUBSET", "14 | F | train-clean-100 | 25 | A|B")
    for subset, speaker in (("train-clean-100", 14), ("dev-clean", 15), ("test-other", 16)):
        chapter = folder / subset / str(speaker) / "208"
        for number in range(2):
            record(chapter / f"{speaker}-208-{number:04d}.flac", rate=16000)
        lines = (f"{speaker}-208-{number:04d} CHAPTER {'ONE' * (number + 1)}" for number in (0, 1))
        write(chapter / f"{speaker}-208.trans.txt", *lines)
    return folder
