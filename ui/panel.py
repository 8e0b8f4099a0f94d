"""The lists of a tab, as one component that follows the filter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from ui import doctor_strings, explorer_strings, panels, recording_list, strings, table
from ui.explorer import ERRORS, Find, Question, Scope, server_function
from ui.limits import BROWSING
from ui.listening import Sounds

HERE = Path(__file__).parent
BASE = ("dom.js", "scope.js", "aligned.js", "panel_base.js", "table.js")
LISTS = ("panel_listening.js", "panel_lists.js", "panel_recordings.js")  # of the Errors tab
SHEETS = ("table.css", "panel.css")


def of_errors(find: Find, sounds: Sounds, elem_id: str) -> gr.HTML:
    """The lists of the Errors tab.

    Their event `pick` carries `at`, too: the edit to be heard, if one was meant.
    """
    answers = {
        "fetch_rows": table.rows,
        "fetch_causes": panels.causes,
        "fetch_recordings": recording_list.recordings,
        "fetch_confusions": panels.word_confusions,
        "fetch_characters": panels.character_confusions,
        "fetch_words": panels.words,
        "fetch_slices": panels.by_slices,
        "fetch_worst": panels.worst,
        "fetch_skipped": panels.skipped,
        "fetch_sounds": sounds,
    }
    return component(find, answers, _texts(), LISTS, ERRORS, elem_id)


def component(
    find: Find,
    answers: Mapping[str, Callable[[Question], dict[str, Any]]],
    texts: Mapping[str, Any],
    lists: Sequence[str],
    scope: Scope,
    elem_id: str,
) -> gr.HTML:
    """The component; its value is `{scope.set: name}`, or None while there is none.

    Its event `pick` comes when its value has `id`, too: of the utterance picked.

    Args:
        find: a set by its name.
        answers: what the browser can ask for, by name.
        texts: `panels`, the lists' names and hints in their order, and what the lists read.
        lists: the scripts of the lists.
        scope: of the tab.
        elem_id: on the page.
    """
    return gr.HTML(
        None,
        html_template='<div class="mh-panel"></div>',
        css_template="".join((HERE / name).read_text(encoding="utf-8") for name in SHEETS),
        js_on_load="".join(
            (HERE / name).read_text(encoding="utf-8") for name in (*BASE, *lists, "panel.js")
        ),
        server_functions=BROWSING.limited(
            server_function(f, find, name, scope) for name, f in answers.items()
        ),
        apply_default_css=False,
        elem_id=elem_id,
        scope=asdict(scope),
        texts=texts,
    )


def _texts() -> dict[str, Any]:
    texts = explorer_strings
    return {
        **texts.PANEL,
        "failed": texts.FILTERS["failed"],
        "panels": texts.PANELS,
        "table": strings.TABLE,
        "size": table.PAGE_SIZE,
        "order": {"sort": "errors", "ascending": False},
        "causes": texts.CAUSES_TABLE,
        "confusion_lists": texts.CONFUSION_LISTS,
        "confusions": texts.CONFUSIONS,
        "words": texts.WORDS,
        "slices": texts.SLICES,
        "skipped": texts.SKIPPED,
        "recordings": doctor_strings.RECORDINGS,
    }
