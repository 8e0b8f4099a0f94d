"""What `prepare` wrote, for the tests of corpora."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Splits = dict[str, list[dict[str, Any]]]


def read_splits(out: Path, names: Iterable[str]) -> Splits:
    """The rows of each manifest."""
    return {
        name: [json.loads(line) for line in (out / f"{name}.jsonl").read_text().splitlines()]
        for name in names
    }
