"""SQL conditions that stand for utterances: what a cell or a slice hands to `Filter.where`."""

import math
from collections.abc import Iterable
from typing import Any

EXACT_DIGITS = 15  # a decimal of so few digits is read as the very same double


def identifier(name: str) -> str:
    """A column's name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A string, number, truth value or None as SQL has it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        digits = repr(value)
        short = math.isfinite(value) and len(digits) <= EXACT_DIGITS
        return digits if short else f"'{digits}'::DOUBLE"
    return "'" + str(value).replace("'", "''") + "'"


def equals(column: str, value: Any) -> str:
    """Utterances with a value in a column; None is no value."""
    name = identifier(column)
    if value is None:
        return f"{name} IS NULL"
    if isinstance(value, str | bool | int | float):
        return f"{name} = {literal(value)}"
    return f"{name}::VARCHAR = {literal(str(value))}"  # a date, say


def with_edit(op: str, reference: str | None, heard: str | None) -> str:
    """Utterances with one kind of edit; the side that has no word is None."""
    words = {"reference": reference, "heard": heard}
    sides = [f"{side} = {literal(word)}" for side, word in words.items() if word is not None]
    return among_errors(" AND ".join([f"op = {literal(op)}", *sides]))


def with_edits_of(word: str) -> str:
    """Utterances where a word was said and not heard, or heard and not said."""
    return among_errors(f"reference = {literal(word)} OR heard = {literal(word)}")


def with_word(word: str) -> str:
    """Utterances where a word was said or heard."""
    sides = (f"list_contains({words_of(text)}, {literal(word)})" for text in ("text", "pred_text"))
    return " OR ".join(sides)


def with_hit(word: str) -> str:
    """Utterances where a word was said and heard at its place."""
    edited = (
        "SELECT utterance_id, count(*) AS n FROM errors"
        f" WHERE reference = {literal(word)} GROUP BY utterance_id"
    )
    said = f"len(list_filter({words_of('text')}, lambda w: w = {literal(word)}))"
    return (
        f"utterance_id IN (SELECT utterance_id FROM utterances LEFT JOIN ({edited})"
        f" USING (utterance_id) WHERE {said} > coalesce(n, 0))"
    )


def at_positions(positions: Iterable[int]) -> str:
    """Utterances by their positions."""
    return f"position IN ({', '.join(map(str, positions))})"


def words_of(column: str) -> str:
    """A text's words as a list; texts are normalised, so single spaces part them."""
    return f"string_split({column}, ' ')"


def among_errors(condition: str) -> str:
    """Utterances with an edit that a condition over `errors` lets through."""
    return f"utterance_id IN (SELECT utterance_id FROM errors WHERE {condition})"
