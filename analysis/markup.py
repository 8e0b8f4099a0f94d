"""HTML from elements: text enters escaped, so what stands in a data set stays text."""

import re
from html import escape

from analysis.tables import utf8

VOID = {"meta", "img", "br"}  # elements without an end
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what HTML cannot hold
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Markup(str):
    """HTML, made by `el`; any other string is text."""

    __slots__ = ()


def el(tag: str, *children: str | None, **attributes: object) -> Markup:
    """An element; None stands for no child or no attribute.

    `class_="x"` is written class="x", `data_start=1` data-start="1"; True is an attribute without a
    value.
    """
    start = f"<{tag}{''.join(_attribute(*pair) for pair in attributes.items())}>"
    if tag in VOID:
        assert not children
        return Markup(start)
    return Markup(f"{start}{join(*children)}</{tag}>")


def join(*children: str | None) -> Markup:
    """Elements and texts, one after the other."""
    return Markup("".join(_escaped(child) for child in children if child is not None))


def verbatim(tag: str, content: str) -> Markup:
    """A `style` or `script` of our own files, whose text HTML does not unescape."""
    assert "</" not in content
    return Markup(f"<{tag}>{content}</{tag}>")


def cut(text: str, most: int) -> str:
    """A text of so many characters at most."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _escaped(child: str) -> str:
    return child if isinstance(child, Markup) else escape(_clean(child))


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(_clean(str(value)))}"'


def _clean(text: str) -> str:
    return FORBIDDEN.sub(REPLACEMENT, utf8(text))
