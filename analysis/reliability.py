"""The reliability diagram: what words were sure of, against how often they were right."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from analysis.figures import AXES, CHOSEN, GRID

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = 2  # panels side by side; as narrow as a phone takes them
PANEL_PX = 200
GAP = 0.09  # between two columns, of the width
GAP_PX = 52  # between two rows, with the title of the lower one
MARGIN_PX = {"l": 56, "r": 18, "t": 30, "b": 48}
BARS = "rgba(128, 138, 150, 0.32)"


def reliability_diagram(
    sets: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str]
) -> "go.Figure":
    """A panel a set: share of right words over confidence, and how many words there are.

    Args:
        sets: a set's name -> its `ConfidenceMetrics` as JSON.
        texts: the titles `x` and `y`, and the template `hover` of a point (see `_hover`).
    """
    import plotly.graph_objects as go

    n_rows = -(-len(sets) // COLUMNS)
    height = n_rows * PANEL_PX + max(n_rows - 1, 0) * GAP_PX
    figure = go.Figure()
    for i, (name, metrics) in enumerate(sets.items()):
        axis = str(i + 1) if i else ""
        is_lowest = i + COLUMNS >= len(sets)
        figure.add_traces(_traces(metrics, axis, texts["hover"]))
        figure.update_layout(_axes(i, height, texts["x"] if is_lowest else "", texts["y"]))
        figure.add_annotation(_title(name, axis))
        figure.add_shape(_diagonal(axis))
    figure.update_layout(
        height=height + MARGIN_PX["t"] + MARGIN_PX["b"],
        margin=MARGIN_PX,
        barmode="overlay",
        hovermode="closest",
        dragmode=False,  # so that a finger scrolls the page
        modebar={"remove": ["pan", "select", "lasso", "zoom", "zoomin", "zoomout", "autoscale"]},
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": AXES, "size": 12},
    )
    return figure


def _axes(place: int, height: int, x_title: str, y_title: str) -> dict[str, Any]:
    """The axes of the panel at a place, row by row; both run from 0 to 100 %."""
    row, column = divmod(place, COLUMNS)
    axis = str(place + 1) if place else ""
    top = 1 - row * (PANEL_PX + GAP_PX) / height
    width = (1 - GAP * (COLUMNS - 1)) / COLUMNS
    left = column * (width + GAP)
    common = {
        "range": [-3, 103],  # with room for a marker at either end
        "tickvals": [0, 25, 50, 75, 100],
        "gridcolor": GRID,
        "zeroline": False,
        "fixedrange": True,
        "automargin": False,
    }
    return {
        f"xaxis{axis}": {
            "domain": [left, min(left + width, 1.0)],
            "anchor": f"y{axis}",
            "title": {"text": x_title, "standoff": 6},
            **common,
        },
        f"yaxis{axis}": {
            "domain": [max(top - PANEL_PX / height, 0.0), top],
            "anchor": f"x{axis}",
            "title": {"text": "" if column else y_title, "standoff": 6},
            **common,
        },
    }


def _traces(metrics: Mapping[str, Any], axis: str, hover: str) -> "Sequence[go.Bar | go.Scatter]":
    """Bars of how many words there are, and before them the shares with their intervals."""
    import plotly.graph_objects as go

    bins = metrics["bins"]
    places = {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}
    right = [100 * each["right"] / each["words"] for each in bins]
    shares = [100 * each["words"] / metrics["words"] for each in bins]
    bars = go.Bar(
        x=[50 * (each["low"] + each["high"]) for each in bins],
        y=shares,
        width=[100 * (each["high"] - each["low"]) for each in bins],
        marker={"color": BARS, "line": {"width": 0}},
        hoverinfo="skip",
        **places,
    )
    points = go.Scatter(
        x=[100 * each["mean"] for each in bins],
        y=right,
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [100 * b["share"]["high"] - y for b, y in zip(bins, right, strict=True)],
            "arrayminus": [y - 100 * b["share"]["low"] for b, y in zip(bins, right, strict=True)],
            "color": CHOSEN,
            "thickness": 1.2,
            "width": 3,
        },
        mode="markers",  # a line would lead the eye along bins of few words
        marker={"color": CHOSEN, "size": 7},
        hovertext=[_hover(each, metrics["words"], hover) for each in bins],
        hovertemplate="%{hovertext}<extra></extra>",
        **places,
    )
    return [bars, points]


def _hover(found: Mapping[str, Any], n_words: int, template: str) -> str:
    return template.format(
        low=100 * found["low"],
        high=100 * found["high"],
        mean=100 * found["mean"],
        words=found["words"],
        right=found["right"],
        share=100 * found["right"] / found["words"],
        share_low=100 * found["share"]["low"],
        share_high=100 * found["share"]["high"],
        part=100 * found["words"] / n_words,
    )


def _title(name: str, axis: str) -> dict[str, Any]:
    return {
        "text": f"<b>{escape(name)}</b>",  # Plotly reads tags in its texts
        "x": 0.5,  # on a phone a long name reaches over both edges of its panel
        "y": 1,
        "xref": f"x{axis} domain",
        "yref": f"y{axis} domain",
        "xanchor": "center",
        "yanchor": "bottom",
        "yshift": 2,
        "showarrow": False,
        "font": {"size": 12},
    }


def _diagonal(axis: str) -> dict[str, Any]:
    """Where every point of a perfectly calibrated model lies."""
    return {
        "type": "line",
        "xref": f"x{axis}",
        "yref": f"y{axis}",
        "x0": 0,
        "y0": 0,
        "x1": 100,
        "y1": 100,
        "line": {"color": AXES, "width": 1.2, "dash": "dash"},
    }
