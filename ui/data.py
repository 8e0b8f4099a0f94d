"""The Data tab: what recordings and texts there are, what is wrong with them, and their sound."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from analysis.description import Description
from analysis.store import FilterError
from asr_core.audio import AudioError
from ui import data_figure, data_lists, data_strings, evidence, filters, panel, strings, table
from ui.background import Pending
from ui.data_headline import headline
from ui.evidence import Evidence, Fact, Notice
from ui.explorer import DATA, QueryError, read_question
from ui.headline import notice
from ui.hearing import hear
from ui.limits import OPENING, RECOGNISING
from ui.passages import Recordings, show
from ui.recording_facts import facts_of
from ui.sound import Publish, publisher

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer


def build(
    models: Sequence[Pending["Recognizer"]],
    descriptions: Sequence[Pending[Description]],
) -> None:
    """Put the tab's parts on the page and wire them; they are filled when the tab is opened."""
    names = [description.name for description in descriptions]
    choice = gr.Dropdown(
        names,
        value=names[0] if names else None,
        label=data_strings.DESCRIPTION,
        visible=len(names) > 1,
        elem_id="description",
    )
    on = _Handlers(models, descriptions)
    state = gr.HTML("", elem_id="description-state", apply_default_css=False)
    head = _filters(on)
    with gr.Row(elem_classes="mh-sides"):
        with gr.Column(scale=5, min_width=340):
            figure = data_figure.component(on.find, "distribution", "distribution-plot")
            plot = gr.Plot(
                show_label=False, container=False, elem_id="distribution-plot", visible=False
            )
            lists = _lists(on)
        with gr.Column(scale=6, min_width=340):
            view = evidence.component(None, "described")
    on.publish = publisher(view)
    calm = {"show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private"}
    parts = [state, head, figure, lists, view]
    head.opened(on.entered, choice, [choice, *parts], **OPENING.limit, **calm)
    choice.input(on.opened, choice, parts, **OPENING.limit, **calm)
    figure.draw(on.drawn, figure, plot, **calm)
    lists.pick(on.picked, lists, view, **RECOGNISING.limit, **calm)
    view.halt(on.halted, None, None, **calm)
    view.passage(on.passage, None, view, **RECOGNISING.limit, **calm)


def _filters(on: "_Handlers") -> gr.HTML:
    """The headline with the checks, and the filter."""
    answers = {"fetch_headline": headline}
    scripts = ["data_headline.js"]
    sheets = ["filters.css", "table.css", "panel.css", "data_headline.css"]
    return filters.component(
        on.find, answers, filter_texts(), scripts, sheets, DATA, "data-filters"
    )


def _lists(on: "_Handlers") -> gr.HTML:
    """Recordings, words, characters, and what could not be read."""
    answers = {
        "fetch_rows": data_lists.rows,
        "fetch_words": data_lists.words,
        "fetch_symbols": data_lists.symbols,
        "fetch_skipped": data_lists.skipped,
    }
    return panel.component(on.find, answers, list_texts(), ["data_lists.js"], DATA, "recordings")


def filter_texts() -> dict[str, Any]:
    """What the scripts of headline and filter read."""
    return {**data_strings.FILTERS, "quick_conditions": data_strings.QUICK, "formats": []}


def list_texts() -> dict[str, Any]:
    """What the scripts of the lists read."""
    return {
        **data_strings.PANEL,
        "failed": data_strings.FILTERS["failed"],
        "panels": data_strings.PANELS,
        "table": data_strings.TABLE,
        "size": table.PAGE_SIZE,
        "order": {"sort": "position", "ascending": True},
        "words": data_strings.WORDS,
        "symbols": data_strings.SYMBOLS,
        "skipped": data_strings.SKIPPED,
    }


