"""A benchmark's questions in a process of their own, so that its peak is of them alone."""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = (3_000, 30_000, 100_000, 1_000_000)


def options(description: str | None, measure: Callable[[Path], Any]) -> argparse.Namespace:
    """Read `[ROWS ...]`; in the process that `measured` started, measure and end."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        print(json.dumps(measure(given.measure)))
        sys.exit()
    return given


def measured(module: str, folder: Path) -> Any:
    """What a benchmark's `measure` tells of a folder, from a new process on one core."""
    command = [sys.executable, "-m", module, "--measure", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def timed_command(command: list[str], cwd: Path) -> tuple[float, float, str]:
    """Seconds on the wall, peak MB and stdout of a command on one core, by GNU time."""
    core = str(min(os.sched_getaffinity(0)))
    done = subprocess.run(
        ["/usr/bin/time", "-f", "%e %M", "taskset", "-c", core, sys.executable, *command],
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.findall(r"^(\d+\.\d+) (\d+)$", done.stderr, re.MULTILINE)
    assert found, done.stderr
    return float(found[-1][0]), int(found[-1][1]) / 1024, done.stdout


def peak_mb(process: int | str = "self") -> float:
    """The most memory that a process has had; `ru_maxrss` begins at that of its parent."""
    return _of_status(process, "VmHWM")


def held_mb(process: int | str = "self") -> float:
    """The memory that a process has now."""
    return _of_status(process, "VmRSS")


def _of_status(process: int | str, name: str) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) / 1024
