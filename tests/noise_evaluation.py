"""An evaluation of noise by the tiny model: everything is wrong, always in the same way."""

import json
import shutil
from pathlib import Path

import numpy as np
import soundfile

from analysis.evaluating import evaluate
from analysis.evaluation import Evaluation
from analysis.store import Filter
from asr_core.recognizer import Recognizer
from ui.explorer import Question

RATE = 8000
N_UTTERANCES = 60
HOSTILE = "<img src=x onerror=alert(1)>${1+1}"


def write_noise(recognizer: Recognizer, folder: Path) -> Path:
    """The evaluation's folder, beside its recordings."""
    rng = np.random.default_rng(1)
    lines = []
    for i in range(N_UTTERANCES):
        soundfile.write(folder / f"{i}.wav", 0.1 * rng.standard_normal(RATE + 400 * i), RATE)
        fields = {"id": f"u{i}", "corpus": "synthetic", "snr_db": i % 7, "voice": HOSTILE}
        lines.append({"audio_filepath": f"{i}.wav", "text": "yes foreign go", **fields})
    manifest = folder / "manifest.jsonl"
    manifest.write_text("\n".join(json.dumps(line) for line in lines))
    evaluate(recognizer, manifest, folder / "evaluation", name=HOSTILE)
    return folder / "evaluation"


def changed(evaluation: Evaluation, folder: Path, **columns) -> Evaluation:
    """A copy of an evaluation, in a folder of its own, with other values in some columns."""
    shutil.copytree(evaluation.folder, folder)
    table = evaluation.utterances.assign(**columns)
    table.to_parquet(folder / "utterances.parquet", index=False)
    return Evaluation.open(folder)


def ask(evaluation: Evaluation, wanted: Filter | None = None, **asked) -> Question:
    return Question(evaluation, wanted or Filter(), asked)