class _Handlers:
    """What happens on the tab's events; each yields or returns what the components show next."""

    publish: Publish

    def __init__(
        self,
        models: Sequence[Pending["Recognizer"]],
        descriptions: Sequence[Pending[Description]],
    ) -> None:
        self.models = models
        self.descriptions = {description.name: description for description in descriptions}
        self.recordings = Recordings()

    def find(self, name: Any) -> Description:
        """The description of a name that a browser sent (raises QueryError)."""
        pending = self.descriptions.get(name) if isinstance(name, str) else None
        if pending is None or not pending.ready:
            raise QueryError(data_strings.NO_SUCH_DESCRIPTION)
        return pending.result()

    def entered(self, name: str | None, event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        """The tab is opened, at the description that the page's address names."""
        asked = event.asked
        name = asked if asked in self.descriptions else name
        for shown in self.opened(name):
            yield name, *shown

    def opened(self, name: str | None) -> Iterator[tuple[Any, ...]]:
        if name in self.descriptions:
            yield from _open(self.descriptions[name])
        else:
            hint = data_strings.NO_DESCRIPTION_HINT
            yield _only(notice(Notice("empty", data_strings.NO_DESCRIPTION, hint)))

    def drawn(self, asked: Any) -> Any:
        """A figure is asked for; what is wrong with the question, the filter tells."""
        try:
            question = read_question(asked, self.find, DATA)
            return gr.Plot(data_figure.draw(question, self._band()), visible=True)
        except (QueryError, FilterError):
            return gr.skip()

    def picked(self, shown: Any) -> Iterator[dict[str, Any]]:
        """A recording is picked: the value's `description` and `id`."""
        try:
            description = self.find(shown["description"])
            row = description.row(shown["id"])
        except (QueryError, FilterError, KeyError, TypeError) as e:
            raise gr.Error(data_strings.NO_SUCH_RECORDING, print_exception=False) from e
        model = self.models[0]
        if row["problem"]:
            yield Notice("failed", data_strings.UNREADABLE, row["problem"]).to_json()
            return
        if not model.finished:
            yield Notice("loading", strings.LOADING_MODEL).to_json()
        for value in self._heard(model, description, row):
            yield value.to_json()

    def halted(self, event: gr.EventData) -> None:
        self.recordings.stop(str(event.key))

    def passage(self, event: gr.EventData) -> dict[str, Any]:
        """Another passage of the long recording that is shown."""
        try:
            value = show(self.recordings, str(event.key), int(event.index), self.publish)
        except (ValueError, IndexError, TypeError) as e:
            raise gr.Error(escape(str(e)), print_exception=False) from e
        return value.to_json()

    def _heard(
        self, model: Pending["Recognizer"], description: Description, row: dict[str, Any]
    ) -> Iterator[Evidence | Notice]:
        """The evidence of a recording against its text, or at least its sound and picture."""
        path = description.audio_path(row["utterance_id"])
        facts = facts_of(description, row)
        try:
            recognizer = model.result()
            said = row["text"] or ""
            for value in hear(
                recognizer, path, self.publish, said=said, recordings=self.recordings
            ):
                yield replace(value, facts=facts) if isinstance(value, Evidence) else value
        except ValueError as e:  # of the model, or a recording too short or too long for it
            yield self._plain(path, facts, row["text"] or "", str(e))

    def _plain(self, path: Path, facts: tuple[Fact, ...], text: str, why: str) -> Evidence | Notice:
        try:
            note = data_strings.NO_MODEL.format(why=why)
            return evidence.of_sound(path, self.publish(path), text, facts, note)
        except AudioError as e:
            return Notice("failed", data_strings.UNREADABLE, str(e))

    def _band(self) -> data_figure.Band | None:
        """From where to where the first model hears, in Hz, if it is there."""
        if not self.models or not self.models[0].ready:
            return None
        config = self.models[0].result().contract.features
        return config.f_min, config.f_max


def _open(pending: Pending[Description]) -> Iterator[tuple[Any, ...]]:
    """The tab's parts: while the description is made, and when it is there."""
    if pending.on_demand:
        pending.begin()
    for done, total in pending.watch():
        progress = data_strings.DESCRIBING_PROGRESS.format(done=done, total=total)
        text = progress if total else data_strings.DESCRIBING_HINT
        waiting = Notice("loading", data_strings.DESCRIBING.format(name=pending.name), text)
        yield _only(notice(waiting, done, total))
    try:
        pending.result()
    except ValueError as e:  # of the manifests or the folder: each says what to do
        yield _only(notice(Notice("failed", data_strings.BAD_DESCRIPTION, str(e))))
        return
    of_this = {"description": pending.name}
    picking = Notice("empty", data_strings.PICKING, data_strings.PICKING_HINT)
    yield "", of_this, of_this, of_this, picking.to_json()


def _only(text: str) -> tuple[Any, ...]:
    """A notice, and nothing of a description."""
    return text, None, None, None, None
