"""A standalone page about an evaluation: figures, causes, and the most telling utterances to hear.

The file needs no network and no other file: sounds and pictures are inside, as data URLs, and a
Content-Security-Policy lets it fetch nothing and run no script but its own. The same evaluation,
filter and model give the same bytes.
"""

import hashlib
import os
import shlex
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import report_sections as sections
from analysis.evaluation import Evaluation, EvaluationError
from analysis.exhibits import Exhibit, exhibit
from analysis.markup import Markup, cut, el, join, verbatim
from analysis.report_exhibits import article
from analysis.store import Filter, View
from analysis.summary import is_synthetic
from analysis.telling import most_telling

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

HERE = Path(__file__).parent
N_TELLING = 10
MOST_TELLING = 50
MOST_BYTES = 5_000_000  # what mail servers let through

SECTIONS = {  # in their order
    "rates": "How often it was wrong",
    "causes": "Why",
    "worst": "Where it is worst",
    "confusions": "What was heard as what",
    "words": "The worst words",
    "telling": "The most telling utterances",
    "notes": "Notes and tags",
    "skipped": "Rows that could not be scored",
    "terms": "How to read this",
    "origin": "Where this comes from",
}
TERMS = {
    "Word error rate (WER)": "Words substituted, missed and added, over the words that were said,"
    " summed over the whole set. It can exceed 100 %.",
    "Character error rate (CER)": "The same for characters, spaces included.",
    "95 % interval": "Percentile bootstrap over utterances: how far the rate would vary with other"
    " utterances of the same kind.",
    "Raw": "The rate of the texts as they were written, capitals and punctuation included; the"
    " other rates are of texts that went through the normaliser.",
    "Substituted ✗, missed −, added +": "Another word was heard; nothing was heard; a word was"
    " heard where none was said. All counts come from one alignment of the two texts.",
    "Cause": "Errors that stand together are one region, and each region gets the first cause whose"
    " rule holds: unknown word, search, too few frames, label, damaged sound, speed, else acoustic."
    " Unknown words, search and too few frames are facts; the others are suspicions to check by"
    " ear.",
    "Nats": "Natural logarithms of probability: each nat more makes a text 2.7 times less likely to"
    " the model.",
    "Confidence": "The probability, as the model states it, that a word it wrote is right.",
    "Recall and precision": "Of the times a word was said, how often it was heard; of the times it"
    " was heard, how often it was said.",
    "Spectrogram": "Time runs to the right, low to high frequencies upwards, light is loud. Words"
    " stand over and under it where they were said and heard; their borders are estimates.",
    "Most telling": "Causes share the places in proportion to their errors, each that has 1 % of"
    " them at least once. Within a cause come first the errors where the model was furthest from"
    " the reference, in nats a wrong word, then where it was surest. The same mistake is shown"
    " once.",
}


@dataclass(frozen=True)
class Written:
    """A report that was written."""

    path: Path
    n_bytes: int
    n_utterances: int  # that the filter let through
    n_playable: int
    left_out: tuple[str, ...]  # what there was no room for, in words


@dataclass(frozen=True)
class _Document:
    """What a page is made of, besides its fixed texts."""

    title: str
    body: tuple[Markup, ...]  # sections before and after the utterances
    tail: tuple[Markup, ...]
    exhibits: tuple[Exhibit, ...]
    note: str  # about the utterances
    left_out: tuple[str, ...] = ()


def write_report(
    evaluation: Evaluation,
    out: str | Path,
    wanted: Filter | None = None,
    *,
    recognizer: "Recognizer | None" = None,
    n_telling: int = N_TELLING,
    most_bytes: int = MOST_BYTES,
) -> Written:
    """Write the report of the utterances that a filter lets through.

    Args:
        evaluation: whose.
        out: the HTML file; one that is there is replaced.
        wanted: the filter; None lets all of them through.
        recognizer: a model that draws the sound as it hears it and says when each word was spoken;
            without one pictures are plain and only errors have times.
        n_telling: utterances to show and play at most.
        most_bytes: of the file; sounds are left out for it first, the last utterance's first, then
            pictures, then utterances.

    Raises:
        EvaluationError: no utterance passes the filter, or the file cannot be written.
        FilterError: the filter's condition cannot be answered.
    """
    wanted = wanted or Filter()
    view = evaluation.store.view(wanted)
    if not view.count:
        raise EvaluationError(
            f"No utterance of {evaluation.name} passes the filter, so there is nothing to report."
            " Expected one at least; widen the condition."
        )
    document = _document(evaluation, view, recognizer, min(n_telling, MOST_TELLING))
    page = _page(document)
    while len(page) > most_bytes:
        document = _lighter(document, most_bytes)
        page = _page(document)
    out = Path(out).resolve()
    _write(out, page)
    playable = sum(bool(each.clip and each.clip.sound) for each in document.exhibits)
    return Written(out, len(page), view.count, playable, document.left_out)


