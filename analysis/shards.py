"""A manifest in shards: given out to any number of workers, and taken up again where they stopped.

A folder beside the Evaluation that is to be. `plan.json` says what is evaluated and how,
`000000.jsonl` holds the rows of the first shard, each with its utterance_id, `000000.parquet` what
became of them. Whoever sees the folder can do any shard; a shard whose Parquet file is there is
done, because files are written beside their place and then renamed.
"""

import itertools
import json
import math
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.evaluation import EvaluationError
from analysis.names import UniqueNames
from analysis.tables import ERROR_COLUMNS, UTTERANCE_COLUMNS, table
from asr_core.manifest import ManifestError, ManifestRow, SkippedRow, stream_manifest

if TYPE_CHECKING:
    import pyarrow

    from analysis.recognition import NamedRow, Recognition

FORMAT_VERSION = 1  # of the files; unfinished work of another one is not taken up
SHARD_ROWS = 512  # as many recordings as the recogniser sorts by length at a time
WORTH_KEEPING = 2  # shards done: what one took is sooner done again than looked for
PLAN, SKIPPED, TRIED = "plan.json", "skipped.jsonl", ".tried"
FACTS = b"misheard"  # key in a shard's Parquet metadata: rows left out, and seconds it took


@dataclass(frozen=True)
class Shards:
    """A planned manifest.

    Attributes:
        folder: where its files are.
        manifest_folder: which recordings are named relative to.
        rows_each: rows in a shard; the last may have fewer.
        n_rows: in all.
    """

    folder: Path
    manifest_folder: Path
    rows_each: int
    n_rows: int

    def __len__(self) -> int:
        return math.ceil(self.n_rows / self.rows_each)

    def size(self, n: int) -> int:
        """Rows of shard `n`."""
        return min(self.rows_each, self.n_rows - n * self.rows_each)

    @property
    def worth_keeping(self) -> bool:
        """Whether more than a moment's work is in the folder."""
        return len(self) - len(self.missing()) >= WORTH_KEEPING

    def missing(self) -> list[int]:
        """The shards that are not done."""
        return [n for n in range(len(self)) if not self.is_done(n)]

    def rows(self, n: int) -> "list[NamedRow]":
        """The rows of shard `n`."""
        with self.rows_path(n).open(encoding="utf-8") as file:
            return [_row(json.loads(line)) for line in file]

    def rows_path(self, n: int) -> Path:
        return _rows_path(self.folder, n)

    def attempt(self, n: int) -> int:
        """Note that somebody begins shard `n`: how many have, since `forget_attempts`."""
        with (self.folder / f"{n:06}{TRIED}").open("ab") as file:
            file.write(b".")
            return file.tell()

    def forget_attempts(self) -> None:
        for path in self.folder.glob(f"*{TRIED}"):
            path.unlink()

    def left_out(self) -> list[SkippedRow]:
        """The rows that could not be given to any shard."""
        with (self.folder / SKIPPED).open(encoding="utf-8") as file:
            return [SkippedRow(**json.loads(line)) for line in file]

    def is_done(self, n: int) -> bool:
        """Whether its file is there and whole: power may fail before a disk has written it."""
        import pyarrow
        from pyarrow import parquet

        path = self._result(n)
        try:
            return path.exists() and parquet.read_metadata(path).num_rows >= 0
        except (OSError, pyarrow.ArrowException):
            return False

    def keep(self, n: int, found: "Recognition") -> None:
        """Put what was recognised in shard `n` into its place (raises EvaluationError)."""
        from analysis import folder

        part = self.folder / f".{n:06}-{uuid.uuid4().hex}.part"
        try:
            folder.write_table(part, _to_arrow(found))
            part.replace(self._result(n))
        except OSError as e:
            raise EvaluationError(f"Cannot write {part}: {e}. Choose another folder.") from e

    def read(self, n: int, columns: list[str] | None = None) -> "pyarrow.Table":
        """What became of shard `n`: a row an utterance (see `_to_arrow`)."""
        import pyarrow
        from pyarrow import parquet

        try:
            return parquet.read_table(self._result(n), columns=columns)
        except (OSError, pyarrow.ArrowException) as e:
            raise EvaluationError(
                f"Cannot read {self._result(n)}: {e}. Delete it and run the same again."
            ) from e

    def _result(self, n: int) -> Path:
        return self.folder / f"{n:06}.parquet"


