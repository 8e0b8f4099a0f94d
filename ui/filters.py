"""A headline and the filter below it, as one component; its state is that of the whole tab."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from ui import explorer_strings
from ui.explorer import ERRORS, Find, Question, Scope, server_function
from ui.exporting import FORMATS, Exports
from ui.headline import headline
from ui.limits import BROWSING, EXPORTING

HERE = Path(__file__).parent

EXPORT = "export_view"  # an answer that takes long


def of_errors(find: Find, exports: Exports, elem_id: str) -> gr.HTML:
    """The headline and the filter of the Errors tab."""
    answers = {"fetch_headline": headline, EXPORT: exports}
    scripts, sheets = ["headline.js"], ["filters.css"]
    return component(find, answers, _texts(), scripts, sheets, ERRORS, elem_id)


def component(
    find: Find,
    answers: Mapping[str, Callable[[Question], dict[str, Any]]],
    texts: Mapping[str, Any],
    headline_scripts: Sequence[str],
    sheets: Sequence[str],
    scope: Scope,
    elem_id: str,
) -> gr.HTML:
    """The component; its value is `{scope.set: name}`, or None while there is none.

    Its event `opened` comes when it is in view; `asked` is the set that the address names.

    Args:
        find: a set by its name.
        answers: `fetch_headline`, and what else the browser can ask for, by name.
        texts: those of `explorer_strings.FILTERS`, `quick_conditions` and `formats`.
        headline_scripts: draw the headline.
        sheets: its style and the filter's.
        scope: of the tab.
        elem_id: on the page.
    """
    scripts = ("dom.js", "scope.js", *headline_scripts, "filters.js")
    calls = [server_function(f, find, name, scope) for name, f in answers.items()]
    exports = [call for call in calls if call.__name__ == EXPORT]
    queries = [call for call in calls if call.__name__ != EXPORT]
    return gr.HTML(
        None,
        html_template='<div class="mh-filters"></div>',
        css_template="".join((HERE / name).read_text(encoding="utf-8") for name in sheets),
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in scripts),
        server_functions=[*BROWSING.limited(queries), *EXPORTING.limited(exports)],
        apply_default_css=False,
        elem_id=elem_id,
        scope=asdict(scope),
        texts=texts,
    )


def _texts() -> dict[str, Any]:
    return {
        **explorer_strings.FILTERS,
        "quick_conditions": explorer_strings.QUICK,
        "formats": list(FORMATS),
    }
