"""How a model was trained, from its provenance: each run that its weights went through."""

from collections.abc import Sequence
from html import escape
from typing import Any

import yaml

from ui import model_strings as strings
from ui.model_tables import details, table

NOT_SAID = "–"
FINGERPRINT_LENGTH = 12  # characters, as git shows


def record(provenance: dict[str, Any]) -> str:
    """The runs behind the weights as columns, and their recipes, as HTML."""
    runs = lineage(provenance)
    heading = f"<h2>{escape(strings.RECORD_HEADING)}</h2>"
    if not runs:
        return f"{heading}<p>{escape(strings.NO_RECORD)}</p>"
    columns = {"": ("", "")}
    for n in range(1, len(runs) + 1):
        columns[str(n)] = (strings.RUN_NUMBER.format(n=n) if len(runs) > 1 else "", "")
    rows = [
        [escape(label), *(_cell(key, run, runs) for run in runs)]
        for key, label in strings.RECORD_ROWS.items()
    ]
    averaged = provenance.get("average_of")
    note = ""
    if isinstance(averaged, list):
        numbers = [str(runs.index(each) + 1) for each in averaged if each in runs]
        note = f"<p>{escape(strings.AVERAGE.format(runs=', '.join(numbers)))}</p>"
    return heading + note + table(columns, rows, "mh-record") + _recipes(runs)


def lineage(provenance: Any) -> list[dict[str, Any]]:
    """The runs that led to a model's weights, each once, those it began with first."""
    found: list[dict[str, Any]] = []
    if not isinstance(provenance, dict):
        return found
    averaged = provenance.get("average_of")
    for parent in [provenance.get("init"), *(averaged if isinstance(averaged, list) else [])]:
        found += [run for run in lineage(parent) if run not in found]
    if isinstance(provenance.get("recipe"), dict):
        found.append(provenance)
    return found


def _cell(key: str, run: dict[str, Any], runs: Sequence[dict[str, Any]]) -> str:
    """A cell of the record as HTML; whatever a run does not say is a dash."""
    match key:
        case "train" | "validation":
            return _fingerprint(_at(run, "data", key))
        case "versions":
            versions = run.get("versions")
            pairs = versions.items() if isinstance(versions, dict) else ()
            return "<br>".join(escape(f"{name} {version}") for name, version in pairs)
        case "began":
            return escape(_began(run, runs))
        case "length":
            return escape(_length(_at(run, "recipe", "training")))
        case "optimiser" | "scheduler":
            return _by_name(_at(run, "recipe", key))
    value = _at(run, "recipe", key) if key == "name" else run.get(key)
    return escape(NOT_SAID if value is None else str(value))


def _length(training: Any) -> str:
    try:
        return strings.LENGTH.format(**training)
    except (KeyError, TypeError):
        return NOT_SAID


def _began(run: dict[str, Any], runs: Sequence[dict[str, Any]]) -> str:
    init = run.get("init")
    if not isinstance(init, dict):
        return strings.FRESH
    parents = lineage(init)
    number = runs.index(parents[-1]) + 1 if parents else "?"
    return strings.WEIGHTS_OF.format(n=number)


def _fingerprint(sha256: Any) -> str:
    if not isinstance(sha256, str):
        return NOT_SAID
    hint = escape(strings.FINGERPRINT_HINT.format(sha256=sha256))
    return f'<code title="{hint}">{escape(sha256[:FINGERPRINT_LENGTH])}</code>'


def _by_name(choice: Any) -> str:
    """A class of torch with its arguments."""
    if not isinstance(choice, dict):
        return NOT_SAID
    arguments = ", ".join(f"{key} {value}" for key, value in choice.items() if key != "name")
    return f"{escape(str(choice.get('name')))}<small>{escape(arguments)}</small>"


def _at(value: Any, *keys: str) -> Any:
    """What lies at a path of keys; None where the path ends."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _recipes(runs: Sequence[dict[str, Any]]) -> str:
    titles = [strings.RECIPE_OF.format(n=n) for n in range(1, len(runs) + 1)]
    if len(runs) == 1:
        titles = [strings.RECIPE]
    return "".join(
        details(title, _yaml(run["recipe"])) for title, run in zip(titles, runs, strict=True)
    )


def _yaml(recipe: Any) -> str:
    """As in a recipe's file: one key a line, short lists and sections in one."""
    return yaml.safe_dump(
        recipe, sort_keys=False, allow_unicode=True, default_flow_style=None, width=96
    )
