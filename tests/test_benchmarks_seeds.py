"""The table of several seeds: planted rates, and a real model on a real manifest."""

import json
from pathlib import Path

import pytest

from asr_core.checkpoint import MODELS
from asr_core.recognizer import Recognizer
from benchmarks import seeds

VALIDATION = Path(__file__).parents[1] / "assets" / "validation" / "spoken"


def test_mean_and_standard_deviation_of_the_seeds() -> None:
    *_, line = seeds.table({"test": [0.1, 0.2, 0.3]}, [1, 2, 3]).splitlines()
    assert line == "| `test` | 10.0 | 20.0 | 30.0 | 20.0 | 10.0 |"


def test_one_seed_has_no_spread() -> None:
    assert seeds.table({"test": [0.5]}, [7]).endswith("| `test` | 50.0 | 50.0 | – |")


def test_wer_of_a_set_is_the_sum_of_its_errors(tmp_path: Path) -> None:
    recognizer = Recognizer.load("spoken")
    lines = (VALIDATION / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:4]]
    paths = [str(VALIDATION / row["audio_filepath"]) for row in rows]
    heard = [transcript.text for transcript in recognizer.transcribe(paths)]
    # One word too many in a text that is right otherwise is one error.
    texts = [f"{heard[0]} zero", *heard[1:]]
    manifest = tmp_path / "set.jsonl"
    manifest.write_text(
        "".join(
            json.dumps({"audio_filepath": path, "text": text}) + "\n"
            for path, text in zip(paths, texts, strict=True)
        ),
        encoding="utf-8",
    )
    n_words = sum(len(text.split()) for text in texts)
    assert seeds.wer(recognizer, manifest) == pytest.approx(1 / n_words)


def test_the_seed_of_the_bundled_model_and_its_curve(tmp_path: Path) -> None:
    assert seeds.seed_of(Recognizer.load("spoken")) == 1
    seeds.copy_curves({1: "spoken"}, tmp_path / "seeds")
    copied = (tmp_path / "seeds" / "1.csv").read_bytes()
    assert copied == (MODELS / "spoken" / "training.csv").read_bytes()
