"""What the page says while the model loads, and where it cannot be loaded."""

import shutil
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from asr_core.checkpoint import find_model
from asr_core.recognizer import Recognizer
from tests.browser.conftest import MODEL, QUIET, serving, watch
from ui import strings

pytestmark = pytest.mark.browser

LATE = "tests/browser/late_models.py"
MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


@pytest.fixture
def visit(playwright, chromium):
    """Opens a page at an address in a new browser; console errors fail the test."""

    @contextmanager
    def visit(address: str, *flags: str):
        browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *flags])
        page = browser.new_page(viewport={"width": 1320, "height": 900})
        page.set_default_timeout(30_000)
        seen = watch(page, urlsplit(address).netloc)
        with page.expect_response(asks_for_the_example):
            page.goto(address)
        page.wait_for_timeout(500)
        yield page
        browser.close()  # before the server ends, of which it would complain
        assert seen.complaints == []

    return visit


def asks_for_the_example(answer) -> bool:
    """Whether the page has asked for what it opens with."""
    return "/queue/join" in answer.url and '"latin"' in (answer.request.post_data or "")


@pytest.fixture
def gate(tmp_path) -> Path:
    """The file without which no model loads."""
    return tmp_path / "gate"


def says(page, text: str) -> None:
    page.locator("#recognised .mh-notice", has_text=text).wait_for()


def heard(page) -> str:
    return " ".join(page.locator("#recognised .mh-big").all_inner_texts())


def test_a_recording_sent_before_the_model_is_there_is_answered(visit, gate, clip, tmp_path):
    command = [LATE, str(gate), "--model", MODEL]
    with serving(command, tmp_path) as (address, _), visit(address) as page:
        says(page, strings.LOADING_MODEL)
        page.locator("#recorder button[aria-label='Upload file']").click()
        page.locator("#recorder input[type=file]").set_input_files(clip)
        page.wait_for_timeout(1500)
        says(page, strings.LOADING_MODEL)
        gate.touch()
        page.locator("#recognised .mh-facts", has_text="clip.wav").wait_for()
        page.wait_for_timeout(1500)  # the example, which the page opens with, would be there now
        assert "clip.wav" in page.locator("#recognised .mh-facts").inner_text()
        assert heard(page) == Recognizer.load(MODEL).transcribe([clip])[0].text


def test_what_was_said_before_the_model_is_there_is_answered(visit, gate, clip, tmp_path):
    command = [LATE, str(gate), "--model", MODEL]
    flags = (*MICROPHONE, f"--use-file-for-fake-audio-capture={clip}")
    with serving(command, tmp_path) as (address, _), visit(address, *flags) as page:
        says(page, strings.LOADING_MODEL)
        page.locator("#recorder .record-button").click()
        page.locator("#recorder .stop-button:visible").wait_for()
        page.wait_for_timeout(2500)
        page.locator("#recorder .stop-button:visible").click()
        says(page, strings.LOADING_MODEL)
        gate.touch()
        page.locator("#recognised .mh-facts", has_text="audio.wav").wait_for()
        page.wait_for_timeout(1500)
        assert "audio.wav" in page.locator("#recognised .mh-facts").inner_text()
        assert heard(page)


def test_errors_are_there_before_the_model(visit, gate, evaluation, tmp_path):
    command = [LATE, str(gate), "--model", MODEL, "--evaluation", str(evaluation)]
    with serving(command, tmp_path) as (address, _), visit(f"{address}?tab=errors") as page:
        page.locator("#utterances tbody tr[aria-current]").wait_for()
        page.locator("#compared .mh-notice", has_text=strings.LOADING_MODEL).wait_for()
        gate.touch()
        page.locator("#compared .mh-figure").wait_for()


def test_a_model_that_cannot_be_loaded_says_why_and_what_to_do(visit, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(find_model(MODEL), broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    command = ["app.py", "--model", str(broken)]
    with serving(command, tmp_path) as (address, log), visit(address) as page:
        says(page, strings.BAD_MODEL)
        told = page.locator("#recognised .mh-notice").inner_text()
        assert str(weights) in told
        assert "expected" in told.lower()
        assert str(weights) in log.read_text()
