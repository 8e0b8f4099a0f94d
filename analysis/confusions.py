"""Who is heard as whom: substitutions, deletions and insertions, and what becomes of each word.

Every number is counted from the edits and texts that the rates are counted from, so their sums are
those of `summary.of_view`. `characters` does the same for characters.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from analysis.conditions import (
    at_positions,
    identifier,
    literal,
    with_edit,
    with_edits_of,
    with_hit,
    with_word,
    words_of,
)
from analysis.evaluation import EvaluationError
from analysis.store import View
from analysis.tables import utf8

Edit = tuple[str | None, str | None]  # what was said, what was heard; None for nothing

OPS = ("substitute", "delete", "insert")
MOST_UTTERANCES = 20_000  # that `characters` looks at
MOST_CELLS = 10**9  # of their alignments: reference times hypothesis, in characters
MOST_LINKED = 500  # utterances that a link to a character's edits names

WORDS = f"""
    said AS (
        SELECT word, count(*) AS said FROM (SELECT unnest({words_of("text")}) AS word FROM matched)
        WHERE word <> '' GROUP BY word
    ), got AS (
        SELECT word, count(*) AS heard
        FROM (SELECT unnest({words_of("pred_text")}) AS word FROM matched)
        WHERE word <> '' GROUP BY word
    ), missed AS (
        SELECT reference AS word, count(*) FILTER (op = 'substitute') AS substituted,
            count(*) FILTER (op = 'delete') AS deleted
        FROM wrong WHERE reference IS NOT NULL GROUP BY word
    ), misheard AS (
        SELECT heard AS word, count(*) AS heard_wrong FROM wrong WHERE heard IS NOT NULL
        GROUP BY word
    ), counted AS (
        SELECT word, coalesce(said, 0) AS said, coalesce(substituted, 0) AS substituted,
            coalesce(deleted, 0) AS deleted, coalesce(heard, 0) AS heard,
            coalesce(heard_wrong, 0) AS heard_wrong
        FROM said FULL JOIN got USING (word) LEFT JOIN missed USING (word)
            LEFT JOIN misheard USING (word)
    ), words AS (
        SELECT *, said - substituted - deleted AS hits,
            substituted + deleted + heard_wrong AS errors,
            hits / nullif(heard, 0) AS precision, hits / nullif(said, 0) AS recall
        FROM counted
    )
