"""The process that trains: its threads and its memory. What the environment says goes first."""

import ctypes
import os
import sys

import torch

# Parameters of glibc's mallopt (malloc.h) by the names of their environment variables.
MALLOC = {"MALLOC_TRIM_THRESHOLD_": (-1, 2**31 - 1), "MALLOC_MMAP_MAX_": (-4, 0)}


def settle(workers: int) -> None:
    """Leave a core to each worker, and keep memory that was freed for the next step.

    Threads of torch that share a core with what makes the batches wait for each other: on two
    cores beside other work, a step with two threads took six times as long. Another number of
    threads sums in another order, so the same run has other bits then: set OMP_NUM_THREADS to
    repeat one.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, _n_cores() - workers))
    if sys.platform == "linux":
        _keep_memory()


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _keep_memory() -> None:
    """Tell glibc's malloc not to give back the large arrays of each step; others have no such."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for name, (parameter, value) in MALLOC.items():
        if name not in os.environ:
            mallopt(parameter, value)
