"""How soon the command lines answer: help, a mistake, one short recording.

python -m benchmarks.commands

Every command is a process of its own, in turns, 7 times; medians, by GNU time. `import torch` is
what a transcript cannot do without.
"""

import re
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results import Table, tell

ROOT = Path(__file__).parent.parent
RUNS = 7
EXAMPLE, SAID = "assets/examples/go-left-no-right-noisy.opus", "go left no right"
COMMANDS = {  # what is typed -> its arguments, and what it must print
    'python -c "pass"': (("-c", "pass"), ""),
    "python -m asr_core --help": (("-m", "asr_core", "--help"), "transcribe"),
    "python -m analysis --help": (("-m", "analysis", "--help"), "evaluate"),
    "python app.py --help": (("app.py", "--help"), "--evaluation"),
    'python -c "import torch"': (("-c", "import torch"), ""),
    "python -m asr_core transcribe FILE": (("-m", "asr_core", "transcribe", EXAMPLE), SAID),
}
TIMED = re.compile(r"^(\d+\.\d+) (\d+\.\d+) (\d+\.\d+) (\d+)$", re.MULTILINE)


def measure(arguments: Sequence[str], told: str) -> tuple[float, float, float]:
    """Seconds on the wall, seconds of the processor, and peak MB, of one run."""
    done = subprocess.run(
        ["/usr/bin/time", "-f", "%e %U %S %M", sys.executable, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert told in done.stdout, done.stdout
    found = TIMED.search(done.stderr)
    assert found, done.stderr
    wall, user, system, kilobytes = map(float, found.groups())
    return wall, user + system, kilobytes / 1024


def main() -> None:
    """Print the table."""
    found = defaultdict(list)
    for _ in range(RUNS):
        for name, command in COMMANDS.items():
            found[name].append(measure(*command))
    rows = []
    for name, runs in found.items():
        wall, processor, peak = (statistics.median(each) for each in zip(*runs, strict=True))
        rows.append((name, f"{wall:.2f}", f"{processor:.2f}", f"{peak:.0f}"))
    columns = "command", "s", "processor, s", "peak, MB"
    tell([Table("Command lines", columns, tuple(rows), f"Medians of {RUNS}, in turns.")])


if __name__ == "__main__":
    main()
