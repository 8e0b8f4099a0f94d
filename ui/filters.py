"""The headline and the filter over it, as one component; its state is that of the whole tab."""

from pathlib import Path
from typing import Any

import gradio as gr

from ui import explorer_strings
from ui.explorer import Find, server_function
from ui.exporting import FORMATS, Exports
from ui.headline import headline

HERE = Path(__file__).parent
SCRIPTS = ("dom.js", "address.js", "filters.js")


def component(find: Find, exports: Exports, elem_id: str) -> gr.HTML:
    """The component; its value is `{"evaluation": name}`, or None while there is none."""
    return gr.HTML(
        None,
        html_template='<div class="mh-filters"></div>',
        css_template=(HERE / "filters.css").read_text(encoding="utf-8"),
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
        server_functions=[
            server_function(headline, find, "fetch_headline"),
            server_function(exports, find, "export_view"),
        ],
        apply_default_css=False,
        elem_id=elem_id,
        texts=_texts(),
    )


def _texts() -> dict[str, Any]:
    return {
        **explorer_strings.FILTERS,
        "quick_conditions": explorer_strings.QUICK,
        "formats": list(FORMATS),
    }
