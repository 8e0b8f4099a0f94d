"""The language of the page: English as the modules of texts have it, or another put in its place.

Whoever shows a text reads it as `strings.NAME` when it is shown, not when a module is imported.
"""

import re
from collections.abc import Mapping
from types import ModuleType

from ui import (
    check_strings,
    check_strings_ru,
    compare_strings,
    compare_strings_ru,
    data_strings,
    data_strings_ru,
    doctor_strings,
    doctor_strings_ru,
    evidence_strings,
    evidence_strings_ru,
    explorer_strings,
    explorer_strings_ru,
    model_strings,
    model_strings_ru,
    strings,
    strings_ru,
    what_if_strings,
    what_if_strings_ru,
)

LANGUAGES = ("en", "ru")


def texts(module: ModuleType) -> dict[str, object]:
    """The texts of a module by name."""
    return {name: value for name, value in vars(module).items() if name.isupper()}


PAIRS = (  # a module of texts and its Russian twin, with the same names
    (strings, strings_ru),
    (evidence_strings, evidence_strings_ru),
    (explorer_strings, explorer_strings_ru),
    (doctor_strings, doctor_strings_ru),
    (compare_strings, compare_strings_ru),
    (check_strings, check_strings_ru),
    (data_strings, data_strings_ru),
    (model_strings, model_strings_ru),
    (what_if_strings, what_if_strings_ru),
)
BOTH = tuple((module, texts(module), texts(russian)) for module, russian in PAIRS)


def use(language: str) -> None:
    """Let the whole process speak a language of `LANGUAGES`; before the page is built."""
    assert language in LANGUAGES, language
    for module, english, russian in BOTH:
        vars(module).update(russian if language == "ru" else english)


def of(environment: Mapping[str, str]) -> str:
    """The language of a locale, by the first variable that is set, as POSIX reads them."""
    values = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, values), "")
    language = re.split("[_.@]", locale.lower())[0]
    return language if language in LANGUAGES else "en"


def count(n: int) -> str:
    """A whole number as the language groups its digits: `12,345`."""
    return f"{n:,}".replace(",", strings.THOUSANDS)
