"""The Errors tab's filter, lists, notes, keys and address, in Chromium."""

import json
import urllib.parse

import pytest

from analysis.evaluation import Evaluation
from analysis.store import Filter
from tests.browser.conftest import HOSTILE, N_UTTERANCES, QUIET, watch

pytestmark = pytest.mark.browser


def open_errors(visit, **address):
    page = visit(path="?" + urllib.parse.urlencode({"tab": "errors", **address}))
    page.locator("#utterances tbody tr").first.wait_for()
    return page


def asked(page) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


def condition(page, text: str) -> None:
    page.locator(".mh-sql").fill(text)
    page.locator(".mh-sql").press("Enter")


def passing(page) -> str:
    return page.locator(".mh-passing").inner_text()


def test_a_condition_narrows_every_figure_and_can_be_sent(visit, evaluation):
    page = open_errors(visit)
    condition(page, "n_reference >= 4")
    page.locator(".mh-filtered").wait_for()
    stored = Evaluation.open(evaluation).store.view(Filter("n_reference >= 4"))
    assert passing(page).startswith(f"{stored.count} of {N_UTTERANCES}")
    words = stored.ask("SELECT sum(n_reference)::BIGINT AS n FROM matched")[0]["n"]
    assert f"of {words} words" in page.locator("#filters .mh-counts").inner_text()
    assert page.locator("#utterances .mh-total").inner_text().endswith(f"{stored.count} utterances")
    page.locator("#utterances tbody tr").nth(2).click()
    page.wait_for_function("new URLSearchParams(location.search).get('id')")
    sent = asked(page)
    assert (sent["where"], sent["tab"]) == ("n_reference >= 4", "errors")
    other = open_errors(visit, **sent)
    other.locator(".mh-filtered").wait_for()
    other.locator("#compared .mh-facts", has_text=sent["id"]).wait_for()
    assert passing(other) == passing(page)
    other.get_by_role("button", name="Clear the filter").click()
    other.get_by_text(f"All {N_UTTERANCES} utterances").wait_for()
    assert "where" not in asked(other)


def test_a_wrong_condition_gets_its_reason_and_the_columns(visit):
    page = open_errors(visit)
    condition(page, f"erors > 1 OR '{HOSTILE}' = ''")
    problem = page.locator("#filters .mh-problem")
    problem.get_by_text('Candidate bindings: "errors"').wait_for()
    assert "snr_db" in problem.inner_text()
    condition(page, "errors > 1")
    page.locator(".mh-filtered").wait_for()
    assert problem.inner_text() == ""


def test_a_confusion_leads_to_its_utterances_played_at_the_word(visit, evaluation):
    page = open_errors(visit, panel="confusions")
    row = page.locator(".mh-columns-3 .mh-grid").first.locator("tbody tr").first
    said, heard = row.locator("th").inner_text().split(" → ")
    row.locator("button").click()
    page.locator(".mh-filtered").wait_for()
    page.locator("#utterances .mh-table tr[aria-current]").wait_for()
    found = Evaluation.open(evaluation).store.ask(
        "SELECT count(DISTINCT utterance_id) AS n FROM errors WHERE reference = ? AND heard = ?",
        [said, heard],
    )
    assert passing(page).startswith(f"{found[0]['n']} of ")
    page.wait_for_function("document.querySelector('#compared audio')?.currentTime > 0")


@pytest.mark.parametrize("panel", ["causes", "words", "characters", "slices"])
def test_every_list_leads_to_utterances(visit, panel):
    page = open_errors(visit, panel=panel)
    page.locator("#utterances .mh-grid tbody tr .mh-link").first.click()
    page.locator(".mh-filtered").wait_for()
    page.locator("#utterances .mh-table tr[aria-current]").wait_for()
    assert page.locator("#filters .mh-problem").inner_text() == ""
    assert asked(page)["where"]


def test_ten_errors_are_heard_one_after_the_other(visit):
    page = open_errors(visit, panel="causes")
    page.get_by_role("button", name="Listen to ten").first.click()
    page.locator(".mh-player").get_by_text("1 of ").wait_for()
    page.locator(".mh-player").get_by_text("2 of ").wait_for()
    page.locator(".mh-player").get_by_role("button", name="Stop").click()
    page.locator(".mh-player").wait_for(state="hidden")


