"""The distributions of the Data tab: one figure at a time, whose bars lead to their recordings."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from analysis.conditions import identifier
from analysis.description import RECORDING_COLUMNS, Description
from analysis.distributions import Bar, Distribution, categories, distribution, profile, speakers
from ui import data_strings, fields
from ui.explorer import DATA, Find, Question, server_function
from ui.language import count
from ui.limits import BROWSING
from ui.recording_facts import NOT_SORTED, label_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

HERE = Path(__file__).parent
SCRIPTS = ("dom.js", "scope.js", "data_figure.js")
SHEETS = ("table.css", "panel.css", "data_figure.css")

Band = tuple[float, float]  # Hz

GROUPS = {  # what there is to show, in its order
    "time": ("duration_s", "characters_per_s", "words_per_s", "silence_share", "lead_s", "trail_s"),
    "sound": (
        *("level_dbfs", "peak_dbfs", "snr_db", "noise_dbfs", "clipped_share", "dc_offset"),
        *("bandwidth_hz", "bands_db"),
    ),
    "texts": ("n_words", "n_characters", "ctc_ratio"),
    "files": ("speaker", "sample_rate", "format"),
    "model": ("features",),
}
NUMBERS = ("DOUBLE", "FLOAT", "BIGINT", "INTEGER")
NAMES = ("VARCHAR", "BOOLEAN")
MOST_VALUES = 500  # of a manifest's field: more are names of their own, as ids are
SPLITS_DRAWN = 8
UNCOUNTED = ("bands_db", "speaker", "features")  # neither shares nor numbers of recordings


def component(find: Find[Description], elem_id: str, plot_id: str) -> gr.HTML:
    """The choice of a figure, and its bars as a table; its value as that of the other components.

    Its event `draw` comes when its value holds a question, too: `figure` and `counts`.

    Args:
        find: a description by its name.
        elem_id: on the page.
        plot_id: of the gr.Plot whose bars can be clicked.
    """
    answers: dict[str, Callable[[Question], dict[str, Any]]] = {
        "fetch_figures": figures,
        "fetch_bars": bars,
    }
    return gr.HTML(
        None,
        html_template='<div class="mh-figures"></div>',
        css_template="".join((HERE / name).read_text(encoding="utf-8") for name in SHEETS),
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
        server_functions=BROWSING.limited(
            server_function(f, find, name, DATA) for name, f in answers.items()
        ),
        apply_default_css=False,
        elem_id=elem_id,
        scope=asdict(DATA),
        plot=plot_id,
        texts=data_strings.FIGURE,
    )


def figures(question: Question[Description]) -> dict[str, Any]:
    """The figures that a description has values for, by groups."""
    names = available(question.set)
    groups = {**GROUPS, "fields": [name for name in names if name not in _ours()]}
    return {
        "groups": [
            [data_strings.FIGURE_GROUPS[group], [[n, _title(n)] for n in members if n in names]]
            for group, members in groups.items()
            if any(name in names for name in members)
        ]
    }


def bars(question: Question[Description]) -> dict[str, Any]:
    """The bars of a figure as a table: a row a bin, a column a split (raises QueryError)."""
    name = question.one_of("figure", available(question.set), "duration_s")
    hint = data_strings.FIGURES[name][2] if name in _ours() else data_strings.FIELD_HINT
    told = {"label": _title(name), "hint": hint, "note": "", "rows": []}
    told["counted"] = name not in UNCOUNTED
    if name == "features":
        return told | {"splits": [], "note": data_strings.ALL_DATA}
    if name == "bands_db":
        return told | {"splits": []}
    found = _counted(question, name)
    if name == "speaker":
        told["note"] = data_strings.SPEAKERS_SHOWN.format(n=len(found.names))
    elif len(question.set.splits) > SPLITS_DRAWN:
        told["note"] = data_strings.FEWER_SPLITS.format(n=SPLITS_DRAWN)
    from analysis.data_figures import MEASURES, Measure, bin_names

    names = bin_names(found, MEASURES.get(name, Measure()), data_strings.AXES)
    by_place = {(bar.split, bar.bin): bar for bar in found.bars}
    rows = [
        [label, [_cell(by_place.get((split, i))) for split in found.splits]]
        for i, label in enumerate(names)
    ]
    if found.missing:
        missing = {bar.split: bar for bar in found.missing}
        rows.append(
            [
                data_strings.MISSING,
                [_cell(missing.get(split)) for split in found.splits],
            ]
        )
    if not found.bars:
        told["note"] = data_strings.NOTHING
    shown = [row for row in rows if any(row[1])]
    return told | {"splits": list(found.splits), "rows": shown}


def draw(question: Question[Description], band: Band | None) -> "go.Figure":
    """The figure that is asked for (raises QueryError, FilterError).

    Args:
        question: `figure`, its name, and `counts`, whether recordings are counted.
        band: from where to where the model hears.
    """
    from analysis import data_figures, data_lines

    name = question.one_of("figure", available(question.set), "duration_s")
    axes, splits = data_strings.AXES, question.set.splits
    if name == "features":
        texts = axes | {"y": axes["y_features"]}
        return data_lines.feature_histograms(question.set.summary["histograms"], splits, texts)
    title = data_strings.FIGURES.get(name, ("", label_of(name), ""))[1]
    if name == "bands_db":
        texts = axes | {"x": title, "y": axes["level"]}
        return data_lines.profile_lines(profile(question.view), splits, texts, band)
    found = _counted(question, name)
    if name == "speaker":
        texts = axes | {"x": title, "hover": axes["hover_speaker"]}
        return data_figures.speaker_bars(found, texts)
    counts = question.asked.get("counts") is True
    texts = axes | {"x": title, "y": axes["count" if counts else "share"]}
    if found.names:
        return data_figures.category_bars(found, texts, counts=counts)
    measure = data_figures.MEASURES.get(name, data_figures.Measure())
    return data_figures.measure_bars(found, measure, texts, counts=counts)


def available(description: Description) -> tuple[str, ...]:
    """The names of the figures that have something to show, our own ones first."""
    types = description.store.types
    without = {*RECORDING_COLUMNS, *NOT_SORTED, *fields.NOT_SHOWN}
    theirs = [name for name in types if name not in without and name not in _ours()]
    ours = [name for name in _ours() if name in types]
    asked = [f"count({identifier(name)}) AS {identifier(name)}" for name in ours]
    for name in theirs:
        kinds = f"approx_count_distinct({identifier(name)})"
        if types[name] in NAMES:
            asked.append(
                f"CASE WHEN {kinds} <= {MOST_VALUES} THEN {kinds} END AS {identifier(name)}"
            )
        elif types[name] in NUMBERS:
            asked.append(f"{kinds} AS {identifier(name)}")
    [counts] = description.store.ask(f"SELECT {', '.join(asked)} FROM utterances")
    known = [name for name, n in counts.items() if n]
    return (*known, *(["features"] if description.summary.get("histograms") else []))


def _title(name: str) -> str:
    return data_strings.FIGURES[name][0] if name in _ours() else label_of(name)


def _ours() -> tuple[str, ...]:
    return tuple(name for group in GROUPS.values() for name in group)


def _counted(question: Question[Description], name: str) -> Distribution:
    from analysis.data_figures import MEASURES

    view, splits = question.view, question.set.splits[:SPLITS_DRAWN]
    if name == "speaker":
        return speakers(view, splits)
    if name in MEASURES:
        return distribution(view, name, splits, MEASURES[name].edges)
    if name == "sample_rate" or question.set.store.types[name] in NAMES:
        return categories(view, name, splits)
    return distribution(view, name, splits)


def _cell(bar: Bar | None) -> list[Any] | None:
    return None if bar is None else [count(bar.count), bar.where]
