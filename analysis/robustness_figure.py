"""Plotly figures of a robustness measurement: WER against each damage, with its interval."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.figures import AXES, CHOSEN, GRID, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

BAND = "rgba(27, 138, 143, 0.18)"  # CHOSEN, thinned
PLAIN = "rgba(0, 0, 0, 0)"
HEADROOM = 1.08  # over the highest interval
BEST_LAST = ("snr", "band")  # axes on which damage grows to the left
HEIGHT_PX = 300


def robustness_curves(found: Mapping[str, Any], texts: Mapping[str, Any]) -> "dict[str, go.Figure]":
    """A figure an axis, so that a page may put them side by side or one under the other.

    All have one scale of WER, so that damages can be compared. Points stand at equal distances.

    Args:
        found: what `robustness.measure` returns.
        texts: `y`, `full` (the band of the recordings as they are), `telephone`, `hover` (of `x`,
            `value`, `low`, `high`) and `axes`: a title and an axis title each.
    """
    highest = max(
        100 * point["wer"]["high"] for points in found["axes"].values() for point in points
    )
    return {
        name: _figure(name, points, HEADROOM * highest, texts)
        for name, points in found["axes"].items()
    }


def _figure(
    name: str, points: Sequence[Mapping[str, Any]], top: float, texts: Mapping[str, Any]
) -> "go.Figure":
    import plotly.graph_objects as go

    title, x_title = texts["axes"][name]
    curve = [point for point in points if point["change"] is None or point["amount"] is not None]
    apart = [point for point in points if point not in curve]
    if name in BEST_LAST:
        curve = curve[::-1]
    figure = go.Figure([go.Scatter(t) for t in _traces(name, curve, apart, texts)])
    figure.update_layout(
        title={"text": f"<b>{plain(title)}</b>", "x": 0, "xref": "paper", "font": {"size": 13}},
        xaxis={
            "type": "category",
            "title": {"text": x_title, "standoff": 6},
            "linecolor": AXES,
            "showgrid": False,
            "fixedrange": True,
            "tickangle": 0,
        },
        yaxis={
            "title": {"text": texts["y"], "standoff": 6},
            "range": [0, top],
            "gridcolor": GRID,
            "zeroline": False,
            "fixedrange": True,
        },
        height=HEIGHT_PX,
        margin={"l": 50, "r": 12, "t": 36, "b": 50},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        modebar={"remove": ["zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale"]},
        paper_bgcolor=PLAIN,
        plot_bgcolor=PLAIN,
        font={"color": AXES, "size": 12},
    )
    return figure


def _traces(
    name: str,
    curve: Sequence[Mapping[str, Any]],
    apart: Sequence[Mapping[str, Any]],
    texts: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The interval's two edges with the band between, the curve, and what is no amount on it."""
    names = [_tick(name, point, texts) for point in curve]
    edge = {"x": names, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    low, high = ([100 * point["wer"][side] for point in curve] for side in ("low", "high"))
    traces = [
        {**edge, "y": low},
        {**edge, "y": high, "fill": "tonexty", "fillcolor": BAND},
        _markers(names, curve, texts) | {"mode": "lines+markers"},
    ]
    if apart:
        alone = _markers([_tick(name, point, texts) for point in apart], apart, texts)
        values = [100 * point["wer"]["value"] for point in apart]
        alone["marker"] = {"color": CHOSEN, "size": 9, "symbol": "diamond"}
        alone["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [100 * p["wer"]["high"] - v for p, v in zip(apart, values, strict=True)],
            "arrayminus": [v - 100 * p["wer"]["low"] for p, v in zip(apart, values, strict=True)],
            "color": CHOSEN,
            "thickness": 1.2,
        }
        traces.append(alone)
    return traces


def _markers(
    names: Sequence[str], points: Sequence[Mapping[str, Any]], texts: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "x": list(names),
        "y": [100 * point["wer"]["value"] for point in points],
        "mode": "markers",
        "line": {"color": CHOSEN, "width": 2},
        "marker": {"color": CHOSEN, "size": 7},
        "hovertext": [
            texts["hover"].format(
                x=at, **{side: 100 * value for side, value in point["wer"].items()}
            )
            for at, point in zip(names, points, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _tick(name: str, point: Mapping[str, Any], texts: Mapping[str, Any]) -> str:
    """What a point is called below the axis."""
    if point["change"] is None:
        return {"speed": "1", "level": "0", "band": texts["full"]}.get(name, "∞")
    if point["amount"] is None:
        return texts.get(point["change"], point["change"])
    amount = point["amount"] / (1000 if name == "band" else 1)  # kHz
    return f"{amount:g}".replace("-", "−")
