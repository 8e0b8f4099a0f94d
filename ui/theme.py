"""One restrained theme: system fonts, ink on paper, one accent; nothing is fetched for it."""

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors
from gradio.themes.utils.fonts import Font

CSS = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")

SANS = ("-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Liberation Sans", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "Liberation Mono", "monospace")

ACCENT = colors.Color(
    name="accent",
    c50="#eef8f8",
    c100="#d3eeed",
    c200="#aadedc",
    c300="#7ccbc9",
    c400="#56c2c0",
    c500="#1b8a8f",
    c600="#0f6b72",
    c700="#0d575d",
    c800="#0c464b",
    c900="#0a393d",
    c950="#052326",
)


def theme() -> gr.themes.Base:
    """Gradio's plain theme in our colours; `page.css` holds the same colours for our own parts."""
    base = gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue=colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=[Font(name) for name in SANS],  # plain names: Gradio asks nobody for them
        font_mono=[Font(name) for name in MONO],
    )
    return base.set(
        body_background_fill="var(--mh-paper)",
        body_background_fill_dark="var(--mh-paper)",
        body_text_color="var(--mh-ink)",
        body_text_color_dark="var(--mh-ink)",
        body_text_color_subdued="var(--mh-muted)",
        body_text_color_subdued_dark="var(--mh-muted)",
        block_background_fill="var(--mh-paper)",
        block_background_fill_dark="var(--mh-paper)",
        block_border_color="var(--mh-line)",
        block_border_color_dark="var(--mh-line)",
        block_label_text_color="var(--mh-muted)",
        block_label_text_color_dark="var(--mh-muted)",
        border_color_primary="var(--mh-line)",
        border_color_primary_dark="var(--mh-line)",
        background_fill_secondary="var(--mh-soft)",
        background_fill_secondary_dark="var(--mh-soft)",
        input_background_fill="var(--mh-paper)",
        input_background_fill_dark="var(--mh-paper)",
    )