def model_for(evaluation: Evaluation, model: str | None = None) -> "Recognizer | None":
    """The model of a report: the one named, or else the bundled one that made the evaluation.

    None where no model is named and none is bundled under the name and with the weights that the
    evaluation states.

    Raises:
        CheckpointError: the model named is not there or damaged.
    """
    from analysis.evaluating import weights_sha256
    from asr_core.checkpoint import MODELS, CheckpointError
    from asr_core.recognizer import Recognizer

    if model is not None:
        return Recognizer.load(model)
    stated = evaluation.summary["model"]
    try:
        recognizer = Recognizer.load(MODELS / Path(stated["name"]).name)
    except CheckpointError:
        return None
    return recognizer if weights_sha256(recognizer) == stated.get("sha256") else None


def _document(
    evaluation: Evaluation, view: View, recognizer: "Recognizer | None", n_telling: int
) -> _Document:
    folder = evaluation.manifest_path.parent
    chosen = most_telling(view, lambda audio: (folder / audio).is_file(), n_telling)
    exhibits = tuple(exhibit(evaluation, each, recognizer) for each in chosen)
    body = (
        _section("rates", sections.headline(evaluation, view)),
        _section("causes", sections.causes(view)),
        _section("worst", sections.worst(view)),
        _section("confusions", sections.confusion_tables(view)),
        _section("words", sections.words(view)),
    )
    noted = sections.notes(view)
    tail = (
        _section("notes", noted or el("p", "Nobody has noted anything.")),
        _section("skipped", sections.skipped(evaluation)),
        _section("terms", _terms()),
        _section("origin", _provenance(evaluation, view)),
    )
    return _Document(
        title=_title(evaluation),
        body=(_about(evaluation, view), *body),
        tail=tail,
        exhibits=exhibits,
        note=_told(evaluation, exhibits, recognizer),
    )


def _page(document: _Document) -> bytes:
    """The whole file."""
    style = (HERE / "report.css").read_text(encoding="utf-8")
    script = (HERE / "report.js").read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline';"
        f" script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", document.title),
        verbatim("style", style),
    )
    articles = [article(each, number) for number, each in enumerate(document.exhibits, 1)]
    main = el(
        "main",
        *document.body,
        _section("telling", _notes_of(document), *articles),
        *document.tail,
    )
    body = el(
        "body",
        el("header", el("h1", document.title), _contents()),
        main,
        verbatim("script", script),
    )
    return b"<!doctype html>\n" + el("html", head, body, lang="en").encode()


def _notes_of(document: _Document) -> Markup:
    notes = [document.note, *document.left_out]
    return join(*(el("p", note) for note in notes if note))


def _lighter(document: _Document, most_bytes: int) -> _Document:
    """The document without what it can best be without."""
    exhibits = list(document.exhibits)
    lighter = (
        lambda clip: replace(clip, sound="") if clip.sound else None,
        lambda clip: replace(clip, picture=None) if clip.picture else None,
    )
    for without in lighter:
        for i, each in reversed(list(enumerate(exhibits))):
            clip = without(each.clip) if each.clip else None
            if clip is not None:
                exhibits[i] = replace(each, clip=clip)
                return _without(document, exhibits, most_bytes)
    if not exhibits:
        raise EvaluationError(
            f"Even without utterances the report exceeds {most_bytes} bytes. Allow more."
        )
    return _without(document, exhibits[:-1], most_bytes)


def _without(document: _Document, exhibits: Sequence[Exhibit], most_bytes: int) -> _Document:
    """The document with fewer things, and the words that say so."""
    clips = [each.clip for each in exhibits if each.clip is not None]
    missing = {
        "sounds": sum(not clip.sound for clip in clips),
        "pictures": sum(clip.picture is None for clip in clips),
    }
    told = [f"{n} {what}" for what, n in missing.items() if n]
    if len(exhibits) < len(document.exhibits) or not told:
        told.append("some utterances")
    text = f"To keep this file under {most_bytes / 1e6:g} MB, {', '.join(told)} were left out."
    return replace(document, exhibits=tuple(exhibits), left_out=(text,))


def _title(evaluation: Evaluation) -> str:
    return f"{cut(_model_name(evaluation), 60)} on {cut(evaluation.name, 60)}: what went wrong"


