"""Hugging Face datasets, from the hub or a folder; needs the package `datasets`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile

from asr_core.audio import AudioError, load_audio
from asr_core.manifest import ManifestError
from asr_core.training.layouts.found import Found, Reject, choose_column, own_fields, split_named
from asr_core.training.layouts.tables import SPEAKER_COLUMNS, TEXT_COLUMNS

INSTALL = "pip install -r requirements-hf.txt"
SAVED = ("dataset_dict.json", "state.json")  # what `save_to_disk` leaves
SIMPLE = (str, int, float, bool)


def read_hub(
    name: str,
    clips: Path,
    *,
    config: str | None = None,
    splits: Sequence[str] = (),
    audio_column: str | None = None,
    text_column: str | None = None,
    speaker_column: str | None = None,
) -> Iterator[Found | Reject]:
    """The rows of a dataset; columns of plain values become fields.

    Args:
        name: of a dataset on the hub, or a folder of Parquet files or that `save_to_disk` wrote.
        clips: folder that recordings inside the dataset are written to, as FLAC; those that are
            files on this computer are left where they are.
        config: the dataset's configuration: a language, for example.
        splits: their names; left out, all there are.
        audio_column: left out, the one whose type is audio.
        text_column: left out, one of `tables.TEXT_COLUMNS`.
        speaker_column: left out, one of `tables.SPEAKER_COLUMNS`, if any is there.

    Raises:
        ManifestError: the package is missing, or there is no such dataset, split or column.
    """
    for split, rows in _load(name, config, splits).items():
        audio = _audio_column(audio_column, rows)
        text = choose_column(text_column, TEXT_COLUMNS, rows.column_names, "text")
        speaker = next((c for c in SPEAKER_COLUMNS if c in rows.column_names), "")
        if speaker_column:
            speaker = choose_column(speaker_column, (), rows.column_names, "speaker")
        for number, coded in enumerate(rows):
            row = _named(coded, rows.features)
            where = f"{split}-{number:07d}"
            try:
                path = _recording(row[audio], clips / f"{where}.flac")
            except (AudioError, soundfile.SoundFileError) as e:
                yield Reject(where, str(e))
                continue
            plain = {key: value for key, value in row.items() if isinstance(value, SIMPLE)}
            yield Found(
                path,
                "" if row[text] is None else str(row[text]),
                where,
                "" if row.get(speaker) is None else str(row[speaker]),
                split=split_named(split),
                fields=own_fields(plain, audio, text, speaker),
            )


def _load(name: str, config: str | None, splits: Sequence[str]) -> dict[str, Any]:
    """Split -> rows whose audio is not decoded: that would take torchcodec as well."""
    try:
        import datasets
    except ImportError as e:
        raise ManifestError(
            f"The package datasets is not installed, and Hugging Face data needs it: {INSTALL}"
        ) from e
    try:
        if any((Path(name) / file).is_file() for file in SAVED):
            loaded = datasets.load_from_disk(name)
        else:
            loaded = datasets.load_dataset(name, config)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as e:
        raise ManifestError(
            f"Cannot load the dataset {name}: {e.__cause__ or e}. Expected Parquet files or what"
            " save_to_disk wrote; `prepare folder` and `prepare csv` read recordings that are files"
            " of their own."
        ) from e
    if not isinstance(loaded, Mapping):
        loaded = {str(loaded.split or "all"): loaded}
    if missing := set(splits) - set(loaded):
        raise ManifestError(
            f"The dataset {name} has no split {', '.join(sorted(missing))}. Expected of"
            f" {', '.join(loaded)}."
        )
    return {
        split: _undecoded(rows, datasets.Audio)
        for split, rows in loaded.items()
        if not splits or split in splits
    }


def _undecoded(rows: Any, audio_type: type) -> Any:
    for column, feature in rows.features.items():
        if isinstance(feature, audio_type):
            rows = rows.cast_column(column, audio_type(decode=False))
    return rows


def _audio_column(asked: str | None, rows: Any) -> str:
    of_audio = [c for c, feature in rows.features.items() if type(feature).__name__ == "Audio"]
    return choose_column(asked, of_audio or ["audio"], rows.column_names, "audio")


def _named(row: Mapping[str, Any], features: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the names of its classes, which it holds as numbers."""
    named = dict(row)
    for column, feature in features.items():
        if type(feature).__name__ == "ClassLabel" and (row[column] is not None):
            named[column] = feature.int2str(row[column]) if row[column] >= 0 else None
    return named


def _recording(value: Any, target: Path) -> Path:
    """Where a cell's recording is, written to `target` if it is in the dataset itself."""
    if isinstance(value, str):
        value = {"path": value, "bytes": None}
    if not isinstance(value, Mapping) or not (value.get("bytes") or value.get("path")):
        raise AudioError(f"Got {type(value).__name__} without sound. Expected a column of audio.")
    path = Path(value.get("path") or "")
    if not value.get("bytes"):
        return path.resolve()
    audio = load_audio(value["bytes"])
    target.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(target, audio.samples, audio.sample_rate, subtype="PCM_16")
    return target
