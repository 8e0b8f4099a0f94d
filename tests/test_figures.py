"""Figures hold the numbers they were given, on the axes that make them readable."""

import itertools

import numpy as np
import pandas as pd
import pytest

from analysis.figures import CHOSEN, PANELS, training_curves

TEXTS = {
    name: name for name in (*PANELS, "x", "hover", "loss", "val_loss", "val_wer", "val_cer", "lr")
}


def table(n_epochs: int = 6, **columns: list[float]) -> pd.DataFrame:
    epoch = np.arange(n_epochs)
    made = {
        "loss": 2.0 - epoch / 10,
        "val_loss": 1.5 - epoch / 10,
        "val_wer": 0.5 - epoch / 20,
        "lr": np.full(n_epochs, 1e-3),
    }
    return pd.DataFrame({"epoch": epoch, **made, **columns})


def lines(figure) -> dict[tuple[str, str, str], tuple[list[float], list[float]]]:
    """(run, panel, dash) -> x and y."""
    return {
        (trace.name, trace.yaxis, trace.line.dash): (list(trace.x), list(trace.y))
        for trace in figure.data
    }


def test_every_column_is_a_line_in_its_panel():
    figure = training_curves({"a": table()}, "a", TEXTS)
    drawn = lines(figure)
    assert set(drawn) == {
        ("a", "y", "solid"),
        ("a", "y", "dot"),
        ("a", "y2", "solid"),
        ("a", "y3", "solid"),
    }
    assert drawn["a", "y", "dot"][1] == pytest.approx([2.0, 1.9, 1.8, 1.7, 1.6, 1.5])
    assert drawn["a", "y2", "solid"][1] == pytest.approx([50, 45, 40, 35, 30, 25])  # per cent
    assert drawn["a", "y2", "solid"][0] == [0, 1, 2, 3, 4, 5]
    assert {trace.xaxis for trace in figure.data} == {"x"}  # one axis: panels move together


def test_the_chosen_run_is_bold_in_front_and_first_in_the_legend():
    runs = {name: table() for name in ("b", "chosen", "c")}
    figure = training_curves(runs, "chosen", TEXTS)
    widths = {trace.name: trace.line.width for trace in figure.data}
    assert widths["chosen"] > widths["b"] == widths["c"]
    assert figure.data[-1].name == "chosen"
    ranks = {trace.name: trace.legendrank for trace in figure.data}
    assert sorted(ranks, key=ranks.get) == ["chosen", "b", "c"]
    assert figure.layout.showlegend
    assert sum(trace.showlegend for trace in figure.data) == 3  # a run is there once


def test_runs_differ_in_more_than_colour():
    runs = {str(i): table() for i in range(4)}
    figure = training_curves(runs, "0", TEXTS)
    looks = {t.name: (t.line.color, t.marker.symbol) for t in figure.data if t.yaxis == "y2"}
    assert looks["0"][0] == CHOSEN
    assert len({colour for colour, _ in looks.values()}) == 4
    assert len({symbol for _, symbol in looks.values()}) == 4


@pytest.mark.parametrize(
    ("rates", "kind"), [([1e-3, 9e-4], None), ([1e-3, 1e-5], "log"), ([1e-3, 0.0], None)]
)
def test_decades_make_a_logarithmic_axis(rates, kind):
    figure = training_curves({"a": table(2, lr=rates)}, "a", TEXTS)
    assert figure.layout.yaxis3.type == kind


def test_error_rates_always_start_at_zero():
    figure = training_curves({"a": table(2, val_wer=[1.0, 0.001])}, "a", TEXTS)
    assert figure.layout.yaxis2.type is None
    assert figure.layout.yaxis2.rangemode == "tozero"


def test_columns_may_be_missing_empty_or_new():
    bare = table().drop(columns=["loss", "lr"]).assign(val_loss=np.nan, val_cer=0.25)
    assert lines(training_curves({"a": bare}, "a", TEXTS)).keys() == {
        ("a", "y2", "solid"),
        ("a", "y2", "dot"),
    }
    assert not training_curves({}, "a", TEXTS).data


def test_a_run_of_one_epoch_can_be_seen():
    figure = training_curves({"a": table(1)}, "a", TEXTS)
    assert all("markers" in trace.mode for trace in figure.data)


def test_a_name_is_text_not_markup():
    figure = training_curves({"<b>a</b>": table()}, "<b>a</b>", TEXTS)
    assert {trace.name for trace in figure.data} == {"&lt;b&gt;a&lt;/b&gt;"}
    assert "<b>a" not in figure.to_json()


def test_panels_do_not_overlap():
    domains = sorted(PANELS.values())
    assert all(low < high for low, high in domains)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(domains))
