"""What a tab asks of a set of utterances: everything follows one filter, checked here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from analysis.description import DescriptionError
from analysis.evaluation import EvaluationError
from analysis.notes import NoteError
from analysis.store import Filter, FilterError, Store, View
from ui import strings

MAX_SEARCH = 200  # characters


class Stored(Protocol):
    """An Evaluation or a Description: what has utterances to ask for."""

    @property
    def store(self) -> Store: ...


S = TypeVar("S", bound=Stored)
Find = Callable[[Any], S]  # of a name that a browser sent (raises QueryError)


@dataclass(frozen=True)
class Scope:
    """Whose components belong together; in JavaScript, `scope.js` speaks by it.

    Attributes:
        tab: its id.
        set: what its sets are called, in questions and in the page's address.
        prefix: of the tab's other parameters in the address, and of its components' messages.
    """

    tab: str
    set: str
    prefix: str


ERRORS = Scope("errors", "evaluation", "")
DATA = Scope("data", "description", "data-")


class QueryError(ValueError):
    """A question that cannot be answered."""


@dataclass(frozen=True)
class Question(Generic[S]):
    """A set's utterances, as a browser asks for them, and what it wants to know."""

    set: S
    filter: Filter
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def view(self) -> View:
        return self.set.store.view(self.filter)

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


def read_question(raw: Any, find: Find[S], scope: Scope = ERRORS) -> Question[S]:
    """What a browser sent, checked (raises QueryError)."""
    if not isinstance(raw, dict):
        raise QueryError(strings.BAD_QUERY.format(expected=strings.AN_OBJECT, got=raw))
    wanted = Filter(
        where=str(raw.get("where") or ""),
        search=str(raw.get("search") or "")[:MAX_SEARCH].strip(),
        only_errors=raw.get("only_errors") is True,
    )
    return Question(find(raw.get(scope.set)), wanted, raw)


def server_function(
    answer: Callable[[Question[S]], dict[str, Any]],
    find: Find[S],
    name: str,
    scope: Scope = ERRORS,
) -> Callable[[Any], dict[str, Any]]:
    """A function for a browser to call by a name: what is wrong comes back as `error`, in words."""

    def ask(raw: Any) -> dict[str, Any]:
        try:
            return answer(read_question(raw, find, scope))
        except (QueryError, FilterError, EvaluationError, DescriptionError, NoteError) as e:
            return {"error": str(e)}

    ask.__name__ = name  # which is what the browser calls it
    return ask
