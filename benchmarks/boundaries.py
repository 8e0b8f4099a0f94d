"""How far the words' estimated starts and ends lie from the known ones.

    python -m benchmarks.boundaries [--data data/spoken]

Three sets of known times: the bundled validation set's utterances rendered word by word; generated
Morse messages; and, where `prepare spoken` has written them, real test clips joined.
Counted are the words of the utterances that were heard right. The speech in a real clip is where
its level tells: in a noisy one that is no exact time, and counts as the estimate's error here.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from asr_core.manifest import read_manifest
from asr_core.recognizer import Recognizer
from asr_core.training.batches import read_clips
from asr_core.training.boundaries import (
    Timed,
    boundary_errors_s,
    joined_strings,
    morse_messages,
    summary,
)
from benchmarks.recognition import MANIFEST
from benchmarks.results import Table, tell

ROOT = Path(__file__).parent.parent
N_MESSAGES = 100
N_STRINGS = 100
CLIPS = {"test_fsdd_official": "digits", "test_commands": "commands"}  # of data/spoken
SEED = 7  # the models' own figures come from others


def main() -> None:
    """Tell the median and the 95th percentile of the boundaries' errors."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT / "data/spoken")
    data = parser.parse_args().data
    spoken, morse = Recognizer.load("spoken"), Recognizer.load("morse")
    rows = [
        _row("synthetic voices, word by word", spoken, _synthetic(spoken)),
        _row("generated Morse", morse, morse_messages("benchmark", N_MESSAGES, SEED)),
    ]
    here = {name: words for name, words in CLIPS.items() if (data / f"{name}.jsonl").is_file()}
    for name, words in here.items():
        strings = _joined(spoken, data / f"{name}.jsonl")
        rows.append(_row(f"real {words}, joined (`{name}`)", spoken, strings))
    note = "Of the words of the utterances that were heard right."
    if missing := set(CLIPS) - set(here):
        note += f" Not here, run `prepare spoken` for them: {', '.join(sorted(missing))}."
    columns = ("known times", "boundaries", "median, ms", "95th percentile, ms")
    tell([Table("How far the words' estimated bounds are off", columns, tuple(rows), note)])


def _row(name: str, recognizer: Recognizer, recordings: Iterable[Timed]) -> tuple[str | int, ...]:
    errors_s = boundary_errors_s(recognizer, recordings)
    found = summary(errors_s)
    return name, len(errors_s), round(1000 * found.median), round(1000 * found.p95)


def _synthetic(recognizer: Recognizer) -> Iterator[Timed]:
    for row in read_manifest(MANIFEST).rows:
        if row.fields["word_times"]:
            times_s = tuple((start_s, end_s) for start_s, end_s in row.fields["word_times"])
            yield Timed(recognizer.read(row.audio_path), row.text, times_s)


def _joined(recognizer: Recognizer, path: Path) -> Iterator[Timed]:
    rate, alphabet = recognizer.sample_rate, recognizer.alphabet
    clips = read_clips(path, rate, alphabet).clips
    rng = np.random.default_rng(SEED)
    yield from joined_strings(clips, alphabet, rate, N_STRINGS, rng)


if __name__ == "__main__":
    main()
