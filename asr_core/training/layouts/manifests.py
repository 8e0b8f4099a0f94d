"""NeMo's manifests, ours and others': JSON lines, each file a split by its name."""

import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path

from asr_core.manifest import ManifestRow, read_duration, read_manifest
from asr_core.training.layouts.found import Found, Reject, own_fields, split_named


def read_manifests(files: Sequence[Path]) -> Iterator[Found | Reject]:
    """The rows of manifests; one named as a split (train, dev, validation, test) is that split.

    A row with an `offset` is that stretch of its recording, as in NeMo: `duration` seconds from
    there. A row whose `kind` is noise may have no text.

    Raises:
        ManifestError: a manifest that cannot be read.
    """
    for file in files:
        manifest = read_manifest(file)
        for row in manifest.rows:
            yield _found(row, file)
        for skipped in manifest.skipped:
            yield Reject(f"{file}:{skipped.line}", skipped.reason)


def _found(row: ManifestRow, file: Path) -> Found | Reject:
    offset, speaker = row.fields.get("offset"), row.fields.get("speaker")
    span_s = None
    try:
        start_s = read_duration(offset)
    except ValueError as e:
        return Reject(f"{file}:{row.line}", str(e).replace("duration", "offset", 1))
    if start_s is not None and row.duration_s is not None:
        span_s = (start_s, start_s + row.duration_s)
    elif start_s:
        return Reject(f"{file}:{row.line}", "an offset without a duration: how far it reaches?")
    name = _portable(row.audio_path, file.parent)
    fields = own_fields(row.fields, "offset")
    if row.pred_text is not None:
        fields["pred_text"] = row.pred_text
    return Found(
        path=row.audio_path.absolute(),
        text=row.text,
        name=name if span_s is None else f"{name}-{start_s}",
        speaker="" if speaker is None else str(speaker).strip(),
        group=posixpath.normpath(name),
        split=split_named(file.stem),
        span_s=span_s,
        is_noise=row.fields.get("kind") == "noise",
        fields=fields,
    )


def _portable(path: Path, folder: Path) -> str:
    """A recording's name that does not depend on where the data lies."""
    inside = path.relative_to(folder).parts if path.is_relative_to(folder) else path.parts[-3:]
    return "/".join(inside)
