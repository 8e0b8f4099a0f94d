"""What a person does on the page, in Chromium. Every test also fails on console errors and on
requests to anything but the app (see `visit` in conftest)."""

import json
import re

import numpy as np
import pytest
import soundfile

from asr_core.recognizer import Recognizer
from tests.browser.conftest import HOSTILE, MODEL, N_UTTERANCES

pytestmark = pytest.mark.browser


def heard(page) -> str:
    """The words that Recognise shows."""
    return " ".join(page.locator("#recognised .mh-big").all_inner_texts())


def open_errors(page) -> None:
    page.get_by_role("tab", name="Errors").click()
    page.locator("#compared .mh-figure").wait_for()


def audio_is_ready(page, view: str) -> None:
    page.wait_for_function(f"document.querySelector('{view} audio').readyState >= 2")


def test_opens_with_an_example_transcribed(visit):
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    assert page.title() == "Misheard"
    assert page.locator("#recognised img").evaluate("i => i.complete && i.naturalWidth > 50")
    assert page.locator("#recognised .mh-hertz span").count() >= 4
    assert page.locator("#recognised .mh-times span").count() >= 3
    audio_is_ready(page, "#recognised")


def test_a_recording_is_transcribed_and_the_recorder_is_ready_again(visit, clip):
    page = visit(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={clip}",
    )
    page.locator("#recognised .mh-figure").wait_for()
    page.locator("#recorder .record-button").click()
    page.locator("#recognised").get_by_text("Listening").wait_for()
    page.wait_for_timeout(2800)
    page.locator("#recorder .stop-button:visible").click()
    page.locator("#recognised .mh-facts", has_text="audio.wav").wait_for()
    assert heard(page)
    assert page.locator("#recognised .mh-tick").count() >= 1
    page.locator("#recorder .record-button:visible").wait_for()


MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


def test_text_appears_while_the_microphone_is_on(visit, clip):
    """And goes when the final text is there, which is that of the whole recording."""
    page = visit(*MICROPHONE, f"--use-file-for-fake-audio-capture={clip}")
    page.locator("#recognised .mh-figure").wait_for()
    page.locator("#recorder .record-button").click()
    growing = page.locator("#live em")
    page.wait_for_function("document.querySelector('#live em')?.textContent.includes('three')")
    assert page.locator("#live .mh-live").get_attribute("aria-live") == "polite"
    assert page.locator("#live small").inner_text() == "Heard so far; this may still change"
    assert growing.evaluate("e => getComputedStyle(e).fontStyle") == "italic"
    page.wait_for_function("document.querySelector('#live em').textContent.includes('seven')")
    page.locator("#recorder .stop-button:visible").click()
    page.locator("#recognised .mh-facts", has_text="audio.wav").wait_for()
    page.wait_for_function("document.querySelector('#live .mh-live').childNodes.length === 0")
    source = page.locator("#recognised audio").evaluate("a => a.src")
    recording = page.request.get(source).body()
    assert heard(page) == Recognizer.load(MODEL).transcribe([recording])[0].text


def test_a_long_recording_is_shown_by_passages(visit, long_clip):
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    upload(page, long_clip)
    page.locator("#recognised .mh-facts", has_text="long.wav").wait_for()
    rows = page.locator("#recognised .mh-passages button")
    texts = rows.locator("span, i").all_inner_texts()
    assert len(texts) > 2
    assert " ".join(texts) == Recognizer.load(MODEL).transcribe([long_clip])[0].text
    rows.nth(1).click()
    page.locator("#recognised .mh-passages button[aria-current]:nth-child(2)").wait_for()
    assert heard(page) == texts[1]
    audio_is_ready(page, "#recognised")
    lasts = page.locator("#recognised audio").evaluate("a => a.duration")
    assert 25 <= lasts <= 60


def test_stop_keeps_what_is_done(visit, hour_clip):
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    upload(page, hour_clip)
    page.wait_for_function("document.querySelector('#recognised progress')?.value > 0")
    page.locator("#recognised .mh-stop").click()
    page.locator("#recognised .mh-note", has_text="Stopped after").wait_for()
    n_rows = page.locator("#recognised .mh-passages button").count()
    assert 1 <= n_rows < 100  # of 120


def test_an_example_is_shown_instead_of_a_long_recording(visit, hour_clip):
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    upload(page, hour_clip)
    page.locator("#recognised .mh-stop").wait_for()
    page.locator("#examples button").nth(1).click()
    page.locator("#recognised .mh-facts", has_text="three-seven").wait_for()
    page.wait_for_timeout(3000)  # steps of the long one would come ten times in these
    assert "three-seven" in page.locator("#recognised .mh-facts").inner_text()


@pytest.fixture(scope="module")
def long_clip(clip, tmp_path_factory):
    return again_and_again(clip, 100, tmp_path_factory.mktemp("long") / "long.wav")


