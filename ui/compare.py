"""The Compare tab: which of two evaluations of the same recordings is better, and is it sure."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from analysis.evaluation import Evaluation
from analysis.pairing import CompareError, Pairing
from asr_core.audio import AudioError
from ui import compare_strings, comparison, errors, evidence, strings
from ui.background import Pending
from ui.comparison import Pairings
from ui.evidence import Notice
from ui.explorer import QueryError, Question, server_function
from ui.headline import notice
from ui.limits import BROWSING, OPENING, RECOGNISING
from ui.sound import Publish, publisher

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

HERE = Path(__file__).parent
SCRIPTS = ("dom.js", "aligned.js", "compare.js", "compare_list.js")
SHEETS = ("table.css", "compare.css")


def build(
    models: Sequence[Pending["Recognizer"]],
    evaluations: Sequence[Pending[Evaluation]],
) -> None:
    """Put the tab's parts on the page and wire them; they are filled when the tab is opened."""
    on = _Handlers(models, evaluations)
    with gr.Row():
        a, b = (
            gr.Dropdown([], label=label, visible=False, min_width=300, elem_id=f"compare-{side}")
            for side, label in (("a", compare_strings.A_LABEL), ("b", compare_strings.B_LABEL))
        )
    state = gr.HTML("", elem_id="compare-state", apply_default_css=False)
    found = _component(on, "comparison")
    with gr.Row(elem_classes="mh-sides"):
        sides = [_side(side) for side in ("a", "b")]
    titles, views = [title for title, _ in sides], [view for _, view in sides]
    on.publish = publisher(views[0])
    calm = {"show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private"}
    parts = [a, b, state, found, *titles, *views]
    found.opened(on.entered, [a, b, found], parts, **OPENING.limit, **calm)
    gr.on([a.input, b.input], on.chosen, [a, b], parts, **OPENING.limit, **calm)
    found.choose(on.other_chosen, a, parts, **OPENING.limit, **calm)
    found.pick(on.picked, found, views, **RECOGNISING.limit, **calm)


def _side(side: str) -> tuple[gr.HTML, gr.HTML]:
    """One system's name and its evidence."""
    with gr.Column(min_width=340):
        title = gr.HTML("", elem_id=f"compared-{side}-name", apply_default_css=False)
        return title, evidence.component(None, f"compared-{side}")


def _component(on: "_Handlers", elem_id: str) -> gr.HTML:
    """The comparison; its value is `{"evaluation": A, "other": B}`, or None while there is none.

    At its event `pick` the value has `id`, an utterance, too; `choose` carries `other`, another B;
    `opened` comes when it comes in view. (Values that arrive while Gradio builds a tab that is
    opened take its components their props: so they are asked for when it is built.)
    """
    answers = {
        "fetch_headline": on.headline,
        "fetch_systems": on.systems,
        "fetch_pairs": lambda question: comparison.rows(on.pairing(question), question),
    }
    return gr.HTML(
        None,
        html_template='<div class="mh-table mh-comparison"></div>',
        css_template="".join((HERE / name).read_text(encoding="utf-8") for name in SHEETS),
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
        server_functions=BROWSING.limited(
            server_function(f, on.find, name) for name, f in answers.items()
        ),
        apply_default_css=False,
        elem_id=elem_id,
        texts=compare_strings.COMPARISON,
        size=comparison.PAGE_SIZE,
    )


