"""What every layout yields: a recording as its folder or table describes it, unchecked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr_core.manifest import ManifestError

SPLITS = ("train", "validation", "test")
OURS = ("audio_filepath", "duration", "text", "speaker", "kind")  # written by us
AUDIO_ENDINGS = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".m4a",
    ".mp4",
    ".webm",
    ".aac",
    ".aif",
    ".aiff",
    ".au",
    ".caf",
    ".wma",
    ".amr",
    ".3gp",
    ".mka",
)

_SPLIT_NAMES = {
    "train": r"train(?:ing)?",
    "validation": r"dev(?:el|elopment)?|val(?:id(?:ation)?)?",
    "test": r"test(?:ing)?|eval(?:uation)?",
}


@dataclass(frozen=True)
class Found:
    """One recording, or a stretch of one, with its text as it was written."""

    path: Path
    text: str
    name: str  # the same on every machine: a split by hash draws from it
    speaker: str = ""
    group: str = ""  # what belongs in one split where no speaker is named: a long recording
    split: str | None = None  # the layout's own
    span_s: tuple[float, float | None] | None = None  # of `path`; None: to its end
    is_noise: bool = False  # its text is meant to be empty
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reject:
    """What a layout names and cannot be used, and why."""

    location: str
    reason: str


def split_named(name: str) -> str | None:
    """The split that a folder or file is named after: `dev-clean` is validation, `devon` is none.

    `eval` is a test, as in Kaldi.
    """
    for split, pattern in _SPLIT_NAMES.items():
        if re.match(rf"(?:{pattern})(?![a-z])", name.lower()):
            return split
    return None


def own_fields(record: Mapping[str, Any], *taken: str) -> dict[str, Any]:
    """The columns that become fields: neither empty, nor `taken`, nor named like one of ours."""
    return {
        key: value
        for key, value in record.items()
        if key and key not in (*taken, *OURS) and value is not None and value != ""
    }


def choose_column(asked: str | None, usual: Sequence[str], there: Iterable[str], what: str) -> str:
    """The column that was asked for, or the first usual one that is there.

    Raises:
        ManifestError: there is no such column.
    """
    columns = list(there)
    for name in [asked] if asked else usual:
        if name in columns:
            return name
    raise ManifestError(
        f"No column for the {what}. Expected {asked or ' or '.join(usual)}, got"
        f" {', '.join(map(repr, columns)) or 'none'}: name it with --{what}-column."
    )


def audio_files(folder: Path) -> list[Path]:
    """Every file below a folder whose ending is audio's, in order; hidden ones left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in AUDIO_ENDINGS and not path.name.startswith(".") and path.is_file()
    )


def need_folder(folder: Path, expected: str) -> Path:
    """The folder, absolute (raises ManifestError)."""
    if not folder.is_dir():
        raise ManifestError(f"No folder {folder}. Expected {expected}.")
    return folder.resolve()
