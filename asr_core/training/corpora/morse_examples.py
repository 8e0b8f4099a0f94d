"""The app's example clips of Morse code, keyed and received here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from asr_core.manifest import write_manifest
from asr_core.morse_code import CYRILLIC, Script, read_as
from asr_core.training.corpora.morse import SEED
from asr_core.training.keying import Keying, key
from asr_core.training.receiver import SAMPLE_RATE, Reception, receive

EDGE_S = 0.5  # before the first mark and after the last
SIGN_OF: Mapping[str, str] = {letter: sign for sign, letter in CYRILLIC.items()}


@dataclass(frozen=True)
class Example:
    """A clip for the app; `text` is what the operator means, in the letters of `script`."""

    id: str
    text: str
    script: Script
    keying: Keying
    reception: Reception
    description: str

    @property
    def signs(self) -> str:
        """The text as the model's symbols."""
        return "".join(SIGN_OF.get(letter, letter) for letter in self.text)


def render_examples(out: Path, *, seed: int = SEED) -> None:
    """Render the clips to `out`: `manifest.jsonl` and `<id>.opus`, mono at 8 kHz."""
    rng = np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    write_manifest(out / "manifest.jsonl", [_write(out, example, rng) for example in EXAMPLES])


def _write(out: Path, example: Example, rng: np.random.Generator) -> dict[str, Any]:
    """Write the recording; return its manifest row."""
    assert read_as(example.signs, example.script) == example.text
    marks = key(example.signs, example.keying, rng) + EDGE_S
    n_samples = round((marks[-1, 1] + EDGE_S) * SAMPLE_RATE)
    path = out / f"{example.id}.opus"
    samples = receive(marks, n_samples, example.reception, rng)
    soundfile.write(path, samples, SAMPLE_RATE, format="OGG", subtype="OPUS")
    return {
        "audio_filepath": path.name,
        "duration": n_samples / SAMPLE_RATE,
        "text": example.signs,
        "id": example.id,
        "model": "morse",
        "script": example.script,
        "wpm": example.keying.wpm,
        "snr_db": example.reception.snr_db,
        "tone_hz": example.reception.tone_hz,
        "description": example.description,
    }


HAND = Keying(22.0, dash=3.4, weight=0.05, mark_jitter=0.08, gap_jitter=0.12, drift=0.04)
PADDLE = Keying(16.0, dash=3.1, mark_jitter=0.02, gap_jitter=0.08)
EXAMPLES = (
    Example(
        "cq-clean",
        "cq cq de k1abc",
        "latin",
        Keying(18.0),
        Reception(tone_hz=600.0),
        "A general call, keyed by a machine, 18 words per minute",
    ),
    Example(
        "rst-599-by-hand",
        "gm tnx fer call ur rst 599 <sk>",
        "latin",
        HAND,
        Reception(tone_hz=720.0, drift_hz=8.0, snr_db=6.0, noise="white"),
        "Keyed by hand, 22 words per minute, in noise (6 dB in 2500 Hz)",
    ),
    Example(
        "kak-slyshno",
        "привет как слышно",
        "cyrillic",
        PADDLE,
        Reception(tone_hz=520.0, snr_db=12.0, noise="white", fading_db=6.0),
        "Russian: the same signs, read as Cyrillic letters",
    ),
)
