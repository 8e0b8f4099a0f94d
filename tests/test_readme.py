"""The README tells the truth: its figures are the model card's."""

import json
import re
from pathlib import Path

import pytest

from analysis.card import percent
from asr_core.checkpoint import MODELS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def evaluations() -> list[dict]:
    return json.loads((MODELS / "spoken" / "metrics.json").read_text())["evaluations"]


@pytest.mark.parametrize("measured", evaluations(), ids=lambda each: each["name"])
def test_results_are_those_of_the_model_card(measured: dict) -> None:
    (row,) = re.findall(rf"^\| `{measured['name']}` \|.*$", README, flags=re.MULTILINE)
    counts, rates = measured["counts"], measured["rates"]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2:4] == [str(counts["utterances"]), str(counts["words"])]
    assert cells[4:] == ([percent(rates["wer"])] if counts["words"] else ["–"]) + [
        percent(rates["ser"])
    ]


@pytest.mark.parametrize("name", ["README.md", "benchmarks/README.md"])
def test_every_file_it_names_is_there(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert links
    assert not missing


def test_every_benchmark_it_names_is_there() -> None:
    told = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    names = set(re.findall(r"benchmarks[./](\w+)", README + told)) - {"README", "RESULTS"}
    assert len(names) > 8
    assert not [name for name in names if not (ROOT / "benchmarks" / f"{name}.py").is_file()]


def test_it_shows_pictures() -> None:
    assert ".png)" in README


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150
