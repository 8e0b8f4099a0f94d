"""Recognition speed, file to transcript, on the bundled validation set.

python -m benchmarks.recognition
"""

import statistics
import time
from pathlib import Path

import torch

from asr_core.manifest import read_manifest
from asr_core.recognizer import Recognizer

MANIFEST = Path(__file__).parent.parent / "assets/validation/spoken/manifest.jsonl"
RUNS = 5
CLIP_S = (2.5, 3.5)


def main() -> None:
    """Print real-time factors of batches and the time of one clip of about 3 s."""
    recognizer = Recognizer.load("spoken")
    rows = read_manifest(MANIFEST).rows
    paths = [str(row.audio_path) for row in rows]
    audio_s = sum(row.duration_s or 0.0 for row in rows)
    single = [str(r.audio_path) for r in rows if CLIP_S[0] <= (r.duration_s or 0) <= CLIP_S[1]]
    print(f"\n{torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print("| what | figure |\n|---|---|")
    list(recognizer.transcribe_each(paths[:32]))  # warm-up
    speeds = [audio_s / _seconds(lambda: list(recognizer.transcribe_each(paths))) for _ in range(3)]
    print(f"| {len(paths)} files in batches, times real time | {statistics.median(speeds):.0f} |")
    times = [
        1000 * _seconds(lambda path=path: recognizer.transcribe([path]))
        for path in single[:40]
        for _ in range(RUNS)
    ]
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"| one clip of 3 s, median and p95, ms | {p50:.0f}, {p95:.0f} |")


def _seconds(work: object) -> float:
    started = time.perf_counter()
    assert callable(work)
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
