"""What if and Robustness in Chromium; as in test_pages, console errors fail."""

import pytest

from analysis.evaluation import ROBUSTNESS
from asr_core.audio import load_audio
from asr_core.recognizer import Recognizer
from asr_core.what_if import Change, apply
from tests.browser.conftest import EXAMPLES, MODEL, ROOT
from tests.browser.test_pages import audio_is_ready, heard

pytestmark = pytest.mark.browser
BUNDLED = ROOT / "assets" / "evaluations" / "spoken"
CLIP = EXAMPLES / "three-seven-stop.opus"


def opened(visit, **options):
    """The example shown, and the section opened."""
    page = visit(**options)
    page.locator("#recognised .mh-figure").wait_for()
    page.locator("#examples button", has_text="three seven stop").click()
    page.locator("#recognised .mh-facts", has_text="three-seven-stop").wait_for()
    page.locator("#what-if > button").click()
    return page


def press(page, kind, amount=None):
    """Choose a kind of change, its amount, and apply it; wait until that is shown."""
    n_before = page.locator(".mh-chip").count()
    page.locator(f"#what-if-panel [data-kind={kind}]").click()
    if amount is not None:
        page.locator("#what-if-panel input[type=range]").fill(str(amount))
    page.locator("#what-if-panel .mh-apply").click()
    page.locator(".mh-chip").nth(n_before).wait_for()
    shown(page)


def shown(page):
    page.locator("#what-if-panel table").wait_for()
    page.locator("#changed .mh-figure").wait_for()


def words(page, row):
    """The words of a row of the diff: 0 before, 1 after."""
    steps = page.locator("#what-if-panel .mh-step-list .mh-step").all()
    texts = [step.locator(".mh-word").nth(row).inner_text() for step in steps]
    return " ".join(text for text in texts if text != "–")


def test_changes_are_stacked_heard_and_taken_out_again(visit):
    page = opened(visit)
    before = heard(page)
    recognizer = Recognizer.load(MODEL)

    def expected(*changes):
        audio = apply(load_audio(CLIP), [Change.parse(text) for text in changes])
        return recognizer.transcribe([audio])[0].text

    press(page, "speed", 1.5)
    assert words(page, 0) == before == expected()
    assert words(page, 1) == expected("speed=1.5")
    press(page, "noise", 3)
    assert page.locator(".mh-chip").all_inner_texts() == ["Speed 1.5 × ×", "Noise 3 dB ×"]
    assert words(page, 1) == expected("speed=1.5", "noise=3") != before
    audio_is_ready(page, "#changed")
    audio_is_ready(page, "#what-if-panel")
    page.locator(".mh-chip").first.click()
    page.locator(".mh-chip").nth(1).wait_for(state="detached")
    page.locator("#changed .mh-facts", has_text="Noise 3 dB").wait_for()
    shown(page)
    assert words(page, 1) == expected("noise=3")
    assert heard(page) == before  # the recording itself is as it was
    page.get_by_role("button", name="Reset", exact=True).click()
    page.locator("#what-if-panel .mh-none").wait_for()
    page.locator("#changed .mh-figure").wait_for(state="detached")


def test_another_recording_begins_anew(visit):
    page = opened(visit)
    press(page, "telephone")
    page.locator("#examples button").first.click()
    page.locator("#what-if-panel .mh-none").wait_for()
    page.locator("#changed .mh-figure").wait_for(state="detached")


def test_errors_are_counted_against_what_was_said(visit):
    page = opened(visit)
    page.locator("#said textarea, #said input").fill("three seven stop")
    page.locator("#compare").click()
    page.locator("#recognised .mh-diff").wait_for()
    press(page, "noise", -10)
    page.locator("#changed .mh-diff").wait_for()
    heads = page.locator("#what-if-panel thead th").all_inner_texts()
    assert "Errors" in heads
    rows = page.locator("#what-if-panel tbody tr").all()
    [before, after] = [int(row.locator("td").nth(2).inner_text()) for row in rows]
    assert before < after


def test_it_fits_a_phone(visit):
    page = opened(visit, viewport={"width": 390, "height": 800}, color_scheme="dark")
    press(page, "noise", 10)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def curves(page):
    """The curves, once they are drawn, of nine levels of noise."""
    page.locator("#curve-band .main-svg").first.wait_for(timeout=200_000)
    assert page.locator("#curve-snr .scatterlayer .point").count() == 9
    return page.locator("#robustness-state").inner_text()


def test_robustness_is_drawn_when_it_is_opened_and_follows_the_evaluation(visit, second):
    (second / ROBUSTNESS).write_bytes((BUNDLED / ROBUSTNESS).read_bytes())
    page = visit(path="?tab=errors")
    page.locator("#compared .mh-figure").wait_for()
    page.locator("#robustness > button").click()
    page.locator("#measure").wait_for()
    page.get_by_label("Evaluation", exact=True).click()
    page.get_by_role("option", name="second, model").click()
    page.locator("#measure").wait_for(state="hidden")
    page.locator("#robustness > button").click()
    assert "360 utterances" in curves(page)


@pytest.mark.slow
def test_robustness_is_measured_at_the_press_of_a_button(visit, evaluation):
    page = visit(path="?tab=errors")
    page.locator("#compared .mh-figure").wait_for()
    page.locator("#robustness > button").click()
    page.locator("#measure").click()
    page.locator("#robustness .mh-progress").wait_for()
    assert "50 utterances" in curves(page)
    assert (evaluation / ROBUSTNESS).is_file()
