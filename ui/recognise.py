"""The Recognise tab: speak, upload or choose an example; see and hear what was heard."""

import html
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import soundfile

from asr_core.audio import AudioError, load_audio
from asr_core.manifest import ManifestError, read_manifest
from ui import evidence, strings
from ui.background import Pending
from ui.evidence import Evidence, Fact, Notice
from ui.sound import Publish, publisher

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

HERE = Path(__file__).parent

MIN_S = 0.2  # no word is shorter
MAX_S = 600.0  # ten minutes go through the model at once


NOTHING_YET = Notice("empty", strings.NOTHING_YET, strings.NOTHING_YET_HINT)
LOADING = Notice("loading", strings.LOADING_MODEL)
LISTENING = Notice("loading", strings.LISTENING, strings.LISTENING_HINT)


@dataclass(frozen=True)
class Example:
    """A recording that comes with the app."""

    id: str
    text: str
    description: str
    path: Path


def read_examples(manifest_path: Path) -> list[Example]:
    """The examples of a manifest; none where there is no manifest."""
    try:
        rows = read_manifest(manifest_path).rows
    except ManifestError:
        return []
    return [
        Example(
            id=str(row.fields.get("id", row.audio_path.stem)),
            text=row.text,
            description=str(row.fields.get("description") or ""),
            path=row.audio_path,
        )
        for row in rows
        if row.audio_path.is_file()
    ]


def recognise(recognizer: "Recognizer", path: Path, publish: Publish) -> Evidence:
    """Transcribe a file and publish its sound (raises AudioError, with a message for the page)."""
    try:
        check_length(_declared_length_s(path))
        started = time.perf_counter()
        audio = load_audio(path, recognizer.sample_rate)
        check_length(audio.duration_s)
        transcript = recognizer.transcribe([audio])[0]
        took_s = time.perf_counter() - started
    except AudioError as e:
        raise AudioError(str(e).replace(str(path), path.name)) from e
    facts = _facts(path.name, audio.duration_s, took_s, recognizer.contract.name)
    return evidence.of_transcript(transcript, recognizer.contract, publish(path), facts)


def check_length(duration_s: float | None) -> None:
    """Refuse what is too short or too long (raises AudioError); None is not known yet."""
    if duration_s is None:
        return
    if duration_s < MIN_S:
        raise AudioError(strings.TOO_SHORT.format(got=duration_s, least=MIN_S))
    if duration_s > MAX_S:
        raise AudioError(strings.TOO_LONG.format(got=duration_s / 60, most=MAX_S / 60))


def _declared_length_s(path: Path) -> float | None:
    """What the file's header says, before anything is decoded."""
    try:
        return soundfile.info(str(path)).duration
    except (soundfile.LibsndfileError, OSError):
        return None  # m4a, webm, or no audio at all: load_audio will tell


def _facts(name: str, duration_s: float, took_s: float, model: str) -> tuple[Fact, ...]:
    factor = took_s / duration_s
    return (
        Fact(strings.FACT_LENGTH, f"{duration_s:.2f} s"),
        Fact(strings.FACT_TOOK, f"{1000 * took_s:.0f} ms", strings.FACT_TOOK_HINT),
        Fact(strings.FACT_FACTOR, f"{factor:.3f}", strings.FACT_FACTOR_HINT),
        Fact(strings.FACT_MODEL, model),
        Fact(strings.FACT_FILE, name),
    )


def build(
    page: gr.Blocks, models: Sequence[Pending["Recognizer"]], examples: Sequence[Example]
) -> None:
    """Put the tab's parts on the page and wire them."""
    with gr.Row(elem_classes="mh-sides"):
        with gr.Column(scale=1, min_width=300):
            model = gr.Dropdown(
                [model.name for model in models],
                value=models[0].name,
                label=strings.MODEL,
                visible=len(models) > 1,
                elem_id="model",
            )
            recorder = gr.Audio(
                label=strings.RECORDER,
                sources=["microphone", "upload"],
                type="filepath",
                elem_id="recorder",
                editable=False,
            )
            picker = _example_list(examples)
        with gr.Column(scale=2, min_width=340):
            view = evidence.component(LOADING, "recognised")
    last = gr.State(None)  # the file shown now: another model can hear it too
    on = _Handlers(models, examples, publisher(view))
    calm = {"show_progress": "hidden", "trigger_mode": "always_last"}
    inner = calm | {"api_visibility": "private"}
    page.load(on.opened, model, [view, last], **inner)
    recorder.start_recording(LISTENING.to_json, None, view, **inner)
    recorder.stop_recording(on.heard, [recorder, model], [view, last, recorder], **inner)
    recorder.upload(
        on.heard, [recorder, model], [view, last, recorder], api_name="recognise", **calm
    )
    picker.choose(on.chosen, model, [view, last], **inner)
    model.input(on.changed, [last, model], view, **inner)


class _Handlers:
    """What happens on the tab's events; each yields what the components show next."""

    def __init__(
        self,
        models: Sequence[Pending["Recognizer"]],
        examples: Sequence[Example],
        publish: Publish,
    ) -> None:
        self.models = {model.name: model for model in models}
        self.examples = {example.id: example for example in examples}
        self.publish = publish

    def opened(self, model: str) -> Iterator[tuple[Any, ...]]:
        first = next(iter(self.examples.values()), None)
        path = str(first.path) if first else None
        for value in self.changed(path, model):
            yield value, path

    def heard(self, path: str | None, model: str) -> Iterator[tuple[Any, ...]]:
        for value in self.changed(path, model):
            yield value, path, None  # the recorder is emptied, ready for the next recording

    def chosen(self, model: str, event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        example = self.examples.get(str(event.id))
        if example is None:
            raise gr.Error(strings.NO_SUCH_EXAMPLE, print_exception=False)
        for value in self.changed(str(example.path), model):
            yield value, str(example.path)

    def changed(self, path: str | None, model: str) -> Iterator[dict[str, Any]]:
        """The view of a file heard by a model: loading if need be, then evidence or the reason."""
        pending = self.models.get(model)
        if pending is None:
            raise gr.Error(strings.NO_SUCH_MODEL, print_exception=False)
        if path is None:
            yield NOTHING_YET.to_json()
            return
        if not pending.finished:
            yield LOADING.to_json()
        try:
            value = recognise(pending.result(), Path(path), self.publish)
        except ValueError as e:  # of the audio or of the model folder: each says what to do
            title = strings.BAD_AUDIO if isinstance(e, AudioError) else strings.BAD_MODEL
            yield Notice("failed", title, str(e)).to_json()
            # The view has said it; programs that use the API get it from here.
            raise gr.Error(html.escape(str(e)), visible=False, print_exception=False) from e
        yield value.to_json()


def _example_list(examples: Sequence[Example]) -> gr.HTML:
    """The examples as buttons; clicking one triggers `choose` with its id."""
    return gr.HTML(
        [{"id": e.id, "text": e.text, "description": e.description} for e in examples],
        html_template='<div class="mh-examples"></div>',
        css_template=(HERE / "examples.css").read_text(encoding="utf-8"),
        js_on_load=(HERE / "examples.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        visible=bool(examples),
        elem_id="examples",
        texts=strings.EXAMPLES,
    )