@pytest.fixture(scope="module")
def hour_clip(clip, tmp_path_factory):
    return again_and_again(clip, 3600, tmp_path_factory.mktemp("hour") / "hour.flac")


def again_and_again(clip, seconds, path):
    samples, rate = soundfile.read(clip)
    soundfile.write(path, np.tile(samples, round(seconds * rate / len(samples))), rate)
    return path


def test_an_upload_shows_what_the_recogniser_hears(visit, clip):
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    upload(page, clip)
    page.locator("#recognised .mh-facts", has_text="clip.wav").wait_for()
    transcript = Recognizer.load(MODEL).transcribe([clip])[0]
    assert heard(page) == transcript.text
    rows = page.locator("#recognised .mh-words tbody tr").all_inner_texts()
    assert len(rows) == len(transcript.words)
    for row, word in zip(rows, transcript.words, strict=True):
        text, start, start_unit, end, end_unit, _, percent = row.split()
        assert (text, start_unit, end_unit, percent) == (word.text, "s", "s", "%")
        # Two decimals; JavaScript and Python round a half either way.
        assert float(start) == pytest.approx(word.start_s, abs=0.0051)
        assert float(end) == pytest.approx(word.end_s, abs=0.0051)
        assert abs(int(row.split()[5]) - 100 * word.confidence) <= 1


def upload(page, path) -> None:
    page.locator("#recorder button[aria-label='Upload file']").click()
    page.locator("#recorder input[type=file]").set_input_files(path)


def test_what_is_not_audio_gets_a_message(visit, tmp_path):
    (tmp_path / "notes.wav").write_text("three seven stop")
    page = visit(
        expect="console: Waveform load error: MediaError"
    )  # Gradio's own player tries the file, too
    page.locator("#recognised .mh-figure").wait_for()
    upload(page, tmp_path / "notes.wav")
    page.locator("#recognised .mh-failed").wait_for()
    assert "notes.wav is not" in page.locator("#recognised").inner_text()


def test_silence_gets_a_message_and_a_picture(visit, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(16_000), 16_000)
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    upload(page, tmp_path / "silence.wav")
    page.locator("#recognised .mh-facts", has_text="silence.wav").wait_for()
    assert "No words heard" in page.locator("#recognised").inner_text()
    assert page.locator("#recognised .mh-figure").is_visible()


def test_another_example_is_one_click(visit):
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    page.locator("#examples button").nth(1).click()
    page.locator("#recognised .mh-facts", has_text="three-seven").wait_for()


def test_a_word_plays_from_its_start_to_its_end(visit):
    page = visit()
    page.locator("#recognised .mh-figure").wait_for()
    page.locator("#examples button").nth(1).click()
    page.locator("#recognised .mh-facts", has_text="three-seven").wait_for()
    audio_is_ready(page, "#recognised")
    word = page.locator("#recognised .mh-words tbody tr").first.inner_text().split()
    start_s, end_s = float(word[1]), float(word[3])
    # A short word may be over before a look at the page: an observer misses nothing.
    page.evaluate(
        """() => new MutationObserver(() => {
            for (const name of [".mh-big.mh-lit", ".mh-cursor.mh-moved"])
                if (document.querySelector("#recognised " + name)) window[name] = true;
        }).observe(document.querySelector("#recognised"), {subtree: true, attributes: true})"""
    )
    page.locator("#recognised .mh-big").first.click()
    page.wait_for_function("window['.mh-big.mh-lit'] && window['.mh-cursor.mh-moved']")
    page.wait_for_function("document.querySelector('#recognised audio').paused")
    stopped_s = page.locator("#recognised audio").evaluate("a => a.currentTime")
    assert start_s < stopped_s < end_s + 0.25  # a frame of the screen late, more if it is busy


def test_the_picture_listens_to_the_keyboard(visit):
    page = visit()
    plot = page.locator("#recognised .mh-plot")
    plot.wait_for()
    audio_is_ready(page, "#recognised")
    plot.focus()
    plot.press("ArrowRight")
    page.wait_for_function("document.querySelector('#recognised audio').currentTime > 0.09")
    plot.press("Home")
    page.wait_for_function("document.querySelector('#recognised audio').currentTime === 0")
    plot.press(" ")
    page.wait_for_function("!document.querySelector('#recognised audio').paused")
    assert plot.get_attribute("aria-valuetext").endswith("seconds")


def test_the_worst_error_is_there_at_once_and_hostile_texts_stay_text(visit):
    page = visit()
    open_errors(page)
    assert HOSTILE in page.locator("#filters .mh-origin").inner_text()
    assert "synthetic" in page.locator("#filters .mh-origin").inner_text()
    row = page.locator("#utterances tbody tr[aria-current]")
    assert HOSTILE in row.inner_text()
    view = page.locator("#compared")
    assert HOSTILE in view.locator(".mh-diff").inner_text()
    assert HOSTILE in view.locator(".mh-facts").inner_text()
    assert page.locator("img[src='x']").count() == 0


