"""Morse in Chromium; as in test_pages, console errors and requests elsewhere fail."""

from collections.abc import Iterator

import pytest

from asr_core.checkpoint import save_model
from tests.browser.conftest import MODEL, serving
from tests.browser.test_pages import audio_is_ready, heard

pytestmark = pytest.mark.browser

N_MESSAGES = 6
PROGRAM = """
import sys
from pathlib import Path
import app
from asr_core.training.corpora import morse
app.RUNS = Path(sys.argv.pop(1))
morse.N_VALIDATION = int(sys.argv.pop(1))
options = app.parse(sys.argv[1:])
app._serve(app.build(*app.collect(options)), options)
"""


@pytest.fixture(scope="module")
def address(chromium, evaluation, tiny_morse_recognizer, tmp_path_factory) -> Iterator[str]:
    """The app with the model of speech and one of Morse that hears nonsense."""
    folder = tmp_path_factory.mktemp("morse")
    save_model(folder / "signs", tiny_morse_recognizer.contract, tiny_morse_recognizer.model)
    models = ["--model", MODEL, "--model", str(folder / "signs"), "--evaluation", str(evaluation)]
    command = ["-c", PROGRAM, str(folder / "runs"), str(N_MESSAGES), *models]
    with serving(command, folder) as (running, log):
        yield running
        assert "Traceback" not in log.read_text()


def choose(page, box: str, option: str) -> None:
    page.locator(f"#{box} input").click()
    page.get_by_role("option", name=option).click()


def test_the_morse_model_brings_its_examples_and_its_letters(visit):
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    letters = page.locator("#script")
    assert not letters.is_visible()
    assert "<sk>" not in page.locator("#examples").inner_text()
    choose(page, "model", "signs")
    page.locator("#recognised .mh-facts", has_text="cq-clean").wait_for()
    audio_is_ready(page, "#recognised")
    assert letters.is_visible()
    assert page.locator("#examples button").count() == 3
    assert "<sk>" in page.locator("#examples").inner_text()
    assert page.locator("sk").count() == 0
    latin = heard(page)
    letters.get_by_text("Cyrillic", exact=True).click()
    page.wait_for_function("/[а-я]/.test(document.querySelector('#recognised').innerText)")
    assert len(heard(page)) == len(latin)
    page.locator("#examples button").first.click()
    page.locator("#script input[value=latin]:checked").wait_for()
    choose(page, "model", MODEL.rpartition("/")[2])
    page.locator("#recognised .mh-facts", has_text="five-five").wait_for()
    assert not letters.is_visible()


def test_the_set_is_made_when_it_is_chosen(visit):
    page = visit()
    page.get_by_role("tab", name="Errors").click()
    page.locator("#compared .mh-figure").wait_for()
    choose(page, "evaluation", "morse (200 generated messages")
    page.locator("#headline .mh-loading").wait_for()
    page.locator("#utterances").get_by_text(f"of {N_MESSAGES} utterances").wait_for()
    page.locator("#filters").get_by_text("Model signs on the set morse").wait_for()
    page.locator("#compared .mh-facts", has_text="Keying speed").wait_for()
    row = page.locator("#utterances tbody tr[aria-current]").get_attribute("data-id")
    assert row.startswith("morse-")
    audio_is_ready(page, "#compared")
