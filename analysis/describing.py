"""Manifests, read and their sound measured, become a Description folder."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.columns import FixedColumns, FreeColumns
from analysis.copies import copy_groups
from analysis.data_checks import Material, findings
from analysis.description import (
    FILES,
    FINDINGS,
    FORMAT_VERSION,
    RECORDING_COLUMNS,
    RECORDINGS,
    SKIPPED,
    SUMMARY,
    WORDS,
    Description,
    DescriptionError,
    open_store,
)
from analysis.evaluation import set_name
from analysis.folder import check_own, replacing, write_summary, write_table
from analysis.measuring import HISTOGRAM_BINS, FileMeasures, MeasuringError, Progress, measure_files
from analysis.names import UniqueNames
from analysis.normalisation import basic
from analysis.store import RESERVED, FilterError
from analysis.tables import field_column, utf8
from asr_core.alignment import n_needed
from asr_core.audio import AudioError
from asr_core.manifest import Manifest, ManifestRow, is_table, read_manifest, write_manifest

if TYPE_CHECKING:
    import pyarrow

FRAME_S = 0.040  # a frame of the bundled speech model's output
SPEAKER_FIELDS = ("speaker", "speaker_id", "spk", "spk_id", "client_id")
OURS = (*RECORDING_COLUMNS, "bands_db", *RESERVED, "file_row_number")
WORD_COLUMNS = {"utterance_id": "str", "word": "str", "count": "int64"}
BATCH = 4096


@dataclass(frozen=True)
class Units:
    """What a text is to a model.

    Attributes:
        normalise: a text as a manifest has it -> as it is trained on.
        spell: a normalised text -> its symbols.
        frame_s: seconds an output frame.
    """

    normalise: Callable[[str], str] = basic
    spell: Callable[[str], Sequence[str | int]] = list
    frame_s: float = FRAME_S


def describe(
    manifests: Sequence[str | Path],
    out: str | Path,
    *,
    name: str | None = None,
    units: Units = Units(),
    sound: bool = True,
    cache_path: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Description:
    """Read manifests, measure their recordings, check them, and write the Description folder.

    A row that cannot be read is listed in `skipped.jsonl`; a recording that cannot be read keeps
    its row, with the reason in `problem`. The folder is written beside `out` and then renamed.

    Args:
        manifests: JSON lines, CSV or TSV; each is a split, called as its file.
        out: a new or empty folder, or a Description, which is replaced.
        name: of the whole; else the first manifest's folder's.
        units: how texts are spelt and how long a frame is, for the ratio that CTC needs.
        sound: read the recordings; without, only what the manifests say is described, in seconds.
        cache_path: see `measure_files`.
        workers: see `measure_files`.
        progress: called after every recording.

    Raises:
        ManifestError: a manifest cannot be read.
        DescriptionError: `out` cannot be written or holds other files, or the processes that
            measured were ended from outside.
    """
    out = Path(out).resolve()
    try:
        check_own(out, FILES, "a description")
    except OSError as e:
        raise DescriptionError(f"Cannot write {out}: {e}.") from e
    read = dict(_splits([read_manifest(path) for path in manifests]))
    rows = [(split, row) for split, manifest in read.items() for row in manifest.rows]
    measures: Sequence[FileMeasures | AudioError | None] = [None] * len(rows)
    groups: Sequence[int | None] = [None] * len(rows)
    paths = [row.audio_path for _, row in rows]
    if sound:
        try:
            measures = measure_files(paths, cache_path, workers, progress)
        except MeasuringError as e:
            raise DescriptionError(str(e)) from e
        groups = copy_groups(measures, paths)
    tables = _Tables(units, read)
    for start in range(0, len(rows), BATCH):
        part_of = slice(start, start + BATCH)
        tables.add(rows[part_of], measures[part_of], groups[part_of])
    summary = _summary(read, out, name, units, sound) | _histograms(rows, measures)
    try:
        with replacing(out) as part:
            write_table(part / RECORDINGS, tables.recordings)
            write_table(part / WORDS, tables.words)
            write_manifest(part / SKIPPED, _skipped(read))
            write_summary(part / SUMMARY, summary)
            skipped = {split: len(manifest.skipped) for split, manifest in read.items()}
            material = Material(open_store(part), list(read), paths, skipped, sound)
            write_summary(part / FINDINGS, [asdict(each) for each in findings(material)])
    except FilterError as e:  # a check's question to the tables
        raise DescriptionError(f"Cannot check what {', '.join(read)} hold: {e}") from e
    except OSError as e:
        raise DescriptionError(f"Cannot write {out}: {e}. Choose another folder.") from e
    return Description.open(out)


class _Tables:
    """The two tables, which grow by batches of rows."""

    def __init__(self, units: Units, read: dict[str, Manifest]) -> None:
        self._units = units
        # Compared as text: of 100,000 paths their parts would take a second.
        self._folders = {split: f"{each.path.parent}{os.sep}" for split, each in read.items()}
        self._recordings = FixedColumns(RECORDING_COLUMNS)
        self._words = FixedColumns(WORD_COLUMNS)
        from_text = all(is_table(manifest.path) for manifest in read.values())
        self._fields = FreeColumns(from_text=from_text)
        self._names = UniqueNames()
        self._bands: list[list[float] | None] = []

    @property
    def recordings(self) -> "pyarrow.Table":
        """RECORDING_COLUMNS, `bands_db`, then every manifest field."""
        import pyarrow

        bands = pyarrow.array(self._bands, pyarrow.list_(pyarrow.float32()))
        table = self._recordings.table().append_column("bands_db", bands)
        for name, column in self._fields.columns().items():
            table = table.append_column(name, column)
        return table

    @property
    def words(self) -> "pyarrow.Table":
        """WORD_COLUMNS."""
        return self._words.table()

    def add(
        self,
        rows: Sequence[tuple[str, ManifestRow]],
        measures: Sequence[FileMeasures | AudioError | None],
        groups: Sequence[int | None],
    ) -> None:
        """Rows with their splits, what their recordings are like, and which are copies."""
        records = []
        words: dict[str, list[Any]] = {name: [] for name in WORD_COLUMNS}
        for (split, row), measured, group in zip(rows, measures, groups, strict=True):
            text = self._units.normalise(utf8(row.text))
            key = self._names.take(utf8(str(row.fields.get("id") or row.audio_path.stem)))
            record = self._texts(split, row, text)
            record |= {"utterance_id": key, "copy_group": group}
            records.append(record | _sound(measured, row) | self._rates(text, measured, row))
            for word, n in Counter(text.split()).items():
                for column, value in zip(words.values(), (key, word, n), strict=True):
                    column.append(value)
            bands = measured.recording.bands_db if isinstance(measured, FileMeasures) else None
            self._bands.append(None if bands is None else list(bands))
        columns = {name: [record.get(name) for record in records] for name in RECORDING_COLUMNS}
        self._recordings.add(**columns)
        self._words.add(**words)
        self._fields.add([_fields(row) for _, row in rows])

    def _texts(self, split: str, row: ManifestRow, text: str) -> dict[str, Any]:
        path = str(row.audio_path)
        return {
            "split": split,
            "line": row.line,
            "audio_filepath": utf8(path.removeprefix(self._folders[split])),
            "text": text,
            "text_raw": utf8(row.text),
            "speaker": _speaker(row),
            "n_words": len(text.split()),
            "n_characters": len(text),
        }

    def _rates(
        self, text: str, measured: FileMeasures | AudioError | None, row: ManifestRow
    ) -> dict[str, float | None]:
        """How fast it is spoken, and whether CTC has frames enough."""
        duration_s, sound_s = row.duration_s, 0.0
        if isinstance(measured, FileMeasures):
            duration_s, sound_s = measured.recording.duration_s, measured.recording.sound_s
        least = n_needed(self._units.spell(text))
        frames = None if duration_s is None else duration_s // self._units.frame_s + 1
        return {
            "words_per_s": len(text.split()) / sound_s if sound_s and text else None,
            "characters_per_s": len(text) / sound_s if sound_s and text else None,
            "ctc_ratio": frames / least if least and frames is not None else None,
        }


def _sound(measured: FileMeasures | AudioError | None, row: ManifestRow) -> dict[str, Any]:
    if measured is None:
        return {"duration_s": row.duration_s}
    if isinstance(measured, AudioError):
        return {"duration_s": row.duration_s, "problem": utf8(str(measured))}
    return {
        **measured.recording.numbers(),
        "sample_rate": measured.sample_rate,
        "channels": measured.channels,
        "format": measured.format,
        "file_sha256": measured.file_sha256,
        "samples_sha256": measured.samples_sha256,
    }


def _speaker(row: ManifestRow) -> str | None:
    """Whatever field says it; an empty one says that there is none."""
    for field in SPEAKER_FIELDS:
        if row.fields.get(field) not in (None, ""):
            return utf8(str(row.fields[field]))
    return None


def _fields(row: ManifestRow) -> dict[str, Any]:
    """Every field of the row but those that our own columns already say."""
    fields = {name: value for name, value in row.fields.items() if name != "speaker"}
    if row.duration_s is not None:
        fields["duration"] = row.duration_s
    if row.pred_text is not None:
        fields["pred_text"] = row.pred_text
    return {field_column(name, OURS): value for name, value in fields.items()}


def _splits(manifests: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    names = UniqueNames()
    for manifest in manifests:
        yield names.take(utf8(set_name(manifest.path.resolve()))), manifest


def _skipped(read: dict[str, Manifest]) -> Iterator[dict[str, Any]]:
    for split, manifest in read.items():
        for row in manifest.skipped:
            said = {"reason": utf8(row.reason), "raw": utf8(row.raw)}
            yield {"split": split, "line": row.line, **said}


def _summary(
    read: dict[str, Manifest], out: Path, name: str | None, units: Units, sound: bool
) -> dict[str, Any]:
    first = next(iter(read.values())).path.resolve()
    return {
        "format_version": FORMAT_VERSION,
        "name": utf8(name or first.parent.name),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "manifests": [
            {
                "split": split,
                "path": os.path.relpath(manifest.path.parent.resolve() / manifest.path.name, out),
                "rows": len(manifest.rows),
                "skipped": len(manifest.skipped),
            }
            for split, manifest in read.items()
        ],
        "frame_s": units.frame_s,
        "sound": sound,
        "versions": {package: version(package) for package in ("numpy", "soundfile", "soxr")},
    }


def _histograms(
    rows: Sequence[tuple[str, ManifestRow]], measures: Sequence[FileMeasures | AudioError | None]
) -> dict[str, Any]:
    """Counts of feature values before and after normalisation, by split."""
    sums: dict[str, dict[str, np.ndarray]] = {}
    for (split, _), measured in zip(rows, measures, strict=True):
        if isinstance(measured, FileMeasures):
            zeros = {side: np.zeros(HISTOGRAM_BINS, np.int64) for side in ("before", "after")}
            mine = sums.setdefault(split, zeros)
            mine["before"] += np.array(measured.before)
            mine["after"] += np.array(measured.after)
    return {
        "histograms": {
            split: {side: counts.tolist() for side, counts in sides.items()}
            for split, sides in sums.items()
        }
    }
