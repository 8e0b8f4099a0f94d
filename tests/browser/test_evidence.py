"""The rows of the evidence view in Chromium; as in test_pages, console errors and requests
elsewhere fail."""

from collections.abc import Iterator

import pytest

from asr_core.checkpoint import save_model
from asr_core.text import Alphabet
from tests.browser.conftest import HOSTILE, MODEL, serving
from tests.browser.test_morse import choose
from tests.browser.test_pages import audio_is_ready, open_errors

pytestmark = pytest.mark.browser

# The second model decodes to three readings: what greedy decoding finds, and parts of it.
PROGRAM = """
import sys
from dataclasses import replace
import app
from asr_core.decoder import greedy
from asr_core.recognizer import Recognizer
load = Recognizer.load
def readings(log_probs):
    best = greedy(log_probs)
    return [replace(best, spans=best.spans[:-n or None], score=best.score - n) for n in range(3)]
def load_decoding(folder):
    recognizer = load(folder)
    several = recognizer.contract.name == "hostile"
    return recognizer.decoding_with(readings) if several else recognizer
Recognizer.load = load_decoding
options = app.parse(sys.argv[1:])
app._serve(app.build(*app.collect(options)), options)
"""


@pytest.fixture(scope="module")
def address(chromium, evaluation, tiny_recognizer, tmp_path_factory) -> Iterator[str]:
    """The app with the model of speech, and one that hears nonsense and writes hostile symbols."""
    folder = tmp_path_factory.mktemp("evidence")
    alphabet = Alphabet(symbols=(HOSTILE, "no", "stop", "go", "<unk>"), joiner=" ", unknown="<unk>")
    update = {"alphabet": alphabet, "name": "hostile"}
    contract = tiny_recognizer.contract.model_copy(update=update)
    save_model(folder / "hostile", contract, tiny_recognizer.model)
    models = ["--model", MODEL, "--model", str(folder / "hostile")]
    command = ["-c", PROGRAM, *models, "--evaluation", str(evaluation)]
    with serving(command, folder) as (running, log):
        yield running
        assert "Traceback" not in log.read_text()


def show_three_seven_stop(page):
    """The view of the second example."""
    page.locator("#recognised .mh-figure").wait_for()
    page.locator("#examples button").nth(1).click()
    page.locator("#recognised .mh-facts", has_text="three-seven").wait_for()
    return page.locator("#recognised")


def say(page, text: str) -> None:
    page.locator("#said textarea, #said input").first.fill(text)
    page.locator("#compare").click()


def box(locator) -> dict[str, float]:
    return locator.first.evaluate(
        "(n) => { const b = n.getBoundingClientRect(); return {x: b.x, width: b.width}; }"
    )


def belief_of(view, symbol: str):
    names = view.locator(".mh-belief-name").all_inner_texts()
    return view.locator(".mh-belief").nth(names.index(symbol))


def test_every_row_has_one_time_axis_at_every_zoom(visit):
    page = visit()
    view = show_three_seven_stop(page)
    assert view.locator(".mh-belief").count() == view.locator(".mh-belief-name").count() > 4
    assert view.locator(".mh-belief-name").last.inner_text() == "blank"
    bar = belief_of(view, "three").locator("path")
    tick = view.locator(".mh-path .mh-tick")
    word = view.locator(".mh-lane-heard .mh-span")
    start_s = float(view.locator(".mh-words tbody td").first.inner_text().split()[0])
    widths = []
    for _ in range(3):
        plot = box(view.locator(".mh-plot"))
        widths.append(plot["width"])
        assert box(bar)["x"] == pytest.approx(box(tick)["x"], abs=1.5)
        assert box(bar)["width"] == pytest.approx(box(tick)["width"], abs=1.5)
        picture = box(view.locator(".mh-screen img"))
        assert picture["x"] == pytest.approx(plot["x"], abs=0.5)
        assert picture["width"] == pytest.approx(plot["width"], rel=0.03)  # a frame may be missing
        assert box(view.locator(".mh-belief svg"))["width"] == pytest.approx(
            plot["width"], rel=0.01
        )
        span_s = 58 * 0.04  # frames of the model of speech
        expected = plot["x"] + plot["width"] * start_s / span_s
        assert box(word)["x"] == pytest.approx(expected, abs=3 + plot["width"] * 0.005 / span_s)
        view.get_by_role("button", name="Zoom in").click()
    assert widths[1] == pytest.approx(1.6 * widths[0], rel=0.01)
    assert widths[2] == pytest.approx(1.6 * widths[1], rel=0.01)


def test_zoom_by_keys_wheel_and_buttons(visit):
    page = visit()
    view = show_three_seven_stop(page)
    plot = view.locator(".mh-plot")
    whole = box(plot)["width"]
    view.get_by_role("button", name="Zoom out", disabled=True).wait_for()
    plot.focus()
    plot.press("+")
    assert box(plot)["width"] > 1.5 * whole
    few = view.locator(".mh-times span").count()
    plot.press("+")
    assert view.locator(".mh-times span").count() > few  # finer times
    plot.press("0")
    assert box(plot)["width"] == pytest.approx(whole, abs=1)
    tick = view.locator(".mh-path .mh-tick").first
    under = tick.bounding_box()
    page.mouse.move(under["x"] + 1, under["y"] + 3)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function(
        f"document.querySelector('#recognised .mh-plot').offsetWidth > {1.5 * whole}"
    )
    assert tick.bounding_box()["x"] == pytest.approx(under["x"], abs=4)
    view.locator(".mh-big").nth(1).click()
    view.get_by_role("button", name="This word").click()
    window, word = box(view.locator(".mh-scroller")), box(view.locator(".mh-span").nth(1))
    assert word["x"] >= window["x"]
    assert 0.6 * window["width"] < word["width"] < window["width"]
    view.get_by_role("button", name="Whole").click()
    assert box(plot)["width"] == pytest.approx(whole, abs=1)


