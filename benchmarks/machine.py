"""The machine that measures: what it is, and the rate of its matrix products.

python -m benchmarks.machine
"""

import os
import platform
import re
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks.results import Table, tell

SIZES = (512, 1024, 2048)  # rows and columns; caches favour one or another
MEASURED_S = 0.4  # at least, each product
PACKAGES = (
    "torch",
    "torchaudio",
    "onnxruntime",
    "numpy",
    "pandas",
    "duckdb",
    "pyarrow",
    "gradio",
    "plotly",
    "lightning",
    "ray",
    "soundfile",
    "soxr",
    "jiwer",
    "pocketsphinx",
)
Product = Callable[[], object]


def matmul_gflops(threads: int, dtype: str = "float32") -> float:
    """This machine's peak: the fastest product of the fastest library here, in GFLOP/s.

    Args:
        threads: that the product may use.
        dtype: "float32" or "float64".
    """
    return max(matmul_gflops_by_library(threads, dtype).values())


def matmul_gflops_by_library(threads: int, dtype: str = "float32") -> dict[str, float]:
    """The fastest product of two square matrices, 2 n^3 operations, by "torch" and "onnxruntime".

    Both are asked, since which is fast depends on the processor: torch's MKL leaves the widest
    instructions of other makers' processors unused.
    """
    return {
        "torch": max(_torch_gflops(n, threads, dtype) for n in SIZES),
        "onnxruntime": max(_onnx_gflops(n, threads, dtype) for n in SIZES),
    }


def _torch_gflops(n: int, threads: int, dtype: str) -> float:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        a, b = (torch.from_numpy(matrix) for matrix in _factors(n, dtype))
        out = torch.empty_like(a)
        return _fastest_gflops(n, lambda: torch.mm(a, b, out=out))
    finally:
        torch.set_num_threads(before)


def _onnx_gflops(n: int, threads: int, dtype: str) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        _product_graph(n, dtype), options, providers=["CPUExecutionProvider"]
    )
    bound = session.io_binding()
    for name, matrix in zip("ab", _factors(n, dtype), strict=True):
        bound.bind_cpu_input(name, matrix)
    bound.bind_output("c")
    return _fastest_gflops(n, lambda: session.run_with_iobinding(bound))


def _product_graph(n: int, dtype: str) -> bytes:
    from onnx import TensorProto, helper

    kind = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}[dtype]
    a, b, c = (helper.make_tensor_value_info(name, kind, [n, n]) for name in "abc")
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "g", [a, b], [c])
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


def _factors(n: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((n, n)).astype(dtype), rng.random((n, n)).astype(dtype)


def _fastest_gflops(n: int, product: Product) -> float:
    product()  # the first one allocates
    fastest_s, until = float("inf"), time.perf_counter() + MEASURED_S
    while time.perf_counter() < until:
        started = time.perf_counter()
        product()
        fastest_s = min(fastest_s, time.perf_counter() - started)
    return 2 * n**3 / fastest_s / 1e9


def described() -> dict[str, str]:
    """Processor, cores, memory, system and the versions of what the benchmarks run on."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", info.read_text()) if info.is_file() else []
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": f"{os.cpu_count()}, of which {len(os.sched_getaffinity(0))} may be used",
        "memory": f"{memory_gb:.0f} GiB",
        "system": f"{_distribution()}, Linux {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {found}" for name, found in _versions().items()),
    }


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "(not here)"
    return found


def main() -> None:
    """Print the peak of the matrix product."""
    rows = []
    for dtype in ("float32", "float64"):
        for threads in (1, 2):
            rates = matmul_gflops_by_library(threads, dtype)
            rows.append((dtype, threads, *(round(rate) for rate in rates.values())))
    note = (
        f"The fastest of repeated products of {', '.join(map(str, SIZES))} rows and columns. The"
        " higher of the two libraries' rates is what is called this machine's peak elsewhere."
    )
    columns = ("product", "threads", "torch, GFLOP/s", "onnxruntime, GFLOP/s")
    tell([Table("Matrix product", columns, tuple(rows), note)])


if __name__ == "__main__":
    main()
