"""Who does the shards of an evaluation: this process, several on this machine, or Ray's."""

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.evaluation import EvaluationError
from analysis.normalisation import NORMALISERS, OWN_NORMALISER
from analysis.shards import Shards
from asr_core.checkpoint import find_model
from asr_core.decoding import SHIPPED, DecodingConfig, build_decoder
from asr_core.model_names import is_hugging_face

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

KEPT = "The shards that are done are kept: run the same again to go on."


@dataclass(frozen=True)
class Task:
    """What is to be done to shards; plain data, for other processes and machines."""

    shards: Shards
    decoding: DecodingConfig | None
    normaliser: str


Done = Callable[[int], None]  # called with how many more recordings are done
Run = Callable[[Task, Sequence[int], Done], None]  # does some of the shards


class Worker:
    """A recogniser that does one shard after the other."""

    def __init__(self, recognizer: "Recognizer", task: Task) -> None:
        own = recognizer.alphabet.normalise
        self.normalise = own if task.normaliser == OWN_NORMALISER else NORMALISERS[task.normaliser]
        self.recognizer = recognizer
        self.shards = task.shards

    @classmethod
    def load(cls, model: str, task: Task) -> "Worker":
        """With a model of its own, on one thread: there are as many workers as processors."""
        import torch

        from asr_core.recognizer import Recognizer

        torch.set_num_threads(1)
        recognizer = Recognizer.load(model)
        if task.decoding is not None:
            decoder = build_decoder(task.decoding, recognizer.alphabet, recognizer.lexicon_path)
            recognizer = recognizer.decoding_with(decoder)
        return cls(recognizer, task)

    def do(self, n: int, done: Done = lambda _: None) -> int:
        """Recognise shard `n` and keep the result (raises EvaluationError); returns `n`."""
        from analysis.recognition import recognise_rows

        if not self.shards.is_done(n):  # else by a worker that was given up for dead
            rows, folder = self.shards.rows(n), self.shards.manifest_folder
            found = recognise_rows(self.recognizer, rows, folder, self.normalise, lambda _: done(1))
            self.shards.keep(n, found)
        return n


def here(recognizer: "Recognizer") -> Run:
    """This process, with a recogniser that it has."""

    def run(task: Task, todo: Sequence[int], done: Done) -> None:
        worker = Worker(recognizer, task)
        for n in todo:
            worker.do(n, done)

    return run


def in_processes(model: str, n_workers: int) -> Run:
    """Workers in processes of this machine.

    Args:
        model: a model folder, a bundled model's name, or one of Hugging Face.
        n_workers: processes.
    """

    def run(task: Task, todo: Sequence[int], done: Done) -> None:
        # Not forked: this process may hold threads of torch, which a fork does not survive.
        arguments = (anywhere(model), absolute(task))
        n_needed = min(n_workers, len(todo))
        pool = ProcessPoolExecutor(n_needed, get_context("spawn"), _start, arguments)
        try:
            for each in as_completed([pool.submit(_do, n) for n in todo]):
                done(task.shards.size(each.result()))
        except BrokenProcessPool as e:
            raise EvaluationError(
                f"One of {n_needed} processes was ended from outside, as the system does when"
                f" memory runs out; then give fewer --jobs. {KEPT}"
            ) from e
        finally:
            pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for all the rest

    return run


def anywhere(model: str) -> str:
    """What a model is called in a process that may have started in another folder."""
    return model if is_hugging_face(model) else str(find_model(model).resolve())


def absolute(task: Task) -> Task:
    """The same with its files' full names."""
    if task.decoding is None:
        return task
    files = {"lexicon": task.decoding.lexicon, "lm": task.decoding.lm}
    full = {
        name: str(Path(path).resolve())
        for name, path in files.items()
        if path and (name, path) != ("lexicon", SHIPPED)
    }
    return Task(task.shards, task.decoding.model_copy(update=full), task.normaliser)


_worker: list[Worker] = []  # of a process that `in_processes` started


def _start(model: str, task: Task) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    _worker.append(Worker.load(model, task))


def _do(n: int) -> int:
    return _worker[0].do(n)
