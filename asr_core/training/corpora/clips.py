"""What all corpora share: a clip, its split by a hash, its duration, its manifest."""

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track

from asr_core.audio import AudioError, load_audio, read_header
from asr_core.manifest import ManifestError, write_manifest

WRITTEN = ("joined", "clips")  # folders of recordings that are made here


@dataclass(frozen=True)
class Clip:
    """One recording, as its corpus describes it."""

    path: Path
    text: str
    corpus: str
    speaker: str  # "" for noise
    kind: str  # word, string, sentence, utterance or noise
    duration_s: float = 0.0
    sample_rate: int = 0  # Hz, of its file
    fields: dict[str, Any] = field(default_factory=dict)

    def record(self, audio_filepath: str) -> dict[str, Any]:
        """The manifest row of this clip."""
        return {
            "audio_filepath": audio_filepath,
            "duration": round(self.duration_s, 6),
            "text": self.text,
            "corpus": self.corpus,
            "speaker": self.speaker,
            "kind": self.kind,
            **self.fields,
        }


T = TypeVar("T")
Assigned = tuple[str, Clip]  # the split, and the clip that belongs to it
Skipped = dict[str, str]  # audio_filepath, reason


def corpus_folder(source: Path, name: str, expected: Sequence[str]) -> Path:
    """The folder `name` in `source`; all of `expected` should be there (raises ManifestError)."""
    folder = source / name
    if not folder.is_dir():
        *first, last = expected
        names = f"{', '.join(first)} and {last}" if first else last
        raise ManifestError(
            f"No folder {folder}. Expected that corpus in its official layout: "
            f"give the folder that contains {names}, or leave --from out to download."
        )
    return folder


def digest(*parts: object) -> bytes:
    """SHA-256 of the parts' names."""
    return hashlib.sha256("|".join(map(str, parts)).encode(errors="surrogateescape")).digest()


def draw(seed: int, name: str) -> float:
    """A number in [0, 1) that depends on nothing but seed and name."""
    return int.from_bytes(digest(seed, name)[:6], "big") / 2**48


def measured(
    assigned: Sequence[tuple[T, Clip]],
) -> tuple[list[tuple[T, Clip]], list[Skipped]]:
    """The clips, each beside its split or what else it came with, with their durations.

    And those that cannot be read.
    """
    usable: list[tuple[T, Clip]] = []
    skipped: list[Skipped] = []
    for split, clip in progress(assigned, "Reading clips"):
        try:
            duration_s, rate = _length(clip.path)
        except AudioError as e:
            skipped.append({"audio_filepath": str(clip.path), "reason": str(e)})
            continue
        if duration_s > 0:
            usable.append((split, replace(clip, duration_s=duration_s, sample_rate=rate)))
        else:
            skipped.append({"audio_filepath": str(clip.path), "reason": "no samples"})
    return usable, skipped


def _length(path: Path) -> tuple[float, int]:
    """Seconds and Hz; of a file whose header does not tell, by decoding it (raises AudioError)."""
    header = read_header(path)
    if header is not None and header.duration_s is not None:
        return header.duration_s, header.sample_rate
    audio = load_audio(path)
    return audio.duration_s, audio.sample_rate


def write_splits(
    out: Path,
    source: Path,
    corpus: str,
    seed: int,
    splits: dict[str, list[Clip]],
    skipped: list[Skipped],
) -> None:
    """Write a manifest a split, `skipped.jsonl` and `summary.json` with counts and fingerprints."""
    manifests = {}
    for split, clips in splits.items():
        write_manifest(out / f"{split}.jsonl", (c.record(_location(c.path, out)) for c in clips))
        manifests[split] = _describe(clips, out, source)
    write_manifest(out / "skipped.jsonl", skipped)
    summary = {"corpus": corpus, "seed": seed, "skipped": len(skipped), "manifests": manifests}
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    if skipped:
        print(f"Left out {len(skipped)} clips: see {out / 'skipped.jsonl'}.", file=sys.stderr)


def _location(path: Path, out: Path) -> str:
    """What a manifest in `out` says: relative for files written by us, absolute for the rest."""
    return path.relative_to(out).as_posix() if _is_ours(path, out) else str(path)


def _is_ours(path: Path, out: Path) -> bool:
    return any(path.is_relative_to(out / folder) for folder in WRITTEN)


def _describe(clips: Sequence[Clip], out: Path, source: Path) -> dict[str, Any]:
    portable = [clip.record(_portable(clip.path, out, source)) for clip in clips]
    lines = "\n".join(json.dumps(record, sort_keys=True) for record in portable)
    return {
        "utterances": len(clips),
        "hours": round(sum(clip.duration_s for clip in clips) / 3600, 4),
        "speakers": len({clip.speaker for clip in clips if clip.speaker}),
        "words": sum(len(clip.text.split()) for clip in clips),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }


def _portable(path: Path, out: Path, source: Path) -> str:
    """The same on every machine; a recording elsewhere goes by its name."""
    folder = out if _is_ours(path, out) else source
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def progress(items: Sequence[T], description: str) -> Iterable[T]:
    """The items, with a bar on stderr where that is a terminal."""
    console = Console(stderr=True)
    return track(items, description, console=console, disable=not sys.stderr.isatty())
