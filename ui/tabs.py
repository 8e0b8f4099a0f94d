"""The tab that is shown is part of the page's address, so that it can be sent to somebody."""

from pathlib import Path
from typing import Any

import gradio as gr

NAMES = ("recognise", "errors", "compare", "data", "model")
REMEMBER = (Path(__file__).parent / "tabs.js").read_text(encoding="utf-8")


def asked(request: gr.Request) -> Any:
    """The tab that the page's address names."""
    name = request.query_params.get("tab")
    return gr.Tabs(selected=name) if name in NAMES else gr.skip()
