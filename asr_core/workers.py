"""Threads that share out the work of recognition: a core each, whoever asks."""

import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from threading import Barrier
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


@functools.cache
def pool() -> ThreadPoolExecutor:
    """As many threads as torch has here (`OMP_NUM_THREADS`), each with one thread of torch's own.

    Decoding audio, torch and onnxruntime let Python go on meanwhile. Nothing that runs in the pool
    may wait for something else in it.
    """
    n_threads = torch.get_num_threads()
    all_begun = Barrier(n_threads + 1)

    def begin() -> None:
        torch.set_num_threads(1)  # of this thread, and of all that begin from now on
        all_begun.wait()

    workers = ThreadPoolExecutor(n_threads, "recognition", begin)
    for _ in range(n_threads):
        workers.submit(int)
    all_begun.wait()
    torch.set_num_threads(n_threads)  # of threads that are none of the pool's: as it was
    return workers


# A forked process has none of the threads.
os.register_at_fork(after_in_child=pool.cache_clear)


def side_by_side(work: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """What `work` makes of each item, in order, `ahead` of them begun before one is wanted.

    Raises:
        Whatever `work` raises, in the item's place.
    """
    left = iter(items)
    begun: deque[Future[R]] = deque(pool().submit(work, item) for item in islice(left, ahead))
    try:
        while begun:
            result = begun.popleft().result()
            begun.extend(pool().submit(work, item) for item in islice(left, 1))
            yield result
    finally:
        for future in begun:
            future.cancel()