"""


@dataclass(frozen=True)
class Confusion:
    """One kind of edit, and how often it occurs."""

    op: str  # substitute, delete or insert
    reference: str | None  # None for insertions
    heard: str | None  # None for deletions
    count: int
    utterances: int  # that have it
    share: float  # of all errors
    where: str  # the utterances that have it, as an SQL condition


@dataclass(frozen=True)
class Matrix:
    """What was said (rows) against what was heard (columns), for the most confused.

    `counts` is (words + 1, heard + 1): hits on the diagonal, deletions in the last column,
    insertions in the last row, nothing at their meeting. What was confused with something outside
    the matrix is in `heard_otherwise` and `said_otherwise`, so a row with its `heard_otherwise` is
    all that was said of a word, and a column with its `said_otherwise` all that was heard of it.
    """

    words: tuple[str, ...]
    heard: tuple[str, ...]
    counts: list[list[int]]
    heard_otherwise: tuple[int, ...]  # of each row
    said_otherwise: tuple[int, ...]  # of each column


@dataclass(frozen=True)
class CharacterConfusions:
    """What `characters` found in the utterances with an error that it looked at.

    A list's `where` names at most MOST_LINKED utterances by their positions. The matrix counts the
    same utterances; its hits, too, are theirs alone.
    """

    substitutions: list[Confusion]
    deletions: list[Confusion]
    insertions: list[Confusion]
    matrix: Matrix
    utterances: int  # looked at
    wrong_utterances: int  # all that have an error


@dataclass(frozen=True)
class WordRow:
    """What became of one word, where it was said and where it was heard."""

    word: str
    said: int
    hits: int
    substituted: int
    deleted: int
    heard: int
    heard_wrong: int  # where another word or none was said
    errors: int  # substituted, deleted or heard_wrong
    precision: float | None  # hits / heard; None where it was never heard
    recall: float | None  # hits / said; None where it was never said
    where: str  # the utterances with an edit of it, as an SQL condition
    where_all: str  # those where it was said or heard


def substitutions(view: View, limit: int = 200) -> list[Confusion]:
    """Words heard in place of others, the most frequent first, then by their text."""
    return _confusions(view, "substitute", limit)


def deletions(view: View, limit: int = 200) -> list[Confusion]:
    """Words said and not heard, the most frequent first, then by their text."""
    return _confusions(view, "delete", limit)


def insertions(view: View, limit: int = 200) -> list[Confusion]:
    """Words heard where none was said, the most frequent first, then by their text."""
    return _confusions(view, "insert", limit)


def words(
    view: View,
    sort: str = "errors",
    ascending: bool = False,
    search: str = "",
    offset: int = 0,
    limit: int = 50,
) -> tuple[list[WordRow], int]:
    """One page of the words that were said or heard.

    Args:
        view: the utterances.
        sort: a column (a field of WordRow but its conditions); ties by text, None last.
        ascending: smallest first.
        search: literal text in the word, in any case.
        offset: words before the page.
        limit: words on the page at most.

    Returns:
        The rows of the page, and how many words there are on all pages.

    Raises:
        EvaluationError: no such column.
    """
    columns = [field.name for field in fields(WordRow) if not field.name.startswith("where")]
    if sort not in columns:
        raise EvaluationError(f"Cannot sort by {sort!r}. Expected one of: {', '.join(columns)}.")
    sought = literal(utf8(search).lower())
    found = view.ask(
        f", {WORDS} SELECT {', '.join(columns)}, count(*) OVER () AS n FROM words"
        f" WHERE contains(lower(word), {sought})"
        f" ORDER BY {identifier(sort)} {'ASC' if ascending else 'DESC'} NULLS LAST, word"
        f" LIMIT {max(limit, 0)} OFFSET {max(offset, 0)}"
    )
    n = found[0]["n"] if found else _n_words(view, sought)
    return [_word_row({name: row[name] for name in columns}) for row in found], n


def matrix(view: View, words: int = 12) -> Matrix:
    """The words that most errors are of, against each other.

    Args:
        view: the utterances.
        words: rows and columns at most, besides the last ones.
    """
    chosen = view.ask(
        f", {WORDS} SELECT word, said, heard, hits FROM words WHERE errors > 0"
        f" ORDER BY errors DESC, word LIMIT {max(words, 0)}"
    )
    names = [row["word"] for row in chosen]
    among = f"({', '.join(map(literal, [*names, '']))})"
    edits = view.ask(
        "SELECT reference, heard, count(*) AS n FROM wrong"
        f" WHERE (reference IN {among} OR reference IS NULL)"
        f" AND (heard IN {among} OR heard IS NULL) GROUP BY ALL"
    )
    return build_matrix(
        {(row["reference"], row["heard"]): row["n"] for row in edits},
        hits={row["word"]: row["hits"] for row in chosen},
        said={row["word"]: row["said"] for row in chosen},
        heard={row["word"]: row["heard"] for row in chosen},
    )


def build_matrix(
    edits: Mapping[Edit, int],
    *,
    hits: Mapping[str, int],
    said: Mapping[str, int],
    heard: Mapping[str, int],
) -> Matrix:
    """The matrix of the words in `hits`, in their order.

    Args:
        edits: (reference, heard), one of them None for deletions and insertions -> how often.
        hits: a word -> how often it was heard where it was said.
        said: a word -> how often it was said.
        heard: a word -> how often it was heard.
    """
    names = tuple(hits)
    sides: tuple[str | None, ...] = (*names, None)
    counts = [[edits.get((row, column), 0) for column in sides] for row in sides]
    for i, name in enumerate(names):
        counts[i][i] = hits[name]
    columns = list(zip(*counts, strict=True))
    return Matrix(
        words=names,
        heard=names,
        counts=counts,
        heard_otherwise=tuple(said[name] - sum(counts[i]) for i, name in enumerate(names)),
        said_otherwise=tuple(heard[name] - sum(columns[i]) for i, name in enumerate(names)),
    )


def cell_condition(reference: str | None, heard: str | None) -> str:
    """The utterances that a cell of `matrix` counts; None is its last row or column."""
    if reference is None and heard is None:
        return "false"
    if reference == heard:
        assert reference is not None
        return with_hit(reference)
    return with_edit(_op((reference, heard)), reference, heard)


def characters(
    view: View, limit: int = 200, utterances: int = MOST_UTTERANCES, size: int = 40
) -> CharacterConfusions:
    """The same for the characters of the utterances' texts, spaces included.

    Edits are those of rapidfuzz's Levenshtein alignment, so there are as many as `char_errors`.

    Args:
        view: the utterances.
        limit: of each list.
        utterances: with an error, that are looked at at most, fewer where texts are very long;
            where there are more, it is a sample, the same each time.
        size: rows and columns of the matrix at most, besides the last ones.
    """
    [all_wrong] = view.ask("SELECT count(*) AS n FROM matched WHERE char_errors > 0")
    sample = _sample_of_wrong(view, utterances)
    edits: Counter[Edit] = Counter()
    said: Counter[str] = Counter()
    heard: Counter[str] = Counter()
    places: dict[Edit, list[int]] = {}
    for row in sample:
        reference, hypothesis = (" ".join(row[side].split()) for side in ("text", "pred_text"))
        found = Counter(_character_edits(reference, hypothesis))
        edits.update(found)
        said.update(reference)
        heard.update(hypothesis)
        for edit in found:
            places.setdefault(edit, []).append(row["position"])
    lists = {op: _character_confusions(edits, places, op, limit) for op in OPS}
    return CharacterConfusions(
        substitutions=lists["substitute"],
        deletions=lists["delete"],
        insertions=lists["insert"],
        matrix=_character_matrix(edits, said, heard, size),
        utterances=len(sample),
        wrong_utterances=all_wrong["n"],
    )


def _sample_of_wrong(view: View, utterances: int) -> list[dict[str, Any]]:
    """Position and texts of utterances with an error, as many as asked for or affordable."""
    order = "hash(utterance_id), position"
    return view.ask(
        ", wrongly AS (SELECT utterance_id, position, text, pred_text,"
        " (n_char + 1) * (length(pred_text) + 1) AS cells"
        f" FROM matched WHERE char_errors > 0 ORDER BY {order} LIMIT {max(utterances, 0)})"
        f" SELECT position, text, pred_text FROM wrongly QUALIFY sum(cells) OVER (ORDER BY {order})"
        f" - cells < {MOST_CELLS}"
    )


def _character_edits(reference: str, heard: str) -> Iterable[Edit]:
    from rapidfuzz.distance import Levenshtein

    for edit in Levenshtein.editops(reference, heard):
        yield (
            None if edit.tag == "insert" else reference[edit.src_pos],
            None if edit.tag == "delete" else heard[edit.dest_pos],
        )


def _op(edit: Edit) -> str:
    reference, heard = edit
    return "insert" if reference is None else "delete" if heard is None else "substitute"


def _character_confusions(
    edits: Counter[Edit], places: Mapping[Edit, Sequence[int]], op: str, limit: int
) -> list[Confusion]:
    """One list; an alignment is no condition, so utterances are named by their positions."""
    total = edits.total()
    kinds = [edit for edit in edits if _op(edit) == op]
    kinds.sort(key=lambda edit: (-edits[edit], edit[0] or "", edit[1] or ""))
    return [
        Confusion(
            op,
            *edit,
            count=edits[edit],
            utterances=len(places[edit]),
            share=edits[edit] / total,
            where=at_positions(sorted(places[edit])[:MOST_LINKED]),
        )
        for edit in kinds[: max(limit, 0)]
    ]


def _character_matrix(
    edits: Counter[Edit], said: Counter[str], heard: Counter[str], size: int
) -> Matrix:
    errors: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for (reference, hypothesis), n in edits.items():
        errors.update({side: n for side in (reference, hypothesis) if side is not None})
        if reference is not None:
            wrong[reference] += n
    names = sorted(errors, key=lambda name: (-errors[name], name))[: max(size, 0)]
    return build_matrix(
        edits,
        hits={name: said[name] - wrong[name] for name in names},
        said=said,
        heard=heard,
    )


def _confusions(view: View, op: str, limit: int) -> list[Confusion]:
    found = view.ask(
        "SELECT reference, heard, count(*) AS count,"
        " count(DISTINCT utterance_id) AS utterances,"
        " count(*) / (SELECT count(*) FROM wrong) AS share"
        f" FROM wrong WHERE op = {literal(op)} GROUP BY reference, heard"
        f" ORDER BY count DESC, reference, heard LIMIT {max(limit, 0)}"
    )
    return [
        Confusion(op, **row, where=with_edit(op, row["reference"], row["heard"])) for row in found
    ]


def _n_words(view: View, sought: str) -> int:
    """How many words there are, for a page that has none."""
    [row] = view.ask(
        f", {WORDS} SELECT count(*) AS n FROM words WHERE contains(lower(word), {sought})"
    )
    return int(row["n"])


def _word_row(row: dict[str, Any]) -> WordRow:
    return WordRow(**row, where=with_edits_of(row["word"]), where_all=with_word(row["word"]))
