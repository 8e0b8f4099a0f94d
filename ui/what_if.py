"""What if the recording shown were louder, cleaner, faster, ...: changed, heard again, compared."""

import html
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import soundfile

from asr_core.audio import Audio, AudioError, read_excerpt
from asr_core.decoding import DecodingConfig
from asr_core.morse_code import Script, is_morse, read_transcript, signs_of
from asr_core.transcript import Transcript
from ui import decoding, evidence, strings
from ui import what_if_strings as texts
from ui.background import Pending
from ui.downloads import Shelf
from ui.evidence import Evidence, Fact, Notice
from ui.limits import CHANGING
from ui.recording_hints import look
from ui.said import MAX_SAID, against
from ui.sound import Publish

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer
    from asr_core.what_if import Change

HERE = Path(__file__).parent
SCRIPTS = ("dom.js", "what_if.js")
MAX_S = 60  # of a recording; a long one would be a long wait for each press
MOST = 8  # changes at once
MOST_BYTES = 80  # of the recording's name in that of the changed one
NOTHING: dict[str, Any] = {"stack": [], "state": "idle", "shown": None}

Find = Callable[[str], Pending["Recognizer"]]


@dataclass(frozen=True)
class Parts:
    """The section's components."""

    panel: gr.HTML
    view: gr.HTML


@dataclass(frozen=True)
class Heard:
    """What the panel's table says of a recording."""

    words: tuple[str, ...]
    confidence: float | None
    url: str
    errors: int | None  # None: nobody said what was said


def build(shelf: Shelf) -> Parts:
    """Put the section on the page, folded up."""
    with gr.Accordion(texts.TITLE, open=False, elem_id="what-if"):
        panel = gr.HTML(
            NOTHING,
            html_template='<div class="mh-what-if"></div>',
            css_template=(HERE / "what_if.css").read_text(encoding="utf-8"),
            js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
            apply_default_css=False,
            elem_id="what-if-panel",
            kinds=_kinds(),
            texts={**texts.PANEL, "intro": texts.INTRO},
        )
        view = evidence.component(None, "changed", shelf)
    return Parts(panel, view)


def wire(
    parts: Parts,
    given: Sequence[gr.components.Component],
    find: Find,
    publish: Publish,
    shelf: Shelf,
) -> None:
    """Let the section work on what the tab shows.

    Args:
        parts: of the section.
        given: the tab's components of the file shown, the model's name, the script, the decoding
            and what was said.
        find: the model of a name.
        publish: makes a sound playable.
        shelf: keeps transcripts for downloads.
    """
    on = Handlers(find, publish, shelf)
    inner = {"show_progress": "hidden", "api_visibility": "private"}
    shown = [parts.panel, parts.view]
    asked = parts.panel.ask(
        on.asked,
        [parts.panel, *given],
        shown,
        trigger_mode="always_last",
        **inner,
        **CHANGING.limit,
    )
    *others, _ = given  # another recording, model, script or decoding: nothing here is of it
    gr.on(
        [each.change for each in others],
        lambda: (NOTHING, None),
        None,
        shown,
        cancels=[asked],
        trigger_mode="always_last",
        **inner,
    )


class Handlers:
    """What happens on the section's events; each yields what the panel and the view show next."""

    def __init__(self, find: Find, publish: Publish, shelf: Shelf) -> None:
        self.find = find
        self.publish = publish
        self.shelf = shelf

    def asked(
        self,
        value: Any,
        path: str | None,
        model: str,
        script: Script,
        config: DecodingConfig,
        said: str,
    ) -> Iterator[tuple[Any, Any]]:
        """The changes that the panel's value asks for, in place of those before."""
        changes = _changes(value)
        if path is None:
            raise gr.Error(texts.NO_RECORDING, print_exception=False)
        if not changes:
            yield NOTHING, None
            return
        stack = [asdict(change) for change in changes]
        yield {"stack": stack, "state": "working", "shown": None}, gr.skip()
        try:
            recognizer = decoding.applied(self.find(model).result(), config)
            shown, view = change_and_hear(
                recognizer, Path(path), changes, self.publish, self.shelf, script, said
            )
        except ValueError as e:  # of audio, model folder or decoding: each says what to do
            failed = Notice("failed", strings.BAD_AUDIO, str(e).replace(path, Path(path).name))
            yield {"stack": stack, "state": "idle", "shown": None}, failed.to_json()
            return
        yield {"stack": stack, "state": "ready", "shown": shown}, view.to_json()


def change_and_hear(
    recognizer: "Recognizer",
    path: Path,
    changes: Sequence["Change"],
    publish: Publish,
    shelf: Shelf | None = None,
    script: Script = "latin",
    said: str = "",
) -> tuple[dict[str, Any], Evidence]:
    """A recording before and after some changes: the panel's comparison, and the evidence.

    Raises:
        AudioError: the recording cannot be read.
    """
    from asr_core.what_if import apply

    if not is_morse(recognizer.alphabet):
        script = "latin"
    audio, shortened = _first_minute(path)
    changed = apply(audio, changes)
    before, after = recognizer.transcribe([audio, changed])
    name = _name(path, changes)
    url = _published(changed, name, publish)
    before_url = _published(audio, path.stem + ".wav", publish) if shortened else publish(path)
    errors = _errors(recognizer, (before, after), said, script)
    read = [read_transcript(each, script) for each in (before, after)]
    shown = _comparison(
        *(
            _heard(transcript, sound, n_errors)
            for transcript, sound, n_errors in zip(read, (before_url, url), errors, strict=True)
        )
    )
    note = texts.SHORTENED.format(seconds=MAX_S) if shortened else ""
    facts = _facts(after, changes, recognizer.contract.name)
    if said.strip():
        view = against(recognizer, after, said, url, facts, script)
    else:
        view = evidence.of_transcript(read[1], recognizer.contract, url, facts, script)
    download = shelf.put(read[1], name) if shelf else ""
    hints = look(recognizer, changed, said.strip() or after.text)
    return {**shown, "note": note}, replace(view, hints=hints, download=download)