def test_two_fingers_zoom(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    view = show_three_seven_stop(page)
    plot = view.locator(".mh-plot")
    plot.scroll_into_view_if_needed()
    whole, at = box(plot)["width"], plot.bounding_box()
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, apart: float) -> None:
        x, y = at["x"] + at["width"] / 2, at["y"] + 100
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        given = {"type": kind, "touchPoints": points if kind != "touchEnd" else []}
        fingers.send("Input.dispatchTouchEvent", given)

    touch("touchStart", 30)
    for apart in (40, 50, 60):
        touch("touchMove", apart)
    touch("touchEnd", 60)
    assert box(plot)["width"] == pytest.approx(2 * whole, rel=0.1)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_a_frame_tells_its_symbols_to_pointer_and_keyboard(visit):
    page = visit()
    view = show_three_seven_stop(page)
    tick = view.locator(".mh-path .mh-tick").first.bounding_box()
    row = belief_of(view, "three").bounding_box()
    page.mouse.move(tick["x"] + tick["width"] / 2, row["y"] + 5)
    told = view.locator(".mh-readout").inner_text()
    assert told.startswith("“three” at 0.9")
    assert told.endswith("99 %")
    audio_is_ready(page, "#recognised")
    plot = view.locator(".mh-plot")
    plot.focus()
    for _ in range(3):
        plot.press("ArrowRight")
    page.wait_for_function(
        "/“blank” 100 %/.test(document.querySelector('#recognised .mh-plot').ariaValueText)"
    )
    assert "“blank” 100 %" in view.locator(".mh-readout").inner_text()


def test_what_was_said_shows_where_it_parts_and_what_it_costs(visit):
    page = visit()
    view = show_three_seven_stop(page)
    assert view.locator(".mh-partings").count() == 0
    say(page, "three seven stop")
    view.locator(".mh-partings").wait_for()
    names = view.locator(".mh-path-name").all_inner_texts()
    assert [name.split()[0] for name in names] == ["Reference", "Heard"]
    items = view.locator(".mh-partings li")
    assert items.count() == view.locator(".mh-region").count() >= 1
    assert "“stop” was said" in items.last.inner_text()
    assert "times less likely" in items.last.inner_text()
    items.last.locator("button").click()
    region, window = box(view.locator(".mh-region.mh-chosen")), box(view.locator(".mh-scroller"))
    middle = region["x"] + region["width"] / 2
    assert window["x"] < middle <= window["x"] + window["width"]
    stop = view.locator(".mh-path-reference .mh-tick").last
    assert box(stop)["x"] == pytest.approx(region["x"], abs=2)
    say(page, "three foreign stop")
    view.get_by_text("The model does not know “foreign”").wait_for()
    page.locator("#examples button").first.click()
    page.locator("#recognised .mh-facts", has_text="five-five").wait_for()
    page.wait_for_function("!document.querySelector('#said textarea, #said input').value")
    assert view.locator(".mh-partings").count() == 0


def test_errors_show_the_same_rows(visit):
    page = visit()
    open_errors(page)
    row = page.locator("#utterances tbody tr").nth(2)
    row.click()
    view = page.locator("#compared")
    view.locator(".mh-facts", has_text=row.get_attribute("data-id")).wait_for()
    view.locator(".mh-partings li").first.wait_for()
    assert view.locator(".mh-path-reference .mh-tick").count() >= 1
    view.get_by_role("button", name="Where they part").click()
    view.locator(".mh-part.mh-chosen").wait_for()


def test_other_readings_and_hostile_symbols_stay_text(visit):
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    choose(page, "model", "hostile")
    view = page.locator("#recognised")
    rows = view.locator(".mh-readings tbody tr")
    rows.first.wait_for()
    assert rows.count() == 3
    shares = [int(row.locator("td").first.inner_text().split()[0]) for row in rows.all()]
    assert shares == [67, 24, 9]  # softmax of 0, -1 and -2
    assert rows.nth(1).locator(".mh-delete").count() >= 1
    assert HOSTILE in view.locator(".mh-readings").inner_text()
    assert HOSTILE in view.locator(".mh-belief-name").all_inner_texts()
    assert HOSTILE in view.locator(".mh-written-name").all_inner_texts()
    say(page, f"{HOSTILE} go <b>bold</b>")
    view.locator(".mh-partings").wait_for()
    assert HOSTILE in view.locator(".mh-partings").inner_text()
    assert page.locator("img[src='x'], #recognised .mh-evidence b:has-text('bold')").count() == 0


def test_the_transcript_is_downloaded(visit, tmp_path):
    page = visit()
    view = show_three_seven_stop(page)
    shown = " ".join(view.locator(".mh-big").all_inner_texts())
    for label, name in (("CTM", "three-seven-stop.ctm"), ("TextGrid", "three-seven-stop.TextGrid")):
        with page.expect_download() as caught:
            view.locator(".mh-downloads").get_by_role("button", name=label).click()
        assert caught.value.suggested_filename == name
        caught.value.save_as(tmp_path / name)
    lines = (tmp_path / "three-seven-stop.ctm").read_text().splitlines()
    assert " ".join(line.split()[4] for line in lines) == shown
    assert "TextGrid" in (tmp_path / "three-seven-stop.TextGrid").read_text()
