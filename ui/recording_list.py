"""The Errors tab's list of what is unusual about recordings, and what each of it costs."""

from typing import Any

from analysis.conditions import literal
from asr_core.doctor_texts import HintText
from ui import doctor_strings
from ui.explorer import Question

BY_HINT = """
, coded AS (
    SELECT unnest(CASE WHEN hints = '' THEN [''] ELSE string_split(hints, ' ') END) AS code,
        errors, n_reference
    FROM matched WHERE hints IS NOT NULL
), whole AS (
    SELECT sum(errors) AS errors, sum(n_reference) AS words FROM matched WHERE hints IS NOT NULL
)
SELECT code, count(*) AS utterances,
    sum(c.errors) / nullif(sum(n_reference), 0) AS wer,
    (any_value(w.errors) - sum(c.errors)) / nullif(any_value(w.words) - sum(n_reference), 0) AS rest
FROM coded c, whole w GROUP BY code ORDER BY code = '', utterances DESC, code
"""


def recordings(question: Question) -> dict[str, Any]:
    """Hints by how many utterances have them; last, the utterances that have none."""
    found = question.view.ask(BY_HINT)
    for row in found:
        name, advice = _text(row["code"])
        row |= {"name": name, "advice": advice, "where": _where(row["code"])}
    return {"known": bool(found), "recordings": found}


def _where(code: str) -> str:
    if not code:
        return "hints = ''"
    return f"list_contains(string_split(hints, ' '), {literal(code)})"


def _text(code: str) -> tuple[str, str]:
    """Name and advice of a hint; one of a newer program has no text here."""
    if not code:
        return doctor_strings.RECORDINGS["clean"], doctor_strings.RECORDINGS["clean_advice"]
    if code not in doctor_strings.HINTS:
        return code, ""
    text = HintText(*doctor_strings.HINTS[code])
    return text.name, text.advice if "{" not in text.advice else ""
