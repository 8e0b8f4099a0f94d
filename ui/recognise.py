"""The Recognise tab: speak, upload or choose an example; see and hear what was heard."""

import html
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import gradio as gr

from asr_core.audio import AudioError
from asr_core.decoding import DecodingConfig, DecodingConfigError
from asr_core.manifest import ManifestError, ManifestRow, read_manifest
from asr_core.morse_code import Script, is_morse, read_as
from ui import decoding, evidence, live, strings, what_if
from ui.background import Pending
from ui.decoding import GREEDY
from ui.downloads import Shelf
from ui.evidence import Notice
from ui.hearing import hear
from ui.limits import OPENING, RECOGNISING
from ui.passages import Recordings, show
from ui.said import MAX_SAID
from ui.sound import Publish, publisher

if TYPE_CHECKING:
    from asr_core.checkpoint import Contract
    from asr_core.recognizer import Recognizer

HERE = Path(__file__).parent

SPEECH, MORSE = "spoken", "morse"  # the bundled models that examples belong to


@dataclass(frozen=True)
class Example:
    """A recording that comes with the app; `text` is in the letters of `script`."""

    id: str
    text: str
    description: str
    path: Path
    model: str = SPEECH
    script: Script = "latin"


def read_examples(folder: Path) -> list[Example]:
    """The examples of a folder's manifest and of those one folder deeper."""
    examples = []
    for manifest_path in [folder / "manifest.jsonl", *sorted(folder.glob("*/manifest.jsonl"))]:
        with suppress(ManifestError):
            rows = read_manifest(manifest_path).rows
            examples += [_example(row) for row in rows if row.audio_path.is_file()]
    return examples


def _example(row: ManifestRow) -> Example:
    script: Script = "cyrillic" if row.fields.get("script") == "cyrillic" else "latin"
    name = str(row.fields.get("id", row.audio_path.stem))
    description = str(row.fields.get("description") or "")
    return Example(
        id=name,
        text=read_as(row.text, script),
        description=strings.EXAMPLE_DESCRIPTIONS.get(name, description),
        path=row.audio_path,
        model=str(row.fields.get("model", SPEECH)),
        script=script,
    )


def examples_for(contract: "Contract", examples: Sequence[Example]) -> list[Example]:
    """The examples that a model can hear: its own; without any, those of speech."""
    name = MORSE if is_morse(contract.alphabet) else contract.name
    own = [example for example in examples if example.model == name]
    return own or [example for example in examples if example.model == SPEECH]


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
            script = _script_switch()
            recorder = gr.Audio(
                label=strings.RECORDER,
                sources=["microphone", "upload"],
                type="filepath",
                elem_id="recorder",
                editable=False,
            )
            said, compare = _said_box()
            controls = decoding.build()
            picker = _example_list([each for each in examples if each.model == SPEECH])
        with gr.Column(scale=2, min_width=340):
            shelf = Shelf()
            live.component(live.Live({model.name: model for model in models}))
            view = evidence.component(_loading(), "recognised", shelf)
            changed = what_if.build(shelf)
    last = gr.State(None)  # the file shown now: another model can hear it too
    on = _Handlers(models, examples, publisher(view), shelf)
    calm = {"show_progress": "hidden", "trigger_mode": "always_last"}
    private = calm | {"api_visibility": "private"}
    inner = private | RECOGNISING.limit
    chosen = controls.chosen
    given, shown = [recorder, model, script, chosen], [view, last, recorder]
    of_model = [view, last, picker, script]
    opened = page.load(on.opened, [model, script, chosen], of_model, **inner)
    opening = private | OPENING.limit
    offered = [controls.lexicon, picker, script]
    gr.on([page.load, model.input], on.offered, model, offered, **opening)
    switched = model.input(on.switched, [last, model, script, chosen], of_model, **inner)
    # What waits for a model gives way to a recording. A page goes through the listeners of an event
    # one after the other, and waits for each: those that stop others come before what takes long.
    recorder.upload(None, cancels=[opened, switched], **private)
    recorded = recorder.stop_recording(on.heard, given, shown, **inner)
    live.wire(recorder, [model, script], recorded)
    uploaded = recorder.upload(
        on.heard, given, shown, api_name="recognise", **calm, **RECOGNISING.limit
    )
    model.input(None, cancels=[recorded, uploaded], **private)
    view.halt(on.halted, None, None, **private)
    view.passage(on.passage, None, view, **inner)
    instead = private | {"cancels": [opened, recorded, uploaded, switched]}  # a long one, too
    recorder.start_recording(_listening, None, view, **instead)
    picker.choose(None, **instead)
    picker.choose(on.chosen, [model, chosen], [view, last, script], **inner)
    heard = [last, model, script, chosen, said]
    what_if.wire(changed, heard, on.find, on.publish, shelf)
    script.input(on.changed, heard, view, **inner)
    gr.on([said.submit, compare.click], on.changed, heard, view, **inner)
    gr.on(
        decoding.events(controls),
        on.decided,
        [*heard, *controls.values],
        [view, chosen, controls.error],
        **inner,
    )
    last.change(None, None, said, js="() => ''", **private)  # it was said in another recording


