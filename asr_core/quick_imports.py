"""Imports of large packages without looking for garbage meanwhile."""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Import without garbage collection; what is there afterwards, the collector leaves alone.

    Imports make hundreds of thousands of objects that stay, and the collector goes through them
    again and again: a fifth of the time of `import torch`, and of `import gradio`.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        atexit.register(gc.unfreeze)  # else DuckDB says at the end that all of it was lost
        if collecting:
            gc.enable()
