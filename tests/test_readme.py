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


def test_every_file_it_names_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing
    assert any(link.endswith(".png") for link in links)


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150