class _Handlers:
    """What happens on the tab's events; each yields what the components show next."""

    def __init__(
        self,
        models: Sequence[Pending["Recognizer"]],
        examples: Sequence[Example],
        publish: Publish,
        shelf: Shelf | None = None,
    ) -> None:
        self.models = {model.name: model for model in models}
        self.examples = {example.id: example for example in examples}
        self.publish = publish
        self.shelf = shelf
        self.recordings = Recordings()

    def opened(
        self, model: str, script: Script, config: DecodingConfig = GREEDY
    ) -> Iterator[tuple[Any, ...]]:
        yield from self.switched(None, model, script, config)

    def switched(
        self, path: str | None, model: str, script: Script, config: DecodingConfig = GREEDY
    ) -> Iterator[tuple[Any, ...]]:
        """Another model is chosen: it hears the same recording, or an example of its own."""
        pending = self.find(model)
        for value in _until_loaded(pending):
            yield value, path, gr.skip(), gr.skip()
        offered, reads_scripts = _offered(pending, list(self.examples.values()))
        strange = {str(each.path) for each in self.examples.values() if each not in offered}
        if offered and (path is None or path in strange):
            path, script = str(offered[0].path), offered[0].script
        letters = gr.update(visible=reads_scripts, value=script)
        for value in self.changed(path, model, script, config):
            yield value, path, _listed(offered), letters

    def heard(
        self, path: str | None, model: str, script: Script, config: DecodingConfig = GREEDY
    ) -> Iterator[tuple[Any, ...]]:
        for value in self.changed(path, model, script, config):
            yield value, path, None  # the recorder is emptied, ready for the next recording

    def chosen(
        self, model: str, config: DecodingConfig, event: gr.EventData
    ) -> Iterator[tuple[Any, ...]]:
        example = self.examples.get(str(event.id))
        if example is None:
            raise gr.Error(strings.NO_SUCH_EXAMPLE, print_exception=False)
        for value in self.changed(str(example.path), model, example.script, config):
            yield value, str(example.path), example.script

    def halted(self, event: gr.EventData) -> None:
        self.recordings.stop(str(event.key))

    def passage(self, event: gr.EventData) -> dict[str, Any]:
        """Another passage of the long recording that is shown."""
        try:
            value = show(self.recordings, str(event.key), int(event.index), self.publish)
        except (ValueError, IndexError, TypeError) as e:
            raise gr.Error(html.escape(str(e)), print_exception=False) from e
        return value.to_json()

    def decided(
        self,
        path: str | None,
        model: str,
        script: Script,
        before: DecodingConfig,
        said: str,
        *values: Any,
    ) -> Iterator[tuple[Any, ...]]:
        """Another decoding is chosen: the same recording is heard again, or the reason told."""
        pending = self.find(model)
        try:
            config = decoding.choice(*values)
            if pending.finished:
                decoding.applied(pending.result(), config)
        except ValueError as e:
            yield gr.skip(), gr.skip(), decoding.wrong(e)
            return
        if config == before:  # a field was left as it was
            yield gr.skip(), gr.skip(), ""
            return
        for value in self.changed(path, model, script, config, said):
            yield value, config, ""

    def offered(self, model: str) -> tuple[dict[str, Any], list[dict[str, str]], dict[str, Any]]:
        """What the page offers for a model: its own lexicon, examples, and letters to read in."""
        pending = self.find(model)
        offered, reads_scripts = _offered(pending, list(self.examples.values()))
        has_lexicon = pending.ready and pending.result().lexicon_path is not None
        return gr.update(visible=has_lexicon), _listed(offered), gr.update(visible=reads_scripts)

    def find(self, model: str) -> Pending["Recognizer"]:
        """The model of a name that a browser sent (raises gr.Error)."""
        pending = self.models.get(model)
        if pending is None:
            raise gr.Error(strings.NO_SUCH_MODEL, print_exception=False)
        return pending

    def changed(
        self,
        path: str | None,
        model: str,
        script: Script,
        config: DecodingConfig = GREEDY,
        said: str = "",
    ) -> Iterator[dict[str, Any]]:
        """The view of a file heard by a model: loading if need be, then evidence or the reason."""
        pending = self.find(model)
        if path is None:
            yield Notice("empty", strings.NOTHING_YET, strings.NOTHING_YET_HINT).to_json()
            return
        yield from _until_loaded(pending)
        try:
            for value in hear(
                decoding.applied(pending.result(), config),
                Path(path),
                self.publish,
                script,
                said,
                self.shelf,
                self.recordings,
            ):
                yield value.to_json()
        except ValueError as e:  # of audio, model folder or decoding: each says what to do
            title = _title(e)
            yield Notice("failed", title, str(e)).to_json()
            # The view has said it; programs that use the API get it from here.
            raise gr.Error(html.escape(str(e)), visible=False, print_exception=False) from e