def amount_of(change: "Change") -> str:
    """A change as the page names it: `Noise 5 dB`."""
    from asr_core.what_if import CHANGES

    label = texts.KINDS[change.name][0]
    parameter = CHANGES[change.name].parameter
    if parameter is None:
        return label
    amount = f"{change.amount:g}".replace("-", "−")
    return f"{label} {amount} {texts.UNITS[parameter.unit]}"


def _kinds() -> list[dict[str, Any]]:
    """The kinds of changes in their groups, for the buttons."""
    from asr_core.what_if import CHANGES

    groups = []
    for group, label in texts.GROUPS.items():
        kinds = []
        for kind in CHANGES.values():
            if kind.group != group:
                continue
            name, hint, amount = texts.KINDS[kind.name]
            range_ = asdict(kind.parameter) if kind.parameter else None
            if range_:
                range_ = {**range_, "name": amount, "unit": texts.UNITS[range_["unit"]]}
            kinds.append({"name": kind.name, "label": name, "hint": hint, "parameter": range_})
        groups.append({"label": label, "kinds": kinds})
    return groups


def _changes(value: Any) -> list["Change"]:
    """The changes that a browser asks for (raises gr.Error)."""
    from asr_core.what_if import Change, WhatIfError

    try:
        asked = list(value["asked"])
        if len(asked) > MOST:
            raise gr.Error(texts.TOO_MANY.format(most=MOST), print_exception=False)
        return [
            Change.checked(
                str(each["name"]), None if each["amount"] is None else float(each["amount"])
            )
            for each in asked
        ]
    except (WhatIfError, KeyError, TypeError, ValueError) as e:
        message = html.escape(texts.BAD_CHANGE.format(why=e))
        raise gr.Error(message, print_exception=False) from e


def _first_minute(path: Path) -> tuple[Audio, bool]:
    """A recording's first MAX_S seconds, and whether there is more of it."""
    try:
        audio = read_excerpt(path, 0, MAX_S + 1)
    except AudioError as e:
        raise AudioError(str(e).replace(str(path), path.name)) from e
    n_most = MAX_S * audio.sample_rate
    return Audio(audio.samples[:n_most], audio.sample_rate), len(audio.samples) > n_most


def _name(path: Path, changes: Sequence["Change"]) -> str:
    """The changed recording's file name, which a folder of any system takes (255 bytes)."""
    stem = path.stem.encode()[:MOST_BYTES].decode(errors="ignore")
    return "-".join([stem, *(str(change).replace("=", "") for change in changes)]) + ".wav"


def _published(audio: Audio, name: str, publish: Publish) -> str:
    """The URL of a sound; in floats, so that what is played is what was heard."""
    with tempfile.TemporaryDirectory(prefix="misheard-") as folder:
        path = Path(folder) / name
        soundfile.write(path, audio.samples, audio.sample_rate, subtype="FLOAT")
        return publish(path)


def _errors(
    recognizer: "Recognizer", transcripts: Sequence[Transcript], said: str, script: Script
) -> list[int | None]:
    """Word errors of transcripts against what was said; None where nobody said it."""
    if not said.strip():
        return [None for _ in transcripts]
    from analysis.scoring import score

    normalise = recognizer.alphabet.normalise
    reference = normalise(signs_of(said[:MAX_SAID], script))
    heard = [normalise(each.text) for each in transcripts]
    return [each.errors for each in score([reference] * len(heard), heard)]


def _heard(transcript: Transcript, url: str, errors: int | None) -> Heard:
    sure = [word.confidence for word in transcript.words]
    mean = sum(sure) / len(sure) if sure else None
    return Heard(tuple(transcript.text.split()), mean, url, errors)


def _comparison(before: Heard, after: Heard) -> dict[str, Any]:
    """Both recordings, and the steps of the diff: (operation, word before, word after)."""
    from analysis.scoring import score

    (scored,) = score([" ".join(before.words)], [" ".join(after.words)])
    return {
        "before": asdict(before),
        "after": asdict(after),
        "steps": [(edit.op, edit.reference, edit.heard) for edit in scored.edits],
    }


def _facts(
    transcript: Transcript, changes: Sequence["Change"], model: str
) -> tuple[Fact, Fact, Fact]:
    length = f"{transcript.duration_s:.2f} {strings.UNITS['s']}"
    return (
        Fact(texts.FACT_CHANGES, " → ".join(map(amount_of, changes))),
        Fact(strings.FACT_LENGTH, length),
        Fact(strings.FACT_MODEL, model),
    )
