"""Recordings on the page: each one is published when it is shown, and only that one."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import gradio as gr

Publish = Callable[[Path], str]


def publisher(view: gr.HTML) -> Publish:
    """A function that lets the page fetch a recording and returns its URL, relative to the page.

    Gradio's file route serves Gradio's own folder, with HTTP ranges so that a player can seek. A
    copy there opens neither the folder of the recording nor what lies beside it, and is deleted
    with the app's other files.
    """

    def publish(path: Path) -> str:
        return f"gradio_api/file={quote(str(view.move_resource_to_block_cache(path)))}"

    return publish
