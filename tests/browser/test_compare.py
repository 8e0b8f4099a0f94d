"""The Compare tab in Chromium, on the bundled evaluations; one utterance is made hostile."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from analysis.compare import compare
from analysis.evaluation import ERRORS, SUMMARY, UTTERANCES, Evaluation
from analysis.pairing import pair
from tests.browser.conftest import HOSTILE, MODEL, ROOT, VALIDATION, serving

pytestmark = pytest.mark.browser

BUNDLED = ("spoken", "spoken-beam")
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture(scope="module")
def sides(tmp_path_factory) -> list[Path]:
    """Copies of the bundled evaluations; where they differ most, the reference is hostile."""
    folder = tmp_path_factory.mktemp("compare")
    a, b = (Evaluation.open(ROOT / "assets" / "evaluations" / name) for name in BUNDLED)
    worst = pair(a, b).page()[0][0]["utterance_id"]
    for name in BUNDLED:
        copy = shutil.copytree(ROOT / "assets" / "evaluations" / name, folder / name)
        summary = json.loads((copy / SUMMARY).read_text(encoding="utf-8"))
        summary["manifest"]["path"] = str(VALIDATION / "manifest.jsonl")
        (copy / SUMMARY).write_text(json.dumps(summary), encoding="utf-8")
        for table, column in ((UTTERANCES, "text"), (ERRORS, "reference")):
            rows = pd.read_parquet(copy / table)
            here = rows["utterance_id"] == worst
            words = rows.loc[here, column].str.replace(r"\S+", lambda _: HOSTILE, regex=True)
            rows.loc[here, column] = words
            rows.to_parquet(copy / table, index=False)
    return [folder / name for name in BUNDLED]


@pytest.fixture(scope="module")
def address(chromium, sides, tmp_path_factory) -> Iterator[str]:
    shown = [option for side in sides for option in ("--evaluation", str(side))]
    with serving(["app.py", "--model", MODEL, *shown], tmp_path_factory.mktemp("app")) as running:
        yield running[0]


def test_from_the_difference_to_both_sounds(visit, sides):
    page = visit(path="?tab=compare", viewport={"width": 1400, "height": 900})
    whole = page.locator("#comparison")
    whole.locator(".mh-verdict").wait_for()
    a, b = (Evaluation.open(side) for side in sides)
    found = compare(a, b)
    assert f"{found.b_errors} instead of {found.a_errors}" in whole.inner_text()
    rows = whole.locator(".mh-pairs tbody tr")
    rows.first.wait_for()
    assert rows.count() == 50
    for side in ("a", "b"):  # the largest difference is there at once, and its texts are texts
        page.locator(f"#compared-{side} .mh-figure").wait_for()
        assert HOSTILE in page.locator(f"#compared-{side} .mh-diff").inner_text()
    assert HOSTILE in rows.first.inner_text()
    assert page.locator("img[src='x']").count() == 0

    whole.locator(".mh-filter button[data-outcome='won']").click()
    whole.get_by_text(f"of {found.outcomes['won']} utterances").wait_for()
    assert whole.locator("td.mh-won").count() == rows.count() == found.outcomes["won"]
    whole.locator(".mh-pairs").focus()
    whole.locator(".mh-pairs").press("ArrowDown")
    second = whole.locator(".mh-pairs tbody tr:nth-child(2)[aria-current]")
    second.wait_for()
    key = second.get_attribute("data-id")
    for side, evaluation in (("a", a), ("b", b)):
        view = page.locator(f"#compared-{side}")
        view.locator(".mh-facts", has_text=key).wait_for()
        heard = " ".join(view.locator(".mh-column .mh-got").all_inner_texts())
        assert heard == evaluation.row(key)["pred_text"]
        page.wait_for_function(f"document.querySelector('#compared-{side} audio').readyState >= 2")

    word = found.most_fixed[0]
    whole.locator(".mh-word-fixed").first.click()
    whole.locator(".mh-chip", has_text=word.word).wait_for()
    page.wait_for_function(
        f"document.querySelectorAll('.mh-pairs tbody tr').length <= {word.fixed}"
    )
    whole.locator(".mh-chip button").click()
    whole.get_by_text(f"of {found.n_utterances} utterances").wait_for()


def test_of_quick_clicks_the_last_one_is_shown(visit):
    page = visit(path="?tab=compare")
    page.locator("#compared-b .mh-figure").wait_for()
    page.evaluate(
        """() => document.querySelectorAll('.mh-pairs tbody tr').forEach((row, i) => {
            if (i < 6) setTimeout(() => row.click(), 40 * i);
        })"""
    )
    row = page.locator(".mh-pairs tbody tr:nth-child(6)[aria-current]")
    key = row.get_attribute("data-id")
    for side in ("a", "b"):
        page.locator(f"#compared-{side} .mh-facts", has_text=key).wait_for()


def test_a_phone_has_no_sideways_scroll_and_the_sides_are_stacked(visit):
    page = visit(viewport={"width": 390, "height": 844})
    page.get_by_role("tab", name="Compare").click()  # in view, not in a menu
    for side in ("a", "b"):
        page.locator(f"#compared-{side} .mh-figure").wait_for()
    assert page.evaluate(OVERFLOW) <= 0
    end, start = page.evaluate(
        """() => [document.querySelector("#compared-a").getBoundingClientRect().bottom,
                  document.querySelector("#compared-b").getBoundingClientRect().top]"""
    )
    assert start >= end
