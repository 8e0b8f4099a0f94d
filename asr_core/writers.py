"""Transcripts as other programs read them: CTM, Praat, subtitles, Audacity, JSON, plain text.

What is the same in all: times are seconds (subtitles: h:m:s) from the start of the recording; a run
of white space in a word, a line break too, is one space (CTM: `_`); a word of nothing else is left
out. JSON alone keeps everything as it is.
"""

import enum
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the command line names the formats before it loads anything
    from asr_core.transcript import Transcript

LONGEST_LINE = 42  # characters of a subtitle and ...
LONGEST_CUE_S = (
    7.0  # ... how long it stays: both as in Netflix's Timed Text Style Guide for English
)
SHORTEST_CUE_S = 5 / 6  # ... where the next one leaves it that long; the same guide
CUE_PAUSE_S = 1.0  # between two words; so long a pause parts two subtitles
CHANNEL = "1"  # recordings are mixed to one


class Format(enum.StrEnum):
    """How transcripts are written."""

    TEXT = "text"
    JSON = "json"
    CTM = "ctm"
    TEXTGRID = "textgrid"
    SRT = "srt"
    VTT = "vtt"
    LABELS = "labels"


SUFFIXES = {
    Format.TEXT: ".txt",
    Format.JSON: ".json",
    Format.CTM: ".ctm",
    Format.TEXTGRID: ".TextGrid",
    Format.SRT: ".srt",
    Format.VTT: ".vtt",
    Format.LABELS: ".labels.txt",  # Audacity offers to import .txt
}
OF_MANY = (Format.TEXT, Format.JSON, Format.CTM)  # the others are of one recording by their nature


@dataclass(frozen=True)
class Interval:
    """A stretch of time with a text, in whole milliseconds, half-open and never empty."""

    start_ms: int
    end_ms: int
    text: str


def write(transcript: "Transcript", written: Format, name: str) -> str:
    """A transcript in a format, with the line break at its end.

    Args:
        transcript: of one recording.
        written: the format.
        name: the recording's, for the formats that say it: JSON and CTM.
    """
    if written is Format.JSON:
        return to_json([record(transcript, name)])
    if written is Format.CTM:
        return to_ctm(transcript, name)
    without_name = {
        Format.TEXT: to_text,
        Format.TEXTGRID: to_textgrid,
        Format.SRT: to_srt,
        Format.VTT: to_vtt,
        Format.LABELS: to_labels,
    }
    return without_name[written](transcript)


def to_text(transcript: "Transcript") -> str:
    """The text on a line, whatever its words are."""
    return transcript.text + "\n"


def record(transcript: "Transcript", name: str) -> dict[str, Any]:
    """A transcript as an entry of the JSON: the recording's name and `Transcript.to_dict`."""
    return {"file": name, **transcript.to_dict()}


def to_json(records: Sequence[dict[str, Any]]) -> str:
    """A list with an entry a recording."""
    return json.dumps(records, indent=2, ensure_ascii=False) + "\n"


def to_ctm(transcript: "Transcript", name: str) -> str:
    """NIST's CTM for sclite: file, channel, start, duration, word, confidence; a line a word.

    No word, no line. CTM knows no quoting: white space is `_`, and so is the first `;` of a name
    that would make the line a comment. sclite takes a word in parentheses for one that may be
    left out, and `@` alone for none.
    """
    recording = re.sub(r"^;", "_", "_".join(name.split()) or "_")
    lines = []
    for start_s, end_s, text, confidence in _words(transcript):
        length_s = round(end_s, 3) - round(start_s, 3)
        word = text.replace(" ", "_")
        lines.append(
            f"{recording} {CHANNEL} {start_s:.3f} {length_s:.3f} {word} {confidence:.4f}\n"
        )
    return "".join(lines)


def to_textgrid(transcript: "Transcript") -> str:
    """Praat's TextGrid, long format: interval tiers `words` and `symbols`, each without a gap.

    Where there is no word the interval's text is empty; a space among the symbols counts as none.
    Praat knows no empty interval: what has no length gets a millisecond.
    """
    words = [(start_s, end_s, text) for start_s, end_s, text, _ in _words(transcript)]
    tiers = {"words": words, "symbols": _symbols(transcript)}
    # As long as the recording, but for one shorter than a millisecond a symbol.
    end_s = max(transcript.duration_s, *(len(tier) / 1000 for tier in tiers.values()))
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {end_s:.6f}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for n, (name, tier) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{n}]:", *_tier_lines(name, tier, end_s)]
    return "\n".join(lines) + "\n"


def to_srt(transcript: "Transcript") -> str:
    """SubRip subtitles (see `cues`); the format has no way to quote, so words are as they are."""
    blocks = [
        f"{n}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{cue.text}\n"
        for n, cue in enumerate(cues(transcript), start=1)
    ]
    return "\n".join(blocks)


def to_vtt(transcript: "Transcript") -> str:
    """WebVTT subtitles (see `cues`); `&`, `<` and `>` are written as character references."""
    blocks = ["WEBVTT\n"]
    for cue in cues(transcript):
        text = cue.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{text}\n")
    return "\n".join(blocks)


