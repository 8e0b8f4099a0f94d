"""Recognition by length of the recording, a second to ten minutes: time, and the process's peak.

The file is the bundled validation set, one recording after the other, as 16 kHz mono FLAC; each
length is heard in a process of its own, whose peak the system reports.

python -m benchmarks.long [--model spoken] [--seconds 1 3 10 30 60 600]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

import soundfile

from asr_core.audio import load_audio
from asr_core.manifest import read_manifest
from benchmarks.own_process import peak_mb
from benchmarks.results import Growth, Table, tell

MANIFEST = Path(__file__).parent.parent / "assets/validation/spoken/manifest.jsonl"
EVALUATION = MANIFEST.parents[2] / "evaluations/spoken/summary.json"
RATE = 16_000  # Hz
SECONDS = (1, 3, 10, 30, 60, 600)
NOTHING = "import asr_core.recognizer"  # what any transcription holds: the packages, mostly
MEASURED_S, MIN_RUNS = 2.0, 3  # of each length, at least
MIN_WORDS = 20  # for a rate


def write_long(path: Path, seconds: float) -> str:
    """Join the bundled recordings up to a length; the words that are whole in it."""
    left, texts = round(seconds * RATE), []
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for row in cycle(read_manifest(MANIFEST).rows):
            sound = load_audio(row.audio_path, RATE).samples
            file.write(sound[:left])
            if len(sound) > left:
                return " ".join(texts)
            left -= len(sound)
            texts.append(row.text)
    raise AssertionError("a cycle does not end")


def measure(path: Path, model: str) -> dict[str, float | str]:
    """Median seconds of file to text in this process, its peak in MB, and the text."""
    from asr_core.pieces import join
    from asr_core.recognizer import Recognizer

    recognizer = Recognizer.load(model)
    texts, times = set(), []
    until = time.perf_counter() + MEASURED_S
    while len(times) < 1 + MIN_RUNS or time.perf_counter() < until:
        started = time.perf_counter()
        texts.add(join(list(recognizer.transcribe_pieces(path))).text)
        times.append(time.perf_counter() - started)
    peak = peak_mb()
    texts.add(recognizer.transcribe([path])[0].text)  # all at once: more memory, the same answer
    (text,) = texts
    return {"seconds": statistics.median(times[1:]), "peak_mb": peak, "text": text}


def in_own_process(path: Path, model: str) -> tuple[dict[str, float | str], float]:
    """`measure` in a new process; seconds of the command that a person would run."""
    module = [sys.executable, "-m", "benchmarks.long", "--model", model, "--measure", str(path)]
    done = subprocess.run(module, check=True, capture_output=True, text=True)
    command = ["-m", "asr_core", "transcribe", str(path), "--model", model]
    return json.loads(done.stdout), process(*command)[0]


def process(*arguments: str) -> tuple[float, float]:
    """(wall seconds, peak resident MB) of a Python process."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    took_s = time.perf_counter() - started
    if status != 0:
        raise RuntimeError(f"{arguments} failed with status {status}")
    return took_s, usage.ru_maxrss / 1024


def main() -> None:
    """Tell the costs of each length."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="spoken")
    parser.add_argument("--seconds", type=float, nargs="+", default=SECONDS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.model)))
        return
    rows, times, peaks = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.flac"
        for seconds in options.seconds:
            said = write_long(path, seconds)
            found, command_s = in_own_process(path, options.model)
            took_s, peak = float(found["seconds"]), float(found["peak_mb"])
            times_real_time = round(seconds / took_s)
            figures = (round(1000 * took_s, 1), times_real_time, round(peak), round(command_s, 1))
            rows.append((f"{seconds:g}", *figures, _wer(said, str(found["text"]))))
            times.append((seconds, took_s))
            peaks.append((seconds, peak))
    tell([_table(rows)], _growths(times, peaks))


def _wer(said: str, heard: str) -> str:
    """In %; none of a few words."""
    import jiwer

    return f"{100 * jiwer.wer(said, heard):.1f}" if len(said.split()) >= MIN_WORDS else "–"


def _table(rows: list[tuple[str | int | float, ...]]) -> Table:
    columns = ("seconds of audio", "file to text, ms", "times real time", "peak of the process, MB")
    columns += ("`python -m asr_core transcribe`, s", "WER, %")
    summary = json.loads(EVALUATION.read_text(encoding="utf-8"))
    note = (
        f"`Recognizer.transcribe_pieces` of a 16 kHz FLAC, median of {MIN_RUNS} runs or more with"
        f" the model loaded; the imports alone hold {process('-c', NOTHING)[1]:.0f} MB. The text is"
        " the same when all is heard at once. One by one, the set's recordings have a WER of"
        f" {100 * summary['rates']['wer']['value']:.1f} %: synthetic voices in noise and rooms."
    )
    return Table("Recognition by length", columns, tuple(rows), note)


def _growths(
    times: list[tuple[float, float]], peaks: list[tuple[float, float]]
) -> tuple[Growth, ...]:
    return (
        Growth("file to text", "seconds of audio", "s", tuple(times)),
        Growth("file to text, the process's peak", "seconds of audio", "MB", tuple(peaks)),
    )


if __name__ == "__main__":
    main()
