"""The table of utterances: the browser holds one page, the server sorts, searches and cuts."""

from typing import Any

from analysis.scoring import Score, score
from ui.explorer import Question
from ui.fields import label_of

PAGE_SIZE = 50
READ = (
    *("utterance_id", "tags", "text", "pred_text", "errors"),
    *("wer", "confidence", "snr_db", "duration_s"),
)


def rows(question: Question) -> dict[str, Any]:
    """One page as plain data: `total`, `offset`, and rows with their aligned words."""
    offset = question.whole("offset")
    records, total = question.set.page(
        question.filter,
        columns=READ,
        sort=question.one_of("sort", question.set.store.columns, "errors"),
        ascending=question.asked.get("ascending") is True,
        offset=offset,
        limit=PAGE_SIZE,
    )
    scores = score([row["text"] for row in records], [row["pred_text"] for row in records])
    return {
        "total": total,
        "offset": offset,
        "columns": [[name, label_of(name)] for name in question.set.store.columns],
        "rows": [_row(record, each) for record, each in zip(records, scores, strict=True)],
    }


def _row(record: dict[str, Any], scored: Score) -> dict[str, Any]:
    return {
        "id": record["utterance_id"],
        "tags": record["tags"] or "",
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
