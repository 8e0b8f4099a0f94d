"""One picture of how all costs grow with size: Plotly's, photographed by Chromium."""

import math
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.figures import CHOSEN, OTHERS
from benchmarks.growth import exponent, number, shown
from benchmarks.results import Growth

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = (CHOSEN, *OTHERS, "#5b6b2e", "#a33b3b", "#2f5d8a")
INK, PALE, RULE = "#24313d", "#c3cad1", "#e7ebee"
N_COLUMNS = 2
WIDTH, PANEL_HEIGHT = 1560, 430  # pixels, drawn at twice as many
GAP, TOP, BOTTOM = 96, 130, 64  # pixels: between rows of panels, above and below them
COLUMN_GAP = 0.045  # of the width, between panels
PLOT_SHARE = 0.56  # of a panel's width is for the lines, the rest for their names
NAME_HEIGHT, NAME_WIDTH = 30, 38  # pixels from one name to the next; characters in a line
MOST_TICKS, WIDE_DECADES = 7, 1.8
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class PictureError(RuntimeError):
    """No picture can be made here."""


@dataclass(frozen=True)
class Grid:
    """Panels of one size in rows, all as high as the one with the most names needs."""

    n_panels: int
    most_lines: int

    @property
    def n_rows(self) -> int:
        return math.ceil(self.n_panels / N_COLUMNS)

    @property
    def panel_height(self) -> int:
        return max(PANEL_HEIGHT, NAME_HEIGHT * (self.most_lines + 1))

    @property
    def inner_height(self) -> int:
        return self.n_rows * self.panel_height + (self.n_rows - 1) * GAP

    @property
    def height(self) -> int:
        return TOP + self.inner_height + BOTTOM

    def domains(self, place: int) -> tuple[list[float], list[float]]:
        """A panel's place as shares of the figure: left and right, bottom and top."""
        row, column = divmod(place, N_COLUMNS)
        top = 1 - row * (self.panel_height + GAP) / self.inner_height
        bottom = max(0.0, top - self.panel_height / self.inner_height)  # sums of floats
        left = column * (1 + COLUMN_GAP) / N_COLUMNS
        return [left, left + (1 - COLUMN_GAP) / N_COLUMNS], [bottom, top]


def panels(growths: Iterable[Growth]) -> dict[tuple[str, str], list[Growth]]:
    """The growths by their units of size and cost, times first, then memory."""
    found: dict[tuple[str, str], list[Growth]] = {}
    for growth in growths:
        found.setdefault((growth.size, growth.cost), []).append(growth)
    sizes = list(dict.fromkeys(size for size, _ in found))
    return {
        key: found[key] for key in sorted(found, key=lambda k: (sizes.index(k[0]), k[1] != "s"))
    }


def picture(growths: Sequence[Growth], path: Path) -> None:
    """Draw all growths into a PNG.

    Raises:
        PictureError: there is no Chromium, or no Playwright to drive it.
    """
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        raise PictureError("no picture: no Chromium here. Run: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as e:
        raise PictureError("no picture: no playwright. Run: make bench, which installs it") from e
    drawn = figure(growths)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "growth.html"
        config = {"staticPlot": True}
        drawn.write_html(page_file, include_plotlyjs=True, config=config)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        size = {"width": WIDTH, "height": int(drawn.layout.height)}
        page = browser.new_page(viewport=size, device_scale_factor=2)
        page.goto(page_file.as_uri())
        page.wait_for_selector(".main-svg .scatterlayer .trace")
        page.locator(".plotly-graph-div").screenshot(path=path)
        browser.close()


def figure(growths: Sequence[Growth]) -> "go.Figure":
    """A panel a pair of units, log axes; each line with its name and exponent at its end."""
    import plotly.graph_objects as go

    by_units = panels(filter(None, map(_measurable, growths)))
    grid = Grid(len(by_units), max(map(len, by_units.values())))
    figure = go.Figure()
    figure.update_layout(
        width=WIDTH,
        height=grid.height,
        margin={"l": 84, "r": 16, "t": TOP, "b": BOTTOM},
        showlegend=False,
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"family": "DejaVu Sans, Arial, sans-serif", "size": 14, "color": INK},
        title={
            "text": "<b>How costs grow with size</b><br><span style='font-size:15px'>Log axes. The"
            " number after a name is its exponent: 1.0 is linear, 0 is flat. Grey: linear.</span>",
            "font": {"size": 24},
            "x": 0.012,
            "y": 1 - 44 / grid.height,
        },
    )
    for place, ((size, cost), lines) in enumerate(by_units.items()):
        _add_panel(figure, grid, place, f"{_cost_name(cost)} by {size}", lines)
    return figure


def _measurable(growth: Growth) -> Growth | None:
    """Without costs of nothing, which log axes do not have; None where nothing is left."""
    points = tuple(point for point in growth.points if min(point) > 0)
    return replace(growth, points=points) if points else None


def _cost_name(cost: str) -> str:
    return {"s": "Time, s,", "MB": "Memory, MB,"}.get(cost, cost)


