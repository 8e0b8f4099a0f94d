"""The Errors tab: how often a model was wrong in a whole set, and each error with its sound."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from analysis.compare import decoder_name
from analysis.evaluation import Evaluation, score_of
from asr_core.audio import AudioError
from asr_core.text import Alphabet
from asr_core.transcript import Transcript, Word
from ui import evidence, filters, notes, panel, strings
from ui.background import Pending
from ui.evidence import Evidence, Fact, Notice
from ui.explorer import QueryError
from ui.exporting import Exports
from ui.fields import facts_of
from ui.headline import notice
from ui.language import count
from ui.limits import OPENING, RECOGNISING
from ui.listening import AROUND_S, Sounds
from ui.recording_hints import look
from ui.robustness import Section
from ui.sound import Publish, publisher

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer


def compare(
    recognizer: "Recognizer",
    evaluation: Evaluation,
    utterance_id: str,
    publish: Publish,
    recording: Path | None = None,
) -> Evidence:
    """The evidence of one evaluated utterance, its sound published (raises KeyError, AudioError).

    The diff is the evaluation's; the model hears the recording again for what is not stored:
    picture, emissions and times. `recording` is the utterance's, where not that of the evaluation.
    """
    from analysis.recognition import place_reference

    row = evaluation.row(utterance_id)
    path = recording or evaluation.audio_path_of(row)
    transcript = recognizer.transcribe([path])[0]
    heard = dict(enumerate(_normalised_words(transcript, recognizer.alphabet)))
    now = " ".join(word.text for word in heard.values())
    if now != row["pred_text"]:
        heard = place_reference(recognizer, row["pred_text"].split(), transcript)
    value = evidence.of_comparison(
        transcript,
        recognizer.contract,
        publish(path),
        score_of(row).edits,
        reference=place_reference(recognizer, row["text"].split(), transcript),
        heard=heard,
        facts=(*_causes(evaluation, utterance_id), *facts_of(row)),
        note=_note(evaluation, recognizer.contract.name, row["pred_text"], now),
    )
    return replace(value, hints=look(recognizer, path, row["text"]))


def _causes(evaluation: Evaluation, utterance_id: str) -> Iterator[Fact]:
    """Why words are wrong, as far as it is known; the commonest cause first."""
    found = [edit["cause"] for edit in evaluation.errors_of(utterance_id)]
    for cause, n in Counter(found).most_common():
        if cause in strings.CAUSES:
            name, what, advice = strings.CAUSES[cause]
            label = strings.CAUSE_OF.format(n=count(n))
            yield Fact(label, name, f"{what} {advice}")


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
    decoder = decoder_name(evaluation.summary.get("decoding"))
    if stored != now and decoder:
        sentences.append(strings.OTHER_DECODER.format(decoder=decoder))
    elif stored != now:
        sentences.append(strings.HEARS_NOW.format(text=now or strings.NOTHING))
    return " ".join(sentences)


def build(
    models: Sequence[Pending["Recognizer"]],
    evaluations: Sequence[Pending[Evaluation]],
) -> None:
    """Put the tab's parts on the page and wire them; they are filled when the tab is opened."""
    names = [evaluation.name for evaluation in evaluations]
    choice = gr.Dropdown(
        names,
        value=names[0] if names else None,
        label=strings.EVALUATION,
        visible=len(names) > 1,
        elem_id="evaluation",
    )
    on, sounds = _Handlers(models, evaluations), Sounds()
    exports = Exports(lambda evaluation: model_of(evaluation, models))
    state = gr.HTML("", elem_id="headline", apply_default_css=False)
    head = filters.of_errors(on.find, exports, "filters")
    with gr.Row(elem_classes="mh-sides"):
        with gr.Column(scale=5, min_width=340):
            lists = panel.of_errors(on.find, sounds, "utterances")
        with gr.Column(scale=6, min_width=340):
            view = evidence.component(None, "compared")
            note = notes.component(on.find, "notes")
    Section(evaluations, lambda evaluation: model_of(evaluation, models)).wire(choice)
    on.publish = sounds.publish = exports.publish = publisher(view)
    calm = {"show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private"}
    parts = [state, head, lists, view, note]
    head.opened(on.entered, choice, [choice, *parts], **OPENING.limit, **calm)
    choice.input(on.opened, choice, parts, **OPENING.limit, **calm)
    lists.pick(on.picked, lists, [view, note], **RECOGNISING.limit, **calm)


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
            raise QueryError(strings.NO_SUCH_EVALUATION)
        return pending.result()

    def entered(self, name: str | None, event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        """The tab is opened, at the evaluation that the page's address names."""
        asked = event.asked
        name = asked if asked in self.evaluations else name
        for shown in self.opened(name):
            yield name, *shown

    def opened(self, name: str | None) -> Iterator[tuple[Any, ...]]:
        if name in self.evaluations:
            yield from _open(self.evaluations[name])
        else:
            empty = Notice("empty", strings.NO_EVALUATION, strings.NO_EVALUATION_HINT)
            yield _only(notice(empty))

    def picked(self, shown: Any) -> Iterator[tuple[Any, Any]]:
        """An utterance is picked: `evaluation`, `id`, and `at`, the edit to be heard, if any."""
        try:
            evaluation = self.find(shown["evaluation"])
            note = notes.of(evaluation, shown["evaluation"], shown["id"])
            play_s = _place(evaluation, shown["id"], shown.get("at"))
        except (QueryError, KeyError, TypeError, AttributeError) as e:
            raise gr.Error(strings.NO_SUCH_UTTERANCE, print_exception=False) from e
        model = model_of(evaluation, self.models)
        for value in show(model, evaluation, shown["id"], self.publish, play_s):
            yield value, note


def _open(pending: Pending[Evaluation]) -> Iterator[tuple[Any, ...]]:
    """The tab's parts: while the evaluation is made, and when it is there."""
    if pending.on_demand:
        pending.begin()
    for done, total in pending.watch():
        progress = strings.EVALUATING_PROGRESS.format(done=done, total=total)
        text = progress if total else pending.doing or strings.EVALUATING_HINT
        waiting = Notice("loading", strings.EVALUATING.format(name=pending.name), text)
        yield _only(notice(waiting, done, total))
    try:
        pending.result()
    except ValueError as e:  # of the manifest, the folder or the model: each says what to do
        yield _only(notice(Notice("failed", strings.BAD_EVALUATION, str(e))))
        return
    of_this = {"evaluation": pending.name}
    picking = Notice("empty", strings.PICKING, strings.PICKING_HINT)
    yield "", of_this, of_this, picking.to_json(), None


def _only(text: str) -> tuple[Any, ...]:
    """A notice, and nothing of an evaluation."""
    return text, None, None, None, None


def _place(evaluation: Evaluation, utterance_id: str, meant: Any) -> tuple[float, float] | None:
    """When in the sound the edit is that a browser means; None where it means none."""
    if not isinstance(meant, dict):
        return None
    for edit in evaluation.errors_of(utterance_id):
        same = all(edit[side] == meant.get(side) for side in ("reference", "heard"))
        if same and edit["start_s"] is not None:
            return max(0.0, edit["start_s"] - AROUND_S), edit["end_s"] + AROUND_S
    return None


def show(
    model: Pending["Recognizer"],
    evaluation: Evaluation,
    utterance_id: str,
    publish: Publish,
    play_s: tuple[float, float] | None = None,
    recording: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """What the view shows: loading if need be, then the evidence or the reason."""
    if not model.finished:
        yield Notice("loading", strings.LOADING_MODEL).to_json()
    try:
        found = compare(model.result(), evaluation, utterance_id, publish, recording)
        value: Evidence | Notice = replace(found, play_s=play_s)
    except AudioError as e:
        value = _without_sound(evaluation, utterance_id, str(e))
    except ValueError as e:
        value = Notice("failed", strings.BAD_MODEL, str(e))
    yield value.to_json()


def _without_sound(evaluation: Evaluation, utterance_id: str, why: str) -> Notice:
    """Both texts of an imported utterance that names no recording; else what is wrong with it."""
    row = evaluation.row(utterance_id)
    if row["audio_filepath"] is not None:
        return Notice("failed", strings.BAD_AUDIO, why)
    texts = (row["text"] or strings.NOTHING, row["pred_text"] or strings.NOTHING)
    return Notice("empty", strings.NO_RECORDING, strings.NO_RECORDING_TEXTS.format(*texts))


def model_of(
    evaluation: Evaluation, models: Sequence[Pending["Recognizer"]]
) -> Pending["Recognizer"]:
    """The model of an evaluation's name; the first where none has it."""
    name = evaluation.summary["model"]["name"]
    # A model that is not loaded yet goes by its folder's name.
    named = ((m, m.result().contract.name if m.ready else m.name) for m in models)
    return next((model for model, its_name in named if its_name == name), models[0])