def test_an_error_row_shows_its_diff_player_and_figure(visit, evaluation):
    page = visit()
    open_errors(page)
    row = page.locator("#utterances tbody tr").nth(1)
    row.click()
    page.locator("#compared .mh-facts", has_text=row.get_attribute("data-id")).wait_for()
    audio_is_ready(page, "#compared")
    stored = _row(evaluation, row.get_attribute("data-id"))
    said = page.locator("#compared .mh-column .mh-said").all_inner_texts()
    got = page.locator("#compared .mh-column .mh-got").all_inner_texts()
    assert " ".join(said) == stored["text"]
    assert " ".join(got) == stored["pred_text"]
    signs = page.locator("#compared .mh-column .mh-sign").all_inner_texts()
    assert sum(sign in ("✗", "−", "+") for sign in signs) == stored["errors"] > 0
    lanes = page.locator("#compared .mh-lane")
    assert lanes.nth(0).locator("button").count() == len(said)
    assert lanes.nth(1).locator("button").count() == len(got)
    assert page.locator("#compared .mh-screen img").evaluate("i => i.naturalWidth > 50")


def _row(evaluation, utterance_id):
    from analysis.evaluation import Evaluation

    return Evaluation.open(evaluation).row(utterance_id)


def test_the_table_pages_sorts_searches_and_walks(visit):
    page = visit()
    open_errors(page)
    table = page.locator("#utterances")
    total = table.locator(".mh-total")
    assert total.inner_text() == f"1–50 of {N_UTTERANCES} utterances"
    table.locator("button[aria-label='Next page']").click()
    table.get_by_text(f"51–{N_UTTERANCES} of {N_UTTERANCES} utterances").wait_for()
    table.get_by_role("button", name="Length, s").click()
    table.locator("th[data-column='duration_s'][aria-sort='descending']").wait_for()
    lengths = [float(text) for text in table.locator("td.mh-duration_s").all_inner_texts()]
    assert lengths == sorted(lengths, reverse=True)
    keys = [row.get_attribute("data-id") for row in table.locator("tbody tr").all()]
    chosen = table.locator("tr[aria-current]")  # it stays chosen where it is on the page
    before = keys.index(chosen.get_attribute("data-id")) if chosen.count() else -1
    table.locator(".mh-rows").focus()
    table.locator(".mh-rows").press("ArrowDown")
    table.locator(f"tbody tr:nth-child({before + 2})[aria-current]").wait_for()
    search = page.locator("#filters input[type=search]")
    search.fill("seven")
    page.wait_for_function(
        f"!/of {N_UTTERANCES} /.test(document.querySelector('.mh-total').textContent)"
    )
    assert all("seven" in row for row in table.locator("td.mh-text").all_inner_texts())
    search.fill("zebra")
    table.get_by_text("No utterance matches.").wait_for()


def test_only_errors(visit):
    page = visit()
    open_errors(page)
    page.locator("th[data-column='errors'] button").click()  # best first
    page.locator("th[data-column='errors'][aria-sort='ascending']").wait_for()
    page.get_by_label("Only errors").check()
    page.wait_for_function("document.querySelector('td.mh-errors').textContent !== '0'")
    assert "0" not in page.locator("td.mh-errors").all_inner_texts()


def test_another_evaluation_is_chosen(visit):
    page = visit()
    open_errors(page)
    page.locator("#evaluation input").click()
    page.get_by_role("option", name="second, model").click()
    page.locator("#utterances").get_by_text(f"of {N_UTTERANCES - 1} utterances").wait_for()
    page.locator("#filters").get_by_text("on the set second").wait_for()
    page.locator("#compared .mh-figure").wait_for()
    assert HOSTILE not in page.locator("#compared").inner_text()


def test_a_query_the_server_refuses_is_no_crash(visit, address):
    page = visit()
    open_errors(page)
    component = page.evaluate(
        "window.gradio_config.components.find((c) => c.props.elem_id === 'utterances').id"
    )
    body = {
        "data": {"evaluation": "../..", "sort": "audio_filepath"},
        "component_id": component,
        "fn_name": "fetch_rows",
        "session_hash": "x",
    }
    answer = page.request.post(f"{address}gradio_api/component_server/", data=json.dumps(body))
    assert "There is no such evaluation" in answer.json()["error"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_has_no_sideways_scroll(visit, theme):
    page = visit(path=f"?__theme={theme}", viewport={"width": 390, "height": 844})
    page.locator("#recognised .mh-figure").wait_for()
    overflow = "document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(overflow) <= 0
    open_errors(page)
    assert page.evaluate(overflow) <= 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    lightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert (lightness > 128) == (theme == "light")
