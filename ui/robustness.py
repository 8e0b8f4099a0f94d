"""Robustness in the Errors tab: WER under growing damage, read from the folder or measured here."""

import hashlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from analysis.evaluation import Evaluation
from ui import strings
from ui import what_if_strings as texts
from ui.background import Pending, Report
from ui.evidence import Notice
from ui.headline import notice
from ui.language import count
from ui.limits import OPENING

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

RUNS = Path(__file__).parent.parent / "runs"  # for evaluations in folders that cannot be written
SAMPLE = 50  # utterances measured here
PANELS = ("snr", "speed", "level", "band")  # of `analysis.robustness`

ModelOf = Callable[[Evaluation], Pending["Recognizer"]]
Shown = dict[Any, Any]  # component -> what it shows next


class Section:
    """The section: folded up, and empty until it is opened."""

    def __init__(
        self,
        evaluations: Sequence[Pending[Evaluation]],
        model_of: ModelOf,
        runs: Path = RUNS,
    ) -> None:
        self.model_of = model_of
        self.evaluations = {evaluation.name: evaluation for evaluation in evaluations}
        self.runs = runs
        self.measuring: dict[str, Pending[dict[str, Any]]] = {}
        with gr.Accordion(texts.ROBUSTNESS, open=False, elem_id="robustness") as self.fold:
            self.state = gr.HTML(elem_id="robustness-state", apply_default_css=False)
            self.button = gr.Button(
                texts.MEASURE.format(n=SAMPLE), visible=False, size="sm", elem_id="measure"
            )
            self.plots = dict(zip(PANELS, _plots(), strict=True))

    def wire(self, choice: gr.Dropdown) -> None:
        """Follow the evaluation that the tab shows."""
        shown = [self.state, self.button, *self.plots.values()]
        calm = {"show_progress": "hidden", "api_visibility": "private", **OPENING.limit}
        opened = self.fold.expand(self.opened, choice, shown, **calm)
        measured = self.button.click(self.measured, choice, shown, **calm)
        # Not filled while it is folded up: Plotly is 1.4 MB.
        choice.change(self.closed, None, [self.fold, *shown], cancels=[opened, measured], **calm)

    def closed(self) -> Shown:
        """Another evaluation is chosen."""
        return self._hidden() | {self.fold: gr.Accordion(open=False), self.state: ""}

    def opened(self, name: str | None) -> Iterator[Shown]:
        """What is known of an evaluation, or the offer to measure it."""
        from analysis.robustness import RobustnessError

        evaluation = self._find(name)
        if evaluation is None or name is None:
            yield self._only(Notice("empty", strings.NO_EVALUATION))
            return
        pending = self.measuring.get(name)
        if pending is not None and not pending.finished:
            yield from self._watch(name, pending)
            return
        try:
            found = stored(evaluation, self.runs)
        except RobustnessError as e:
            yield self._only(Notice("failed", texts.CANNOT_MEASURE, str(e))) | self._offer()
            return
        yield self._curves(found) if found else self._missing(evaluation)

    def measured(self, name: str | None) -> Iterator[Shown]:
        """The button is pressed."""
        evaluation = self._find(name)
        if evaluation is None or name is None:
            raise gr.Error(strings.NO_SUCH_EVALUATION, print_exception=False)
        pending = self.measuring.get(name)
        if pending is None or pending.finished:
            model = self.model_of(evaluation)
            pending = self.measuring[name] = to_be_measured(model, evaluation, self.runs)
            pending.begin()
        yield from self._watch(name, pending)

    def _watch(self, name: str, pending: Pending[dict[str, Any]]) -> Iterator[Shown]:
        for done, total in pending.watch():
            text = texts.MEASURING_PROGRESS.format(done=count(done), total=count(total))
            waiting = Notice("loading", texts.MEASURING, text if total else strings.LOADING_MODEL)
            yield self._hidden() | {self.state: notice(waiting, done, total)}
        try:
            yield self._curves(pending.result())
        except (ValueError, OSError) as e:  # of model, manifest, sounds or folder
            if self.measuring.get(name) is pending:  # not another visitor's next try
                del self.measuring[name]
            yield self._only(Notice("failed", texts.CANNOT_MEASURE, str(e))) | self._offer()

    def _find(self, name: str | None) -> Evaluation | None:
        pending = self.evaluations.get(name or "")
        return pending.result() if pending is not None and pending.ready else None

    def _curves(self, found: dict[str, Any]) -> Shown:
        from analysis.robustness_figure import robustness_curves

        figures = robustness_curves(found, texts.CURVES)
        n, model = count(found["counts"]["utterances"]), found["model"]["name"]
        intro = texts.ROBUSTNESS_INTRO.format(n=n, model=model)
        return {
            self.state: f'<p class="mh-origin">{escape(intro)}</p>',
            self.button: gr.Button(visible=False),
            **{
                plot: gr.Plot(figures.get(axis), visible=axis in figures)
                for axis, plot in self.plots.items()
            },
        }

    def _missing(self, evaluation: Evaluation) -> Shown:
        model = self.model_of(evaluation).name
        manifest, folder = (
            shlex.quote(str(p)) for p in (evaluation.manifest_path, evaluation.folder)
        )
        n = min(SAMPLE, evaluation.summary["counts"]["utterances"])
        hint = texts.NOT_MEASURED_HINT.format(n=n, model=model, manifest=manifest, folder=folder)
        return self._only(Notice("empty", texts.NOT_MEASURED, hint)) | self._offer()

    def _offer(self) -> Shown:
        return {self.button: gr.Button(visible=True)}

    def _only(self, value: Notice) -> Shown:
        return self._hidden() | {self.state: notice(value)}

    def _hidden(self) -> Shown:
        plots = {plot: gr.Plot(None, visible=False) for plot in self.plots.values()}
        return {self.button: gr.Button(visible=False), **plots}


def stored(evaluation: Evaluation, runs: Path) -> dict[str, Any] | None:
    """The measurement beside an evaluation or in `runs` (raises RobustnessError)."""
    from analysis.robustness import read

    return read(evaluation.folder) or read(_elsewhere(evaluation, runs))


def to_be_measured(
    model: Pending["Recognizer"], evaluation: Evaluation, runs: Path, sample: int = SAMPLE
) -> Pending[dict[str, Any]]:
    """The measurement of an evaluation's manifest, kept in its folder, or in `runs`."""

    def make(report: Report) -> dict[str, Any]:
        from analysis.robustness import RobustnessError, measure, write

        found = measure(model.result(), evaluation.manifest_path, sample=sample, progress=report)
        try:
            write(found, evaluation.folder)
        except RobustnessError:  # of another model, or where nothing can be written
            write(found, _elsewhere(evaluation, runs))
        return found

    return Pending(evaluation.name, make)


def _elsewhere(evaluation: Evaluation, runs: Path) -> Path:
    summary = evaluation.summary
    of = [str(summary[what].get("sha256")) for what in ("model", "manifest")]
    key = hashlib.sha256(" ".join([str(evaluation.folder), *of]).encode()).hexdigest()[:16]
    return runs / f"robustness-{key}"


def _plots() -> Iterator[gr.Plot]:
    """Two rows of two; on a narrow page one under the other."""
    for pair in (PANELS[:2], PANELS[2:]):
        with gr.Row(elem_classes="mh-sides"):
            for axis in pair:
                with gr.Column(min_width=320):
                    yield gr.Plot(
                        show_label=False, container=False, visible=False, elem_id=f"curve-{axis}"
                    )
