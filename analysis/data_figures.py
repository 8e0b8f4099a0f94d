"""Plotly figures of what recordings are like: a panel a split, so that splits compare.

Every bar carries the SQL condition of its recordings as `customdata`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from analysis.distributions import OTHERS as ALL_OTHERS
from analysis.distributions import Distribution
from analysis.figures import AXES, CHOSEN, GRID, OTHERS, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = (CHOSEN, *OTHERS)
MARGIN_PX = {"l": 52, "r": 14, "t": 26, "b": 46}
ALONE_PX, PANEL_PX, GAP_PX = 220, 92, 30
SPEAKER_PX = 19
BAR = 0.88  # of a bin
TICKS = 7  # on a phone
STRIDES = (1, 2, 4, 5, 8, 10, 20)  # bins from tick to tick
NAME_LENGTH = 14  # characters of a value on an axis
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
    scale = {
        "tickvals": [i if single else i - 0.5 for i in ticks],
        "ticktext": [labels[i] for i in ticks],
        "range": [-0.6, found.n_bins - 0.4],
    }
    figure = _panels(found, scale, texts, bin_names(found, measure, texts), counts=counts)
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
    scale = {
        "tickvals": list(range(found.n_bins)),
        "ticktext": [plain(_short(name)) for name in names],
        "range": [-0.6, found.n_bins - 0.4],
    }
    return _panels(found, scale, texts, names, counts=counts)


def speaker_bars(found: Distribution, texts: Mapping[str, str]) -> "go.Figure":
    """Minutes of each speaker, those of several splits in several colours.

    Args:
        found: of `distributions.speakers`.
        texts: `x`, the axis's title, and `hover` of a bar with {range}, {minutes} and {n}.
    """
    import plotly.graph_objects as go

    names = [str(name) for name in found.names]
    shown = [split for split in found.splits if found.of(split)]
    figure = go.Figure()
    for split in shown:
        bars = found.of(split)
        minutes = [60 * bar.hours for bar in bars]
        told = [
            {"n": bar.count, "minutes": f"{m:.1f}"} for bar, m in zip(bars, minutes, strict=True)
        ]
        trace = _trace(found, split, texts["hover"], names, told)
        figure.add_bar(x=minutes, y=[bar.bin for bar in bars], orientation="h", **trace)
    height = MARGIN_PX["t"] + MARGIN_PX["b"] + 40 + SPEAKER_PX * max(len(names), 3)
    figure.update_layout(
        barmode="stack",
        bargap=0.25,
        xaxis={"title": texts["x"], "side": "top", **axis(), "nticks": 6},
        yaxis={
            **axis(),
            "tickvals": list(range(len(names))),
            "ticktext": [plain(_short(name)) for name in names],
            "range": [len(names) - 0.4, -0.6],
            "showgrid": False,
        },
        height=height,
        margin=MARGIN_PX | {"l": 108, "t": 46},
        hovermode="closest",
        showlegend=len(shown) > 1,
        legend={"orientation": "h", "y": 0, "yanchor": "top", "traceorder": "normal"},
        **look(),
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
    scale: Mapping[str, Any],
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
    headings = []
    for i, split in enumerate(shown):
        bars, y = found.of(split), f"y{i + 1}" if i else "y"
        heights = [bar.count if counts else 100 * bar.share for bar in bars]
        told = [{"n": bar.count, "share": f"{100 * bar.share:.3g}"} for bar in bars]
        trace = _trace(found, split, texts["hover"], names, told)
        places = [bar.bin for bar in bars]
        # Plotly's own width depends on which bins a split has.
        figure.add_bar(x=places, y=heights, yaxis=y, width=BAR, **trace)
        top = 1 - i * (panel_px + GAP_PX) / inner_px
        figure.layout[y.replace("y", "yaxis")] = {
            **axis(),
            "domain": (max(0.0, top - panel_px / inner_px), top),
            "nticks": 4 if panel_px == PANEL_PX else 6,
            "rangemode": "tozero",
            "title": texts["y"] if split == shown[-1] else "",
        }
        total = sum(bar.count for bar in bars)
        headings.append(heading(texts["panel"].format(split=split, n=total), top))
    figure.update_layout(
        xaxis={
            "title": texts["x"],
            "anchor": f"y{len(shown)}" if len(shown) > 1 else "y",
            **axis(),
            "showgrid": False,
            "tickangle": 0 if found.edges else None,
            **scale,
        },
        annotations=headings,
        height=inner_px + MARGIN_PX["t"] + MARGIN_PX["b"],
        margin=MARGIN_PX,
        hovermode="x",  # a low bar can be hit anywhere above it
        showlegend=False,
        **look(),
    )
    return figure


def _trace(
    found: Distribution,
    split: str,
    pattern: str,
    names: Sequence[str],
    told: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """A split's bars but for where they stand: colour, condition, and what a pointer is told."""
    bars = found.of(split)
    return {
        "name": plain(split),
        "marker": {
            "color": COLOURS[found.splits.index(split) % len(COLOURS)],
            "line": {"width": 0},
        },
        "customdata": [bar.where for bar in bars],
        "hovertext": [
            plain(pattern).format(range=plain(names[bar.bin]), **more)
            for bar, more in zip(bars, told, strict=True)
        ],
        "hoverinfo": "text",
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


def look() -> dict[str, Any]:
    """What all figures of data share."""
    return {
        "dragmode": False,  # so that a finger scrolls the page
        "modebar": {"remove": ["zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale"]},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": AXES, "size": 12},
    }


def axis() -> dict[str, Any]:
    """An axis that cannot be zoomed."""
    return {"gridcolor": GRID, "zeroline": False, "linecolor": AXES, "fixedrange": True}


def heading(text: str, y: float) -> dict[str, Any]:
    """A panel's title, above its upper left corner."""
    return {
        "text": f"<b>{plain(text)}</b>",
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
