"""The reliability diagram holds the numbers it was given, a panel a set."""

import itertools

import numpy as np
import pytest

from analysis.confidence_metrics import measure
from analysis.reliability import COLUMNS, reliability_diagram

TEXTS = {"x": "sure", "y": "right", "hover": "{words} words, {share:.1f} % right"}


def metrics(rng: np.random.Generator, n_words: int = 500) -> dict:
    sure = rng.random(n_words)
    return measure(sure, rng.random(n_words) < sure).to_dict()


def test_points_are_the_bins(rng):
    found = metrics(rng)
    bars, points = reliability_diagram({"a": found}, TEXTS).data
    bins = found["bins"]
    np.testing.assert_allclose(points.x, [100 * each["mean"] for each in bins])
    np.testing.assert_allclose(points.y, [100 * each["right"] / each["words"] for each in bins])
    tops = np.array(points.y) + points.error_y.array
    lows = np.array(points.y) - points.error_y.arrayminus
    np.testing.assert_allclose(tops, [100 * each["share"]["high"] for each in bins])
    np.testing.assert_allclose(lows, [100 * each["share"]["low"] for each in bins])
    assert sum(bars.y) == pytest.approx(100)
    np.testing.assert_allclose(bars.x, [100 * each["low"] + 5 for each in bins])
    first = bins[0]
    share = 100 * first["right"] / first["words"]
    assert points.hovertext[0] == f"{first['words']} words, {share:.1f} % right"


@pytest.mark.parametrize("n_sets", [1, 2, 3, 6])
def test_every_set_has_a_panel_with_its_name_and_diagonal(rng, n_sets):
    names = [f"set {i}" for i in range(n_sets)]
    figure = reliability_diagram({name: metrics(rng) for name in names}, TEXTS)
    assert [note.text for note in figure.layout.annotations] == [f"<b>{n}</b>" for n in names]
    assert [(s.x0, s.y0, s.x1, s.y1) for s in figure.layout.shapes] == [(0, 0, 100, 100)] * n_sets
    assert len({trace.xaxis for trace in figure.data}) == n_sets
    panels = [
        (*figure.layout[f"xaxis{i}"].domain, *figure.layout[f"yaxis{i}"].domain)
        for i in ("", *range(2, n_sets + 1))
    ]
    assert all(0 <= a < b <= 1 and 0 <= c < d <= 1 for a, b, c, d in panels)
    for one, two in itertools.combinations(panels, 2):
        beside = one[1] < two[0] or two[1] < one[0]
        assert beside or one[2] > two[3] or two[2] > one[3]


def test_titles_stand_at_the_edges_only(rng):
    figure = reliability_diagram({name: metrics(rng) for name in "abc"}, TEXTS)
    axes = ("", 2, 3)
    assert [figure.layout[f"xaxis{i}"].title.text for i in axes] == ["", "sure", "sure"]
    assert [figure.layout[f"yaxis{i}"].title.text for i in axes] == ["right", "", "right"]
    assert COLUMNS == 2


def test_a_name_is_text_not_markup(rng):
    assert "<i>a" not in reliability_diagram({"<i>a</i>": metrics(rng)}, TEXTS).to_json()


def test_no_sets():
    assert not reliability_diagram({}, TEXTS).data
