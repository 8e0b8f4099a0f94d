"""Plotly figures from tables. Colours are chosen to be read on white and on near black alike."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

CHOSEN = "#1b8a8f"
OTHERS = ("#c2571a", "#7a6fc4", "#4f8f2f", "#b5487d", "#93762a", "#4a7fb5")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross")
AXES = "#808a96"  # grid and texts where the page's style sheet does not say otherwise
GRID = "rgba(128, 138, 150, 0.25)"

PANELS = {  # the share of the height, from the bottom; loss gets the most
    "y": (0.66, 1.0),
    "y2": (0.32, 0.57),
    "y3": (0.0, 0.23),
}
SPAN_FOR_LOG = 20.0  # greatest over smallest value from which an axis is logarithmic
LINES = (  # panel, column of training.csv, factor, dash
    ("y", "val_loss", 1.0, "solid"),
    ("y", "loss", 1.0, "dot"),
    ("y2", "val_wer", 100.0, "solid"),
    ("y2", "val_cer", 100.0, "dot"),
    ("y3", "lr", 1.0, "solid"),
)


def training_curves(
    runs: Mapping[str, "pd.DataFrame"], chosen: str, texts: Mapping[str, str]
) -> "go.Figure":
    """Loss, validation error rate and learning rate over epochs: three panels on one axis.

    Args:
        runs: a run's name -> its table, a row an epoch, columns as in `training.csv`: `epoch`,
            and any of `loss`, `val_loss`, `val_wer`, `val_cer` (shares) and `lr`.
        chosen: the run to draw in front and in bold.
        texts: titles of the panels `y`, `y2` and `y3`, of `x` and of its `hover` label (Plotly's
            `%{x}` stands for the epoch), and the columns' names.
    """
    import plotly.graph_objects as go

    order = sorted(runs, key=lambda name: name == chosen)  # what is drawn last lies in front
    places = {name: i for i, name in enumerate(n for n in runs if n != chosen)}
    figure = go.Figure()
    for name in order:
        look = _look(places.get(name))
        figure.add_traces([go.Scatter(t) for t in _traces(name, runs[name], look, texts)])
    figure.update_layout(
        xaxis={
            "anchor": "y3",
            "title": texts["x"],
            "unifiedhovertitle": {"text": texts["hover"]},
            "spikecolor": AXES,
            "spikethickness": 1,
            **_axis(),
        },
        annotations=[_title(axis, texts[axis]) for axis in PANELS],
        height=620,
        margin={"l": 56, "r": 12, "t": 30, "b": 44},
        hovermode="x unified",
        hoversubplots="axis",
        dragmode=False,  # so that a finger scrolls the page; the bar's button begins to zoom
        modebar={"remove": ["pan", "select", "lasso", "zoomin", "zoomout", "autoscale"]},
        showlegend=len(runs) > 1,
        legend={"orientation": "h", "y": -0.11, "yanchor": "top"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": AXES, "size": 12},
        uirevision=chosen,  # zoom and hidden runs stay as they are when the figure is made anew
    )
    for axis, domain in PANELS.items():
        scale = _scale(axis, runs)
        figure.update_layout({f"yaxis{axis[1:]}": {"domain": domain, **_axis(), **scale}})
    return figure


def _look(place: int | None) -> dict[str, Any]:
    """Line, marker and rank of the run at that place among the others; None is the chosen one."""
    if place is None:
        return {
            "line": {"color": CHOSEN, "width": 3},
            "marker": {"symbol": SYMBOLS[0], "size": 6, "color": CHOSEN},
            "opacity": 1.0,
            "legendrank": 1,
        }
    colour = OTHERS[place % len(OTHERS)]
    symbol = SYMBOLS[1 + place % (len(SYMBOLS) - 1)]
    return {
        "line": {"color": colour, "width": 1.4},
        "marker": {"symbol": symbol, "size": 5, "color": colour},
        "opacity": 0.8,
        "legendrank": 2 + place,
    }


def _traces(
    name: str, table: "pd.DataFrame", look: dict[str, Any], texts: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """A line for each column there is; one of them stands for the run in the legend."""
    shown = plain(name)  # Plotly reads tags in its texts
    first = True
    for panel, column, factor, dash in LINES:
        if column not in table.columns or not table[column].notna().any():
            continue
        yield {
            "x": table["epoch"].to_numpy(dtype=float),
            "y": factor * table[column].to_numpy(dtype=float),
            "xaxis": "x",
            "yaxis": panel,
            "name": shown,
            "legendgroup": shown,
            "showlegend": first,
            "mode": "lines" if dash == "dot" and len(table) > 1 else "lines+markers",
            **look,
            "line": {**look["line"], "dash": dash},
            "hovertemplate": f"{shown}: {texts[column]} %{{y:.4~g}}<extra></extra>",
        }
        first = False


def _axis() -> dict[str, Any]:
    return {"gridcolor": GRID, "zeroline": False, "linecolor": AXES, "automargin": False}


def _scale(panel: str, runs: Mapping[str, "pd.DataFrame"]) -> dict[str, Any]:
    """Logarithmic where the values span decades, else from zero; error rates always from zero."""
    columns = [column for axis, column, *_ in LINES if axis == panel]
    found = [
        table[c].to_numpy(dtype=float) for table in runs.values() for c in columns if c in table
    ]
    values = np.concatenate(found) if found else np.empty(0)
    values = values[np.isfinite(values) & (values > 0)]
    if panel != "y2" and len(values) and values.max() > SPAN_FOR_LOG * values.min():
        decades = np.log10(values.max() / values.min())
        step = max(1, int(np.ceil(decades / 4)))
        return {"type": "log", "dtick": step, "exponentformat": "power"}
    return {"rangemode": "tozero", "exponentformat": "power", "nticks": 6}


def _title(panel: str, text: str) -> dict[str, Any]:
    """A panel's title, above its upper left corner."""
    return {
        "text": f"<b>{plain(text)}</b>",
        "x": 0,
        "y": PANELS[panel][1],
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 4,
        "showarrow": False,
        "font": {"size": 13},
    }


def plain(text: str) -> str:
    """A text in which Plotly, which knows tags and some entities, but no quotes, sees no markup."""
    return escape(text, quote=False)
