"""Plotly figures of the spectrum and of the features of recordings, a line a split."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.data_figures import COLOURS, MARGIN_PX, axis, heading, look
from analysis.distributions import Profile
from analysis.figures import plain
from analysis.measuring import HISTOGRAM_DB

if TYPE_CHECKING:
    import plotly.graph_objects as go

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
BAND = "rgba(27, 138, 143, 0.13)"
LEGEND_PX = 110  # below a figure, with its axis: three rows on a phone
HERTZ = (125, 250, 500, 1000, 2000, 4000, 8000)


def profile_lines(
    found: Profile,
    splits: Sequence[str],
    texts: Mapping[str, str],
    band: tuple[float, float] | None = None,
) -> "go.Figure":
    """Which frequencies carry the signal, a line a split; the model's `band` in Hz is shaded.

    Args:
        found: the mean levels.
        splits: names, in order.
        texts: `x` and `y`, the axes' titles; `band`, the name of the shaded part.
        band: from where to where the model hears.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for i, split in enumerate(splits):
        if split in found.levels_db:
            figure.add_scatter(
                x=found.centres_hz,
                y=found.levels_db[split],
                mode="lines",
                name=plain(split),
                line={"color": COLOURS[i % len(COLOURS)], "dash": DASHES[i % len(DASHES)]},
                hovertemplate=f"{plain(split)}: %{{x:.0f}} Hz, %{{y:.1f}} dB<extra></extra>",
            )
    if band is not None:
        low, high = max(band[0], found.centres_hz[0]), band[1]  # from 0 Hz on has no logarithm
        figure.add_vrect(x0=low, x1=high, fillcolor=BAND, line_width=0, layer="below")
        figure.add_annotation(
            text=plain(texts["band"]),
            x=math.log10(low * high) / 2,  # on this axis, texts are placed by logarithms
            y=0,
            yref="paper",
            yanchor="bottom",
            showarrow=False,
        )
    figure.update_layout(
        xaxis={
            "title": texts["x"],
            "type": "log",
            "tickvals": HERTZ,
            "ticktext": [str(hertz) for hertz in HERTZ],
            "range": [math.log10(found.centres_hz[0]), math.log10(HERTZ[-1])],
            **axis(),
        },
        yaxis={"title": texts["y"], **axis(), "nticks": 7},
        **_layout(figure, height=380),
    )
    return figure


def feature_histograms(
    histograms: Mapping[str, Mapping[str, Sequence[int]]],
    splits: Sequence[str],
    texts: Mapping[str, str],
) -> "go.Figure":
    """Values of the log-mel features before and after normalisation, a line a split.

    Args:
        histograms: of a Description's summary: split -> `before` and `after` -> counts.
        splits: names, in order.
        texts: titles of the panels, `before` and `after`, of their axes, `x_before` and
            `x_after`, and of `y`, the share of the split's values.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    sides = {"before": ("x", "y", HISTOGRAM_DB), "after": ("x2", "y2", (0.0, 1.0))}
    for i, split in enumerate(splits):
        for side, (x, y, (low, high)) in sides.items():
            counts = histograms.get(split, {}).get(side, [])
            if not sum(counts):
                continue
            width = (high - low) / len(counts)
            figure.add_scatter(
                x=[low + width * (k + 0.5) for k in range(len(counts))],
                y=[100 * count / sum(counts) for count in counts],
                xaxis=x,
                yaxis=y,
                mode="lines",
                name=plain(split),
                legendgroup=split,
                showlegend=side == "before",
                line={
                    "color": COLOURS[i % len(COLOURS)],
                    "dash": DASHES[i % len(DASHES)],
                    "shape": "hvh",
                },
                hovertemplate=f"{plain(split)}: %{{x:.3~g}}, %{{y:.1f}} %<extra></extra>",
            )
    upper, lower = (0.62, 1.0), (0.0, 0.38)
    figure.update_layout(
        xaxis={"title": texts["x_before"], "anchor": "y", **axis(), "range": HISTOGRAM_DB},
        xaxis2={"title": texts["x_after"], "anchor": "y2", **axis(), "range": (0, 1)},
        yaxis={"domain": upper, "title": texts["y"], **axis(), "nticks": 5, "rangemode": "tozero"},
        yaxis2={"domain": lower, "title": texts["y"], "anchor": "x2", **axis(), "nticks": 5},
        annotations=[heading(texts["before"], upper[1]), heading(texts["after"], lower[1])],
        **_layout(figure, height=520),
    )
    return figure


def _layout(figure: "go.Figure", height: int) -> dict[str, Any]:
    return {
        "height": height,
        "margin": MARGIN_PX | {"b": LEGEND_PX},
        "hovermode": "closest",
        "showlegend": len({trace.name for trace in figure.data}) > 1,
        "legend": {
            "orientation": "h",
            "y": -MARGIN_PX["b"] / (height - MARGIN_PX["t"] - LEGEND_PX),
            "yanchor": "top",
        },
        **look(),
    }
