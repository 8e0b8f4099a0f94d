"""A Kaldi data folder: `wav.scp` and `text`, and `segments`, `utt2spk` and tables of speakers.

A `wav.scp` may hold commands, which Kaldi runs; here none ever is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr_core.manifest import ManifestError
from asr_core.training.corpora.kaldi import read_table
from asr_core.training.layouts.found import Found, Reject, need_folder, split_named
from asr_core.training.layouts.tables import with_numbers

ABOUT_SPEAKERS = {"gender": "spk2gender", "age": "spk2age", "accent": "spk2accent"}
TO_THE_END = -1.0  # Kaldi's end of a segment that goes on to its recording's


def read_kaldi(folder: Path, *, audio_root: Path | None = None) -> Iterator[Found | Reject]:
    """The utterances of a data folder, or of those in it (train, dev, test: splits by their names).

    Args:
        folder: with `wav.scp`, or with folders that have one.
        audio_root: what paths of `wav.scp` are relative to; left out, the folder, or the nearest
            one above in which the recording is: Kaldi's are relative to where it was run.

    Raises:
        ManifestError: no data folder, or a table that cannot be read.
    """
    folder = need_folder(folder, "a Kaldi data folder")
    if (folder / "wav.scp").is_file():
        yield from _read_one(folder, None, audio_root)
        return
    inner = sorted(file.parent for file in folder.glob("*/wav.scp"))
    if not inner:
        raise ManifestError(f"No wav.scp in {folder}, nor in a folder in it. Expected Kaldi data.")
    for each in inner:
        yield from _read_one(each, split_named(each.name), audio_root)


@dataclass(frozen=True)
class _Segment:
    """Where an utterance is: its recording, and its stretch of it, if not all."""

    recording: str
    span_s: tuple[float, float | None] | None = None


def _read_one(folder: Path, split: str | None, root: Path | None) -> Iterator[Found | Reject]:
    recordings, texts = read_table(folder / "wav.scp"), read_table(folder / "text")
    speakers, about = _optional(folder / "utt2spk"), _about_speakers(folder)
    roots = [root.resolve()] if root else [folder, *folder.parents]
    segments = _segments(folder, recordings)
    for utterance, segment in segments.items():
        where = f"{folder.name}/{utterance}"
        if isinstance(segment, Reject):
            yield segment
            continue
        location = recordings.get(segment.recording)
        problem = _problem(location, segment.recording, utterance in texts)
        if problem or location is None:
            yield Reject(where, problem or "")
            continue
        speaker = speakers.get(utterance, "")
        yield Found(
            path=next((r / location for r in roots if _is_there(r / location)), folder / location),
            text=texts[utterance],
            name=where,
            speaker=speaker,
            group=f"{folder.name}/{segment.recording}",
            split=split,
            span_s=segment.span_s,
            fields=about.get(speaker, {}),
        )
    for utterance in texts:
        if utterance not in segments:
            yield Reject(f"{folder.name}/{utterance}", "in text, but in no segments or wav.scp")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, a folder that may not be looked into
        return False


def _problem(location: str | None, recording: str, has_text: bool) -> str | None:
    if location is None:
        return f"its recording {recording} is not in wav.scp"
    if location.endswith("|"):
        return (
            f"its recording {recording} is the output of a command, which is never run here: write"
            " it to a file, and that file's name into wav.scp"
        )
    return None if has_text else "not in text"


def _segments(folder: Path, recordings: Mapping[str, str]) -> dict[str, _Segment | Reject]:
    lines = _optional(folder / "segments")
    if not lines:
        return {name: _Segment(name) for name in recordings}
    return {name: _segment(f"{folder.name}/{name}", line) for name, line in lines.items()}


def _segment(where: str, line: str) -> _Segment | Reject:
    try:
        recording, start, end = line.split()
        start_s, end_s = float(start), float(end)
    except ValueError:
        return Reject(where, f"its segment {line!r} is not a recording, a start and an end")
    return _Segment(recording, (start_s, None if end_s == TO_THE_END else end_s))


def _optional(path: Path) -> dict[str, str]:
    return read_table(path) if path.is_file() else {}


def _about_speakers(folder: Path) -> dict[str, dict[str, Any]]:
    """Speaker -> what the tables say of them."""
    about: dict[str, dict[str, Any]] = {}
    for field, name in ABOUT_SPEAKERS.items():
        table = _optional(folder / name)
        values = with_numbers([{field: value} for value in table.values()])
        for speaker, value in zip(table, values, strict=True):
            about.setdefault(speaker, {}).update(value)
    return about
