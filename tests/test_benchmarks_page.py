"""`python -m benchmarks`: what it runs, what it writes, what it does when one fails."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import __main__ as bench
from benchmarks import rendering, sections
from benchmarks.growth import exponent, last_exponent, number, shown
from benchmarks.picture import Grid, figure, panels, spread
from benchmarks.results import RESULTS, Growth, Table, tell
from benchmarks.sections import Section

SIZES = (3000, 30_000, 100_000, 1_000_000)
TABLE = Table("Speed", ("clip", "ms"), (("short", 3.5), ("long", 40)), "Median of 5.")
LINEAR = Growth("import", "rows", "s", tuple((n, 2e-5 * n) for n in SIZES))
SECTION = Section(
    "startup", "2026-11-24 10:00", "abc1234", {"processor": "one"}, 0.5, 12.3, (TABLE,), (LINEAR,)
)


@pytest.mark.parametrize("slope", [-0.5, 0.0, 0.5, 1.0, 2.0])
def test_a_planted_exponent_is_recovered(slope: float) -> None:
    points = [(n, 0.03 * n**slope) for n in SIZES]
    assert exponent(points) == pytest.approx(slope, abs=1e-9)  # sums of four logarithms


def test_noise_moves_the_exponent_little() -> None:
    rng = np.random.default_rng(0)
    points = [(n, 1e-4 * n * math.exp(rng.normal(0, 0.1))) for n in SIZES]
    assert exponent(points) == pytest.approx(1, abs=0.1)


def test_a_fixed_cost_hides_what_the_last_two_sizes_show() -> None:
    growth = Growth("start", "rows", "s", tuple((n, 5 + 1e-5 * n) for n in SIZES))
    assert exponent(growth.points) < 0.2
    assert last_exponent(growth) == pytest.approx(math.log10(15 / 6))


def test_without_two_sizes_there_is_no_exponent() -> None:
    assert math.isnan(exponent([(10, 1.0), (100, 0.0)]))  # too quick to be measured
    assert shown(math.nan) == "–"
    assert shown(-0.001) == "0.00"


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=12),
    st.floats(0.1, 0.8),
)
def test_names_keep_apart_and_in_order(heights: list[float], step: float) -> None:
    found = spread(heights, step, (0, 10))
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    gaps = np.diff([found[i] for i in order])
    assert all(gaps > step - 1e-9)
    assert min(found) >= step / 2 - 1e-9
    assert max(found) <= 10 - step / 2 + 1e-9
    if all(np.diff(sorted(heights)) > step) and min(heights) > step and max(heights) < 10 - step:
        assert found == pytest.approx(heights)  # nobody moves without need


def test_a_panel_for_each_pair_of_units() -> None:
    memory = replace(LINEAR, cost="MB")
    clips = Growth("hear", "seconds of audio", "s", ((1, 0.1), (10, 0.2), (60, 0.0), (600, 5.0)))
    assert list(panels([memory, clips, LINEAR])) == [
        ("rows", "s"),
        ("rows", "MB"),
        ("seconds of audio", "s"),
    ]
    drawn = figure([memory, clips, LINEAR])
    texts = " ".join(annotation.text for annotation in drawn.layout.annotations)
    assert "Memory, MB, by rows" in texts
    assert "import <b>1.00</b>" in texts
    measured = [trace for trace in drawn.data if trace.mode == "lines+markers"]
    assert [len(trace.x) for trace in measured] == [4, 4, 3]  # log axes have no 0


def test_panels_do_not_meet() -> None:
    grid = Grid(n_panels=5, most_lines=20)
    places = [grid.domains(i) for i in range(5)]
    assert all(0 <= low < high <= 1 + 1e-9 for place in places for low, high in place)
    assert places[0][0][1] < places[1][0][0]
    assert places[2][1][1] < places[0][1][0]


def test_numbers_of_three_digits() -> None:
    assert [number(n) for n in (1_000_000, 1234.5, 12.345, 0.0123)] == [
        "1,000,000",
        "1,234",
        "12.3",
        "0.0123",
    ]


def test_sections_survive_their_file(tmp_path: Path) -> None:
    failed = replace(SECTION, name="peers", tables=(), growths=(), failure="ValueError: no")
    sections.write([SECTION, failed], tmp_path / "results.json")
    assert sections.read(tmp_path / "results.json") == [SECTION, failed]
    assert sections.read(tmp_path / "none.json") == []


def test_what_is_told_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RESULTS, str(tmp_path / "told.json"))
    tell([TABLE], [LINEAR])
    assert sections.told((tmp_path / "told.json").read_text()) == ((TABLE,), (LINEAR,))


def test_a_run_of_some_replaces_these_alone() -> None:
    peers, old = replace(SECTION, name="peers"), replace(SECTION, name="gone")
    new = replace(SECTION, took_s=99.0)
    found = sections.replaced([SECTION, peers, old], [new], ["peers", "startup"])
    assert found == [peers, new]  # in the order of the list; what left it is dropped


def test_the_page() -> None:
    elsewhere = replace(
        SECTION, name="peers", date="2026-11-23 09:00", machine={"processor": "other"}, growths=()
    )
    text = rendering.rendered([SECTION, elsewhere], "growth.png")
    assert "| processor | one |" in text
    assert "![How costs grow with size](growth.png)" in text
    assert "| import | s by rows | 3,000 / 30,000 / 100,000 / 1,000,000 |" in text
    assert "| 0.06 / 0.6 / 2 / 20 | 1.00 | 1.00 |" in text
    ours, theirs = text.split("## peers")
    assert "| short | 3.5 |\n| long | 40 |\n\nMedian of 5." in ours
    assert "`python -m benchmarks.startup` took 12 s; load average before it 0.50" in ours
    assert "Measured with another processor: other." in theirs
    assert "Failed" not in text


def test_a_failure_is_named_with_its_last_lines() -> None:
    failed = replace(SECTION, tables=(), growths=(), failure="ValueError: got 1, expected 2")
    text = rendering.rendered([failed], None)
    assert "**Failed: `startup`.**" in text
    assert "```\nValueError: got 1, expected 2\n```" in text


def test_no_picture_is_said_with_its_reason() -> None:
    text = rendering.rendered([SECTION], None, "no picture: no Chromium here")
    assert "(no picture: no Chromium here)" in text
    assert "![" not in text


def test_about_is_the_docstrings_first_sentence() -> None:
    assert rendering.about("machine").startswith("The machine that measures")
    assert rendering.about("nothing") == ""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Benchmarks of our own making in a folder of their own, run as the real ones are."""
    real = Path(bench.__file__).parent
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("__init__.py", "results.py"):
        (folder / name).write_text((real / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "good.py").write_text(
        "from benchmarks.results import Growth, Table, tell\n"
        "points = ((1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0))\n"
        'tell([Table("T", ("a", "b"), (("x", 1),))], [Growth("w", "rows", "s", points)])\n'
    )
    (folder / "bad.py").write_text('import sys\nprint("on my way")\nsys.exit("cannot go on")\n')
    (folder / "silent.py").write_text("")
    (folder / "slow.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "NAMES", ("good", "bad", "silent"))
    return tmp_path


def test_one_that_fails_does_not_stop_the_others(
    package: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    page = package / "out" / "RESULTS.md"
    monkeypatch.setenv("PATH", str(package))  # without a browser, and without git
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--out", str(page)])
    assert bench.main() == 1
    good, bad, silent = sections.read(page.with_name("results.json"))
    assert good.tables == (Table("T", ("a", "b"), (("x", 1),)),)
    assert good.failure == ""
    assert "cannot go on" in bad.failure
    assert "told nothing" in silent.failure
    assert "on my way" in capfd.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "**Failed: `bad`, `silent`.**" in text
    assert "no Chromium" in text
    assert not page.with_name("growth.png").exists()
    monkeypatch.setattr(sys, "argv", ["benchmarks", "good", "--out", str(page)])
    assert bench.main() == 0
    assert len(sections.read(page.with_name("results.json"))) == 3


def test_one_that_hangs_is_ended(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "LIMIT_S", 0.3)
    section = bench.run("slow")
    assert "ended after 0.3 s" in section.failure
    assert section.took_s < 30


def test_an_unknown_name_is_refused() -> None:
    command = [sys.executable, "-m", "benchmarks", "recognitoin"]
    root = Path(bench.__file__).parents[1]
    done = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True)
    assert done.returncode == 2
    assert "got recognitoin; expected any of machine, recognition" in done.stderr


def test_folders_of_this_machine_stay_out_of_the_page() -> None:
    text = f'File "{bench.ROOT}/benchmarks/x.py", line 1\n'
    assert bench._anywhere(text) == 'File "benchmarks/x.py", line 1'


def test_results_are_plain_json(tmp_path: Path) -> None:
    sections.write([SECTION], tmp_path / "results.json")
    (found,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert found["tables"][0]["rows"] == [["short", 3.5], ["long", 40]]


@pytest.mark.parametrize("name", bench.NAMES)
def test_what_is_on_the_list_is_here_and_says_what_it_measures(name: str) -> None:
    path = Path(bench.__file__).with_name(f"{name}.py")
    assert path.is_file()
    assert rendering.about(name)
