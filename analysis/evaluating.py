"""A model on a whole set: every recording transcribed, scored, and kept as an Evaluation."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.evaluation import FORMAT_VERSION, Evaluation, EvaluationError, set_name
from analysis.folder import check_replaceable, write_folder
from analysis.normalisation import OWN_NORMALISER
from analysis.shards import SHARD_ROWS, Shards, open_shards
from analysis.summary import INTERVAL
from analysis.tables import utf8
from asr_core.decoder import best_path
from asr_core.decoding import DecodingConfig, build_decoder, record
from asr_core.digests import file_sha256
from asr_core.manifest import ManifestError

if TYPE_CHECKING:
    from analysis.merging import Merged
    from analysis.recognition import Progress
    from analysis.shard_workers import Run
    from asr_core.recognizer import Recognizer


def evaluate(
    recognizer: "Recognizer",
    manifest_path: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    decoding: DecodingConfig | None = None,
    normaliser: str = OWN_NORMALISER,
    progress: "Progress | None" = None,
    shard_rows: int | None = None,
    run: "Run | None" = None,
) -> Evaluation:
    """Transcribe and score a manifest, and write the Evaluation folder.

    References are normalised; words that the model does not know stay and count as errors. A row
    that cannot be used is listed in `skipped.jsonl`. The folder is written beside `out` and then
    renamed, so a crash leaves what was there.

    The work is done in shards of rows, which are kept beside `out` until all are done: the same
    call takes up what an earlier one left. The result does not depend on who does them.

    Args:
        recognizer: the model to evaluate.
        manifest_path: JSON lines, CSV or TSV (see `asr_core.manifest`).
        out: a new or empty folder, or an Evaluation, which is replaced.
        name: of the set, in tables; the manifest's name where not given.
        decoding: how log-probabilities become text, where not by the recogniser's own decoder;
            `summary.json` records it.
        normaliser: what both texts go through before they are compared: "model", as the model
            writes text, or a name of `NORMALISERS`.
        progress: called after every recording, or where others do the work after every shard.
        shard_rows: rows in a shard, SHARD_ROWS where not given; of work taken up, as it was.
        run: who does the shards, with the same model (see `analysis.shard_workers`); this process
            where not given.

    Raises:
        ManifestError: the manifest cannot be read.
        EvaluationError: `out` cannot be written or holds other files, no row can be scored, or
            unfinished work of another manifest, model or other options is beside `out`.
        DecodingConfigError, LexiconError, LanguageModelError: as `build_decoder` raises them.
    """
    from analysis.merging import merge
    from analysis.shard_workers import Task, here

    out = Path(out).resolve()
    check_replaceable(out)
    manifest_path = Path(manifest_path)
    # Its folder resolved, itself not: recordings are relative to where a link to it stands.
    manifest_path = manifest_path.parent.resolve() / manifest_path.name
    recognizer, decoded = _decoding_with(recognizer, decoding)
    identity = _identity(recognizer, manifest_path) | decoded | {"normaliser": normaliser}
    with _shards(out, manifest_path, identity, shard_rows or SHARD_ROWS) as shards:
        todo = shards.missing()
        if todo:
            task = Task(shards, decoding, normaliser)
            (run or here(recognizer))(task, todo, _counted(shards, todo, progress))
        merged = merge(shards)
        _check_scored(merged, manifest_path)
        write_folder(
            out,
            utterances=merged.utterances(),
            errors=merged.errors(),
            skipped=merged.skipped,
            summary=_summary(merged, recognizer, identity, out, manifest_path, name),
        )
    return Evaluation.open(out)


def _decoding_with(
    recognizer: "Recognizer", decoding: DecodingConfig | None
) -> tuple["Recognizer", dict[str, Any]]:
    """The recogniser with the decoder asked for, and what is recorded of that."""
    if decoding is None:
        greedy = recognizer.decoder is best_path
        return recognizer, {
            "decoding": {"decoder": "greedy" if greedy else repr(recognizer.decoder)}
        }
    shipped = recognizer.lexicon_path
    decoder = build_decoder(decoding, recognizer.alphabet, shipped)
    return recognizer.decoding_with(decoder), {"decoding": record(decoding, shipped)}


def _identity(recognizer: "Recognizer", manifest_path: Path) -> dict[str, Any]:
    """What decides the results, besides options: where one differs, shards do not go together."""
    try:
        manifest = file_sha256(manifest_path)
    except OSError as e:
        raise ManifestError(
            f"Cannot read manifest {manifest_path}: {e}. Expected a UTF-8 file of JSON lines, CSV"
            " or TSV."
        ) from e
    described = repr((recognizer.contract.model_dump(mode="json"), recognizer.norms))
    return {
        "manifest": manifest,
        "model": weights_sha256(recognizer),
        "description of the model": hashlib.sha256(described.encode()).hexdigest(),
        "versions": _versions(recognizer),
    }


@contextmanager
def _shards(
    out: Path, manifest_path: Path, identity: dict[str, Any], rows_each: int
) -> Iterator[Shards]:
    """The shards beside `out`, until what comes of them is in its place."""
    shards = open_shards(out.with_name(f".{out.name}.shards"), manifest_path, identity, rows_each)
    try:
        yield shards
    except BaseException:
        if not shards.worth_keeping:
            shutil.rmtree(shards.folder, ignore_errors=True)
        raise
    shutil.rmtree(shards.folder, ignore_errors=True)


def _counted(
    shards: Shards, todo: Sequence[int], progress: "Progress | None"
) -> Callable[[int], None]:
    """What to call with every number of recordings that are done."""
    n_done = shards.n_rows - sum(map(shards.size, todo))

    def count(n_more: int) -> None:
        nonlocal n_done
        n_done += n_more
        if progress is not None:
            progress(n_done, shards.n_rows)

    return count


def _check_scored(merged: "Merged", manifest_path: Path) -> None:
    """Rates of nothing would read as a perfect result."""
    if not merged.n_utterances:
        first = merged.skipped[0]
        raise EvaluationError(
            f"None of the {len(merged.skipped)} rows of {manifest_path} could be scored; line"
            f" {first.line}: {first.reason}"
        )


def _summary(
    merged: "Merged",
    recognizer: "Recognizer",
    identity: dict[str, Any],
    out: Path,
    manifest_path: Path,
    name: str | None,
) -> dict[str, Any]:
    found = merged.summary()
    return {
        "format_version": FORMAT_VERSION,
        "name": utf8(name or set_name(manifest_path)),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"name": recognizer.contract.name, "sha256": identity["model"]},
        "decoding": identity["decoding"],
        "manifest": {
            "path": os.path.relpath(manifest_path, out),
            "sha256": identity["manifest"],
        },
        "rates": found["rates"],
        "rates_raw": found["rates_raw"],
        "interval": INTERVAL,
        "counts": found["counts"],
        "confidence": found["confidence"],
        "audio_s": merged.audio_s,
        "took_s": merged.took_s,  # of all workers, summed
        "real_time_factor": merged.took_s / merged.audio_s,
        "versions": identity["versions"],
        "normaliser": identity["normaliser"],
    }


def _versions(recognizer: "Recognizer") -> dict[str, str]:
    from asr_core.checkpoint import versions
    from asr_core.model import CtcModel

    model = recognizer.model
    return versions("jiwer", *(() if isinstance(model, CtcModel) else model.packages))


def weights_sha256(recognizer: "Recognizer") -> str:
    """The sha256 of the model's model.safetensors."""
    from asr_core.checkpoint import weights_bytes
    from asr_core.model import CtcModel

    if not isinstance(recognizer.model, CtcModel):
        return recognizer.model.weights_sha256
    return hashlib.sha256(weights_bytes(recognizer.model)).hexdigest()
