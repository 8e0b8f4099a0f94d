"""What the Errors tab asks of an evaluation: everything follows one filter, checked here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.evaluation import Evaluation, EvaluationError
from analysis.notes import NoteError
from analysis.store import Filter, FilterError, View
from ui import strings

MAX_SEARCH = 200  # characters

Find = Callable[[Any], Evaluation]  # of a name that a browser sent (raises QueryError)


class QueryError(ValueError):
    """A question that cannot be answered."""


@dataclass(frozen=True)
class Question:
    """An evaluation's utterances, as a browser asks for them, and what it wants to know."""

    evaluation: Evaluation
    filter: Filter
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def view(self) -> View:
        return self.evaluation.store.view(self.filter)

    def whole(self, name: str, default: int = 0) -> int:
        """A whole number from 0 on that was asked with (raises QueryError)."""
        value = self.asked.get(name, default)
        if type(value) is not int or value < 0:  # True is an int, too
            raise QueryError(
                strings.BAD_QUERY.format(expected=strings.FROM_ZERO.format(name=name), got=value)
            )
        return value

    def one_of(self, name: str, allowed: Mapping[str, Any] | tuple[str, ...], default: str) -> str:
        """One of some words that was asked with (raises QueryError)."""
        value = self.asked.get(name, default)
        if not isinstance(value, str) or value not in allowed:
            raise QueryError(
                strings.NO_SUCH_SORT.format(got=repr(value), expected=", ".join(allowed))
            )
        return value

    def text(self, name: str) -> str:
        """A text that was asked with, cut to a sensible length."""
        return str(self.asked.get(name) or "")[:MAX_SEARCH].strip()


def read_question(raw: Any, find: Find) -> Question:
    """What a browser sent, checked (raises QueryError)."""
    if not isinstance(raw, dict):
        raise QueryError(strings.BAD_QUERY.format(expected=strings.AN_OBJECT, got=raw))
    wanted = Filter(
        where=str(raw.get("where") or ""),
        search=str(raw.get("search") or "")[:MAX_SEARCH].strip(),
        only_errors=raw.get("only_errors") is True,
    )
    return Question(find(raw.get("evaluation")), wanted, raw)


def server_function(
    answer: Callable[[Question], dict[str, Any]], find: Find, name: str
) -> Callable[[Any], dict[str, Any]]:
    """A function for a browser to call by a name: what is wrong comes back as `error`, in words."""

    def ask(raw: Any) -> dict[str, Any]:
        try:
            return answer(read_question(raw, find))
        except (QueryError, FilterError, EvaluationError, NoteError) as e:
            return {"error": str(e)}

    ask.__name__ = name  # which is what the browser calls it
    return ask
