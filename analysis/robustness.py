"""How much damage a model stands: WER of a set at every level of noise, speed, loudness and band.

Every point hears the same utterances, each with the same noise at another level, so that points
differ by the damage alone. The damages are those of `asr_core.what_if`.
"""

import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.evaluating import weights_sha256
from analysis.evaluation import ROBUSTNESS, SUMMARY, Evaluation
from analysis.scoring import Score, score, total
from analysis.summary import INTERVAL, rate
from asr_core.audio import Audio, AudioError, load_audio
from asr_core.digests import file_sha256
from asr_core.manifest import ManifestRow, read_manifest
from asr_core.transcript import Transcript
from asr_core.what_if import Change, apply

if TYPE_CHECKING:
    from analysis.recognition import Progress
    from asr_core.recognizer import Recognizer

FORMAT_VERSION = 1
AXES: dict[str, tuple[Change | None, ...]] = {  # None: the recordings as they are
    "snr": (
        None,
        *(Change("noise", snr) for snr in (30.0, 25.0, 20.0, 15.0, 10.0, 5.0, 0.0, -5.0)),
    ),
    "speed": tuple(
        Change("speed", factor) if factor != 1 else None
        for factor in (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6)
    ),
    "level": (None, *(Change("quiet", by) for by in (10.0, 20.0, 30.0, 40.0, 50.0, 60.0))),
    "band": (
        None,
        *(Change("lowpass", edge) for edge in (4000.0, 3000.0, 2500.0, 2000.0, 1500.0, 1000.0)),
        Change("telephone"),
    ),
}
HELD = 64  # recordings in memory at a time


class RobustnessError(ValueError):
    """A measurement that cannot be made, written or read."""


@dataclass
class _Heard:
    """What was heard in the utterances that could be read."""

    references: list[str] = field(default_factory=list)
    texts: dict[Change | None, list[str]] = field(default_factory=dict)
    n_unreadable: int = 0


def measure(
    recognizer: "Recognizer",
    manifest_path: str | Path,
    *,
    axes: Sequence[str] = tuple(AXES),
    sample: int | None = None,
    seed: int = 0,
    progress: "Progress | None" = None,
) -> dict[str, Any]:
    """WER of a manifest's utterances under each level of each damage, as `robustness.json` has it.

    Args:
        recognizer: the model and its decoder.
        manifest_path: JSON lines, CSV or TSV (see `asr_core.manifest`).
        axes: names of `AXES`.
        sample: so many utterances, drawn without replacement; all where there are no more.
        seed: of the draw, and of noise.
        progress: called after each batch with transcripts done and transcripts in all.

    Raises:
        ManifestError: the manifest cannot be read.
        RobustnessError: an unknown axis, or no utterance that can be heard.
    """
    if unknown := [name for name in axes if name not in AXES]:
        raise RobustnessError(
            f"Got {', '.join(unknown)} as what to change. Expected of: {', '.join(AXES)}."
        )
    path = Path(manifest_path)
    manifest = read_manifest(path)
    rows = _drawn(manifest.rows, sample, seed)
    started = time.perf_counter()
    heard = _hear(recognizer, rows, _changes(axes), seed, progress)
    if not heard.references:
        raise RobustnessError(f"None of the {len(rows)} utterances of {path} can be heard.")
    points = {change: _point(change, heard) for change in heard.texts}
    return {
        "format_version": FORMAT_VERSION,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"name": recognizer.contract.name, "sha256": weights_sha256(recognizer)},
        "manifest": {"name": path.name, "sha256": file_sha256(path)},
        "sample": sample,
        "seed": seed,
        "counts": {
            "utterances": len(heard.references),
            "skipped": len(manifest.skipped) + heard.n_unreadable,
        },
        "interval": INTERVAL,
        "took_s": time.perf_counter() - started,
        "axes": {name: [points[change] for change in AXES[name]] for name in axes},
    }


def write(found: dict[str, Any], folder: str | Path) -> Path:
    """Keep a measurement in a folder: a new one, or the Evaluation of the same model and set.

    Raises:
        RobustnessError: the folder is another model's or set's Evaluation, or cannot be written.
    """
    folder = Path(folder)
    try:
        if (folder / SUMMARY).exists():
            _check_same(Evaluation.open(folder), found)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ROBUSTNESS
        part = folder / f".{ROBUSTNESS}.part-{os.getpid()}"
        part.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as e:
        raise RobustnessError(f"Cannot write {folder}: {e}. Choose another folder.") from e
    return path


