"""An hour against ten minutes: wall time and peak memory of `python -m asr_core transcribe`.

The file is the bundled validation set, again and again, as 16 kHz mono FLAC; each length is a
process of its own, whose peak the system reports.

python -m benchmarks.long [--model spoken] [--minutes 10 60]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile

from asr_core.audio import load_audio
from asr_core.manifest import read_manifest

MANIFEST = Path(__file__).parent.parent / "assets/validation/spoken/manifest.jsonl"
RATE = 16_000  # Hz
NOTHING = "import asr_core.recognizer"  # what any transcription holds: torch, mostly


def write_long(path: Path, seconds: float) -> None:
    """Join the bundled recordings up to a length."""
    sounds = [load_audio(row.audio_path, RATE).samples for row in read_manifest(MANIFEST).rows]
    left = round(seconds * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        while left > 0:
            for sound in sounds:
                file.write(sound[:left])
                left -= min(left, len(sound))


def measure(*arguments: str) -> tuple[float, float]:
    """(wall seconds, peak resident MB) of a Python process."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took_s = time.perf_counter() - started
    if status != 0:
        raise RuntimeError(f"{arguments} failed with status {status}")
    return took_s, usage.ru_maxrss / 1024


def main() -> None:
    """Print a table of lengths."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="spoken")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 60])
    options = parser.parse_args()
    _, idle_mb = measure("-c", NOTHING)
    print(f"\nImports alone: {idle_mb:.0f} MB\n")
    print("| minutes | wall time, s | times real time | peak, MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for minutes in options.minutes:
            path = Path(folder) / f"{minutes:g}.flac"
            write_long(path, 60 * minutes)
            transcribe = ("-m", "asr_core", "transcribe", str(path), "--model", options.model)
            took_s, peak_mb = measure(*transcribe)
            speed = 60 * minutes / took_s
            print(f"| {minutes:g} | {took_s:.1f} | {speed:.0f} | {peak_mb:.0f} |", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
