"""The table of utterances: the browser holds one page, the server sorts, searches and cuts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from analysis.evaluation import Evaluation
from analysis.scoring import Score, score
from analysis.store import Filter
from ui import strings

HERE = Path(__file__).parent

PAGE_SIZE = 50
MAX_SEARCH = 200  # characters
SORTABLE = tuple(strings.TABLE["columns"])


class QueryError(ValueError):
    """A question to the table that it cannot answer."""


@dataclass(frozen=True)
class Query:
    """Which page of the utterances, in which order."""

    sort: str = "errors"
    ascending: bool = False
    offset: int = 0
    only_errors: bool = False
    search: str = ""

    @classmethod
    def parse(cls, raw: Any) -> "Query":
        """Check what a browser sent (raises QueryError)."""
        if not isinstance(raw, dict):
            raise QueryError(strings.BAD_QUERY.format(expected="an object", got=raw))
        sort = raw.get("sort", cls.sort)
        if sort not in SORTABLE:
            raise QueryError(
                strings.NO_SUCH_SORT.format(got=repr(sort), expected=", ".join(SORTABLE))
            )
        offset = raw.get("offset", 0)
        if type(offset) is not int or offset < 0:  # True is an int, too
            raise QueryError(strings.BAD_QUERY.format(expected="an offset from 0 on", got=offset))
        return cls(
            sort=sort,
            ascending=raw.get("ascending") is True,
            offset=offset,
            only_errors=raw.get("only_errors") is True,
            search=str(raw.get("search", ""))[:MAX_SEARCH].strip(),
        )


def rows(evaluation: Evaluation, query: Query) -> dict[str, Any]:
    """One page as plain data: `total`, `offset`, and rows with their aligned words."""
    records, total = evaluation.page(
        Filter(search=query.search, only_errors=query.only_errors),
        sort=query.sort,
        ascending=query.ascending,
        offset=query.offset,
        limit=PAGE_SIZE,
    )
    scores = score([row["text"] for row in records], [row["pred_text"] for row in records])
    return {
        "total": total,
        "offset": query.offset,
        "rows": [_row(record, each) for record, each in zip(records, scores, strict=True)],
    }


def component(find: Callable[[Any], Evaluation], elem_id: str) -> gr.HTML:
    """The table; its value is `{"evaluation": name}`, or None while there is none.

    Args:
        find: the evaluation of a name (raises QueryError); names come from the browser.
        elem_id: of the component.
    """

    def fetch_rows(query: Any) -> dict[str, Any]:
        checked = Query.parse(query)
        return rows(find(query.get("evaluation")), checked)

    return gr.HTML(
        None,
        html_template='<div class="mh-table"></div>',
        css_template=(HERE / "table.css").read_text(encoding="utf-8"),
        js_on_load="".join((HERE / n).read_text(encoding="utf-8") for n in ("dom.js", "table.js")),
        server_functions=[fetch_rows],
        apply_default_css=False,
        elem_id=elem_id,
        texts=strings.TABLE,
        size=PAGE_SIZE,
    )


def _row(record: dict[str, Any], scored: Score) -> dict[str, Any]:
    return {
        "id": record["utterance_id"],
        "words": [[edit.op, edit.reference, edit.heard] for edit in scored.edits],
        "errors": int(record["errors"]),
        "wer": _number(record["wer"], 100),
        "confidence": _number(record["confidence"], 100),
        "snr_db": _number(record["snr_db"]),
        "duration_s": _number(record["duration_s"], places=1),
    }


def _number(value: float | None, factor: float = 1, places: int = 0) -> str:
    """A number as the table shows it; nothing for null."""
    return "" if value is None else f"{factor * value:.{places}f}"