def _add_panel(
    figure: "go.Figure", grid: Grid, place: int, title: str, lines: Sequence[Growth]
) -> None:
    name = "" if place == 0 else str(place + 1)
    columns, rows = grid.domains(place)
    x_range, y_range = _range([x for g in lines for x, _ in g.points]), _costs_range(lines)
    wide = [x_range[0], x_range[0] + (x_range[1] - x_range[0]) / PLOT_SHARE]
    x_axis = {**_axis(columns, f"y{name}", wide), **_ticks(_sizes(lines))}
    y_axis = {**_axis(rows, f"x{name}", y_range), **_ticks(_round(y_range))}
    figure.update_layout({f"xaxis{name}": x_axis, f"yaxis{name}": y_axis})
    axes = {"xaxis": f"x{name}", "yaxis": f"y{name}"}
    figure.add_annotation(
        text=f"<b>{title}</b>",
        xref="paper",
        yref="paper",
        x=columns[0],
        y=rows[1],
        font={"size": 16},
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        yshift=6,
    )
    figure.add_scatter(**_linear(x_range, y_range), **axes)
    step = NAME_HEIGHT / grid.panel_height * (y_range[1] - y_range[0])
    heights = spread([math.log10(line.points[-1][1]) for line in lines], step, y_range)
    name_x = x_range[1] + 0.045 * (x_range[1] - x_range[0])
    for i, (line, height) in enumerate(zip(lines, heights, strict=True)):
        _add_line(figure, line, COLOURS[i % len(COLOURS)], axes, (name_x, height))


def _add_line(
    figure: "go.Figure",
    line: Growth,
    colour: str,
    axes: dict[str, str],
    name_at: tuple[float, float],  # logarithms
) -> None:
    sizes, costs = zip(*line.points, strict=True)
    figure.add_scatter(
        x=sizes,
        y=costs,
        mode="lines+markers",
        line={"color": colour, "width": 2.4},
        marker={"size": 7},
        cliponaxis=False,
        **axes,
    )
    figure.add_scatter(
        x=[sizes[-1], 10 ** name_at[0]],
        y=[costs[-1], 10 ** name_at[1]],
        mode="lines",
        line={"color": colour, "width": 0.8, "dash": "dot"},
        **axes,
    )
    figure.add_annotation(
        text=f"{'<br>'.join(wrap(escape(line.what), NAME_WIDTH))}"
        f" <b>{shown(exponent(line.points))}</b>",
        xref=axes["xaxis"],
        yref=axes["yaxis"],
        x=name_at[0],
        y=name_at[1],
        xanchor="left",
        yanchor="middle",
        align="left",
        showarrow=False,
        font={"color": colour, "size": 13},
        bgcolor="white",
    )


def spread(heights: Sequence[float], step: float, bounds: Sequence[float]) -> list[float]:
    """The heights moved as little as needed to be `step` apart and within the bounds, in order.

    Neighbours that are too near are joined into a block around their mean (pool adjacent
    violators), which is the least sum of squared moves.
    """
    order = np.argsort(heights, kind="stable")
    low, high = bounds[0] + step / 2, bounds[1] - step / 2
    blocks: list[list[float]] = []  # of wanted places of a block's first name
    for i, place in enumerate(order):
        blocks.append([heights[place] - i * step])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    firsts = [float(np.mean(block)) for block in blocks for _ in block]
    last_first = max(low, high - (len(order) - 1) * step)
    found = [0.0] * len(order)
    for i, place in enumerate(order):
        found[place] = min(max(firsts[i], low), last_first) + i * step
    return found


def _range(values: Iterable[float]) -> list[float]:
    """Decimal logarithms of the least and the greatest, and a little more."""
    logs = np.log10([value for value in values if value > 0])
    margin = 0.04 * max(float(np.ptp(logs)), 1.0)
    return [float(logs.min()) - margin, float(logs.max()) + margin]


def _costs_range(lines: Sequence[Growth]) -> list[float]:
    low, high = _range([cost for line in lines for _, cost in line.points])
    middle, half = (low + high) / 2, max((high - low) / 2, 0.75)  # so that flat looks flat
    return [middle - half, middle + half]


def _linear(x_range: list[float], y_range: list[float]) -> dict[str, Any]:
    """A line of slope 1 through the middle of a panel, clipped to it."""
    x_middle, y_middle = np.mean(x_range), np.mean(y_range)
    half = min(np.ptp(x_range), np.ptp(y_range)) / 2
    return {
        "x": [10 ** (x_middle - half), 10 ** (x_middle + half)],
        "y": [10 ** (y_middle - half), 10 ** (y_middle + half)],
        "mode": "lines",
        "line": {"color": PALE, "width": 4},
    }


def _axis(domain: list[float], anchor: str, log_range: list[float]) -> dict[str, Any]:
    return {
        "type": "log",
        "domain": domain,
        "anchor": anchor,
        "range": log_range,
        "gridcolor": RULE,
        "linecolor": PALE,
        "zeroline": False,
        "tickfont": {"size": 13},
    }


def _sizes(lines: Sequence[Growth]) -> list[float]:
    """The sizes that were measured; where they crowd, those of the line with the most."""
    sizes = {size for line in lines for size, _ in line.points}
    if len(sizes) > MOST_TICKS:
        sizes = {size for size, _ in max(lines, key=lambda line: len(line.points)).points}
    return sorted(sizes)


def _round(log_range: list[float]) -> list[float]:
    """Powers of ten within a range; of a short one, their doubles and halves as well."""
    low, high = log_range
    factors = (1, 2, 5) if high - low < WIDE_DECADES else (1,)
    powers = range(math.floor(low), math.ceil(high) + 1)
    return [f * 10.0**p for p in powers for f in factors if low <= math.log10(f) + p <= high]


def _ticks(values: Sequence[float]) -> dict[str, Any]:
    return {"tickvals": values, "ticktext": [number(value) for value in values]}
