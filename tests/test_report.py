"""The report: the summary's figures, sounds inside, nothing fetched, and text stays text."""

import io
import json
import re
import shutil
from base64 import b64decode
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.evaluating import evaluate
from analysis.evaluation import SKIPPED, SUMMARY, Evaluation, EvaluationError
from analysis.exhibits import LONGEST_CLIP_S
from analysis.imports import import_predictions
from analysis.markup import VOID, el
from analysis.predictions import read_predictions
from analysis.report import HERE, MOST_BYTES, model_for, write_report
from analysis.report_sections import sentence
from analysis.store import Filter
from analysis.summary import of_view
from asr_core.recognizer import Recognizer
from tests.test_predictions import write
from ui.background import Pending
from ui.explorer import Question
from ui.exporting import Exports

ROOT = Path(__file__).parent.parent
VALIDATION = ROOT / "assets" / "validation" / "spoken"
OLDER = ROOT / "assets" / "evaluations" / "spoken"
HOSTILE = "<img/src=x/onerror=alert(1)></script><script>alert(1)</script>${1+1}\"'&amp;"
N_ROWS = 40


class Page(HTMLParser):
    """A file, read as a browser does: every element closed, its texts and attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(path.read_bytes().decode("utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def text(self) -> str:
        return " ".join(data for tag, data in self.texts if tag not in ("style", "script"))

    def all(self, tag: str, class_: str = "") -> list[dict[str, str | None]]:
        wanted = set(class_.split())
        return [a for t, a in self.elements if t == tag and wanted <= set(_classes(a))]


def _classes(attributes: dict[str, str | None]) -> list[str]:
    return (attributes.get("class") or "").split()


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load("spoken")


@pytest.fixture(scope="module")
def evaluation(recognizer: Recognizer, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """The bundled model on some of the bundled set, and a row whose recording is missing."""
    folder = tmp_path_factory.mktemp("report")
    lines = (VALIDATION / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:N_ROWS]]
    for row in rows:
        row["audio_filepath"] = str(VALIDATION / row["audio_filepath"])
    rows.append({"audio_filepath": "missing.wav", "text": "one"})
    manifest = write(folder / "manifest.jsonl", *rows)
    return evaluate(recognizer, manifest, folder / "eval", name="some")


@pytest.fixture(scope="module")
def report(evaluation: Evaluation, recognizer: Recognizer) -> Path:
    out = evaluation.folder.parent / "report.html"
    return write_report(evaluation, out, recognizer=recognizer).path


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page(report)


def sounds(page: Page) -> list[np.ndarray]:
    """The recordings in a page, decoded."""
    urls = [a["src"] or "" for a in page.all("audio")]
    assert all(url.startswith("data:audio/ogg;base64,") for url in urls)
    return [soundfile.read(io.BytesIO(b64decode(url.partition(",")[2]))) for url in urls]


def shown_ids(page: Page, evaluation: Evaluation) -> list[str]:
    """The utterances that have an article, in order."""
    known = {row["utterance_id"] for row in evaluation.store.ask("SELECT * FROM utterances")}
    return [data for tag, data in page.texts if tag == "bdi" and data in known]


@given(st.text())
def test_any_text_comes_back_from_the_page(text: str) -> None:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[method-assign]
    parser.feed(el("p", text, title=text))
    parser.close()
    lost = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]")
    assert "".join(found) == lost.sub("\ufffd", text).encode("utf-8", "replace").decode()


def test_figures_are_the_summary_s(page: Page, evaluation: Evaluation) -> None:
    rates, counts = evaluation.summary["rates"], evaluation.summary["counts"]
    raw = evaluation.summary["rates_raw"]["wer"]
    figures = [rates["wer"], raw, rates["cer"], rates["ser"]]
    tiles = re.findall(r"([\d.]+)  %\s+95 %: ([\d.]+) to ([\d.]+)", page.text)
    expected = [
        tuple(f"{100 * each[key]:.1f}" for key in ("value", "low", "high")) for each in figures
    ]
    assert tiles == expected
    assert f"{counts['hits']} were heard right" in page.text
    n_errors = counts["substitutions"] + counts["deletions"] + counts["insertions"]
    assert f"of {n_errors} wrong words" in page.text.lower()
    assert evaluation.summary["model"]["sha256"] in page.text
    assert evaluation.summary["manifest"]["sha256"] in page.text
    assert "missing.wav" in page.text  # the row that was skipped


def test_causes_are_named_in_their_order() -> None:
    assert sentence([("acoustic", 6), ("label", 4)]) == (
        "Most of 10 wrong words: acoustic confusion 60 %, suspected label error 40 %."
    )
    assert sentence([("signal", 5), ("oov", 5)]).startswith("Of 10 wrong words: damaged sound 50 %")
    assert "not known" in sentence([(None, 3)])


def test_ten_utterances_can_be_heard(page: Page, evaluation: Evaluation) -> None:
    ids = shown_ids(page, evaluation)
    assert len(ids) == len(set(ids)) == len(page.all("article")) == 10
    for key, (samples, rate) in zip(ids, sounds(page), strict=True):
        assert len(samples) / rate == pytest.approx(evaluation.row(key)["duration_s"], abs=0.01)
    frequent = evaluation.store.ask(
        "SELECT cause FROM errors GROUP BY cause HAVING count(*) >= 0.01 * (SELECT count(*) FROM"
        " errors)"
    )
    causes = {
        row["cause"]
        for key in ids
        for row in evaluation.store.ask("SELECT cause FROM errors WHERE utterance_id = ?", [key])
    }
    assert {row["cause"] for row in frequent} <= causes


def test_words_play_where_the_evaluation_has_them(page: Page, evaluation: Evaluation) -> None:
    buttons = {(a["data-start"], a["data-end"]) for a in page.all("button", "word")}
    for key in shown_ids(page, evaluation):
        row = evaluation.row(key)
        for error in evaluation.errors_of(key):
            end_s = min(error["end_s"], row["duration_s"])
            assert (f"{error['start_s']:.3f}", f"{end_s:.3f}") in buttons
    n_words = sum(
        len(evaluation.row(key)[side].split())
        for key in shown_ids(page, evaluation)
        for side in ("text", "pred_text")
    )
    words = len(page.all("button", "word"))
    assert words == n_words  # right ones, too: the model places them
    assert words + len(page.all("span", "nothing")) == 2 * len(page.all("div", "column"))


def test_nothing_is_fetched(page: Page) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name)
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"https?:|//|@import|url\(", (HERE / "report.css").read_text())
    policy = page.all("meta")[1]["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; media-src data:")


def test_the_same_evaluation_gives_the_same_bytes(
    report: Path, evaluation: Evaluation, recognizer: Recognizer, tmp_path: Path
) -> None:
    again = write_report(evaluation, tmp_path / "x.html", recognizer=recognizer).path
    assert again.read_bytes() == report.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["x.html"]


def test_the_filter_narrows_every_figure(evaluation: Evaluation, tmp_path: Path) -> None:
    wanted = Filter(where="n_reference >= 4 -- long", only_errors=True)
    written = write_report(evaluation, tmp_path / "x.html", wanted, n_telling=3)
    page, view = Page(written.path), evaluation.store.view(wanted)
    counts, rates = of_view(view)
    assert 0 < written.n_utterances == view.count < N_ROWS
    assert f"Only {view.count} of {N_ROWS} utterances" in page.text
    assert f"{100 * rates['wer']['value']:.1f}" in page.text
    assert f"{counts['hits']} were heard right" in page.text
    matched = {row["utterance_id"] for row in view.ask("SELECT utterance_id FROM matched")}
    assert set(shown_ids(page, evaluation)) <= matched
    with pytest.raises(EvaluationError, match="No utterance"):
        write_report(evaluation, tmp_path / "x.html", Filter(where="errors < 0"))


def test_hostile_texts_stay_text(tmp_path: Path) -> None:
    said, heard = f"one {HOSTILE} two", f"{HOSTILE.replace('1', '2')} two"
    fields = {"speaker": HOSTILE, "tags": HOSTILE, HOSTILE: HOSTILE}
    rows = [{"id": f"{HOSTILE}{i}", "text": said, "pred_text": heard, **fields} for i in range(12)]
    evaluation = imported(tmp_path, rows, HOSTILE)
    evaluation.mark(f"{HOSTILE}3", [HOSTILE], HOSTILE)
    evaluation.mark(f"{HOSTILE}4", [], "bell\x07 and half a pair \N{BELL}")
    skipped = {"line": 7, "reason": HOSTILE, "raw": HOSTILE}
    (evaluation.folder / SKIPPED).write_text(json.dumps(skipped), encoding="utf-8")
    page = Page(write_report(evaluation, tmp_path / "x.html").path)
    assert Counter(tag for tag, _ in page.elements)["script"] == 1
    assert {data for tag, data in page.texts if tag == "script"} == {
        (HERE / "report.js").read_text(encoding="utf-8")
    }
    assert not page.all("img")
    assert page.text.count(HOSTILE) >= 5  # tag, note, reason, row, and facts
    assert "${1+1}" in page.text
    test_nothing_is_fetched(page)


def imported(folder: Path, rows: list[dict[str, Any]], name: str = "whisper") -> Evaluation:
    path = write(folder / "set.jsonl", *rows)
    found = read_predictions(path)
    return import_predictions(found, folder / "eval", name=name, set_named=name, normaliser="none")


def test_an_import_without_recordings_says_so(tmp_path: Path) -> None:
    rows = [{"text": f"w{i} x", "pred_text": f"v{i} x"} for i in range(12)]
    written = write_report(imported(tmp_path, rows), tmp_path / "x.html")
    page = Page(written.path)
    assert written.n_playable == 0
    assert not page.all("audio")
    assert "no recordings at hand" in page.text
    assert len(page.all("article")) == 10
    assert "Why the 12 words are wrong is not known" in page.text


def test_long_recordings_and_texts_stay_small(tmp_path: Path, rng: np.random.Generator) -> None:
    noise = (0.1 * rng.standard_normal(8000 * 60)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise, 8000)
    words = [f"word{i}" for i in range(4_000)]
    texts = {"text": " ".join(words), "pred_text": " ".join([*words[:3000], "x" * 10_000])}
    rows = [{"audio_filepath": "a.wav", "speaker": "y" * 100_000, **texts}]
    rows += [{"audio_filepath": "a.wav", "text": "a", "pred_text": f"{i}"} for i in range(2)]
    evaluation = imported(tmp_path, rows)
    evaluation.mark(evaluation.page()[0][0]["utterance_id"], [], "z" * 10_000)
    written = write_report(evaluation, tmp_path / "x.html")
    page = Page(written.path)
    assert written.path.stat().st_size == written.n_bytes < MOST_BYTES
    assert all(len(samples) / rate <= LONGEST_CLIP_S + 0.1 for samples, rate in sounds(page))
    assert written.n_playable == len(page.all("audio")) == 3
    assert written.left_out == ()
    assert "words …" in page.text


def test_sounds_are_left_out_first_and_that_is_said(evaluation: Evaluation, tmp_path: Path) -> None:
    whole = write_report(evaluation, tmp_path / "x.html", n_telling=3).n_bytes
    bare = write_report(evaluation, tmp_path / "x.html", n_telling=0).n_bytes
    kept = []
    for limit in (whole - 1, bare + 35_000, bare + 6000):
        written = write_report(evaluation, tmp_path / "x.html", n_telling=3, most_bytes=limit)
        page = Page(written.path)
        assert written.n_bytes <= limit
        assert written.left_out[0] in page.text
        assert len(page.all("audio")) == written.n_playable
        kept.append([len(page.all(tag)) for tag in ("audio", "img", "article")])
    assert kept[0] == [2, 3, 3]
    assert kept[1][0] < 2
    assert kept[1][2] == 3
    assert kept[2][:2] == [0, 0]
    assert kept[2][2] < 3
    with pytest.raises(EvaluationError, match="exceeds"):
        write_report(evaluation, tmp_path / "x.html", n_telling=0, most_bytes=1000)


def test_an_evaluation_of_an_older_program_is_told_of(tmp_path: Path) -> None:
    evaluation = Evaluation.open(OLDER)
    written = write_report(evaluation, tmp_path / "x.html", n_telling=2)
    assert written.n_playable == 2
    assert "Without the model" in Page(written.path).text


def test_the_model_is_the_one_that_made_it_or_the_one_named(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    found = model_for(evaluation)
    assert found is not None
    assert found.contract.name == "spoken"
    copied = Path(shutil.copytree(evaluation.folder, tmp_path / "other"))
    summary = json.loads((copied / SUMMARY).read_text())
    summary["model"]["sha256"] = "0" * 64
    (copied / SUMMARY).write_text(json.dumps(summary))
    assert model_for(Evaluation.open(copied)) is None
    named = model_for(Evaluation.open(copied), "morse")
    assert named is not None
    assert named.contract.name == "morse"


class TestCommand:
    def test_it_writes_what_the_function_writes(self, evaluation, report, tmp_path):
        out = tmp_path / "report.html"
        result = CliRunner().invoke(app, ["report", str(evaluation.folder), "--out", str(out)])
        assert result.exit_code == 0, result.stderr
        assert out.read_bytes() == report.read_bytes()
        assert f"{N_ROWS} utterances, 10 to hear" in result.stdout

    @pytest.mark.parametrize("more", [["--where", "erors > 1"], ["--model", "none"]])
    def test_what_is_wrong_is_said_in_a_line(self, evaluation, tmp_path, more):
        options = ["report", str(evaluation.folder), "--out", str(tmp_path / "x.html"), *more]
        result = CliRunner().invoke(app, options)
        assert result.exit_code == 1
        assert result.stderr.startswith("error: ")
        assert not list(tmp_path.iterdir())


def test_the_tab_offers_it(evaluation, recognizer, report) -> None:
    kept: list[bytes] = []
    exports = Exports(lambda _: Pending.of("spoken", recognizer))
    exports.publish = lambda path: kept.append(path.read_bytes()) or "url"
    answer = exports(Question(evaluation, Filter(), {"format": "report"}))
    assert answer == {"url": "url", "name": "spoken-some.html"}
    assert kept == [report.read_bytes()]


def test_the_tab_does_without_a_model_that_cannot_be_loaded(evaluation) -> None:
    def fail(_: object) -> Recognizer:
        raise ValueError("damaged")

    damaged = Pending("damaged", fail)
    damaged.make()
    kept: list[str] = []
    exports = Exports(lambda _: damaged)
    exports.publish = lambda path: kept.append(path.read_text(encoding="utf-8")) or "url"
    exports(Question(evaluation, Filter(where="position < 4"), {"format": "report"}))
    assert "Without the model" in kept[0]