def open_shards(
    folder: Path, manifest_path: Path, identity: dict[str, Any], rows_each: int
) -> Shards:
    """The shards of a manifest: those that are there, or else new ones.

    Args:
        folder: where they are kept.
        manifest_path: what is divided.
        identity: what decides the results, as JSON; shards of others are not taken up.
        rows_each: of new ones.

    Raises:
        ManifestError: the manifest cannot be read.
        EvaluationError: the folder holds work of another manifest, model or options, or cannot be
            written.
    """
    from asr_core.checkpoint import write_json  # brings torch

    identity = json.loads(json.dumps({"format": FORMAT_VERSION} | identity))
    plan = _read_plan(folder)
    if plan is not None:
        shards = Shards(folder, manifest_path.parent, plan["rows_each"], plan["n_rows"])
        others = [key for key in identity if plan["identity"].get(key) != identity[key]]
        if not others:
            return shards
        if shards.worth_keeping:
            raise EvaluationError(
                f"{folder} holds {len(shards) - len(shards.missing())} of {len(shards)} shards of"
                f" an evaluation that was not finished, with another {', another '.join(others)}."
                " Give the same again to finish it, choose another --out, or delete that folder."
            )
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        n_rows = _divide(folder, manifest_path, rows_each)
        plan = {"identity": identity, "rows_each": rows_each, "n_rows": n_rows}
        write_json(folder / PLAN, plan)  # the last: without it, the folder is begun anew
    except OSError as e:
        raise EvaluationError(f"Cannot write {folder}: {e}. Choose another folder.") from e
    except ManifestError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Shards(folder, manifest_path.parent, rows_each, n_rows)


def _read_plan(folder: Path) -> dict[str, Any] | None:
    """What was planned; None where nothing was, or no plan that can be read is left."""
    try:
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        return {key: plan[key] for key in ("identity", "rows_each", "n_rows")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _divide(folder: Path, manifest_path: Path, rows_each: int) -> int:
    """Write the rows of every shard, and those that cannot be used; how many can."""
    with (folder / SKIPPED).open("w", encoding="utf-8") as left_out:
        named = _named(stream_manifest(manifest_path), left_out)
        n_rows = 0
        for n in itertools.count():
            some = list(itertools.islice(named, rows_each))
            if not some:
                break
            _rows_path(folder, n).write_text("".join(map(_line, some)), encoding="utf-8")
            n_rows += len(some)
        if n_rows == left_out.tell() == 0:
            raise ManifestError(f"Manifest {manifest_path} has no rows. Expected one at least.")
    return n_rows


def _named(rows: Iterable[ManifestRow | SkippedRow], left_out: Any) -> "Iterator[NamedRow]":
    """Rows with their utterance_ids, unique in the whole manifest; others are written down."""
    from analysis.recognition import wanted_id

    names = UniqueNames()
    for row in rows:
        if isinstance(row, ManifestRow):
            yield names.take(wanted_id(row)), row
        else:
            left_out.write(json.dumps(asdict(row)) + "\n")


def _rows_path(folder: Path, n: int) -> Path:
    return folder / f"{n:06}.jsonl"


def _line(named: "NamedRow") -> str:
    key, row = named
    return json.dumps({"key": key, **vars(row), "audio_path": str(row.audio_path)}) + "\n"


def _row(record: dict[str, Any]) -> "NamedRow":
    """The inverse of `_line`."""
    path = Path(record.pop("audio_path"))
    return record.pop("key"), ManifestRow(audio_path=path, **record)


def _to_arrow(found: "Recognition") -> "pyarrow.Table":
    """UTTERANCE_COLUMNS, and what else an Evaluation needs of each utterance.

    `errors` are its rows of that table, `confidences` and `heard_right` those of the words heard,
    `fields` the manifest's as JSON: their columns' types show when all shards are known.
    """
    import pyarrow

    rows = found.rows
    arrow = pyarrow.Table.from_pandas(
        table([row.utterance for row in rows], UTTERANCE_COLUMNS), preserve_index=False
    )
    errors = pyarrow.Table.from_pandas(
        table([error for row in rows for error in row.errors], ERROR_COLUMNS), preserve_index=False
    ).combine_chunks()
    n_errors = itertools.accumulate((len(row.errors) for row in rows), initial=0)
    structs = errors.to_struct_array().combine_chunks()
    more = {
        "errors_of": pyarrow.ListArray.from_arrays(pyarrow.array(n_errors, "int32"), structs),
        "confidences": pyarrow.array(
            [row.confidences for row in rows], pyarrow.list_(pyarrow.float64())
        ),
        "heard_right": pyarrow.array(
            [row.score.heard_right for row in rows], pyarrow.list_(pyarrow.bool_())
        ),
        "fields": pyarrow.array([json.dumps(row.fields) for row in rows], "string"),
    }
    for name, values in more.items():
        arrow = arrow.append_column(name, values)
    facts = {"skipped": [asdict(row) for row in found.skipped], "took_s": found.took_s}
    return arrow.replace_schema_metadata({FACTS: json.dumps(facts)})


def facts_of(shard: "pyarrow.Table") -> tuple[list[SkippedRow], float]:
    """The rows of a shard that could not be heard, and the seconds that it took."""
    facts = json.loads(shard.schema.metadata[FACTS])
    return [SkippedRow(**row) for row in facts["skipped"]], facts["took_s"]