def _model_name(evaluation: Evaluation) -> str:
    return str(evaluation.summary["model"]["name"])


def _about(evaluation: Evaluation, view: View) -> Markup:
    """What was evaluated, and when; the filter, if there is one."""
    summary = evaluation.summary
    [row] = view.ask("SELECT count(*) AS n, sum(duration_s) AS sound_s FROM matched")
    [total] = evaluation.store.ask("SELECT count(*) AS n FROM utterances")
    minutes = f", {row['sound_s'] / 60:.1f} minutes of sound" if row["sound_s"] else ""
    date = f" Evaluated {summary['date'][:10]}." if summary.get("date") else ""
    conditions = _conditions(view.filter)
    synthetic = " All voices are synthetic." if is_synthetic(view) else ""
    narrowed = el(
        "p",
        el("strong", f"Only {row['n']:,} of {total['n']:,} utterances: "),
        *[part for i, each in enumerate(conditions) for part in (", " * bool(i), el("code", each))],
        ". Every figure below is of these.",
        class_="filter",
    )
    return join(
        el("p", f"{row['n']:,} utterances{minutes}.{synthetic}{date}", class_="about"),
        narrowed if conditions else None,
    )


def _conditions(wanted: Filter) -> list[str]:
    return [
        *([cut(wanted.where.strip(), 500)] if wanted.where.strip() else []),
        *([f"text contains {wanted.search}"] if wanted.search else []),
        *(["errors > 0"] if wanted.only_errors else []),
    ]


def _told(
    evaluation: Evaluation, exhibits: Sequence[Exhibit], recognizer: "Recognizer | None"
) -> str:
    """What the reader should know about the sounds and pictures."""
    if not exhibits:
        return "There are no errors to show."
    if not any(each.clip for each in exhibits):
        return "This evaluation has no recordings at hand, so there is nothing to play or to see."
    told = "Click a word to hear it, or the picture to start there."
    if recognizer is None:
        return f"{told} Without the model only errors have a place in the sound."
    name, evaluated = recognizer.contract.name, _model_name(evaluation)
    if name != evaluated:
        return (
            f"{told} Pictures and the places of words come from the model {cut(name, 60)}, not from"
            f" {cut(evaluated, 60)}, whose texts these are."
        )
    return told


def _section(name: str, *content: Markup) -> Markup:
    return el("section", el("h2", SECTIONS[name]), *content, id=name)


def _contents() -> Markup:
    return el("nav", *(el("a", title, href=f"#{name}") for name, title in SECTIONS.items()))


def _terms() -> Markup:
    pairs = (el("div", el("dt", term), el("dd", text)) for term, text in TERMS.items())
    return el("dl", *pairs, class_="terms")


def _provenance(evaluation: Evaluation, view: View) -> Markup:
    summary = evaluation.summary
    model, manifest = summary["model"], summary["manifest"]
    decoding = summary.get("decoding") or {}
    facts = {
        "Imported system" if model.get("imported") else "Model": model["name"],
        "File of the system": model.get("file"),
        "sha256 of the file" if model.get("imported") else "sha256 of the weights": model.get(
            "sha256"
        ),
        "Set": evaluation.name,
        "Manifest, from the evaluation's folder": manifest["path"],
        "sha256 of the manifest": manifest.get("sha256"),
        "Evaluated": summary.get("date"),
        "Decoding": ", ".join(f"{k} {v}" for k, v in decoding.items() if v is not None),
        "Normaliser": summary.get("normaliser"),
        "Versions": ", ".join(f"{k} {v}" for k, v in summary.get("versions", {}).items()),
    }
    pairs = [
        el("div", el("dt", name), el("dd", el("bdi", cut(str(value), 500))))
        for name, value in facts.items()
        if value
    ]
    return join(
        el("dl", *pairs, class_="origin"),
        el("p", "Made by Misheard with this command:"),
        el("pre", el("code", shlex.join(_command(evaluation, view.filter)))),
    )


def _command(evaluation: Evaluation, wanted: Filter) -> Iterable[str]:
    yield from ("python", "-m", "analysis", "report", evaluation.folder.name)
    if wanted.where.strip():
        yield from ("--where", wanted.where.strip())
    if wanted.search:
        yield from ("--search", wanted.search)
    if wanted.only_errors:
        yield "--only-errors"
    yield from ("--out", "report.html")


def _write(out: Path, page: bytes) -> None:
    """Beside its place and then renamed, so a crash leaves what was there."""
    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(page)
        part.replace(out)
    except OSError as e:
        raise EvaluationError(f"Cannot write {out}: {e}. Choose another file.") from e
    finally:
        part.unlink(missing_ok=True)
