"""What a person notes about an utterance, as a component below its evidence."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from analysis.evaluation import Evaluation
from ui import explorer_strings
from ui.explorer import ERRORS, Find, QueryError, Question, server_function
from ui.limits import BROWSING

HERE = Path(__file__).parent
SCRIPTS = ("dom.js", "scope.js", "notes.js")


def component(find: Find, elem_id: str) -> gr.HTML:
    """The component; its value is what `of` returns, or None while nothing is picked."""
    return gr.HTML(
        None,
        html_template='<div class="mh-notes"></div>',
        css_template=(HERE / "notes.css").read_text(encoding="utf-8"),
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
        server_functions=BROWSING.limited([server_function(save, find, "save_note")]),
        apply_default_css=False,
        elem_id=elem_id,
        scope=asdict(ERRORS),
        texts={**explorer_strings.NOTES, "no_answer": explorer_strings.FILTERS["failed"]},
    )


def of(evaluation: Evaluation, name: str, utterance_id: str) -> dict[str, Any]:
    """What is noted about an utterance, for the component (raises KeyError).

    Args:
        evaluation: that the utterance is of.
        name: what the browser knows the evaluation by.
        utterance_id: of the utterance.
    """
    row = evaluation.row(utterance_id)
    tags = [tag for tag in (row["tags"] or "").split(", ") if tag]
    return {"evaluation": name, "id": utterance_id, "tags": tags, "note": row["note"] or ""}


def save(question: Question) -> dict[str, Any]:
    """Keep a note that a browser sent (raises QueryError, NoteError)."""
    utterance_id, tags = question.asked.get("id"), question.asked.get("tags")
    if not isinstance(tags, list):
        tags = []
    try:
        kept = question.set.mark(
            str(utterance_id), [str(tag) for tag in tags], str(question.asked.get("note") or "")
        )
    except KeyError as e:
        raise QueryError(explorer_strings.NOTES["no_utterance"]) from e
    return {"tags": list(kept.tags), "note": kept.text}
