"""The lists of the Errors tab: causes, confusions, words, characters, slices, skipped rows.

Whatever stands for utterances carries `where`, the condition that leads to them.
"""

from dataclasses import asdict
from typing import Any

from analysis import confusions, slices
from analysis.conditions import among_errors, equals
from ui import explorer_strings, strings
from ui.explorer import Question
from ui.fields import label_of
from ui.language import count
from ui.table import PAGE_SIZE

LISTED = 100  # rows of a list at most
LABEL_ERRORS = 20
CHARACTERS = 20  # rows and columns of their matrix
LISTS = ("substitutions", "deletions", "insertions")


def causes(question: Question) -> dict[str, Any]:
    """Causes by how many errors they explain: a Pareto chart."""
    found = question.view.ask(
        "SELECT cause, count(*) AS errors, count(DISTINCT utterance_id) AS utterances FROM wrong"
        " GROUP BY cause ORDER BY errors DESC, cause"
    )
    total = sum(row["errors"] for row in found)
    done = 0
    for row in found:
        done += row["errors"]
        name, hint, advice = _cause(row["cause"])
        row |= {
            "name": name,
            "hint": hint,
            "advice": advice,
            "share": row["errors"] / total,
            "cumulative": done / total,
            "where": among_errors(equals("cause", row["cause"])),
            "edits": {"cause": row["cause"]},
        }
    return {"causes": found, "label_errors": _label_errors(question)}


def word_confusions(question: Question) -> dict[str, Any]:
    """Substitutions, deletions and insertions of words, and the matrix of the most confused."""
    view = question.view
    matrix = confusions.matrix(view)
    sides = [(*matrix.words, None), (*matrix.heard, None)]
    where = [[confusions.cell_condition(said, got) for got in sides[1]] for said in sides[0]]
    return {
        "substitutions": [asdict(each) for each in confusions.substitutions(view, LISTED)],
        "deletions": [asdict(each) for each in confusions.deletions(view, LISTED)],
        "insertions": [asdict(each) for each in confusions.insertions(view, LISTED)],
        "matrix": {"words": sides[0], "heard": sides[1], "counts": matrix.counts, "where": where},
    }


def character_confusions(question: Question) -> dict[str, Any]:
    """The same for characters, of a sample where there are very many errors."""
    found = confusions.characters(question.view, LISTED, size=CHARACTERS)
    note = ""
    if found.utterances < found.wrong_utterances:
        note = explorer_strings.CONFUSIONS["capped"].format(
            n=count(found.utterances), all=count(found.wrong_utterances)
        )
    return {
        **{name: [asdict(each) for each in getattr(found, name)] for name in LISTS},
        "matrix": {
            "words": (*found.matrix.words, None),
            "heard": (*found.matrix.heard, None),
            "counts": found.matrix.counts,
        },
        "note": note,
    }


def words(question: Question) -> dict[str, Any]:
    """One page of the table of words."""
    offset = question.whole("offset")
    rows, total = confusions.words(
        question.view,
        sort=question.one_of("sort", explorer_strings.WORDS["columns"], "errors"),
        ascending=question.asked.get("ascending") is True,
        search=question.text("word"),
        offset=offset,
        limit=PAGE_SIZE,
    )
    return {"total": total, "offset": offset, "rows": [asdict(row) for row in rows]}


def by_slices(question: Question) -> dict[str, Any]:
    """Error rates by the values of one field, and the fields that there are."""
    fields = slices.fields(question.set.store)
    names = tuple(each.name for each in fields)
    if not names:
        return {"fields": [], "field": "", "slices": []}
    chosen = question.one_of("field", names, names[0])
    return {
        "fields": [[name, label_of(name)] for name in names],
        "field": chosen,
        "slices": [
            asdict(each) | {"label": _part(each)} for each in slices.slice_by(question.view, chosen)
        ],
    }


def worst(question: Question) -> dict[str, Any]:
    """The groups and pairs of groups that are worse than the rest."""
    found = slices.worst(question.view)
    return {
        "worst": [
            asdict(each)
            | {"label": " · ".join(f"{label_of(p.field)}: {_part(p)}" for p in each.slices)}
            for each in found
        ]
    }


def skipped(question: Question) -> dict[str, Any]:
    """The rows that could not be scored; the filter cannot ask for them."""
    return {"rows": question.set.skipped()[:1000]}


def _part(part: slices.Part) -> str:
    """A part's name in the page's language."""
    return explorer_strings.SLICES["kinds"].get(part.kind, part.label)


def _cause(cause: str | None) -> tuple[str, str, str]:
    return strings.CAUSES.get(cause or "", explorer_strings.CAUSES_TABLE["unknown"])


def _label_errors(question: Question) -> list[dict[str, Any]]:
    """The utterances whose reference fits the sound worst, beside what was heard."""
    return question.view.ask(
        "SELECT utterance_id AS id, text, pred_text, label_suspicion AS suspicion FROM matched"
        " WHERE errors > 0 AND label_suspicion IS NOT NULL"
        f" ORDER BY label_suspicion DESC, position LIMIT {LABEL_ERRORS}"
    )
