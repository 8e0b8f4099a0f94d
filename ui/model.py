"""The Model tab: how a model was trained, what it is made of, how good it is, and its limits."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ui import model_strings, model_tables, strings
from ui.evidence import Notice
from ui.headline import notice
from ui.model_card import prose
from ui.model_foreign import foreign
from ui.model_record import record as record_html
from ui.model_runs import (
    TABLE,
    Progress,
    Record,
    Training,
    progress,
    read_record,
    read_table,
    read_tables,
    stamp,
)

CSS = (Path(__file__).parent / "model.css").read_text(encoding="utf-8")

EVERY_S = 5.0  # between two looks at a run's files

# No event of the tabs tells that the address chose one.
SAY_WHEN_IN_VIEW = """
let said = false;
new IntersectionObserver(() => {
  if (said || !element.offsetParent) return;
  said = true;
  trigger("opened");
}).observe(element);
"""


@dataclass(frozen=True)
class _View:
    """What the tab shows, and what it keeps for its next look."""

    status: gr.HTML
    facts: gr.HTML
    curves_heading: gr.HTML
    curves: gr.Plot
    results: gr.HTML
    confidence: gr.HTML
    reliability: gr.Plot
    architecture: gr.HTML
    card: gr.Markdown
    record: gr.HTML
    timer: gr.Timer
    seen: gr.State  # the files as they were when last shown


def build(tabs: gr.Tabs, trainings: Sequence[Training]) -> None:
    """Put the tab's parts on the page and wire them; nothing is read before the tab is opened."""
    names = [training.name for training in trainings]
    choice = gr.Dropdown(
        names,
        value=names[0] if names else None,
        label=strings.MODEL,
        visible=len(names) > 1,
        elem_id="training",
    )
    in_view = gr.HTML("<div></div>", js_on_load=SAY_WHEN_IN_VIEW, elem_id="model-in-view")
    view = _view()
    on = _Handlers(trainings, view)
    shown = list(vars(view).values())
    calm = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    in_view.opened(on.asked, choice, shown, **calm)
    tabs.select(on.switched, choice, shown, trigger_mode="always_last", **calm)
    choice.input(on.opened, choice, shown, trigger_mode="always_last", **calm)
    view.timer.tick(on.looked, [choice, view.seen], shown, trigger_mode="once", **calm)


def _view() -> _View:
    reading = notice(Notice("loading", model_strings.READING_MODEL))
    status, facts = _html("run-status", reading), _html("model-facts")
    with gr.Row(elem_classes="mh-sides"):
        with gr.Column(scale=5, min_width=340):
            heading = _html("curves-heading")
            curves = gr.Plot(show_label=False, container=False, elem_id="curves", visible=False)
        with gr.Column(scale=6, min_width=340):
            results = _html("results")
    with gr.Row(elem_classes="mh-sides"):
        with gr.Column(scale=5, min_width=340):
            confidence = _html("confidence")
        with gr.Column(scale=6, min_width=340):
            reliability = gr.Plot(
                show_label=False, container=False, elem_id="reliability", visible=False
            )
    return _View(
        status=status,
        facts=facts,
        curves_heading=heading,
        curves=curves,
        results=results,
        confidence=confidence,
        reliability=reliability,
        architecture=_html("architecture"),
        card=gr.Markdown(elem_id="card", container=False),
        record=_html("record"),
        timer=gr.Timer(EVERY_S, active=False),
        seen=gr.State(None),
    )


def _html(elem_id: str, value: str = "") -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False)


