"""The Errors tab: how often a model was wrong in a whole set, and each error with its sound."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from analysis.evaluation import Evaluation
from asr_core.audio import AudioError
from asr_core.text import Alphabet
from asr_core.transcript import Transcript, Word
from ui import evidence, strings, table
from ui.background import Pending
from ui.evidence import Evidence, Notice
from ui.fields import facts_of
from ui.headline import headline, notice
from ui.sound import Publish, publisher

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

NOTHING_PICKED = Notice("empty", strings.PICKING, strings.PICKING_HINT)
NO_EVALUATION = Notice("empty", strings.NO_EVALUATION, strings.NO_EVALUATION_HINT)
LOADING = Notice("loading", strings.LOADING_MODEL)


def compare(
    recognizer: "Recognizer", evaluation: Evaluation, utterance_id: str, publish: Publish
) -> Evidence:
    """The evidence of one evaluated utterance, its sound published (raises KeyError, AudioError).

    The diff is the evaluation's; the model hears the recording again for what is not stored:
    picture, emissions and times.
    """
    from analysis.recognition import place_reference

    row = evaluation.row(utterance_id)
    path = evaluation.audio_path(utterance_id)
    transcript = recognizer.transcribe([path])[0]
    heard = dict(enumerate(_normalised_words(transcript, recognizer.alphabet)))
    now = " ".join(word.text for word in heard.values())
    if now != row["pred_text"]:
        heard = place_reference(recognizer, row["pred_text"].split(), transcript)
    return evidence.of_comparison(
        transcript,
        recognizer.contract,
        publish(path),
        evaluation.score(utterance_id).edits,
        reference=place_reference(recognizer, row["text"].split(), transcript),
        heard=heard,
        facts=facts_of(row),
        note=_note(evaluation, recognizer.contract.name, row["pred_text"], now),
    )


def _normalised_words(transcript: Transcript, alphabet: Alphabet) -> Iterator[Word]:
    """The words as an evaluation counts them: a word may normalise to several."""
    for word in transcript.words:
        for text in alphabet.normalise(word.text).split():
            yield replace(word, text=text)


def _note(evaluation: Evaluation, shown: str, stored: str, now: str) -> str:
    sentences = []
    evaluated = evaluation.summary["model"]["name"]
    if evaluated != shown:
        sentences.append(strings.OTHER_MODEL.format(evaluated=evaluated, shown=shown))
    if stored != now:
        sentences.append(strings.HEARS_NOW.format(text=now or strings.NOTHING))
    return " ".join(sentences)


def build(
    page: gr.Blocks,
    models: Sequence[Pending["Recognizer"]],
    evaluations: Sequence[Pending[Evaluation]],
) -> None:
    """Put the tab's parts on the page and wire them."""
    names = [evaluation.name for evaluation in evaluations]
    choice = gr.Dropdown(
        names,
        value=names[0] if names else None,
        label=strings.EVALUATION,
        visible=len(names) > 1,
        elem_id="evaluation",
    )
    head = gr.HTML("", elem_id="headline", apply_default_css=False)
    on = _Handlers(models, evaluations)
    with gr.Row(elem_classes="mh-sides"):
        with gr.Column(scale=5, min_width=340):
            utterances = table.component(on.find, "utterances")
        with gr.Column(scale=6, min_width=340):
            view = evidence.component(None, "compared")
    on.publish = publisher(view)
    calm = {"show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private"}
    page.load(on.opened, choice, [head, utterances, view], concurrency_limit=None, **calm)
    choice.input(on.opened, choice, [head, utterances, view], concurrency_limit=None, **calm)
    utterances.pick(on.picked, None, view, **calm)


class _Handlers:
    """What happens on the tab's events; each yields what the components show next."""

    publish: Publish

    def __init__(
        self,
        models: Sequence[Pending["Recognizer"]],
        evaluations: Sequence[Pending[Evaluation]],
    ) -> None:
        self.models = models
        self.evaluations = {evaluation.name: evaluation for evaluation in evaluations}

    def find(self, name: Any) -> Evaluation:
        """The evaluation of a name that a browser sent (raises QueryError)."""
        pending = self.evaluations.get(name) if isinstance(name, str) else None
        if pending is None or not pending.ready:
            raise table.QueryError(strings.NO_SUCH_EVALUATION)
        return pending.result()

    def opened(self, name: str | None) -> Iterator[tuple[Any, ...]]:
        if name in self.evaluations:
            yield from _open(self.evaluations[name])
        else:
            yield notice(NO_EVALUATION), None, None

    def picked(self, event: gr.EventData) -> Iterator[dict[str, Any]]:
        try:
            evaluation = self.find(event.evaluation)
            evaluation.row(event.id)
        except (table.QueryError, KeyError, TypeError) as e:
            raise gr.Error(strings.NO_SUCH_UTTERANCE, print_exception=False) from e
        model = _model_of(evaluation, self.models)
        yield from _show(model, evaluation, event.id, self.publish)


def _open(pending: Pending[Evaluation]) -> Iterator[tuple[Any, ...]]:
    """Headline, table and view: while the evaluation is made, and when it is there."""
    if pending.on_demand:
        pending.begin()
    for done, total in pending.watch():
        progress = strings.EVALUATING_PROGRESS.format(done=done, total=total)
        text = progress if total else pending.doing or strings.EVALUATING_HINT
        waiting = Notice("loading", strings.EVALUATING.format(name=pending.name), text)
        yield notice(waiting, done, total), None, None
    try:
        evaluation = pending.result()
    except ValueError as e:  # of the manifest, the folder or the model: each says what to do
        failed = Notice("failed", strings.BAD_EVALUATION, str(e))
        yield notice(failed), None, None
        return
    yield headline(evaluation), {"evaluation": pending.name}, NOTHING_PICKED.to_json()


def _show(
    model: Pending["Recognizer"], evaluation: Evaluation, utterance_id: str, publish: Publish
) -> Iterator[dict[str, Any]]:
    """What the view shows: loading if need be, then the evidence or the reason."""
    if not model.finished:
        yield LOADING.to_json()
    try:
        value: Evidence | Notice = compare(model.result(), evaluation, utterance_id, publish)
    except AudioError as e:
        value = Notice("failed", strings.BAD_AUDIO, str(e))
    except ValueError as e:
        value = Notice("failed", strings.BAD_MODEL, str(e))
    yield value.to_json()


def _model_of(
    evaluation: Evaluation, models: Sequence[Pending["Recognizer"]]
) -> Pending["Recognizer"]:
    """The model of an evaluation's name; the first where none has it."""
    name = evaluation.summary["model"]["name"]
    # A model that is not loaded yet goes by its folder's name.
    named = ((m, m.result().contract.name if m.ready else m.name) for m in models)
    return next((model for model, its_name in named if its_name == name), models[0])
