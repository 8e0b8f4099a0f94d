"""`python app.py`, but no model loads before a file is there: `python late_models.py FILE OPTIONS`.

For tests of what the page says meanwhile. Nothing else of the app is changed.
"""

import runpy
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from asr_core.recognizer import Recognizer  # noqa: E402 - of this tree, wherever it is run from

gate = Path(sys.argv.pop(1))
load = Recognizer.load


def load_late(folder: str | Path) -> Recognizer:
    while not gate.exists():
        time.sleep(0.02)
    return load(folder)


Recognizer.load = load_late
sys.argv[0] = str(ROOT / "app.py")
runpy.run_path(sys.argv[0], run_name="__main__")
