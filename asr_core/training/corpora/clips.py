"""What all corpora share: a clip, its split by a hash, its duration, its manifest."""

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import soundfile
from rich.console import Console
from rich.progress import track

from asr_core.manifest import ManifestError, write_manifest


@dataclass(frozen=True)
class Clip:
    """One recording, as its corpus describes it."""

    path: Path
    text: str
    corpus: str
    speaker: str  # "" for noise
    kind: str  # word, string, sentence, utterance or noise
    duration_s: float = 0.0
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
    return hashlib.sha256("|".join(map(str, parts)).encode()).digest()


def draw(seed: int, name: str) -> float:
    """A number in [0, 1) that depends on nothing but seed and name."""
    return int.from_bytes(digest(seed, name)[:6], "big") / 2**48


def measured(assigned: Sequence[Assigned]) -> tuple[list[Assigned], list[Skipped]]:
    """The clips with their durations, and those that cannot be read."""
    usable: list[Assigned] = []
    skipped: list[Skipped] = []
    for split, clip in progress(assigned, "Reading clips"):
        try:
            duration_s = soundfile.info(clip.path).duration
        except (soundfile.SoundFileError, OSError) as e:
            skipped.append({"audio_filepath": str(clip.path), "reason": str(e)})
            continue
        if duration_s > 0:
            usable.append((split, replace(clip, duration_s=duration_s)))
        else:
            skipped.append({"audio_filepath": str(clip.path), "reason": "no samples"})
    return usable, skipped


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
    return path.relative_to(out).as_posix() if path.is_relative_to(out / "joined") else str(path)


def _describe(clips: Sequence[Clip], out: Path, source: Path) -> dict[str, Any]:
    portable = [
        clip.record(
            clip.path.relative_to(
                out if clip.path.is_relative_to(out / "joined") else source
            ).as_posix()
        )
        for clip in clips
    ]
    lines = "\n".join(json.dumps(record, sort_keys=True) for record in portable)
    return {
        "utterances": len(clips),
        "hours": round(sum(clip.duration_s for clip in clips) / 3600, 4),
        "speakers": len({clip.speaker for clip in clips if clip.speaker}),
        "words": sum(len(clip.text.split()) for clip in clips),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }


def progress(items: Sequence[T], description: str) -> Iterable[T]:
    """The items, with a bar on stderr where that is a terminal."""
    console = Console(stderr=True)
    return track(items, description, console=console, disable=not sys.stderr.isatty())
