"""The evidence of one recording: its words, its sound and its picture, in one component.

The same component stands wherever an utterance is shown. Its value is plain data, built here by
pure functions; `evidence.js` draws it and puts every text in as text, never as HTML.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr

from analysis.picture import Picture, draw
from analysis.scoring import Edit
from asr_core.morse_code import Script, read_as
from asr_core.text import Alphabet
from asr_core.transcript import Transcript, Word
from ui import doctor_strings
from ui import evidence_strings as strings
from ui.downloads import Shelf
from ui.emission import Emission, emission
from ui.paths import Paths, of_both, of_heard
from ui.readings import Reading, readings
from ui.recording_hints import ShownHint

if TYPE_CHECKING:
    from asr_core.checkpoint import Contract

HERE = Path(__file__).parent
SCRIPTS = (
    "base",
    "player",
    "words",
    "rows",
    "figure",
    "zoom",
    "download",
    "passages",
    "hints",
    "draw",
)  # evidence_*.js, in order
SHEETS = ("evidence.css", "evidence_rows.css", "evidence_passages.css", "evidence_hints.css")

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
class Lane:
    """One text on the time axis."""

    side: Side
    words: tuple[LaneWord, ...]


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
class Passage:
    """A piece of a long recording and its text."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Evidence:
    """All that the component shows of one recording."""

    audio_url: str
    duration_s: float
    span_s: float  # what the time axis covers: the last frame may reach past the recording's end
    picture: Picture
    lanes: tuple[Lane, ...]
    steps: tuple[Step, ...]  # empty where there is no reference to compare with
    facts: tuple[Fact, ...]
    symbols: tuple[str, ...]  # their names, by id
    frame_s: float  # seconds a frame of the emission and of the paths
    delay_s: float | None  # from a word's middle to the frames that write it, where it is known
    emission: Emission
    paths: Paths
    readings: tuple[Reading, ...]
    note: str = ""
    download: str = ""  # what a `Shelf` knows the transcript by
    passages: tuple[Passage, ...] = ()  # of a long recording; all else is of ...
    passage: int = 0  # ... this one
    recording: str = ""  # what `Recordings` know the long recording by
    play_s: tuple[float, float] | None = None  # what to play at once, because it was asked for
    hints: tuple[ShownHint, ...] | None = None  # of the recording; None: nobody looked
    state: str = "ready"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Notice:
    """What the component says when it has no recording to show."""

    state: Literal["loading", "empty", "failed"]
    title: str
    text: str = ""
    stop: str = ""  # what `Recordings` know a recording by that is being heard
    progress: float | None = None  # 0 to 1; None: not known

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
        lanes=(Lane("heard", words),),
        steps=(),
        facts=tuple(facts),
        paths=of_heard(transcript),
        **_shared(transcript, contract, script, ()),
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
    script: Script = "latin",
) -> Evidence:
    """What was heard against what was said.

    Args:
        transcript: of the recording, in the model's own symbols; gives the picture and the rows.
        contract: of the model that made the transcript.
        audio_url: where the page finds the sound.
        edits: the alignment of reference and heard words.
        reference: the reference's words that have a place in the sound, by reference index.
        heard: the same for the words heard.
        facts: what else is known.
        note: what the reader should know about this comparison.
        script: the letters in which words and symbols are shown.
    """
    said = [e for e in edits if e.reference is not None]
    got = [e for e in edits if e.heard is not None]
    reference_words, heard_words = (
        tuple(_lane_word(read_as(text or "", script), op, placed.get(i)) for i, (text, op) in side)
        for placed, side in (
            (reference, enumerate((e.reference, e.op) for e in said)),
            (heard, enumerate((e.heard, e.op) for e in got)),
        )
    )
    alphabet = contract.alphabet
    said_text, got_text = (
        " ".join(text or "" for text in side)
        for side in ([e.reference for e in said], [e.heard for e in got])
    )
    names = symbol_names(alphabet, script)
    paths = of_both(transcript, alphabet, names, said_text, got_text, script)
    return Evidence(
        audio_url=audio_url,
        lanes=(Lane("reference", reference_words), Lane("heard", heard_words)),
        steps=tuple(Step(e.op, e.reference_index, e.heard_index) for e in edits),
        facts=tuple(facts),
        paths=paths,
        note=note,
        **_shared(transcript, contract, script, paths.disputed),
    )