class _Handlers:
    """What happens on the tab's events."""

    publish: Publish

    def __init__(
        self,
        models: Sequence[Pending["Recognizer"]],
        evaluations: Sequence[Pending[Evaluation]],
    ) -> None:
        self.models = models
        self.evaluations = {evaluation.name: evaluation for evaluation in evaluations}
        self.pairings = Pairings()

    def find(self, name: Any) -> Evaluation:
        """The evaluation of a name that a browser sent (raises QueryError)."""
        found = self._ready().get(name) if isinstance(name, str) else None
        if found is None:
            raise QueryError(strings.NO_SUCH_EVALUATION)
        return found

    def pairing(self, question: Question) -> Pairing:
        """What is compared in a browser's question (raises QueryError)."""
        try:
            return self.pairings.of(question.set, self.find(question.asked.get("other")))
        except CompareError as e:
            raise QueryError(str(e)) from e

    def headline(self, question: Question) -> dict[str, Any]:
        return comparison.headline(self.pairing(question))

    def systems(self, question: Question) -> dict[str, Any]:
        pairing = self.pairing(question)
        try:
            return comparison.systems(self.pairings, pairing.a, pairing.b, self._ready())
        except CompareError as e:
            raise QueryError(str(e)) from e

    def entered(self, a: str | None, b: str | None, shown: Any) -> tuple[Any, ...]:
        """The tab is opened: evaluations may have been made since it was shown last."""
        parts = self.chosen(a, b)
        same = shown is not None and parts[3] is not None and parts[3].items() <= shown.items()
        return (*parts[:3], *(gr.skip(),) * 5) if same else parts

    def other_chosen(self, a: str, event: gr.EventData) -> tuple[Any, ...]:
        return self.chosen(a, event.other)

    def chosen(self, a: str | None, b: str | None) -> tuple[Any, ...]:
        """The tab's parts for a choice; where it cannot be had, for another one."""
        ready = self._ready()
        partners = self._partners(a, ready) if a in ready else []
        if not partners:  # to know who shares what takes a while: the others are asked if need be
            found = next(((n, p) for n in ready if (p := self._partners(n, ready))), None)
            if found is None:
                a = None
            elif a not in ready:
                a, partners = found
        if a is None:
            alone = Notice("empty", compare_strings.ALONE, compare_strings.ALONE_HINT)
            hidden = gr.update(visible=False)
            return hidden, hidden, notice(alone), None, "", "", None, None
        b = b if b in partners else next(iter(partners), None)
        state = _not_offered(self._reasons(a, partners))
        first = gr.update(choices=list(ready), value=a, visible=True)
        second = gr.update(choices=partners, value=b, visible=True)
        if b is None:
            return first, second, state, None, "", "", None, None
        picking = Notice("loading", compare_strings.COMPARISON["loading"]).to_json()
        titles = map(_title, compare_strings.COMPARISON["sides"], (a, b))
        return first, second, state, {"evaluation": a, "other": b}, *titles, picking, picking

    def picked(self, picked: Any) -> Iterator[tuple[Any, Any]]:
        """Both evidences of an utterance, each by the model of its evaluation if that is there."""
        try:
            a, b = self.find(picked["evaluation"]), self.find(picked["other"])
            recordings = [_recording(each, each.row(picked["id"])) for each in (a, b)]
        except (QueryError, KeyError, TypeError) as e:
            raise gr.Error(strings.NO_SUCH_UTTERANCE, print_exception=False) from e
        for value in self._evidence(a, picked["id"], recordings):
            yield value, gr.skip()
        for value in self._evidence(b, picked["id"], recordings[::-1]):
            yield gr.skip(), value

    def _evidence(
        self, evaluation: Evaluation, utterance_id: str, recordings: Sequence[Path | None]
    ) -> Iterator[dict[str, Any]]:
        """One side's evidence, with its own recording; where that is not there, the other's."""
        model = errors.model_of(evaluation, self.models)
        recording = next(filter(None, recordings), None)
        yield from errors.show(model, evaluation, utterance_id, self.publish, recording=recording)

    def _ready(self) -> dict[str, Evaluation]:
        return {name: each.result() for name, each in self.evaluations.items() if each.ready}

    def _partners(self, name: str, ready: Mapping[str, Evaluation]) -> list[str]:
        """The evaluations that share utterances with one, those with the most first."""
        common = {other: self._n_common(ready[name], ready[other]) for other in ready}
        common.pop(name)
        return sorted((o for o, n in common.items() if n), key=lambda other: -common[other])

    def _n_common(self, a: Evaluation, b: Evaluation) -> int:
        try:
            return self.pairings.n_common(a, b)
        except CompareError:  # of a folder that was changed since it was opened
            return 0

    def _reasons(self, a: str, partners: Sequence[str]) -> dict[str, str]:
        """Why the others are not offered beside A, by name."""
        found = {}
        for name, pending in self.evaluations.items():
            if name != a and name not in partners:
                made = compare_strings.NOTHING_COMMON if pending.ready else compare_strings.NOT_MADE
                found[name] = compare_strings.FAILED if pending.failure else made
        return found


def _recording(evaluation: Evaluation, row: Mapping[str, Any]) -> Path | None:
    """The recording of an evaluation's row, if it names one that is there."""
    try:
        path = evaluation.audio_path_of(row)
    except AudioError:
        return None
    return path if path.is_file() else None


def _not_offered(reasons: Mapping[str, str]) -> str:
    """A line of HTML, escaped; nothing where there are no reasons."""
    if not reasons:
        return ""
    each = (compare_strings.REASON.format(name=name, why=why) for name, why in reasons.items())
    text = compare_strings.NOT_OFFERED.format(reasons=", ".join(each))
    return f'<p class="mh-not-offered">{escape(text)}</p>'


def _title(side: str, name: str) -> str:
    return (
        f'<h3 class="mh-side-name">{escape(compare_strings.SIDE.format(side=side, name=name))}</h3>'
    )
