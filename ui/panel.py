"""The lists of the Errors tab, as one component that follows the filter."""

from pathlib import Path
from typing import Any

import gradio as gr

from ui import doctor_strings, explorer_strings, panels, recording_list, strings, table
from ui.explorer import Find, server_function
from ui.listening import Sounds

HERE = Path(__file__).parent
SCRIPTS = (
    "dom.js",
    "address.js",
    "aligned.js",
    "panel_base.js",
    "table.js",
    "panel_lists.js",
    "panel_recordings.js",
)
SHEETS = ("table.css", "panel.css")


def component(find: Find, sounds: Sounds, elem_id: str) -> gr.HTML:
    """The component; its value is `{"evaluation": name}`, or None while there is none.

    Its event `pick` carries `evaluation`, `id`, and `at`: the edit to be heard, if one was meant.
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
    return gr.HTML(
        None,
        html_template='<div class="mh-panel"></div>',
        css_template="".join((HERE / name).read_text(encoding="utf-8") for name in SHEETS),
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
        server_functions=[server_function(f, find, name) for name, f in answers.items()],
        apply_default_css=False,
        elem_id=elem_id,
        texts=_texts(),
    )


def _texts() -> dict[str, Any]:
    texts = explorer_strings
    return {
        **texts.PANEL,
        "failed": texts.FILTERS["failed"],
        "panels": texts.PANELS,
        "table": strings.TABLE,
        "size": table.PAGE_SIZE,
        "causes": texts.CAUSES_TABLE,
        "confusion_lists": texts.CONFUSION_LISTS,
        "confusions": texts.CONFUSIONS,
        "words": texts.WORDS,
        "slices": texts.SLICES,
        "skipped": texts.SKIPPED,
        "recordings": doctor_strings.RECORDINGS,
    }
