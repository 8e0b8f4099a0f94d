"""The Decoding controls in Chromium; as in test_pages, console errors fail."""

import pytest

from asr_core.ngrams import build_ngrams, write_arpa
from tests.browser.test_pages import audio_is_ready, heard

pytestmark = pytest.mark.browser


def three_seven_stop_by_beam(visit):
    """The example shown, beam search chosen; the page, and what greedy had heard."""
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    page.locator("#examples button", has_text="three seven stop").click()
    page.locator("#recognised .mh-facts", has_text="three-seven-stop").wait_for()
    audio_is_ready(page, "#recognised")
    before = heard(page)
    page.get_by_role("button", name="Decoding").click()
    page.get_by_role("radio", name="Beam search").check()
    return page, before


def test_hotwords_change_what_was_heard_and_errors_are_told_in_place(visit):
    page, before = three_seven_stop_by_beam(visit)
    hotwords = page.locator("#hotwords textarea, #hotwords input")
    hotwords.fill("marvin=2")
    hotwords.press("Enter")
    page.locator("#decoding-error", has_text="marvin").wait_for()
    assert heard(page) == before
    hotwords.fill("seven=-20")
    hotwords.press("Enter")
    page.locator("#recognised .mh-big", has_text="seven").wait_for(state="detached")
    assert heard(page) != before
    assert "seven" not in heard(page)
    assert not page.locator("#decoding-error", has_text="marvin").count()
    assert page.locator("#lexicon").is_visible()


def test_a_language_model_is_uploaded_and_counts(visit, tmp_path):
    """Of a text in which nothing but "stop" follows "seven"."""
    write_arpa(build_ngrams([["three", "seven", "stop"]] * 50, 3), tmp_path / "lm.arpa")
    page, before = three_seven_stop_by_beam(visit)
    page.locator("#recognised .mh-readings").wait_for()
    page.locator("#lm-file input[type=file]").set_input_files(tmp_path / "lm.arpa")
    page.wait_for_function(
        "before => [...document.querySelectorAll('#recognised .mh-big')]"
        ".map(e => e.textContent).join(' ') !== before",
        arg=before,
    )
    assert heard(page) == "three seven stop"
