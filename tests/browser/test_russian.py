"""The page in Russian in Chromium; as in test_pages, console errors and other hosts fail."""

import re
from collections.abc import Iterator

import pytest

from tests.browser.conftest import MODEL, serving
from ui import language

pytestmark = pytest.mark.browser

LONG = 12  # characters; a shorter English text may be the same word in both languages
PHONE = {"width": 390, "height": 844}
RUSSIAN = {"locale": "ru-RU"}  # of the browser: for Gradio's own labels

SEEN = """where => {
    const hints = [...document.querySelectorAll(where + " [title], " + where + " [aria-label]")]
        .flatMap((e) => [e.title, e.getAttribute("aria-label")]);
    const hidden = [...document.querySelectorAll(where + " details")];
    hidden.forEach((e) => { e.open = true; });
    return [document.querySelector(where).innerText, ...hints].join("\\n");
}"""


@pytest.fixture(scope="module")
def address(chromium, evaluation, second, tmp_path_factory) -> Iterator[str]:
    """A running `python app.py --language ru`."""
    shown = ["--evaluation", str(evaluation), "--evaluation", str(second)]
    command = ["app.py", "--language", "ru", "--model", MODEL, *shown]
    with serving(command, tmp_path_factory.mktemp("app")) as (running, log):
        yield running
        assert "Traceback" not in log.read_text()


def english() -> list[str]:
    """English texts, cut where something is filled in, that are not the same in Russian."""
    parts: set[str] = set()
    for _, texts, russian in language.BOTH:
        for path, text in _flat(texts):
            if text != dict(_flat(russian))[path]:
                parts |= {part.strip() for part in re.split(r"%?\{[^}]*\}", text)}
    return sorted(part for part in parts if len(part) >= LONG)


def _flat(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, str]]:
    if isinstance(value, str):
        yield path, value
    else:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in items:
            yield from _flat(part, (*path, key))


def english_on(page, where: str) -> list[str]:
    seen = page.evaluate(SEEN, where)
    assert re.search("[а-я]{5}", seen)
    return [text for text in english() if text in seen]


def open_tab(page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_english_would_be_found():
    texts = english()
    assert len(texts) > 150
    assert "Nothing heard yet" in texts


def test_recognise(visit):
    page = visit(**RUSSIAN)
    page.locator("#recognised .mh-figure").wait_for()
    assert page.locator("html").get_attribute("lang") == "ru"
    tabs = page.get_by_role("tab").all_inner_texts()
    assert tabs == ["Распознавание", "Ошибки", "Сравнение", "Данные", "Модель"]
    assert "Телефонный номер" in page.locator("#examples").inner_text()
    page.locator("#said textarea, #said input").first.fill("one two three")
    page.get_by_role("button", name="Сравнить").click()
    page.locator("#recognised .mh-partings").wait_for()
    view = page.locator("#recognised").inner_text()
    assert "Эталон" in view
    assert "Где эталон и услышанное расходятся" in view
    page.locator("#decoding button").first.click()
    page.get_by_text("Лучевой поиск", exact=True).wait_for()
    assert english_on(page, "body") == []


def test_errors(visit):
    page = visit(**RUSSIAN)
    open_tab(page, "Ошибки")
    page.locator("#compared .mh-figure").wait_for()
    facts = page.locator("#compared .mh-facts").inner_text()
    assert "Длительность" in facts
    assert re.search(r"\d с\b", facts)
    assert english_on(page, "body") == []


def test_compare(visit):
    page = visit(**RUSSIAN)
    page.locator("#recognised .mh-figure").wait_for()
    open_tab(page, "Сравнение")
    page.locator("#compared-b .mh-figure").wait_for()
    assert "ошибок" in page.locator("#comparison").inner_text()
    assert english_on(page, "body") == []


def test_data(visit):
    page = visit(**RUSSIAN)
    page.locator("#recognised .mh-figure").wait_for()
    open_tab(page, "Данные")
    page.locator("#described .mh-figure").wait_for()
    page.locator("#distribution-plot .bars path").first.wait_for()
    page.locator("#data-filters .mh-checks details > summary").evaluate_all(
        "all => all.forEach((summary) => summary.click())"
    )
    assert "секунды" in page.locator("#distribution-plot").inner_text()
    assert "Проверки" in page.locator("#data-filters").inner_text()
    for panel in ("words", "symbols", "skipped"):
        page.locator(f"#recordings [data-panel={panel}]").click()
        page.locator("#recordings .mh-list :is(th, .mh-wait)").first.wait_for()
        assert english_on(page, "body") == []


def test_model(visit):
    page = visit(**RUSSIAN)
    page.locator("#recognised .mh-figure").wait_for()
    open_tab(page, "Модель")
    page.locator("#reliability .scatterlayer .point").first.wait_for()
    assert "Из чего модель состоит" in page.locator("#architecture").inner_text()
    assert "Скорость обучения" in page.locator("#curves").inner_text()
    page.locator("#card").evaluate("card => card.remove()")  # it is written in English
    page.locator("#results pre").evaluate_all("all => all.forEach((e) => e.remove())")
    assert english_on(page, "body") == []


def test_a_phone_has_no_sideways_scroll(visit):
    page = visit(viewport=PHONE, **RUSSIAN)
    page.locator("#recognised .mh-figure").wait_for()
    overflow = "document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(overflow) <= 0
    for tab, ready in (
        ("Ошибки", "#compared .mh-figure"),
        ("Данные", "#distribution-plot .bars path"),
        ("Модель", "#curves .xtick"),
    ):
        open_tab(page, tab)
        page.locator(ready).first.wait_for()
        assert page.evaluate(overflow) <= 0