def test_the_keys_walk_play_and_note(visit, evaluation):
    page = open_errors(visit)
    page.locator("#compared .mh-figure").wait_for()
    page.locator("#filters .mh-passing").click()  # nowhere in particular
    page.keyboard.press("j")
    page.locator("#utterances tr[aria-current]:nth-child(2)").wait_for()
    key = page.locator("#utterances tr[aria-current]").get_attribute("data-id")
    page.locator("#compared .mh-facts", has_text=key).wait_for()
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('#compared audio').currentTime > 0")
    page.keyboard.press("r")
    page.wait_for_function("document.querySelector('#compared audio').paused")
    page.keyboard.press("t")
    page.keyboard.type(f"j k {HOSTILE}")
    page.locator("#notes").get_by_role("button", name="noise").click()
    page.locator("#utterances .mh-tag", has_text="noise").wait_for()
    page.locator("#notes .mh-saved", has_text="Saved").wait_for()
    [note] = Evaluation.open(evaluation).notes()
    assert (note.utterance_id, note.tags, note.text) == (key, ("noise",), f"j k {HOSTILE}")
    page.reload()
    page.locator("#notes [aria-pressed=true]").wait_for()
    assert page.locator("#notes textarea").input_value() == f"j k {HOSTILE}"
    page.locator("#notes").get_by_role("button", name="noise").click()
    page.locator("#notes textarea").fill("")
    page.locator("#notes textarea").blur()
    page.wait_for_function("!document.querySelector('#utterances .mh-tag')")


def test_a_report_opens_from_disk_without_a_network_and_plays(
    visit, playwright, chromium, tmp_path
):
    page = open_errors(visit)
    condition(page, "n_reference >= 3")
    page.locator(".mh-filtered").wait_for()
    with page.expect_download() as download:
        page.get_by_label("Export these utterances as").select_option("report")
    path = tmp_path / "report.html"
    download.value.save_as(path)
    browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
    alone = browser.new_page(viewport={"width": 390, "height": 800})
    alone.route("http://**", lambda route: route.abort())
    alone.route("https://**", lambda route: route.abort())
    seen = watch(alone, host="")
    alone.goto(path.as_uri())
    assert alone.locator("article").count() == alone.locator("audio").count() == 10
    assert HOSTILE in alone.locator("body").inner_text()
    audio = alone.locator("audio").nth(1)
    audio.evaluate("(a) => a.addEventListener('pause', () => { a.dataset.at = a.currentTime; })")
    word = alone.locator("article").nth(1).locator("button.word").first
    word.click()
    alone.locator("audio[data-at]").wait_for(state="attached")  # it plays the word and stops
    end_s = float(word.get_attribute("data-end"))
    assert 0 <= float(audio.get_attribute("data-at")) - end_s < 1
    assert alone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    browser.close()
    assert seen.complaints == []


def test_any_column_can_be_sorted_by(visit, evaluation):
    page = open_errors(visit)
    page.locator("#utterances .mh-pager select").select_option("level_dbfs")
    expected = Evaluation.open(evaluation).page(sort="level_dbfs")[0][0]["utterance_id"]
    page.locator(f"#utterances tbody tr:first-child[data-id='{expected}']").wait_for()


def test_the_address_names_the_tab(visit):
    page = visit()
    page.get_by_role("tab", name="Model").click()
    page.wait_for_function("location.search.includes('tab=model')")
    again = visit(path="?tab=model")
    again.locator("button[data-tab-id=model][aria-selected=true]").wait_for()


def test_what_the_server_tells_is_json_of_this_evaluation_only(visit, address):
    page = open_errors(visit)
    component = page.evaluate(
        "window.gradio_config.components.find((c) => c.props.elem_id === 'filters').id"
    )
    where = "(SELECT count(*) FROM read_text('/etc/hostname')) > 0"
    body = {
        "data": {"evaluation": asked(page).get("evaluation", HOSTILE), "where": where},
        "component_id": component,
        "fn_name": "fetch_headline",
        "session_hash": "x",
    }
    answer = page.request.post(f"{address}gradio_api/component_server/", data=json.dumps(body))
    assert "error" in answer.json()
