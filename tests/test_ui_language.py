"""Both languages say the same things: the same names, keys and places to fill in."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from asr_core.manifest import read_manifest
from ui import fields, language, strings

PAIRS = [(english, russian) for _, english, russian in language.BOTH]
NAMES = [module.__name__ for module, _, _ in language.BOTH]
UI = Path(language.__file__).parent

PLACE = re.compile(r"%\{[^}]*\}|\{[^}]*\}")  # Plotly's, or those of str.format and of `fill`
SQL = ("where_example", "QUICK")  # what holds these is a condition, the same in all languages
CODE = re.compile(
    r"python .*|`[^`]*`|--\w+|[\w/]+\.(?:json|csv|py)\b|<\w+>|utterance_id IN \(.*\)|таблицу errors"
)
TERMS = {  # what a Russian engineer, too, writes in Latin letters
    *("WER", "CER", "SER", "SNR", "NCE", "ECE", "AUC", "RTF", "RT60", "N", "S", "D", "I"),
    *("Bluetooth", "CTC", "GRU", "Log", "mel", "blank", "SHA", "base64", "dBFS", "PARIS"),
    *("JSON", "CTM", "TextGrid", "SRT", "VTT", "Praat", "Audacity", "sclite"),
    *("A", "B", "p", "MAPSSWE"),
    *("Enter", "J", "K", "R", "T", "SQL", "q", "Misheard", "morse"),
}


def pieces(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """(where, text) of everything in a text, a dict or a list of texts."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from pieces(part, f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        for i, part in enumerate(value):
            yield from pieces(part, f"{path}[{i}]")
    else:
        yield path, value


def flat(texts: dict[str, object]) -> dict[str, object]:
    return {name + path: text for name in texts for path, text in pieces(texts[name])}


def both(english: dict[str, object], russian: dict[str, object]) -> dict[str, tuple[object, ...]]:
    """The texts that are there in both languages, side by side."""
    theirs = flat(russian)
    return {name: (text, theirs[name]) for name, text in flat(english).items() if name in theirs}


@pytest.fixture
def russian() -> Iterator[None]:
    language.use("ru")
    yield
    language.use("en")


@pytest.mark.parametrize(("english", "russian"), PAIRS, ids=NAMES)
class TestTexts:
    def test_no_key_is_missing(self, english, russian):
        file = next(name for name, pair in zip(NAMES, PAIRS, strict=True) if pair[1] is russian)
        missing = flat(english).keys() - flat(russian).keys()
        surplus = flat(russian).keys() - flat(english).keys()
        assert not missing, f"add to the Russian twin of {file}: {sorted(missing)}"
        assert not surplus, f"not in {file}, but in its Russian twin: {sorted(surplus)}"

    def test_places_to_fill_in_are_the_same(self, english, russian):
        for where, (text, theirs) in both(english, russian).items():
            found = [sorted(PLACE.findall(str(each))) for each in (text, theirs)]
            assert found[0] == found[1], where

    def test_nothing_is_empty_that_is_not_empty_in_english(self, english, russian):
        for where, (text, theirs) in both(english, russian).items():
            assert bool(text) == bool(theirs), where

    def test_each_is_in_its_own_letters(self, english, russian):
        for where, (text, theirs) in both(english, russian).items():
            assert not re.search("[а-яё]", str(text), re.IGNORECASE), where
            if any(name in where for name in SQL) and text == theirs:
                assert re.search(r"[<>=]|NULL|contains", str(text)), where
            elif where != "LANGUAGE":
                bare = CODE.sub(" ", PLACE.sub(" ", str(theirs)))
                assert set(re.findall(r"[A-Za-z]\w*", bare)) <= TERMS, (where, theirs)


def test_every_module_of_texts_has_a_twin():
    names = {path.stem for path in UI.glob("*strings.py")}
    assert names == {name.removeprefix("ui.") for name in NAMES}, "add the pair to language.PAIRS"


def test_another_language_and_back(russian):
    assert (strings.TAB_MODEL, strings.LANGUAGE) == ("Модель", "ru")
    assert language.count(1_234_567) == "1\u202f234\u202f567"
    language.use("en")
    assert (strings.TAB_MODEL, strings.LANGUAGE) == ("Model", "en")
    assert language.count(1_234_567) == "1,234,567"
    for module, english, _ in language.BOTH:
        assert language.texts(module) == english


def test_what_was_imported_before_speaks_the_language(russian):
    (fact,) = fields.facts_of({"snr_db": 5.0})
    assert (fact.label, fact.value) == ("Отношение сигнал/шум", "5 дБ")
    config = str(app.build(*app.collect(app.parse([]))).config)
    assert "Распознавание" in config
    assert "Телефонный номер" in config  # of an example
    for text in (strings.SAID, strings.RECORDER, strings.HOTWORDS, strings.TAB_ERRORS):
        assert text in config


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru"}, "ru"),
        ({"LANG": "run_BI.UTF-8"}, "en"),
        ({"LANG": "ru_RU.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "ru_RU.KOI8-R"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": ""}, "ru"),
        ({"LC_ALL": "C"}, "en"),
        ({}, "en"),
    ],
)
def test_the_locale_s_language(environment, expected):
    assert language.of(environment) == expected


def test_the_command_line_goes_before_the_locale(monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    assert app.parse([]).language == "ru"
    assert app.parse(["--language", "en"]).language == "en"
    with pytest.raises(SystemExit):
        app.parse(["--language", "de"])
    assert "--language" in capsys.readouterr().err


def test_descriptions_of_examples_are_those_of_their_manifests():
    folder = app.ASSETS / "examples"
    told = {
        row.fields["id"]: row.fields["description"]
        for path in (folder / "manifest.jsonl", folder / "morse" / "manifest.jsonl")
        for row in read_manifest(path).rows
    }
    assert told == strings.EXAMPLE_DESCRIPTIONS


def read_early(node: ast.AST) -> Iterator[int]:
    """Lines that read a text when the module is imported, as `strings.NAME`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.Lambda):
            for default in [*child.args.defaults, *child.args.kw_defaults]:
                if default is not None:
                    yield from read_early(ast.Expression(default))
        elif isinstance(child, ast.Attribute) and ast.unparse(child.value).endswith("strings"):
            yield child.lineno
        else:
            yield from read_early(child)


def test_reading_early_is_found():
    early = (
        "A = strings.A\ndef f(b=strings.B):\n    return strings.C\nclass D:\n    e = f(strings.E)"
    )
    assert sorted(read_early(ast.parse(early))) == [1, 2, 5]


def test_no_text_is_read_when_a_module_is_imported():
    found = {
        f"{path.name}:{line}"
        for path in [*UI.glob("*.py"), Path(app.__file__)]
        if "_strings" not in path.name
        for line in read_early(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert not found, f"read these texts in functions: {sorted(found)}"
