"""Workers on a Ray cluster: Ray Data maps them over the shards' numbers, and starts dead ones anew.

Only numbers travel; rows and results are files of the shards' folder, which every machine must see
under the same name, as it must the recordings, the model and this program.
"""

import logging
import os
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.evaluation import EvaluationError
from analysis.shard_workers import KEPT, Done, Run, Task, Worker, absolute, anywhere

if TYPE_CHECKING:
    from types import ModuleType

LOCAL = "local"  # as an address: a Ray of our own, on this machine, for as long as we run
ATTEMPTS = 4  # at a shard: one that kills every worker must not do so for ever
MOST_BLOCKS = 4096  # that Ray Data schedules; with more shards, a block is several of them
ROOT = Path(__file__).parent.parent


class RayMissingError(EvaluationError):
    """Ray is not installed."""


class RayWorker:
    """What Ray Data keeps in a process of its own and calls with shard after shard.

    What goes wrong comes back as a line of text: Ray's own errors are pages long.
    """

    def __init__(self, model: str, task: Task) -> None:
        self.model = model
        self.task = task
        self.worker: Worker | None = None

    def __call__(self, row: dict[str, int]) -> dict[str, Any]:
        n = int(row["shard"])
        try:
            self._do(n)
        except (ValueError, OSError) as e:  # the named errors of all our doors are ValueErrors
            traceback.print_exc()  # into Ray's log
            return {"shard": n, "error": str(e)}
        return {"shard": n, "error": ""}

    def _do(self, n: int) -> None:
        shards = self.task.shards
        if shards.attempt(n) > ATTEMPTS:
            raise EvaluationError(
                f"Shard {n} ended {ATTEMPTS} workers, as very long recordings do where memory is"
                f" short; {shards.rows_path(n)} names them"
            )
        self.worker = self.worker or Worker.load(self.model, self.task)
        self.worker.do(n)


def on_ray(model: str, address: str = LOCAL, n_workers: int | None = None) -> Run:
    """Workers on a Ray cluster.

    Args:
        model: a model folder, a bundled model's name, or one of Hugging Face; on every machine.
        address: "local"; "auto" for the cluster that this machine is part of; or HOST:PORT.
        n_workers: a processor each; as many as the cluster has where not given.

    Raises:
        RayMissingError: Ray is not installed.
    """
    _ray()

    def run(task: Task, todo: Sequence[int], done: Done) -> None:
        ray = _ray()
        task.shards.forget_attempts()  # they were of machines that may have been mended
        ours = not ray.is_initialized()
        if ours:
            _connect(address, n_workers)
        try:
            for n in _mapped(anywhere(model), absolute(task), todo, n_workers):
                done(task.shards.size(n))
        except ray.exceptions.RayError as e:
            raise EvaluationError(f"Ray stopped: {e}. {KEPT}") from e
        finally:
            if ours:
                ray.shutdown()

    return run


def _mapped(model: str, task: Task, todo: Sequence[int], n_workers: int | None) -> Iterator[int]:
    import ray
    from ray.data import ActorPoolStrategy, DataContext, from_items

    context = DataContext.get_current()
    context.enable_progress_bars = False  # we have our own
    numbers: list[Any] = [{"shard": n} for n in todo]
    n_blocks = min(len(todo), MOST_BLOCKS)
    size = n_workers or int(ray.cluster_resources().get("CPU", 1))
    mapped: Any = RayWorker  # Ray's types know functions alone
    done = from_items(numbers, override_num_blocks=n_blocks).map(
        mapped,
        fn_constructor_args=(model, task),
        compute=ActorPoolStrategy(size=min(size, n_blocks)),
        num_cpus=1,
    )
    for row in done.iter_rows():
        if row["error"]:
            raise EvaluationError(f"A worker on Ray failed: {row['error'].rstrip('.')}. {KEPT}")
        yield int(row["shard"])


def _connect(address: str, n_workers: int | None) -> None:
    """Start a Ray of our own, or join a cluster; nothing is served, and nobody is told of it."""
    import ray

    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address == LOCAL:
        options |= {"num_cpus": n_workers, "include_dashboard": False}
    try:
        ray.init(address, runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}}, **options)
    except (ConnectionError, RuntimeError, ValueError) as e:
        raise EvaluationError(
            f"Cannot reach a Ray cluster at {address!r}: {e}. Expected local, auto or HOST:PORT of"
            " a cluster that runs; RAY_AUTH_MODE and the token must be here what they are there."
        ) from e


def _ray() -> "ModuleType":
    # Read when Ray is imported or starts: no usage statistics are sent.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray.exceptions
    except ImportError as e:
        raise RayMissingError(
            "Ray is not installed. Run `pip install -r requirements-ray.txt`, or evaluate without"
            " --ray."
        ) from e
    return ray
