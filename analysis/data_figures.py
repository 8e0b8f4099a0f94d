"""Plotly figures of what recordings are like: a panel a split, so that splits compare.

Every bar carries the SQL condition of its recordings as `customdata`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from analysis.distributions import OTHERS as ALL_OTHERS
from analysis.distributions import Bar, Distribution, Profile
from analysis.figures import AXES, CHOSEN, GRID, OTHERS
from analysis.measuring import HISTOGRAM_DB

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = (CHOSEN, *OTHERS)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
BAND = "rgba(27, 138, 143, 0.13)"
MARGIN_PX = {"l": 52, "r": 14, "t": 26, "b": 46}
LEGEND_PX = 110  # below a figure of lines, with its axis: three rows on a phone
ALONE_PX, PANEL_PX, GAP_PX = 220, 92, 30
SPEAKER_PX = 19
BAR = 0.88  # of a bin
TICKS = 7  # on a phone
STRIDES = (1, 2, 4, 5, 8, 10, 20)  # bins from tick to tick
NAME_LENGTH = 14  # characters of a value on an axis
HERTZ = (125, 250, 500, 1000, 2000, 4000, 8000)
TINY = 1e-9  # the first bin of CLIPPED is of none at all


@dataclass(frozen=True)
class Measure:
    """How a column of numbers is shown.

    Attributes:
        factor: of what is shown: 100 for shares in percent.
        edges: of its bins, where round ones of equal width would not do.
        mark: a value with a meaning of its own.
    """

    factor: float = 1.0
    edges: tuple[float, ...] = ()
    mark: float | None = None


TWENTIETHS = tuple(round(0.05 * i, 2) for i in range(21))
CLIPPED = (0.0, TINY, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 1.0)
OFFSETS = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02)
RATIOS = (0, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 12, 20, 40, 80)
LEVELS = tuple(2.5 * i for i in range(-24, 1))

MEASURES = {
    "duration_s": Measure(),
    "n_words": Measure(),
    "n_characters": Measure(),
    "words_per_s": Measure(),
    "characters_per_s": Measure(),
    "ctc_ratio": Measure(edges=(*RATIOS, math.inf), mark=1.0),
    "level_dbfs": Measure(edges=(-math.inf, *LEVELS)),
    "peak_dbfs": Measure(edges=(-math.inf, *LEVELS)),
    "snr_db": Measure(),
    "noise_dbfs": Measure(),
    "silence_share": Measure(factor=100, edges=TWENTIETHS),
    "lead_s": Measure(),
    "trail_s": Measure(),
    "bandwidth_hz": Measure(),
    "clipped_share": Measure(factor=100, edges=CLIPPED),
    "dc_offset": Measure(
        factor=100,
        edges=(-math.inf, *(-edge for edge in reversed(OFFSETS)), *OFFSETS, math.inf),
    ),
}


def measure_bars(
    found: Distribution, measure: Measure, texts: Mapping[str, str], *, counts: bool = False
) -> "go.Figure":
    """A measure's distribution, a panel a split; shares of the split, or counts of recordings.

    Args:
        found: the bars.
        measure: how its column is shown.
        texts: `x` and `y`, the axes' titles; `hover` of a bar with {range}, {n} and {share};
            `below` and `above` with {edge}; `between` with {low} and {high}.
        counts: the height is a count.
    """
    labels = [_edge(edge * measure.factor) for edge in found.edges]
    ticks = _ticks([edge * measure.factor for edge in found.edges])
    if measure.mark in found.edges:
        ticks = sorted({*ticks, found.edges.index(measure.mark)})
    single = found.whole and _step_of(found.edges) == 1
    axis = {
        "tickvals": [i if single else i - 0.5 for i in ticks],
        "ticktext": [labels[i] for i in ticks],
        "range": [-0.6, found.n_bins - 0.4],
    }
    figure = _panels(found, axis, texts, bin_names(found, measure, texts), counts=counts)
    if measure.mark in found.edges:
        place = found.edges.index(measure.mark) - 0.5
        line = {"color": AXES, "width": 1.5, "dash": "dot"}
        figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="paper", line=line)
    return figure


def category_bars(
    found: Distribution, texts: Mapping[str, str], *, counts: bool = False
) -> "go.Figure":
    """How common each value of a column is, a panel a split; `texts` as in `measure_bars`."""
    names = bin_names(found, Measure(), texts)
    axis = {
        "tickvals": list(range(found.n_bins)),
        "ticktext": [escape(_short(name)) for name in names],
        "range": [-0.6, found.n_bins - 0.4],
    }
    return _panels(found, axis, texts, names, counts=counts)


def speaker_bars(found: Distribution, texts: Mapping[str, str]) -> "go.Figure":
    """Minutes of each speaker, those of several splits in several colours.

    Args:
        found: of `distributions.speakers`.
        texts: `x`, the axis's title, and `hover` of a bar with {range}, {minutes} and {n}.
    """
    import plotly.graph_objects as go

    names = [str(name) for name in found.names]
    figure = go.Figure()
    for i, split in enumerate(found.splits):
        bars = found.of(split)
        if not bars:
            continue
        hover = [
            escape(f"{split}: ")
            + escape(texts["hover"]).format(
                range=escape(names[bar.bin]), minutes=f"{60 * bar.hours:.1f}", n=bar.count
            )
            for bar in bars
        ]
        figure.add_bar(
            x=[60 * bar.hours for bar in bars],
            y=[bar.bin for bar in bars],
            orientation="h",
            name=escape(split),
            marker={"color": COLOURS[i % len(COLOURS)], "line": {"width": 0}},
            customdata=[bar.where for bar in bars],
            hovertext=hover,
            hoverinfo="text",
        )
    height = MARGIN_PX["t"] + MARGIN_PX["b"] + 40 + SPEAKER_PX * max(len(names), 3)
    figure.update_layout(
        barmode="stack",
        bargap=0.25,
        xaxis={"title": texts["x"], "side": "top", **_axis(), "nticks": 6},
        yaxis={
            **_axis(),
            "tickvals": list(range(len(names))),
            "ticktext": [escape(_short(name)) for name in names],
            "range": [len(names) - 0.4, -0.6],
            "showgrid": False,
        },
        height=height,
        margin=MARGIN_PX | {"l": 108, "t": 46},
        hovermode="closest",
        showlegend=sum(bool(found.of(split)) for split in found.splits) > 1,
        legend={"orientation": "h", "y": 0, "yanchor": "top", "traceorder": "normal"},
        **_look(),
    )
    return figure


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
                name=escape(split),
                line={"color": COLOURS[i % len(COLOURS)], "dash": DASHES[i % len(DASHES)]},
                hovertemplate=f"{escape(split)}: %{{x:.0f}} Hz, %{{y:.1f}} dB<extra></extra>",
            )
    if band is not None:
        figure.add_vrect(x0=band[0], x1=band[1], fillcolor=BAND, line_width=0, layer="below")
        figure.add_annotation(
            text=escape(texts["band"]),
            x=math.log10(band[0] * band[1]) / 2,  # on this axis, texts are placed by logarithms
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
            **_axis(),
        },
        yaxis={"title": texts["y"], **_axis(), "nticks": 7},
        **_of_lines(figure, height=380),
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
                name=escape(split),
                legendgroup=split,
                showlegend=side == "before",
                line={
                    "color": COLOURS[i % len(COLOURS)],
                    "dash": DASHES[i % len(DASHES)],
                    "shape": "hvh",
                },
                hovertemplate=f"{escape(split)}: %{{x:.3~g}}, %{{y:.1f}} %<extra></extra>",
            )
    upper, lower = (0.62, 1.0), (0.0, 0.38)
    figure.update_layout(
        xaxis={"title": texts["x_before"], "anchor": "y", **_axis(), "range": HISTOGRAM_DB},
        xaxis2={"title": texts["x_after"], "anchor": "y2", **_axis(), "range": (0, 1)},
        yaxis={"domain": upper, "title": texts["y"], **_axis(), "nticks": 5, "rangemode": "tozero"},
        yaxis2={"domain": lower, "title": texts["y"], "anchor": "x2", **_axis(), "nticks": 5},
        annotations=[_heading(texts["before"], upper[1]), _heading(texts["after"], lower[1])],
        **_of_lines(figure, height=520),
    )
    return figure


def bin_names(found: Distribution, measure: Measure, texts: Mapping[str, str]) -> list[str]:
    """What each bin holds, in words; of categories, their names."""
    if found.names:
        return [
            texts["others"] if name == ALL_OTHERS and i == found.n_bins - 1 else str(name)
            for i, name in enumerate(found.names)
        ]
    edges = [edge * measure.factor for edge in found.edges]
    names = []
    for low, high in pairwise(edges):
        if found.whole and math.isfinite(high - low):
            last = high - 1
            within = texts["between"].format(low=_edge(low), high=_edge(last))
            names.append(_edge(low) if last == low else within)
            continue
        pattern = "below" if math.isinf(low) else "above" if math.isinf(high) else "between"
        edge = high if math.isinf(low) else low
        none = low == 0 and high == TINY * measure.factor
        text = texts[pattern].format(edge=_edge(edge), low=_edge(low), high=_edge(high))
        names.append("0" if none else text)
    return names


def _panels(
    found: Distribution,
    axis: Mapping[str, Any],
    texts: Mapping[str, str],
    names: Sequence[str],
    *,
    counts: bool,
) -> "go.Figure":
    """A panel a split on one axis, from the top; those without a value have none."""
    import plotly.graph_objects as go

    shown = [split for split in found.splits if found.of(split)]
    panel_px = ALONE_PX if len(shown) < 2 else PANEL_PX
    inner_px = max(len(shown), 1) * (panel_px + GAP_PX) - GAP_PX
    figure = go.Figure()
    layout: dict[str, Any] = {}
    headings = []
    for i, split in enumerate(shown):
        bars = found.of(split)
        hover = [
            escape(texts["hover"]).format(
                range=escape(names[bar.bin]), n=bar.count, share=f"{100 * bar.share:.3g}"
            )
            for bar in bars
        ]
        figure.add_bar(
            x=[bar.bin for bar in bars],
            y=[_height(bar, counts=counts) for bar in bars],
            yaxis=f"y{i + 1}" if i else "y",
            name=escape(split),
            width=BAR,  # Plotly's own depends on which bins a split has
            marker={
                "color": COLOURS[found.splits.index(split) % len(COLOURS)],
                "line": {"width": 0},
            },
            customdata=[bar.where for bar in bars],
            hovertext=hover,
            hoverinfo="text",
        )
        top = 1 - i * (panel_px + GAP_PX) / inner_px
        bottom = max(0.0, top - panel_px / inner_px)
        last = i == len(shown) - 1
        layout[f"yaxis{i + 1}" if i else "yaxis"] = {
            **_axis(),
            "domain": (bottom, top),
            "nticks": 4 if panel_px == PANEL_PX else 6,
            "rangemode": "tozero",
            "title": texts["y"] if last else "",
        }
        total = sum(bar.count for bar in bars)
        headings.append(_heading(texts["panel"].format(split=split, n=total), top))
    figure.update_layout(
        **layout,
        xaxis={
            "title": texts["x"],
            "anchor": f"y{len(shown)}" if len(shown) > 1 else "y",
            **_axis(),
            "showgrid": False,
            "tickangle": 0 if found.edges else None,
            **axis,
        },
        annotations=headings,
        height=inner_px + MARGIN_PX["t"] + MARGIN_PX["b"],
        margin=MARGIN_PX,
        hovermode="x",  # a low bar can be hit anywhere above it
        showlegend=False,
        **_look(),
    )
    return figure


def _height(bar: Bar, *, counts: bool) -> float:
    return bar.count if counts else 100 * bar.share


def _of_lines(figure: "go.Figure", height: int) -> dict[str, Any]:
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
        **_look(),
    }


def _ticks(edges: Sequence[float]) -> list[int]:
    """Some of the finite edges, by index: round numbers where the edges are equally far apart."""
    finite = [i for i, edge in enumerate(edges) if math.isfinite(edge)]
    step = _step_of(edges)
    if step is None:
        return finite[:: max(1, math.ceil(len(finite) / TICKS))]
    strides = [stride for stride in STRIDES if len(finite) <= stride * TICKS] or [len(finite)]
    round_ones = (s for s in strides if f"{s * step:.0e}"[0] in "125")
    stride = next((s for s in round_ones if math.isclose(s * step, float(f"{s * step:.0e}"))), 0)
    stride = stride or strides[0]
    return [i for i in finite if round(edges[i] / step) % stride == 0]


def _step_of(edges: Sequence[float]) -> float | None:
    """How far apart the finite edges are, if equally."""
    finite = [edge for edge in edges if math.isfinite(edge)]
    steps = [high - low for low, high in pairwise(finite)]
    if not steps or max(steps) - min(steps) > 1e-6 * max(steps):
        return None
    return steps[0]


def _look() -> dict[str, Any]:
    return {
        "dragmode": False,  # so that a finger scrolls the page
        "modebar": {"remove": ["zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale"]},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": AXES, "size": 12},
    }


def _axis() -> dict[str, Any]:
    return {"gridcolor": GRID, "zeroline": False, "linecolor": AXES, "fixedrange": True}


def _heading(text: str, y: float) -> dict[str, Any]:
    """A panel's title, above its upper left corner."""
    return {
        "text": f"<b>{escape(text)}</b>",
        "x": 0,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 2,
        "showarrow": False,
        "font": {"size": 12},
    }


def _edge(value: float) -> str:
    """An edge as the axis shows it: no more digits than it has."""
    if 0 < value <= 100 * TINY:
        return ">0"
    return f"{round(value, 10):g}".replace("-", "−")


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"
