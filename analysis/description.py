"""A Description: what recordings and texts one or several manifests hold, as a folder.

`recordings.parquet` has a row a recording, `words.parquet` a row for each different word of each,
`findings.json` what the checks found, `summary.json` sums and where it all comes from,
`skipped.jsonl` the manifest rows that could not be read.
"""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.store import Details, FilterError, Store
from asr_core.recording_measures import NUMBERS

FORMAT_VERSION = 1
RECORDINGS, WORDS, FINDINGS, SUMMARY, SKIPPED = FILES = (
    "recordings.parquet",
    "words.parquet",
    "findings.json",
    "summary.json",
    "skipped.jsonl",
)
SAID = Details("words", "said")  # `said`: the words of the recordings that a filter lets through
AGAIN = "Run `python -m analysis describe` again."

RECORDING_COLUMNS = {  # a manifest field of one of these names becomes `manifest_<name>`
    "utterance_id": "str",
    "split": "str",  # the manifest's name
    "line": "int64",  # in its manifest, from 1
    "audio_filepath": "str",  # absolute, or relative to the manifest's folder
    "text": "str",  # normalised
    "text_raw": "str",
    "speaker": "str",  # from whichever field says it; null where none does
    "n_words": "int64",
    "n_characters": "int64",
    "duration_s": "float64",  # measured; without sound, the manifest's
    "problem": "str",  # why the sound cannot be read; null where it can, or was not tried
    "sample_rate": "Int64",  # Hz, of the file
    "channels": "Int64",
    "format": "str",  # container and coding
    **{name: "float64" for name in NUMBERS if name != "duration_s"},  # see RecordingMeasures
    "words_per_s": "float64",  # of sound
    "characters_per_s": "float64",
    "ctc_ratio": "float64",  # output frames over the least that CTC needs; below 1 cannot be learnt
    "file_sha256": "str",
    "samples_sha256": "str",
    "copy_group": "Int64",  # recordings of the same sound share a number; null without a copy
}


class DescriptionError(ValueError):
    """A Description folder that cannot be read or written."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: its name.
        verdict: "error" (results will be wrong), "warning" (look at it) or "ok".
        count: recordings that it concerns.
        where: an SQL condition that leads to them; empty where it concerns none, or all.
        facts: numbers and names for its text, as JSON has them.
        examples: some utterance_ids, or pairs of them.
    """

    check: str
    verdict: str
    count: int
    where: str
    facts: dict[str, Any]
    examples: list[Any]


@dataclass(frozen=True, eq=False)
class Description:
    """A Description folder, opened."""

    folder: Path
    summary: dict[str, Any]
    store: Store

    @classmethod
    def open(cls, folder: str | Path) -> "Description":
        """Read a Description folder.

        Raises:
            DescriptionError: no such folder, a file missing or damaged, or a newer format.
        """
        folder = Path(folder).resolve()
        return cls(folder, read_summary(folder), open_store(folder))

    @property
    def name(self) -> str:
        return str(self.summary["name"])

    @property
    def splits(self) -> list[str]:
        """Names of the manifests, in the order in which they were given."""
        return [str(each["split"]) for each in self.summary["manifests"]]

    @cached_property
    def findings(self) -> list[Finding]:
        """What the checks found, in their order (raises DescriptionError)."""
        try:
            return [Finding(**each) for each in _read_json(self.folder / FINDINGS)]
        except TypeError as e:  # not a list of objects, or of objects with other names
            raise DescriptionError(f"Cannot read {self.folder / FINDINGS}: {e}. {AGAIN}") from e

    def skipped(self) -> list[dict[str, Any]]:
        """Manifest rows left out: `split`, `line`, `reason`, `raw` (raises DescriptionError)."""
        path = self.folder / SKIPPED
        try:
            with path.open(encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.strip()]
        except (OSError, ValueError) as e:
            raise DescriptionError(f"Cannot read {path}: {e}. {AGAIN}") from e

    def row(self, utterance_id: str) -> dict[str, Any]:
        """One recording's row (raises KeyError)."""
        found = self.store.ask("SELECT * FROM utterances WHERE utterance_id = ?", [utterance_id])
        if not found:
            raise KeyError(utterance_id)
        return found[0]

    def audio_path(self, utterance_id: str) -> Path:
        """Where one recording should be (raises KeyError)."""
        row = self.row(utterance_id)
        paths = {each["split"]: each["path"] for each in self.summary["manifests"]}
        manifest = Path(os.path.normpath(self.folder / paths[row["split"]]))
        return manifest.parent / row["audio_filepath"]


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of a Description folder; its tables are not looked at.

    Raises:
        DescriptionError: no such folder, a damaged summary, or a newer format.
    """
    path = folder / SUMMARY
    if not path.is_file():
        raise DescriptionError(
            f"No description at {folder}. Expected a folder that `python -m analysis describe"
            " --out` wrote."
        )
    summary = _read_json(path)
    found = summary.get("format_version") if isinstance(summary, dict) else None
    if not isinstance(found, int) or found > FORMAT_VERSION:
        raise DescriptionError(
            f"{path} has format version {found}; this program reads up to {FORMAT_VERSION}."
            " Update Misheard."
        )
    try:
        _ = summary["name"], [each["split"] + each["path"] for each in summary["manifests"]]
    except (LookupError, TypeError) as e:
        raise DescriptionError(f"Cannot read {path}: {e!r}. {AGAIN}") from e
    return summary


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise DescriptionError(f"Cannot read {path}: {e}. {AGAIN}") from e


def open_store(folder: Path) -> Store:
    from analysis.tables import DUCKDB_TYPES

    columns = {name: DUCKDB_TYPES[kind] for name, kind in RECORDING_COLUMNS.items()}
    expected = {"utterances": columns, SAID.table: {"word": "VARCHAR", "count": "BIGINT"}}
    files = folder / RECORDINGS, folder / WORDS
    try:
        store = Store(*files, expected, details=SAID, searched=("text", "text_raw"))
        [row] = store.ask("SELECT count(*) AS n, count(DISTINCT utterance_id) AS d FROM utterances")
    except FilterError as e:
        raise DescriptionError(f"Cannot read {folder}: {e}. {AGAIN}") from e
    if row["n"] != row["d"]:
        raise DescriptionError(f"{folder / RECORDINGS} has a repeated utterance_id. {AGAIN}")
    return store
