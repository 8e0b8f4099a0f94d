"""A queue that is full, as a person sees it."""

from pathlib import Path

import pytest

import app
from asr_core.recognizer import Recognizer
from tests.browser.conftest import QUIET, free_port
from ui import strings
from ui.background import Pending


def test_a_full_queue_is_said_and_the_page_goes_on(
    playwright,
    chromium: str,
    tiny_recognizer: Recognizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    served = app.build([Pending.of("tiny", tiny_recognizer)], [])
    address = app.launch(served, port=free_port())
    browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET])
    try:
        page = browser.new_page()
        page.set_default_timeout(30_000)
        page.goto(address)
        page.locator("#recognised .mh-figure").wait_for()
        monkeypatch.setattr(served._queue, "max_size", 0)
        page.locator("#examples button").nth(1).click()
        told = page.get_by_test_id("toast-text")
        told.wait_for()
        assert told.inner_text() == strings.BUSY
        monkeypatch.setattr(served._queue, "max_size", 8)
        page.locator("#examples button").nth(2).click()
        page.get_by_text("go-left-no-right-noisy.opus").wait_for()
    finally:
        browser.close()
        served.close(verbose=False)
