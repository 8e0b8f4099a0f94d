"""The rows of paths: what wins each frame, and what it costs to write another text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.paths import Parting, greedy_path, part, path_of
from asr_core.alignment import Alignment, AlignmentError, align
from asr_core.morse_code import Script, read_as
from asr_core.text import Alphabet
from asr_core.transcript import Transcript
from ui import evidence_strings as strings
from ui.language import count

LONGEST_GAP_S = 0.5  # between the frames of one word and of the word written for it
MAX_CELLS = 200_000_000  # frames times lattice states; a byte each
MOST_TIMES = 1e6  # a larger factor says no more than "more than a million"
SAME = 1e-3  # nats; less is no difference

Kind = Literal["greedy", "reference", "heard", "both"]


@dataclass(frozen=True)
class Row:
    """A path: `runs` are (id, start frame, end frame, mean probability in %), blanks left out."""

    kind: Kind  # both: what was heard is also the greedy path
    runs: tuple[tuple[int, int, int, int], ...]
    log_prob: float  # of the whole path, in nats
    a_frame: float  # the same, a frame


@dataclass(frozen=True)
class Region:
    """A place where reference and heard part, in seconds, and what it means in words."""

    start_s: float
    end_s: float
    title: str
    text: str


@dataclass(frozen=True)
class Paths:
    """The rows; without a reference that the model can write, no regions, and `note` says why."""

    rows: tuple[Row, ...]
    regions: tuple[Region, ...] = ()
    summary: str = ""
    note: str = ""
    disputed: tuple[int, ...] = ()  # the symbols that one path writes and the other does not


def heard_path(transcript: Transcript) -> Alignment:
    """The path of what the decoder wrote."""
    return path_of(transcript.tokens, transcript.log_probs)


def of_heard(transcript: Transcript) -> Paths:
    """The paths of a recording of which nobody has said what it holds."""
    return Paths(_rows(transcript, None, heard_path(transcript)))


def of_both(
    transcript: Transcript,
    alphabet: Alphabet,
    names: Sequence[str],
    said: str,
    heard: str,
    script: Script = "latin",
) -> Paths:
    """The paths of what was said and of what was heard, and where they part.

    Args:
        transcript: of the recording.
        alphabet: of the model.
        names: of the symbols, by id.
        said: normalised text.
        heard: normalised text; where it is not the transcript's, it is aligned, too.
        script: the letters that messages are written in.
    """
    got = heard_path(transcript)
    try:
        if heard != alphabet.normalise(transcript.text):
            got = forced(transcript.log_probs, alphabet, heard, script)
        reference = forced(transcript.log_probs, alphabet, said, script)
    except ValueError as e:
        return Paths(_rows(transcript, None, got), note=str(e))
    longest_gap = round(LONGEST_GAP_S / transcript.frame_s)
    partings = part(reference, got, longest_gap)
    return Paths(
        rows=_rows(transcript, reference, got),
        regions=tuple(_region(each, names, transcript.frame_s) for each in partings),
        summary=_summary(partings, reference, got),
        note=unknown_words(alphabet, said),
        disputed=tuple(sorted({i for each in partings for i in each.reference + each.heard})),
    )


def forced(
    log_probs: np.ndarray, alphabet: Alphabet, text: str, script: Script = "latin"
) -> Alignment:
    """The most probable path that spells a text (raises ValueError, with a message to show)."""
    from analysis.recognition import can_write

    strange = [read_as(word, script) for word in text.split() if not can_write(alphabet, word)]
    if strange:
        raise ValueError(strings.CANNOT_WRITE.format(words=_quoted(strange)))
    ids = alphabet.encode(text)
    if len(log_probs) * (2 * len(ids) + 1) > MAX_CELLS:
        raise ValueError(strings.TOO_LONG_TO_ALIGN)
    try:
        return align(log_probs, ids)
    except AlignmentError as e:
        raise ValueError(strings.NO_PATH.format(why=e)) from e


def unknown_words(alphabet: Alphabet, text: str) -> str:
    """Says which words the model writes with its symbol for all others; empty without any."""
    if alphabet.unknown is None or not alphabet.joiner:
        return ""
    words = [word for word in text.split() if word not in alphabet.symbols]
    if not words:
        return ""
    return strings.UNKNOWN_WORDS.format(words=_quoted(words), symbol=alphabet.unknown)


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(strings.QUOTED.format(word=word) for word in dict.fromkeys(words))


def _rows(transcript: Transcript, reference: Alignment | None, heard: Alignment) -> tuple[Row, ...]:
    greedy = greedy_path(transcript.log_probs)
    rows = [] if reference is None else [_row("reference", reference)]
    if np.array_equal(greedy.path, heard.path):
        return (*rows, _row("both", heard))
    return (*rows, _row("heard", heard), _row("greedy", greedy))


def _row(kind: Kind, path: Alignment) -> Row:
    runs = tuple((s.id, s.start, s.end, round(100 * s.score)) for s in path.spans)
    log_prob = path.log_prob
    return Row(kind, runs, round(log_prob, 3), round(log_prob / max(1, len(path.path)), 4))


def _region(parting: Parting, names: Sequence[str], frame_s: float) -> Region:
    return Region(
        start_s=round(parting.start * frame_s, 3),
        end_s=round(parting.end * frame_s, 3),
        title=_title(parting, names),
        text=cost_in_words(parting.cost),
    )


def _title(parting: Parting, names: Sequence[str]) -> str:
    said = " ".join(names[i] for i in parting.reference)
    got = " ".join(names[i] for i in parting.heard)
    if said == got:
        return strings.PART_TIMES
    if not said or not got:
        return (strings.PART_SAID_ONLY if said else strings.PART_HEARD_ONLY).format(
            said=said, got=got
        )
    return strings.PART_WORDS.format(said=said, got=got)


def cost_in_words(nats: float) -> str:
    """What a difference of log-probabilities means: nats, and how many times less likely."""
    if abs(nats) < SAME:
        return strings.COST_NONE
    times = math.exp(min(abs(nats), 700))
    factor = strings.MILLIONS if times > MOST_TIMES else strings.TIMES.format(times=_round(times))
    pattern = strings.COST if nats > 0 else strings.GAIN
    return pattern.format(nats=abs(nats), times=factor)


def _round(times: float) -> str:
    """Two digits are all that a factor of likelihoods deserves."""
    if times < 10:
        return f"{times:.1f}"
    step = 10 ** (math.floor(math.log10(times)) - 1)
    return count(round(times / step) * step)


def _summary(partings: Sequence[Parting], reference: Alignment, heard: Alignment) -> str:
    if not partings:
        return strings.NEVER_PART
    if len(partings) == 1:
        return strings.PART_ONCE
    return strings.PART_SUMMARY.format(n=len(partings), nats=heard.log_prob - reference.log_prob)
