"""The Data tab in Chromium: checks, a figure whose bars can be clicked, lists, sound, address."""

import urllib.parse

import pytest

from analysis.description import Description
from analysis.store import Filter
from tests.browser.conftest import HOSTILE, N_UTTERANCES

pytestmark = pytest.mark.browser

NAMELESS = """() => [...document.querySelectorAll("[role=tabpanel] button, select, input, summary")]
    .filter((node) => node.offsetParent && node.closest(
        "#data-filters, #distribution, #recordings, #described"))
    .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim()
        || node.labels?.[0]?.textContent.trim() || node.title))
    .map((node) => node.outerHTML)"""
SMALL = """() => [...document.querySelectorAll("#data-filters button, #recordings button")]
    .filter((node) => node.offsetParent && node.offsetHeight < 16).map((node) => node.outerHTML)"""


def open_data(visit, **address):
    options = address.pop("options", {})
    page = visit(path="?" + urllib.parse.urlencode({"tab": "data", **address}), **options)
    page.locator("#recordings tbody tr").first.wait_for()
    return page


def asked(page) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


def passing(page) -> str:
    page.locator("#data-filters .mh-filtered").wait_for()
    return page.locator("#data-filters .mh-passing").inner_text()


def click_bar(page) -> None:
    """The second bar of the first panel, where it is drawn."""
    bar = page.locator("#distribution-plot .bars path").nth(1)
    bar.wait_for()
    page.locator("#distribution-plot").scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # Plotly goes on drawing
    box = bar.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


@pytest.fixture
def stored(description) -> Description:
    return Description.open(description)


def test_a_click_on_a_bar_leads_to_its_recordings_and_their_sound(visit, stored):
    page = open_data(visit)
    click_bar(page)
    told = passing(page)
    where = asked(page)["data-where"]
    n = stored.store.view(Filter(where=where)).count
    assert 0 < n < N_UTTERANCES
    assert told.startswith(f"{n} of {N_UTTERANCES} ")
    page.locator("#recordings .mh-total", has_text=f"of {n} recordings").wait_for()
    page.locator("#described .mh-figure").wait_for()
    page.locator("#described").get_by_role("slider").press(" ")
    page.wait_for_function("document.querySelector('#described audio').currentTime > 0")


def test_the_second_figure_can_be_clicked_too(visit, stored):
    page = open_data(visit)
    page.locator("#distribution-plot .bars path").first.wait_for()
    page.locator("#distribution select").select_option("n_words")
    page.locator("#distribution-plot .xtitle", has_text="words a text").wait_for()
    click_bar(page)
    passing(page)
    assert "n_words" in asked(page)["data-where"]
    assert asked(page)["data-figure"] == "n_words"


def test_the_bars_are_a_table_for_the_keyboard(visit, stored):
    page = open_data(visit, **{"data-figure": "speaker"})
    page.locator("#distribution .mh-bars summary").press("Enter")
    cell = page.locator("#distribution .mh-bars tbody button").first
    n = cell.inner_text()
    cell.press("Enter")
    assert passing(page).startswith(f"{n} of {N_UTTERANCES} ")
    assert "speaker" in asked(page)["data-where"]


def test_a_check_leads_to_its_recordings(visit, stored):
    finding = next(each for each in stored.findings if each.where and each.verdict != "ok")
    page = open_data(visit)
    first = page.locator("#data-filters .mh-found .mh-check").first
    first.locator("summary").click()
    assert first.locator("p").first.is_visible()
    first.get_by_role("button", name="Show them").click()
    n = stored.store.view(Filter(where=finding.where)).count
    assert passing(page).startswith(f"{n} of ")
    assert asked(page)["data-where"] == finding.where


@pytest.mark.parametrize("panel", ["words", "symbols"])
def test_words_and_characters_lead_to_their_recordings(visit, stored, panel):
    page = open_data(visit, **{"data-panel": panel})
    row = page.locator("#recordings .mh-grid tbody tr").first
    n = row.locator("td").nth(1).inner_text()
    row.get_by_role("button").click()
    assert passing(page).startswith(f"{n} of ")


def test_the_arrows_walk_and_the_address_keeps_all(visit):
    page = open_data(visit, **{"data-where": "duration_s > 1"})
    page.locator("#recordings tr[aria-current]").wait_for()
    page.locator("#recordings .mh-rows").focus()
    page.locator("#recordings .mh-rows").press("ArrowDown")
    page.locator("#recordings tbody tr:nth-child(2)[aria-current]").wait_for()
    sent = asked(page)
    key = page.locator("#recordings tr[aria-current]").get_attribute("data-id")
    assert (sent["tab"], sent["data-id"], sent["description"]) == ("data", key, HOSTILE)
    other = open_data(visit, **sent)
    other.locator("#described .mh-facts", has_text=key).wait_for()
    assert passing(other) == passing(page)


def test_the_tabs_keep_their_filters_apart(visit):
    page = open_data(visit, where="errors > 0", **{"data-where": "n_words = 2"})
    page.get_by_role("tab", name="Errors").click()
    page.locator("#filters .mh-filtered").wait_for()
    assert page.locator("#filters .mh-sql").input_value() == "errors > 0"
    assert page.locator("#data-filters .mh-sql").input_value() == "n_words = 2"
    assert (asked(page)["where"], asked(page)["data-where"]) == ("errors > 0", "n_words = 2")


def test_hostile_names_are_text(visit):
    page = open_data(visit, **{"data-figure": "speaker"})
    page.locator("#distribution-plot .ytick").first.wait_for()
    page.locator("#recordings td", has_text=HOSTILE).wait_for()
    page.locator("#described .mh-facts", has_text=HOSTILE).wait_for()
    assert HOSTILE in page.locator("#data-filters .mh-origin").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_it_all_and_controls_have_names(visit, theme):
    phone = {"viewport": {"width": 390, "height": 844}}
    page = open_data(visit, __theme=theme, options=phone)
    page.locator("#distribution-plot .bars path").first.wait_for()
    page.locator("#described .mh-figure").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(SMALL) == []


def test_a_choice_that_changes_nothing_is_not_offered(visit):
    page = open_data(visit)
    choice = page.locator("#distribution .mh-tools label")
    choice.wait_for()
    page.locator("#distribution select").select_option("bands_db")
    choice.wait_for(state="hidden")
    page.locator("#distribution select").select_option("duration_s")
    choice.wait_for()
