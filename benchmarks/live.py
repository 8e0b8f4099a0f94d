"""Live text: the time from a chunk's arrival to its text, as the bundled set is spoken on and on.

python -m benchmarks.live
"""

import statistics
import time
from pathlib import Path

import numpy as np

from asr_core.audio import load_audio
from asr_core.live import Listener
from asr_core.manifest import read_manifest
from asr_core.pieces import LIVE
from asr_core.recognizer import Recognizer

MANIFEST = Path(__file__).parent.parent / "assets/validation/spoken/manifest.jsonl"
RATE = 48_000  # Hz, a browser's
CHUNK_S = 0.25
SPOKEN_S = 60.0


def main() -> None:
    """Print median and 95th percentile of a step."""
    rows = read_manifest(MANIFEST).rows[:60]
    spoken = np.concatenate([load_audio(row.audio_path, RATE).samples for row in rows])
    listener = Listener(Recognizer.load("spoken"), RATE)
    steps_ms = []
    for start_s in np.arange(0, SPOKEN_S, CHUNK_S):
        chunk = spoken[round(start_s * RATE) : round((start_s + CHUNK_S) * RATE)]
        started = time.perf_counter()
        listener.hear(chunk)
        steps_ms.append(1000 * (time.perf_counter() - started))
    p50, p95 = statistics.median(steps_ms), statistics.quantiles(steps_ms, n=20)[-1]
    print("| a chunk's arrival to its text | ms |\n|---|---|")
    print(f"| median of {len(steps_ms)} chunks of {1000 * CHUNK_S:.0f} ms | {p50:.0f} |")
    print(f"| 95th percentile (up to {LIVE.longest_s:.0f} s are heard again) | {p95:.0f} |")


if __name__ == "__main__":
    main()
