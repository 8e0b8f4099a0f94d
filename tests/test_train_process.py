"""What training does to its process: threads and memory, unless the environment says otherwise."""

import os
import subprocess
import sys

import pytest

ASK = """
import torch
from asr_core.training.process import settle
settle({workers})
print(torch.get_num_threads())
"""
FAULTS = """
import resource, torch
from asr_core.training.process import settle
if {settled}: settle(1)
torch.set_num_threads(1)
def step(): return torch.ones(10_000_000) + 1  # 40 MB each: glibc maps more than 32 anew
for _ in range(5): step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20): step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def told(code: str, **environment: str) -> int:
    unset = {"OMP_NUM_THREADS", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=kept | environment,
    )
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores are counted by affinity")
def test_each_worker_has_a_core_of_its_own() -> None:
    n_cores = len(os.sched_getaffinity(0))
    assert told(ASK.format(workers=n_cores + 1)) == 1
    assert told(ASK.format(workers=0)) == n_cores
    assert told(ASK.format(workers=n_cores), OMP_NUM_THREADS="2") == 2  # who asks is given


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    assert told(FAULTS.format(settled=True)) * 10 < told(FAULTS.format(settled=False))