def read(folder: str | Path) -> dict[str, Any] | None:
    """The measurement in a folder, None where there is none (raises RobustnessError)."""
    path = Path(folder) / ROBUSTNESS
    again = "Run `python -m analysis robustness` again."
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        version = int(found["format_version"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as e:
        raise RobustnessError(f"Cannot read {path}: {e!r}. {again}") from e
    if version > FORMAT_VERSION:
        raise RobustnessError(
            f"{path} has format version {version}; this program reads up to {FORMAT_VERSION}."
            " Update Misheard."
        )
    try:
        _check(found)
    except (ValueError, LookupError, TypeError, AttributeError) as e:
        raise RobustnessError(f"Cannot read {path}: {e!r}. {again}") from e
    return found


def _check(found: dict[str, Any]) -> None:
    """Refuse what is not whole (raises ValueError, LookupError, TypeError, AttributeError)."""
    _ = str(found["model"]["name"]), found["model"]["sha256"], found["manifest"]["sha256"]
    numbers = [found["took_s"], found["interval"]["level"]]
    numbers += [found["counts"][name] for name in ("utterances", "skipped")]
    points = [point for points in found["axes"].values() for point in points]
    if not points:
        raise ValueError("no points")
    for point in points:
        _ = str(point["change"]), point["amount"]
        numbers += [point["wer"][name] for name in ("value", "low", "high")]
        numbers += [point[name] for name in ("words", "substitutions", "deletions", "insertions")]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("not all numbers are finite")


def describe(found: dict[str, Any]) -> str:
    """A measurement as a table of plain text."""
    n, skipped = found["counts"]["utterances"], found["counts"]["skipped"]
    lines = [
        f"{found['model']['name']}: {n} utterances ({skipped} rows skipped),"
        f" {found['took_s']:.0f} s",
        f"{'':<18}{'WER %':>7}  {'95 %':<16}{'sub':>6}{'del':>6}{'ins':>6}",
    ]
    for name, points in found["axes"].items():
        lines.append(name)
        for point in points:
            wer = [100 * point["wer"][key] for key in ("value", "low", "high")]
            counts = "".join(
                f"{point[key]:6d}" for key in ("substitutions", "deletions", "insertions")
            )
            interval = f"{wer[1]:.1f} to {wer[2]:.1f}"
            lines.append(
                f"  {point['change'] or 'as it is':<16}{wer[0]:7.1f}  {interval:<16}{counts}"
            )
    return "\n".join(lines)


def _changes(axes: Sequence[str]) -> list[Change | None]:
    """Every change of some axes, once."""
    return list(dict.fromkeys(change for name in axes for change in AXES[name]))


def _drawn(rows: Sequence[ManifestRow], sample: int | None, seed: int) -> list[ManifestRow]:
    """A sample of the rows, in their order."""
    if sample is None or sample >= len(rows):
        return list(rows)
    chosen = np.random.default_rng(seed).choice(len(rows), sample, replace=False)
    return [rows[i] for i in sorted(chosen)]


def _hear(
    recognizer: "Recognizer",
    rows: Sequence[ManifestRow],
    changes: Sequence[Change | None],
    seed: int,
    progress: "Progress | None",
) -> _Heard:
    """Each recording is read once and heard under every change, a few of them at a time."""
    normalise = recognizer.alphabet.normalise
    heard = _Heard(texts={change: [] for change in changes})
    done, in_all = 0, len(rows) * len(changes)
    for held in _held(rows, heard):
        heard.references += [normalise(row.text) for row, _ in held]
        for change in changes:
            audios = [_changed(audio, change, [seed, row.line]) for row, audio in held]
            texts = dict(_texts(recognizer, audios))
            heard.texts[change] += [normalise(texts[i]) for i in range(len(held))]
            done += len(held)
            if progress is not None:
                progress(done, in_all)
    return heard


def _held(rows: Sequence[ManifestRow], heard: _Heard) -> Iterator[list[tuple[ManifestRow, Audio]]]:
    """Recordings in batches; those that cannot be read are counted."""
    for start in range(0, len(rows), HELD):
        held = []
        for row in rows[start : start + HELD]:
            try:
                held.append((row, load_audio(row.audio_path)))
            except AudioError:
                heard.n_unreadable += 1
        if held:
            yield held


def _changed(audio: Audio, change: Change | None, seed: Sequence[int]) -> Audio:
    return audio if change is None else apply(audio, [change], seed)


def _texts(recognizer: "Recognizer", audios: Sequence[Audio]) -> Iterator[tuple[int, str]]:
    for i, heard in recognizer.transcribe_each(audios):
        assert isinstance(heard, Transcript), heard  # it was read before
        yield i, heard.text


def _point(change: Change | None, heard: _Heard) -> dict[str, Any]:
    scores = score(heard.references, heard.texts[change])
    totals = total(scores)
    return {
        "change": None if change is None else str(change),
        "amount": None if change is None else change.amount,
        "words": totals.n_reference,
        "hits": totals.hits,
        "substitutions": totals.substitutions,
        "deletions": totals.deletions,
        "insertions": totals.insertions,
        "wer": _wer(scores),
    }


def _wer(scores: Sequence[Score]) -> dict[str, float]:
    errors = np.array([each.errors for each in scores], dtype=np.int64)
    return rate(errors, np.array([each.n_reference for each in scores], dtype=np.int64))


def _check_same(evaluation: Evaluation, found: dict[str, Any]) -> None:
    """Refuse to put a measurement beside what is of other weights or another set."""
    summary = evaluation.summary
    for what in ("model", "manifest"):
        if summary[what].get("sha256") != found[what]["sha256"]:
            raise RobustnessError(
                f"{evaluation.folder} is the evaluation of another {what}. Choose another folder,"
                " or evaluate again."
            )
