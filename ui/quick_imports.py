"""Imports at the start of the app, without the two things that take most of their time.

Measured with gradio 6.31.0 on Python 3.11, `import gradio`: 1.9 s as it is, 1.5 s without garbage
collection, 0.9 s without the stubs as well.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from asr_core.quick_imports import uncollected

STUBS = ("gradio.component_meta", "create_or_modify_pyi")  # where they are written, and by what


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import without looking for garbage, and keep Gradio from writing stubs for editors.

    Gradio parses the source of each of its components, to bring a `.pyi` file beside it up to date,
    at every start.
    """
    finder = _WithoutStubs()
    sys.meta_path.insert(0, finder)
    try:
        with uncollected():
            yield
    finally:
        sys.meta_path.remove(finder)


class _WithoutStubs(MetaPathFinder):
    """Finds one module of Gradio, and lets it load without what writes stubs."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        module, function = STUBS
        spec = PathFinder.find_spec(fullname, path, target) if fullname == module else None
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_without(loaded: ModuleType) -> None:
            load(loaded)
            if hasattr(loaded, function):  # another release may do it elsewhere: then it is slow
                setattr(loaded, function, lambda *_: None)

        spec.loader.exec_module = load_without  # type: ignore[method-assign]
        return spec
