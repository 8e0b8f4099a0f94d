"""The evidence of one recording: its words, its sound and its picture, in one component.

The same component stands wherever an utterance is shown. Its value is plain data, built here by
pure functions; `evidence.js` draws it and puts every text in as text, never as HTML.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr

from analysis.scoring import Edit
from asr_core.morse_code import Script, read_as
from asr_core.transcript import Transcript, Word
from ui import strings
from ui.picture import Picture, draw

if TYPE_CHECKING:
    from asr_core.checkpoint import Contract

HERE = Path(__file__).parent

Side = Literal["reference", "heard"]


@dataclass(frozen=True)
class LaneWord:
    """A word of a lane; without times where it has no place in the sound."""

    text: str
    op: str  # of the edit it belongs to: equal, substitute, delete or insert
    start_s: float | None
    end_s: float | None
    confidence: float | None


@dataclass(frozen=True)
class Emission:
    """A symbol and the frames in which the model wrote it, in seconds."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True)
class Lane:
    """One text on the time axis."""

    side: Side
    words: tuple[LaneWord, ...]
    emissions: tuple[Emission, ...]


@dataclass(frozen=True)
class Step:
    """A column of the diff: positions in the two lanes' words, None where a side has none."""

    op: str
    reference: int | None
    heard: int | None


@dataclass(frozen=True)
class Fact:
    """Something known about the recording; `hint` explains the label."""

    label: str
    value: str
    hint: str = ""


@dataclass(frozen=True)
class Evidence:
    """All that the component shows of one recording."""

    audio_url: str
    duration_s: float
    picture: Picture
    lanes: tuple[Lane, ...]
    steps: tuple[Step, ...]  # empty where there is no reference to compare with
    facts: tuple[Fact, ...]
    note: str = ""
    state: str = "ready"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Notice:
    """What the component says when it has no recording to show."""

    state: Literal["loading", "empty", "failed"]
    title: str
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def of_transcript(
    transcript: Transcript,
    contract: "Contract",
    audio_url: str,
    facts: Sequence[Fact] = (),
    script: Script = "latin",
) -> Evidence:
    """What was heard in a recording; `script` is the one that the transcript is written in."""
    words = tuple(_lane_word(word.text, "equal", word) for word in transcript.words)
    return Evidence(
        audio_url=audio_url,
        duration_s=transcript.duration_s,
        picture=draw(transcript.features, transcript.duration_s, contract.features),
        lanes=(Lane("heard", words, _emissions(transcript, contract, script)),),
        steps=(),
        facts=tuple(facts),
    )


def of_comparison(
    transcript: Transcript,
    contract: "Contract",
    audio_url: str,
    edits: Sequence[Edit],
    reference: Mapping[int, Word],
    heard: Mapping[int, Word],
    facts: Sequence[Fact] = (),
    note: str = "",
) -> Evidence:
    """What was heard against what was said.

    Args:
        transcript: of the recording; gives the picture and the emissions.
        contract: of the model that made the transcript.
        audio_url: where the page finds the sound.
        edits: the alignment of reference and heard words.
        reference: the reference's words that have a place in the sound, by reference index.
        heard: the same for the words heard.
        facts: what else is known.
        note: what the reader should know about this comparison.
    """
    said = [e for e in edits if e.reference is not None]
    got = [e for e in edits if e.heard is not None]
    reference_words = tuple(
        _lane_word(e.reference or "", e.op, reference.get(i)) for i, e in enumerate(said)
    )
    heard_words = tuple(_lane_word(e.heard or "", e.op, heard.get(i)) for i, e in enumerate(got))
    return Evidence(
        audio_url=audio_url,
        duration_s=transcript.duration_s,
        picture=draw(transcript.features, transcript.duration_s, contract.features),
        lanes=(
            Lane("reference", reference_words, ()),
            Lane("heard", heard_words, _emissions(transcript, contract)),
        ),
        steps=tuple(Step(e.op, e.reference_index, e.heard_index) for e in edits),
        facts=tuple(facts),
        note=note,
    )


def component(value: Notice | None, elem_id: str) -> gr.HTML:
    """The component; give it `to_json()` of an Evidence or a Notice, or None to show nothing."""
    return gr.HTML(
        value.to_json() if value else None,
        html_template='<div class="mh-evidence"></div>',
        css_template=(HERE / "evidence.css").read_text(encoding="utf-8"),
        js_on_load=(HERE / "evidence.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
        texts=strings.EVIDENCE,
    )


def _lane_word(text: str, op: str, word: Word | None) -> LaneWord:
    if word is None:
        return LaneWord(text, op, None, None, None)
    return LaneWord(
        text, op, round(word.start_s, 3), round(word.end_s, 3), round(word.confidence, 4)
    )


def _emissions(
    transcript: Transcript, contract: "Contract", script: Script = "latin"
) -> tuple[Emission, ...]:
    symbols = (contract.alphabet.symbol(token.id) for token in transcript.tokens)
    return tuple(
        Emission(
            text=strings.WORD_GAP if symbol == " " else read_as(symbol, script),
            start_s=round(token.start * transcript.frame_s, 3),
            end_s=round(token.end * transcript.frame_s, 3),
            probability=round(token.score, 4),
        )
        for token, symbol in zip(transcript.tokens, symbols, strict=True)
    )
