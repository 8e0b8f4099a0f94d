"""The Model tab in Chromium; as in test_pages, console errors and requests elsewhere fail."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from asr_core.checkpoint import find_model
from tests.browser.conftest import HOSTILE, MODEL, serving

pytestmark = pytest.mark.browser

HEADER = "epoch,step,loss,val_loss,val_wer,lr,seconds\n"
PHONE = {"width": 390, "height": 844}


def row(epoch: int) -> str:
    return f"{epoch},{epoch},1.0,{1 / (epoch + 1)},{0.5 / (epoch + 1)},1e-3,30.0\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of three epochs whose first is done, and whose texts are hostile."""
    folder = tmp_path_factory.mktemp("runs") / "live"
    folder.mkdir()
    config = json.loads((find_model(MODEL) / "config.json").read_text(encoding="utf-8"))
    recipe = {"name": HOSTILE, "training": {"epochs": 3, "patience": 9, HOSTILE: HOSTILE}}
    provenance = {"recipe": recipe, "seed": HOSTILE, "commit": HOSTILE, "data": {"train": HOSTILE}}
    config |= {"name": HOSTILE, "provenance": provenance}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "README.md").write_text(f"## Limits\n\n{HOSTILE} few voices", encoding="utf-8")
    (folder / "training.csv").write_text(HEADER + row(0), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def address(chromium, evaluation, run, tmp_path_factory) -> Iterator[str]:
    """A running `python app.py --run ...`."""
    command = ["app.py", "--model", MODEL, "--run", str(run), "--evaluation", str(evaluation)]
    with serving(command, tmp_path_factory.mktemp("app")) as (running, log):
        yield running
        assert "Traceback" not in log.read_text()


def open_model(page) -> None:
    page.locator("#recognised .mh-figure").wait_for()
    page.get_by_role("tab", name="Model").click()
    page.locator("#curves .xtick").first.wait_for()


def choose_bundled(page) -> None:
    page.locator("#training input").click()
    page.get_by_role("option").nth(1).click()
    page.locator("#results tbody tr").first.wait_for()


def test_a_run_is_followed_until_it_ends_and_only_while_it_is_looked_at(visit, run):
    page = visit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#recognised .mh-figure").wait_for()
    assert not any("Plotly" in url for url in asked)  # it weighs more than all the rest
    open_model(page)
    status = page.locator("#run-status")
    status.get_by_text("Training: 1 of 3 epochs done").wait_for()
    assert "30 s an epoch" in status.inner_text()
    assert HOSTILE in page.locator("#record").inner_text()
    assert page.locator("#card img").count() == 0

    with (run / "training.csv").open("a") as file:
        file.write(row(1) + "2,2,0.5")  # the third is half written
    status.get_by_text("Training: 2 of 3 epochs done").wait_for()

    page.get_by_role("tab", name="Errors").click()
    page.locator("#compared .mh-figure").wait_for()
    time.sleep(1)  # a look that was under way
    before = len(joined(asked))
    page.wait_for_timeout(7000)
    assert len(joined(asked)) == before

    (run / "training.csv").write_text(HEADER + row(0) + row(1) + row(2))
    page.get_by_role("tab", name="Model").click()
    status.get_by_text("Training is finished after 3 epochs").wait_for()
    page.wait_for_function("document.querySelectorAll('#curves .points path').length >= 9")


def joined(asked: list[str]) -> list[str]:
    """Requests that start a handler."""
    return [url for url in asked if "queue/join" in url]


def test_a_model_tells_results_parts_limits_and_training(visit):
    page = visit()
    open_model(page)
    choose_bundled(page)
    metrics = json.loads((find_model(MODEL) / "metrics.json").read_text(encoding="utf-8"))
    assert page.locator("#results tbody tr").count() == len(metrics["evaluations"])
    parts = page.locator("#architecture tbody tr")
    assert f"{metrics['model']['parameters']:,}" in parts.last.inner_text()
    assert "everything" in parts.filter(has_text="GRU").inner_text()
    page.locator("#card").get_by_role("heading", name="Limits", exact=True).wait_for()
    recipe = page.locator("#record details").first
    assert not recipe.locator("pre").is_visible()
    recipe.locator("summary").click()
    assert "optimiser" in recipe.locator("pre").inner_text()


def test_a_reliability_diagram_tells_its_counts(visit):
    page = visit()
    open_model(page)
    assert not page.locator("#reliability").is_visible()  # a run has not been tested yet
    choose_bundled(page)
    metrics = json.loads((find_model(MODEL) / "metrics.json").read_text(encoding="utf-8"))
    found = [each["confidence"] for each in metrics["evaluations"]]
    found = [each for each in found if each and each["nce"] is not None]
    points = page.locator("#reliability .scatterlayer .point")
    points.first.wait_for()
    assert points.count() == sum(len(each["bins"]) for each in found)
    assert page.locator("#reliability .annotation").count() == len(found)
    assert page.locator("#confidence tbody tr").count() == len(found)
    points.first.scroll_into_view_if_needed()
    points.first.hover(force=True)  # Plotly's own layer above the points takes the pointer
    first = found[0]["bins"][0]
    page.locator("#reliability .hovertext").get_by_text(f"{first['right']} right").wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_has_no_sideways_scroll_and_the_theme_s_colours(visit, theme):
    page = visit(path=f"?__theme={theme}", viewport=PHONE)
    open_model(page)
    choose_bundled(page)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    ink, paper = (
        page.evaluate(f"getComputedStyle(document.querySelector('{where}')).{what}")
        for where, what in (("#curves .annotation text", "fill"), ("body", "backgroundColor"))
    )
    assert (lightness(ink) < lightness(paper)) == (theme == "light")
    # Drawn anew as the width changes, the picture is not there at every moment.
    page.wait_for_function(
        """most => {
            const box = document.querySelector("#curves .main-svg")?.getBoundingClientRect();
            return box && box.width > 0 && box.width <= most;
        }""",
        arg=PHONE["width"],
    )


def lightness(colour: str) -> float:
    numbers = colour[colour.index("(") + 1 : colour.index(")")].split(",")
    return sum(float(number) for number in numbers[:3]) / 3


def test_an_address_that_names_the_tab_opens_it_filled(visit):
    visit(path="?tab=model").locator("#curves .xtick").first.wait_for()
