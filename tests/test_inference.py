"""The network in onnxruntime says what it says in torch, and the same in any company."""

import copy
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asr_core import workers
from asr_core.checkpoint import load_model
from asr_core.inference import OnnxNetwork
from asr_core.model import CtcModel
from asr_core.workers import side_by_side

# Bit for bit where that was tried; with other instructions sums may be cut another way.
TESTED = torch.backends.cpu.get_cpu_capability() == "AVX512"
BATCH = st.lists(st.integers(1, 300), min_size=1, max_size=9)


@pytest.fixture(scope="module", params=["spoken", "morse"])
def loaded(request: pytest.FixtureRequest) -> tuple[CtcModel, OnnxNetwork, int]:
    contract, model = load_model(request.param)
    n_mels = contract.features.n_mels
    return model, OnnxNetwork(model, n_mels), n_mels


def features(rng: np.random.Generator, lengths: list[int], n_mels: int) -> torch.Tensor:
    batch = torch.zeros(len(lengths), max(lengths), n_mels)
    for row, length in zip(batch, lengths, strict=True):
        row[:length] = torch.from_numpy(rng.random((length, n_mels), dtype=np.float32))
    return batch


@given(lengths=BATCH)
def test_alone_as_in_any_batch(
    loaded: tuple[CtcModel, OnnxNetwork, int], lengths: list[int]
) -> None:
    _, network, n_mels = loaded
    batch = features(np.random.default_rng(len(lengths)), lengths, n_mels)
    together, frames = network(batch, torch.tensor(lengths))
    for i, length in enumerate(lengths):
        alone, (n_frames,) = network(batch[i : i + 1, :length], torch.tensor([length]))
        assert n_frames == frames[i]
        differ = np.abs(alone[0, :n_frames] - together[i, :n_frames]).max()
        assert differ <= (0 if TESTED else 1e-4)


def test_as_in_torch(loaded: tuple[CtcModel, OnnxNetwork, int], rng: np.random.Generator) -> None:
    """Single precision against double: sums of some hundred terms through ten layers."""
    model, network, n_mels = loaded
    lengths = [1, 7, 300, 800]
    batch = features(rng, lengths, n_mels)
    found, frames = network(batch, torch.tensor(lengths))
    with torch.inference_mode():
        double = copy.deepcopy(model).double()
        exact, exact_frames = double(batch.double(), torch.tensor(lengths))
    assert frames.tolist() == exact_frames.tolist()
    for row, wanted, n in zip(found, exact.numpy(), frames, strict=True):
        assert np.abs(row[:n] - wanted[:n]).max() < 1e-3


def test_several_threads_may_call_it_first(rng: np.random.Generator) -> None:
    contract, model = load_model("spoken")
    network = OnnxNetwork(model, contract.features.n_mels)
    batch = features(rng, [90], contract.features.n_mels)
    begin = threading.Barrier(4)

    def call(_: int) -> np.ndarray:
        begin.wait()
        return network(batch, torch.tensor([90]))[0]

    with ThreadPoolExecutor(4) as threads:
        first, *others = threads.map(call, range(4))
    assert all(np.array_equal(first, other) for other in others)


# --- workers ---


def test_results_come_in_order_and_no_more_is_begun_than_allowed() -> None:
    taken: list[int] = []

    def items():
        for i in range(20):
            taken.append(i)
            yield i

    results = side_by_side(lambda i: i * i, items(), ahead=3)
    assert next(results) == 0
    assert len(taken) <= 4
    assert list(results) == [i * i for i in range(1, 20)]


def test_an_error_comes_in_its_place() -> None:
    results = side_by_side(lambda i: 1 // i, [2, 1, 0, 1], ahead=4)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_each_worker_has_one_thread_of_torch_and_others_keep_theirs() -> None:
    before = torch.get_num_threads()
    found = list(side_by_side(lambda _: torch.get_num_threads(), range(8), ahead=8))
    assert found == [1] * 8
    assert torch.get_num_threads() == before
    with ThreadPoolExecutor(1) as other:
        assert other.submit(torch.get_num_threads).result() == before


def test_a_forked_process_makes_its_own_threads() -> None:
    assert workers.pool().submit(int).result() == 0
    child = os.fork()
    if child == 0:
        os._exit(workers.pool().submit(lambda: 7).result())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