def of_sound(path: Path, audio_url: str, text: str, facts: Sequence[Fact], note: str) -> Evidence:
    """A recording and its text where no model can hear it (raises AudioError)."""
    import torch

    from asr_core.audio import load_audio
    from asr_core.features import FeatureConfig, LogMel

    config = FeatureConfig(sample_rate=16_000, f_max=7600.0)
    audio = load_audio(path, config.sample_rate)
    with torch.inference_mode():
        samples = torch.from_numpy(audio.samples)[None]  # (1, N)
        features, _ = LogMel(config)(samples, torch.tensor([samples.shape[1]]))  # (1, T, F)
    words = tuple(_lane_word(word, "equal", None) for word in text.split())
    return Evidence(
        audio_url=audio_url,
        duration_s=audio.duration_s,
        span_s=max(audio.duration_s, round(features.shape[1] * config.hop_s, 5)),
        picture=draw(features[0].numpy(), audio.duration_s, config),
        lanes=(Lane("reference", words),),
        steps=(),
        facts=tuple(facts),
        symbols=(),
        frame_s=config.hop_s,
        delay_s=None,
        emission=Emission(ids=(), n_columns=0, column_s=config.hop_s, levels=""),
        paths=Paths(rows=()),
        readings=(),
        note=note,
    )


def _shared(
    transcript: Transcript, contract: "Contract", script: Script, wanted: Collection[int]
) -> dict[str, Any]:
    """What does not depend on a reference; `wanted` are the symbols that matter most."""
    n_frames = len(transcript.log_probs)
    return {
        "duration_s": transcript.duration_s,
        "span_s": max(transcript.duration_s, round(n_frames * transcript.frame_s, 5)),
        "picture": draw(transcript.features, transcript.duration_s, contract.features),
        "symbols": symbol_names(contract.alphabet, script),
        "frame_s": transcript.frame_s,
        "delay_s": contract.emission_delay_s,
        "emission": emission(transcript.log_probs, transcript.frame_s, wanted),
        "readings": readings(transcript.n_best, contract.alphabet, script),
    }


def symbol_names(alphabet: Alphabet, script: Script = "latin") -> tuple[str, ...]:
    """What each symbol is called on the page, by id."""
    names = {" ": strings.WORD_GAP}
    symbols = [names.get(symbol, read_as(symbol, script)) for symbol in alphabet.symbols]
    return (strings.BLANK_NAME, *symbols)


def component(value: Notice | None, elem_id: str, shelf: Shelf | None = None) -> gr.HTML:
    """The component; give it `to_json()` of an Evidence or a Notice, or None to show nothing.

    With a `shelf`, an Evidence with a `download` offers it in all formats.
    """

    def fetch_text(asked: Any) -> dict[str, str]:
        assert shelf is not None
        return shelf.fetch_text(asked)

    return gr.HTML(
        value.to_json() if value else None,
        html_template='<div class="mh-evidence"></div>',
        css_template="".join(_read(name) for name in SHEETS),
        js_on_load="".join(map(_read, ("dom.js", *(f"evidence_{name}.js" for name in SCRIPTS)))),
        apply_default_css=False,
        server_functions=[fetch_text] if shelf else [],
        elem_id=elem_id,
        texts=texts(),
    )


def texts() -> dict[str, Any]:
    """What the scripts write on the page."""
    return strings.EVIDENCE | {"doctor": doctor_strings.DOCTOR}


def _lane_word(text: str, op: str, word: Word | None) -> LaneWord:
    if word is None:
        return LaneWord(text, op, None, None, None)
    return LaneWord(
        text, op, round(word.start_s, 3), round(word.end_s, 3), round(word.confidence, 4)
    )


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
