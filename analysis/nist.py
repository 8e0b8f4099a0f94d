"""NIST's formats of texts, as sclite reads them: trn, stm and ctm.

A line that cannot be read is returned as a `SkippedRow`, never lost. Comments begin with `;;`.
Alternatives (`{ a / b }` in trn and stm, `<ALT_BEGIN>` in ctm) are not supported: their rows are
skipped.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from asr_core.manifest import ManifestError, SkippedRow

LONGEST_RAW = 1000  # characters kept of a line that was left out
TRN = re.compile(r"(.*)\(([^()]+)\)", re.DOTALL)
ALTERNATIVES = re.compile(r"(?:^|\s)\{\s.*\s/\s.*\s\}(?:\s|$)")
IGNORED = "ignore_time_segment_in_scoring"  # a segment that sclite leaves out, too


class TrnLine(NamedTuple):
    """`words (key)`."""

    line: int
    key: str
    text: str
    raw: str


class Segment(NamedTuple):
    """A line of an stm file: what was said in [start_s, end_s) of a recording's channel."""

    line: int
    recording: str
    channel: str
    speaker: str
    start_s: float
    end_s: float
    label: str  # between < and >, or empty
    text: str
    raw: str


class CtmWord(NamedTuple):
    """A line of a ctm file: a word heard, with its time and, if it says so, its confidence."""

    line: int
    recording: str
    channel: str
    start_s: float
    end_s: float
    text: str
    confidence: float | None
    raw: str


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of a file's lines that are neither blank nor comments.

    Raises:
        ManifestError: the file cannot be read.
    """
    try:
        with open_text(path, newline="\n") as file:
            for number, raw in enumerate(file, start=1):
                if raw.strip() and not raw.startswith(";;"):
                    yield number, raw.strip()
    except OSError as e:
        raise ManifestError(f"Cannot read {path}: {e}. Expected a UTF-8 file.") from e


def open_text(path: Path, newline: str) -> TextIO:
    """A text file, with or without BOM; bytes that are no UTF-8 become lone surrogates."""
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def not_utf8(raw: str) -> bool:
    """Whether a line of `open_text` had bytes that are no UTF-8."""
    if raw.isascii():
        return False
    return any("\udc80" <= char <= "\udcff" for char in raw)


def read_trn(path: Path) -> Iterator[TrnLine | SkippedRow]:
    """Lines `word word (utterance-id)` (raises ManifestError)."""
    for number, raw in lines(path):
        found = TRN.fullmatch(raw)
        key = found[2].strip() if found else ""
        if not_utf8(raw):
            yield skipped(number, "not UTF-8", raw)
        elif found is None or not key:
            yield skipped(number, "no utterance id in parentheses at the end", raw)
        elif ALTERNATIVES.search(found[1]):
            yield skipped(number, "alternatives { a / b } are not supported", raw)
        else:
            yield TrnLine(number, key, found[1].strip(), raw)


def read_stm(path: Path) -> Iterator[Segment | SkippedRow]:
    """Lines `recording channel speaker start end [<label>] words` (raises ManifestError)."""
    for number, raw in lines(path):
        parts = raw.split(None, 5)
        text = parts[5] if len(parts) > 5 else ""
        label = re.match(r"<([^<>]*)>\s*", text)
        text = text[label.end() :] if label else text
        try:
            segment = _segment(number, raw, parts, label[1] if label else "", text)
        except ValueError as e:
            yield skipped(number, str(e), raw)
        else:
            yield segment


def _segment(number: int, raw: str, parts: list[str], label: str, text: str) -> Segment:
    if not_utf8(raw):
        raise ValueError("not UTF-8")
    if len(parts) < 5:
        raise ValueError(f"expected recording, channel, speaker, start, end; got {len(parts)}")
    recording, channel, speaker = parts[:3]
    start_s, end_s = _seconds(parts[3]), _seconds(parts[4])
    if end_s <= start_s:
        raise ValueError(f"ends at {end_s} s, not after its start at {start_s} s")
    if text.strip().lower() == IGNORED:
        raise ValueError(f"marked {IGNORED}")
    if ALTERNATIVES.search(text):
        raise ValueError("alternatives { a / b } are not supported")
    return Segment(number, recording, channel, speaker, start_s, end_s, label, text, raw)


def read_ctm(path: Path) -> Iterator[CtmWord | SkippedRow]:
    """Lines `recording channel start duration word [confidence]` (raises ManifestError)."""
    alternatives = False
    for number, raw in lines(path):
        parts = raw.split()
        mark = parts[4].upper() if len(parts) > 4 else ""
        alternatives = mark == "<ALT_BEGIN>" or (alternatives and mark != "<ALT_END>")
        if alternatives or mark in ("<ALT>", "<ALT_END>"):
            yield skipped(number, "alternatives <ALT_BEGIN> are not supported", raw)
            continue
        try:
            word = _ctm_word(number, raw, parts)
        except ValueError as e:
            yield skipped(number, str(e), raw)
        else:
            yield word


def _ctm_word(number: int, raw: str, parts: list[str]) -> CtmWord:
    if not_utf8(raw):
        raise ValueError("not UTF-8")
    if len(parts) < 5:
        raise ValueError(f"expected recording, channel, start, duration, word; got {len(parts)}")
    recording, channel, start, length, text = parts[:5]
    said = parts[5] if len(parts) > 5 else "NA"
    confidence = None if said.upper() in ("NA", "-") else _finite(said, "confidence")
    start_s, length_s = _seconds(start), _seconds(length)
    return CtmWord(number, recording, channel, start_s, start_s + length_s, text, confidence, raw)


def _seconds(text: str) -> float:
    seconds = _finite(text, "time")
    if seconds < 0:
        raise ValueError(f"time {text!r} is negative")
    return seconds


def _finite(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError as e:
        raise ValueError(f"{what} {text!r} is not a number") from e
    if not math.isfinite(value):
        raise ValueError(f"{what} {text!r} is not a number")
    return value


def skipped(line: int, reason: str, raw: str) -> SkippedRow:
    """A row left out."""
    return SkippedRow(line, reason, raw[:LONGEST_RAW])
