"""Run the benchmarks, each in a process of its own; write what they found as one page.

    python -m benchmarks [NAME ...] [--out benchmarks/RESULTS.md]

Beside the page go `results.json`, which it is made of, and `growth.png`. A run of some benchmarks
replaces their parts alone. One that fails is named with its last lines and does not stop the
others; the exit code is then 1.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

from benchmarks import sections
from benchmarks.machine import described
from benchmarks.picture import PictureError, picture
from benchmarks.rendering import rendered
from benchmarks.results import RESULTS
from benchmarks.sections import Section

ROOT = Path(__file__).parent.parent
PAGE = Path("benchmarks/RESULTS.md")
NAMES = (
    "machine",
    "recognition",
    "peers",
    "long",
    "training",
    "training_growth",
    "startup",
    "page_weight",
    "commands",
    "imports",
    "explorer",
    "explorer_page",
    "comparing",
    "serving",
    "cluster",
    "sizing",
    "boundaries",
)
LIMIT_S = 1800  # ten times what a benchmark should take; past it, it hangs
LAST_LINES = 15


def main() -> int:
    """Run what was asked for, write the page after each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--out", type=Path, default=ROOT / PAGE, help=f"default: {PAGE}")
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"got {', '.join(sorted(unknown))}; expected any of {', '.join(NAMES)}")
    wanted = [name for name in NAMES if name in given.names or not given.names]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    kept = given.out.with_name("results.json")
    failed = []
    for i, name in enumerate(wanted):
        print(f"\n== {name} ({i + 1} of {len(wanted)})", flush=True)
        section = run(name)
        failed += [name] if section.failure else []
        sections.write(sections.replaced(sections.read(kept), [section], NAMES), kept)
    write_page(sections.read(kept), given.out)
    print(f"\nWritten: {given.out}" + (f". Failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def run(name: str) -> Section:
    """One benchmark in a process of its own, its lines shown as they come."""
    date, load = f"{datetime.now(UTC):%Y-%m-%d %H:%M}", os.getloadavg()[0]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        status, lines = _follow([sys.executable, "-m", f"benchmarks.{name}"], results)
        text = results.read_text(encoding="utf-8") if results.is_file() else ""
    took_s = time.monotonic() - started
    if status == 0 and not text:
        lines.append(f"benchmarks.{name} ended well but told nothing: expected `tell(...)`")
    is_good = status == 0 and bool(text)
    tables, growths = sections.told(text) if is_good else ((), ())
    failure = "" if is_good else _anywhere("".join(lines)) or f"exit status {status}"
    return Section(
        name, date, _commit(), described(), load, took_s, tables, growths, failure=failure
    )


def _follow(command: Sequence[str], results: Path) -> tuple[int, deque[str]]:
    """The exit status of a process and its last lines; with its children it is ended at LIMIT_S."""
    lines: deque[str] = deque(maxlen=LAST_LINES)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, RESULTS: str(results)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )

    def end() -> None:
        lines.append(f"ended after {LIMIT_S} s")
        with contextlib.suppress(ProcessLookupError):  # it may just have ended by itself
            os.killpg(process.pid, signal.SIGKILL)

    limit = Timer(LIMIT_S, end)
    limit.start()
    assert process.stdout is not None
    try:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
        return process.wait(), lines
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGTERM)
        raise
    finally:
        limit.cancel()


def _anywhere(text: str) -> str:
    """Without the folders of this machine."""
    for folder in (sys.prefix, str(ROOT), tempfile.gettempdir()):
        text = text.replace(f"{folder}/", "")
    return text.strip()


def _commit() -> str:
    """The short hash of what is run, "with changes" where files differ from it."""

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "--short", "HEAD")
        ours = f":!{PAGE.parent}/RESULTS.md", f":!{PAGE.parent}/results.json", ":!*.png"
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *ours)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit} with changes" if changed else commit


def write_page(found: Sequence[Section], page: Path) -> None:
    """Write the page and, where there is a Chromium, the picture beside it."""
    growths = [growth for section in found for growth in section.growths]
    target, note = page.with_name("growth.png"), ""
    if growths:
        try:
            picture(growths, target)
        except PictureError as e:
            note = str(e)
            print(f"\n{note}")
    text = rendered(found, None if note else target.name, note)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