def to_labels(transcript: "Transcript") -> str:
    """Audacity's label track: start, end, word, tab-separated; no length makes a point label."""
    return "".join(
        f"{start_s:.6f}\t{end_s:.6f}\t{text}\n" for start_s, end_s, text, _ in _words(transcript)
    )


def cues(transcript: "Transcript") -> list[Interval]:
    """The subtitles of a transcript: runs of words, a line each.

    A new one begins with the word that would make the line longer than `LONGEST_LINE` or its time
    longer than `LONGEST_CUE_S`, and after a pause of `CUE_PAUSE_S`. A single word may be longer.
    A subtitle is there from its first word's start to its last word's end; one shorter than
    `SHORTEST_CUE_S` stays for that long, or until the next one or the recording's end.
    """
    runs: list[list[tuple[float, float, str]]] = []
    for start_s, end_s, text, _ in _words(transcript):
        if not runs or _parts(runs[-1], (start_s, end_s, text)):
            runs.append([])
        runs[-1].append((start_s, end_s, text))
    nexts_s = [run[0][0] for run in runs[1:]] + [transcript.duration_s]
    timed = []
    for run, next_s in zip(runs, nexts_s, strict=False):  # without runs the end remains
        start_s, end_s = run[0][0], run[-1][1]
        end_s = max(end_s, min(start_s + SHORTEST_CUE_S, next_s))
        timed.append((start_s, end_s, " ".join(text for _, _, text in run)))
    return _laid_out(timed, transcript.duration_s)


def _parts(run: list[tuple[float, float, str]], word: tuple[float, float, str]) -> bool:
    """Whether a word begins a new subtitle after those of a run."""
    start_s, end_s, text = word
    line = len(" ".join([*(said for _, _, said in run), text]))
    return (
        line > LONGEST_LINE
        or end_s - run[0][0] > LONGEST_CUE_S
        or start_s - run[-1][1] >= CUE_PAUSE_S
    )


def _words(transcript: "Transcript") -> list[tuple[float, float, str, float]]:
    """Start, end, text on one line and confidence of the words that have a text."""
    lines = [(w, " ".join(w.text.split())) for w in transcript.words]
    return [(w.start_s, w.end_s, text, w.confidence) for w, text in lines if text]


def _symbols(transcript: "Transcript") -> list[tuple[float, float, str]]:
    """Start, end and text of the symbols that are no space."""
    return [
        (start_s, end_s, " ".join(symbol.split()))
        for symbol, (start_s, end_s) in zip(
            transcript.symbols, transcript.symbol_times_s, strict=True
        )
        if symbol.strip()
    ]


def _laid_out(timed: Sequence[tuple[float, float, str]], duration_s: float) -> list[Interval]:
    """Intervals in order, each a millisecond at least, without overlaps, within the recording.

    Of two that overlap, the later one begins where the earlier one ends. A recording of fewer
    milliseconds than there are intervals is taken to be as long as they are.
    """
    placed, at = [], 0
    for start_s, end_s, text in timed:
        start = max(round(1000 * start_s), at)
        at = max(round(1000 * end_s), start + 1)
        placed.append(Interval(start, at, text))
    limit = max(_whole_ms(duration_s), len(timed))
    fitted = []
    for interval in reversed(placed):
        end = min(interval.end_ms, limit)
        limit = min(interval.start_ms, end - 1)
        fitted.append(Interval(limit, end, interval.text))
    return fitted[::-1]


def _tier_lines(
    name: str, timed: Sequence[tuple[float, float, str]], end_s: float
) -> Iterable[str]:
    """An interval tier from 0 to `end_s`, the gaps filled with intervals without text."""
    filled: list[tuple[float, float, str]] = []
    at = 0.0
    for interval in _laid_out(timed, end_s):
        start, end = interval.start_ms / 1000, interval.end_ms / 1000
        if start > at:
            filled.append((at, start, ""))
        at = end_s if interval.end_ms == _whole_ms(end_s) else end  # no sliver is left at the end
        filled.append((start, at, interval.text))
    if at < end_s:
        filled.append((at, end_s, ""))
    yield '        class = "IntervalTier"'
    yield f'        name = "{name}"'
    yield "        xmin = 0"
    yield f"        xmax = {end_s:.6f}"
    yield f"        intervals: size = {len(filled)}"
    for n, (start, end, text) in enumerate(filled, start=1):
        yield f"        intervals [{n}]:"
        yield f"            xmin = {start:.6f}"
        yield f"            xmax = {end:.6f}"
        yield '            text = "' + text.replace('"', '""') + '"'


def _whole_ms(seconds: float) -> int:
    return int(1000 * seconds + 1e-6)  # 2.285 s are 2284.9999... ms


def _clock(milliseconds: int, mark: str) -> str:
    """hh:mm:ss and the milliseconds after the format's decimal mark."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{rest:03d}"