def _loading() -> Notice:
    return Notice("loading", strings.LOADING_MODEL)


def _until_loaded(pending: Pending["Recognizer"]) -> Iterator[Any]:
    """The notice, and then nothing, in steps: a single long one could not be cancelled."""
    if pending.finished:
        return
    pending.begin()
    yield _loading().to_json()
    watching = pending.watch()
    next(watching, None)  # which the notice was for
    for _ in watching:
        yield gr.skip()


def _listening() -> dict[str, Any]:
    return Notice("loading", strings.LISTENING, strings.LISTENING_HINT).to_json()


def _title(error: ValueError) -> str:
    if isinstance(error, AudioError):
        return strings.BAD_AUDIO
    return strings.BAD_DECODING if isinstance(error, DecodingConfigError) else strings.BAD_MODEL


def _offered(
    pending: Pending["Recognizer"], examples: Sequence[Example]
) -> tuple[list[Example], bool]:
    """What a model is offered to hear, and whether its text can be read in several scripts."""
    try:
        contract = pending.result().contract
    except ValueError:  # of a model that cannot be loaded, which the view says
        return [example for example in examples if example.model == SPEECH], False
    return examples_for(contract, examples), is_morse(contract.alphabet)


def _listed(examples: Sequence[Example]) -> list[dict[str, str]]:
    return [{"id": e.id, "text": e.text, "description": e.description} for e in examples]


def _script_switch() -> gr.Radio:
    """Hidden until a model is chosen whose text can be read in several scripts."""
    return gr.Radio(
        [(strings.SCRIPTS[name], name) for name in get_args(Script)],
        value="latin",
        label=strings.SCRIPT,
        info=strings.SCRIPT_HINT,
        visible=False,
        elem_id="script",
    )


def _said_box() -> tuple[gr.Textbox, gr.Button]:
    """Where a person types what the recording holds, and the button that compares."""
    with gr.Group():
        said = gr.Textbox(
            label=strings.SAID,
            info=strings.SAID_HINT,
            lines=1,
            max_length=MAX_SAID,
            elem_id="said",
        )
        compare = gr.Button(strings.COMPARE, size="sm", elem_id="compare")
    return said, compare


def _example_list(examples: Sequence[Example]) -> gr.HTML:
    """The examples as buttons; clicking one triggers `choose` with its id."""
    return gr.HTML(
        _listed(examples),
        html_template='<div class="mh-examples"></div>',
        css_template=(HERE / "examples.css").read_text(encoding="utf-8"),
        js_on_load=(HERE / "examples.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="examples",
        texts=strings.EXAMPLES,
    )
