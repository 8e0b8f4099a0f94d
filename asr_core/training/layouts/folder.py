"""A folder of recordings: the text in a file beside each, in a list, or in the folder's name.

Lists are LibriSpeech's (`*.trans.txt`: `name text`), LJSpeech's (`metadata.csv`: `name|text`, the
last cell where there are three, which has numbers spelled out) and tables with a header
(`metadata.csv`, as Hugging Face's audio folders have). Folders named after words are the layout of
Speech Commands (Warden 2018, arXiv 1804.03209), whose lists of validation and test are kept.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from asr_core.manifest import ManifestError
from asr_core.training.layouts.found import (
    Found,
    Reject,
    audio_files,
    choose_column,
    need_folder,
    split_named,
)
from asr_core.training.layouts.tables import PATH_COLUMNS, TEXT_COLUMNS, read_table

TextFrom = Literal["file", "folder"]
TEXT_ENDINGS = (".txt", ".lab")
LISTS = ("*.trans.txt", "metadata.csv", "metadata.tsv")
SPLIT_LISTS = {"validation_list.txt": "validation", "testing_list.txt": "test"}
SPEECH_COMMANDS_SPEAKER = "([0-9a-f]{8})_nohash_"
NOISE_FOLDERS = ("_background_noise_", "_silence_")


def read_folder(
    folder: Path, *, text_from: TextFrom = "file", speaker_pattern: str | None = None
) -> Iterator[Found | Reject]:
    """Every recording below a folder.

    Sub-folders named as splits (train, dev, test, ...) keep their split. The sub-folder below names
    the speaker, where there are several and they do not name words.

    Args:
        folder: recordings of any format, in sub-folders or not.
        text_from: "file": a list, or a `.txt` beside each; "folder": a recording says the name of
            the folder it is in; nothing in NOISE_FOLDERS.
        speaker_pattern: a regular expression whose first group, found in the path below `folder`,
            is the speaker. Left out, names of Speech Commands are understood.

    Raises:
        ManifestError: no folder, no recordings, no text for any of them, or not a pattern.
    """
    folder = need_folder(folder, "a folder of recordings with their texts")
    paths = audio_files(folder)
    if not paths:
        raise ManifestError(f"No recordings in {folder}. Expected WAV, FLAC, MP3, Opus or others.")
    told = _labels(paths) if text_from == "folder" else _texts(paths, folder)
    if not any(isinstance(text, str) for text in told.values()):
        raise ManifestError(
            f"No text for any of the {len(paths)} recordings in {folder}. Expected a .txt beside"
            " each, *.trans.txt or metadata.csv; --text-from folder takes the name of the folder"
            " that a recording is in."
        )
    speakers = _speakers(paths, folder, text_from, speaker_pattern)
    listed = _listed_splits(folder)
    for path, text in told.items():
        if isinstance(text, Reject):
            yield text
            continue
        name = path.relative_to(folder).as_posix()
        split = listed.get(name, "train") if listed else _split_folder(path, folder)
        is_noise = text_from == "folder" and not text
        yield Found(path, text, name, speakers.get(path, ""), split=split, is_noise=is_noise)


def _labels(paths: list[Path]) -> dict[Path, str | Reject]:
    return {path: _label(path) for path in paths}


def _label(path: Path) -> str | Reject:
    name = path.parent.name
    if name in NOISE_FOLDERS:
        return ""
    if name.startswith("_") and name.endswith("_"):
        return Reject(str(path), f"its folder {name} names no word")
    return name.replace("_", " ")


def _texts(paths: list[Path], folder: Path) -> dict[Path, str | Reject]:
    """Of each recording, and of each line of a list without one."""
    listed = read_lists(folder)
    found: dict[Path, str | Reject] = {}
    used: set[Path] = set()
    for path in paths:
        keys = [key for key in _keys(path, folder) if key in listed]
        found[path] = listed[keys[0]] if keys else _text_beside(path)
        used.update(keys)
    for path in sorted(listed.keys() - used):
        found[path] = Reject(str(path), "a list has its text, but there is no such recording")
    return found


def _keys(path: Path, folder: Path) -> Iterator[Path]:
    """What a list may call a recording: beside it, or in a folder above, with and without ending.

    LJSpeech's list lies above `wavs`, and has neither that folder nor the ending.
    """
    yield from (path, path.with_suffix(""))
    above = path.parent
    while above != folder:
        above = above.parent
        yield from (above / path.name, above / path.stem)


def _text_beside(path: Path) -> str | Reject:
    """`a.wav` has its text in `a.txt`, `a.wav.opus` in that or in `a.wav.txt`."""
    beside = [
        path.with_name(stem + ending)
        for stem in dict.fromkeys((path.stem, path.name.split(".")[0]))
        for ending in TEXT_ENDINGS
    ]
    for file in beside:
        if file.is_file():
            try:
                return file.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as e:
                return Reject(str(path), f"its text {file.name} cannot be read: {e}")
    return Reject(str(path), f"no text: expected {beside[0].name} beside it, or a line in a list")


def read_lists(folder: Path) -> dict[Path, str]:
    """Every list below a folder: path of a recording, its ending or not -> text.

    Raises:
        ManifestError: a list that cannot be read.
    """
    found: dict[Path, str] = {}
    for pattern in LISTS:
        for file in sorted(folder.rglob(pattern)):
            pairs = _trans_lines(file) if file.name.endswith(".trans.txt") else _metadata(file)
            found |= {file.parent / name: text for name, text in pairs}
    return found


def _trans_lines(file: Path) -> Iterator[tuple[str, str]]:
    """The (name, text) of a LibriSpeech list (raises ManifestError)."""
    for line in _lines(file):
        name, _, text = line.strip().partition(" ")
        yield name, text.strip()


def _metadata(file: Path) -> Iterator[tuple[str, str]]:
    lines = _lines(file)
    if lines and "|" in lines[0]:  # LJSpeech: no header, no quotes
        for line in lines:
            name, *texts = line.split("|")
            yield name, next((text for text in reversed(texts) if text.strip()), "")
        return
    columns, rows = read_table(file)
    name = choose_column(None, PATH_COLUMNS, columns, "audio")
    text = choose_column(None, TEXT_COLUMNS, columns, "text")
    for _, row in rows:
        if not isinstance(row, Reject):
            yield row[name], row[text]


def _lines(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as e:
        raise ManifestError(f"Cannot read {file}: {e}. Expected text in UTF-8.") from e
    return [line.removesuffix("\r") for line in lines if line.strip()]


def _listed_splits(folder: Path) -> dict[str, str]:
    files = {folder / name: split for name, split in SPLIT_LISTS.items()}
    return {name.strip(): split for f, split in files.items() if f.is_file() for name in _lines(f)}


def _split_folder(path: Path, folder: Path) -> str | None:
    parts = path.relative_to(folder).parts[:-1]
    return split_named(parts[0]) if parts else None


def _speakers(
    paths: list[Path], folder: Path, text_from: TextFrom, pattern: str | None
) -> dict[Path, str]:
    """The speakers that are named."""
    if pattern is None and text_from == "file":
        named = {path: _speaker_folder(path, folder) for path in paths}
        return named if len(set(named.values())) > 1 else {}
    try:
        compiled = re.compile(pattern or SPEECH_COMMANDS_SPEAKER)
    except re.error as e:
        raise ManifestError(f"{pattern!r} is no regular expression: {e}.") from e
    if not compiled.groups:
        raise ManifestError(f"{pattern!r} has no group. Expected one, as in '_([a-z]+)_'.")
    matches = {path: compiled.search(path.relative_to(folder).as_posix()) for path in paths}
    return {path: match[1] or "" for path, match in matches.items() if match}


def _speaker_folder(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).parts[:-1]
    if parts and split_named(parts[0]):
        parts = parts[1:]
    return parts[0] if parts else ""