class _Handlers:
    """What happens on the tab's events; each yields what the components that change show next."""

    def __init__(self, trainings: Sequence[Training], view: _View) -> None:
        self.trainings = {training.name: training for training in trainings}
        self.view = view

    def asked(self, name: str | None, request: gr.Request) -> Iterator[dict[Any, Any]]:
        """The tab is in view for the first time, perhaps because the page's address names it."""
        if request.query_params.get("tab") == "model":
            yield from self.opened(name)
        else:
            yield {self.view.timer: gr.skip()}  # a click did it, which `switched` answers

    def switched(self, name: str | None, event: gr.SelectData) -> Iterator[dict[Any, Any]]:
        if event.value == strings.TAB_MODEL:
            yield from self.opened(name)
        else:
            yield {self.view.timer: gr.Timer(active=False)}

    def opened(self, name: str | None) -> Iterator[dict[Any, Any]]:
        if not self.trainings:
            nothing = Notice("empty", model_strings.NO_TRAINING, model_strings.NO_TRAINING_HINT)
            yield {self.view.status: notice(nothing)}
            return
        if name not in self.trainings:
            raise gr.Error(model_strings.NO_SUCH_TRAINING, print_exception=False)
        yield {self.view.timer: gr.Timer(active=self._any_runs())}
        yield from self._shown(self.trainings[name])

    def looked(self, name: str | None, seen: Any) -> Iterator[dict[Any, Any]]:
        training = self.trainings.get(name or "")
        # Never switched on here: the tab may have been left in the meantime.
        if training is None or not self._any_runs():
            yield {self.view.timer: gr.Timer(active=False)}
        if training is not None and stamp(self.trainings.values(), training) != seen:
            yield from self._shown(training)
        elif training is not None:  # time passes also where nothing is written
            yield {self.view.status: _status(training, read_record(training.folder))}

    def _any_runs(self) -> bool:
        """Whether any run may still be under way."""
        runs = (each for each in self.trainings.values() if each.live)
        return any(_progress(run, read_record(run.folder)).state != "finished" for run in runs)

    def _shown(self, training: Training) -> Iterator[dict[Any, Any]]:
        """The whole tab; first what is quick, then the figure."""
        if training.foreign is not None:
            yield from self._foreign(training)
            return
        seen = stamp(self.trainings.values(), training)
        record = read_record(training.folder)
        yield self._texts(training, record) | {self.view.seen: seen}
        yield self._curves(training)
        yield {self.view.reliability: _reliability(record)}

    def _foreign(self, training: Training) -> Iterator[dict[Any, Any]]:
        """A model that was not trained here; it may still have to be loaded."""
        view, model = self.view, training.foreign
        texts = (view.facts, view.results, view.confidence, view.architecture, view.card)
        empty = dict.fromkeys((*texts, view.curves_heading, view.record), "")
        figures = dict.fromkeys((view.curves, view.reliability), gr.Plot(None, visible=False))
        loading = notice(Notice("loading", model_strings.READING_MODEL))
        seen = stamp(self.trainings.values(), training)
        yield empty | figures | {view.seen: seen, view.status: loading}
        model.make()
        if model.failure is not None:
            facts = notice(Notice("failed", strings.BAD_MODEL, str(model.failure)))
        else:
            facts = foreign(model.result())
        yield {view.status: "", view.facts: facts}

    def _texts(self, training: Training, record: Record) -> dict[Any, Any]:
        problems = list(record.problems)
        results = confidence = ""
        try:
            results = model_tables.results(record.metrics)
            confidence = model_tables.confidence(record.metrics)
        except (LookupError, TypeError, AttributeError, ValueError):
            problems.append(model_strings.BAD_METRICS)
        facts, architecture, how = _model(training, record)
        if problems:
            facts += model_tables.damage(model_strings.DAMAGED, problems)
        return {
            self.view.status: _status(training, record),
            self.view.facts: facts + model_tables.samples(record.samples),
            self.view.results: results,
            self.view.confidence: confidence,
            self.view.architecture: architecture,
            self.view.card: _card(record.card) if record.contract or record.card else "",
            self.view.record: how,
        }

    def _curves(self, training: Training) -> dict[Any, Any]:
        tables = read_tables(self.trainings.values(), training)
        heading = f"<h2>{model_strings.CURVES_HEADING}</h2>"
        if not tables:
            heading += f"<p>{model_strings.NO_CURVES}</p>"
            plot = gr.Plot(None, visible=False)
        else:
            from analysis.figures import training_curves

            plot = gr.Plot(
                training_curves(tables, training.name, model_strings.CURVES), visible=True
            )
        return {self.view.curves_heading: heading, self.view.curves: plot}


def _reliability(record: Record) -> gr.Plot:
    try:
        sets = model_tables.confidences(record.metrics)
        if not sets:
            return gr.Plot(None, visible=False)
        from analysis.reliability import reliability_diagram

        return gr.Plot(reliability_diagram(sets, model_strings.RELIABILITY), visible=True)
    except (LookupError, TypeError, AttributeError, ValueError):
        return gr.Plot(None, visible=False)  # the texts say already what is wrong with the file


def _status(training: Training, record: Record) -> str:
    """How far a run is, as HTML; nothing for a model that was not asked for as a run."""
    if not training.live:
        return ""
    return model_tables.status(_progress(training, record), str(training.folder), EVERY_S)


def _progress(training: Training, record: Record) -> Progress:
    path = training.folder / TABLE
    try:
        age_s = time.time() - path.stat().st_mtime
    except OSError:
        age_s = 0.0
    return progress(read_table(path), record, age_s)


def _model(training: Training, record: Record) -> tuple[str, str, str]:
    """Facts, architecture and record, as HTML; a notice while there is no model."""
    if record.contract is None:
        hint = model_strings.NO_MODEL_YET_HINT.format(folder=training.folder)
        return notice(Notice("empty", model_strings.NO_MODEL_YET, hint)), "", ""
    from asr_core.architecture import architecture

    parts = architecture(record.contract)
    return (
        model_tables.facts(record, parts),
        model_tables.architecture(parts),
        record_html(record.contract.provenance),
    )


def _card(card: str) -> str:
    return f"## {model_strings.CARD_HEADING}\n\n{prose(card) or model_strings.NO_CARD}"
