"""How soon the page answers: `python app.py` started 5 times, the first answer timed.

python -m benchmarks.startup
"""

import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNS = 5
LIMIT_S = 120


def first_answer_s() -> float:
    """Seconds from the start of the process to a complete page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while time.monotonic() - started < LIMIT_S:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                    page.read()
                return time.monotonic() - started
            except urllib.error.URLError:
                time.sleep(0.02)
        raise TimeoutError(f"no page within {LIMIT_S} s")
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Print a table of the runs' median and spread."""
    first_answer_s()  # warms the disk
    times = sorted(first_answer_s() for _ in range(RUNS))
    print("| first page of `python app.py` | seconds |\n|---|---|")
    print(f"| median of {RUNS} | {statistics.median(times):.1f} |")
    print(f"| fastest, slowest | {times[0]:.1f}, {times[-1]:.1f} |")


if __name__ == "__main__":
    main()
