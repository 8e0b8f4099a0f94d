"""Imports run one way, app -> ui -> analysis -> asr_core, and what starts fast stays light."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("asr_core", "analysis", "ui", "app")  # each may import itself and those before it
HEAVY_FOR_APP = (
    *("lightning", "asr_core.training", "torch", "torchaudio", "onnxruntime", "librosa", "numba"),
    *("jiwer", "scipy", "sklearn", "matplotlib", "plotly", "duckdb", "transformers", "ray"),
    *("analysis.report", "analysis.evaluating", "asr_core.recognizer"),
)
HEAVY_FOR_HELP = (*HEAVY_FOR_APP, "numpy", "pandas", "pyarrow", "gradio")


@dataclass(frozen=True)
class Import:
    """`importer` imports `imported`: when it is loaded, inside a function, or for types only."""

    importer: str
    imported: str
    when: str  # load, call or types


def modules(root: Path) -> dict[str, Path]:
    """Our modules by dotted name."""
    files = [*root.glob("app.py"), *(f for layer in LAYERS for f in (root / layer).rglob("*.py"))]
    return {_name(file.relative_to(root)): file for file in files}


def imports(root: Path) -> set[Import]:
    """Every import in our modules; those of our own as modules, not as the names in them."""
    ours = modules(root)
    found = set()
    for name, file in ours.items():
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        for target, when in _imports(ast.parse(file.read_text(encoding="utf-8")), package):
            found.add(Import(name, _module(target, ours), when))
    return found


def _module(target: str, ours: dict[str, Path]) -> str:
    """`asr_core.audio.load_audio` -> `asr_core.audio`; third-party names stay as they are."""
    while target.partition(".")[0] in LAYERS and target not in ours and "." in target:
        target = target.rpartition(".")[0]
    return target


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(node: ast.AST, package: str, when: str = "load") -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, when) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            parents = package.split(".")
            base = ".".join(parents[: len(parents) - child.level + 1]) if child.level else ""
            source = ".".join(filter(None, [base, child.module]))
            yield from ((f"{source}.{alias.name}", when) for alias in child.names)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(child, package, "call" if when == "load" else when)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _imports(ast.Module(child.body, []), package, "types")
            yield from _imports(ast.Module(child.orelse, []), package, when)
        else:
            yield from _imports(child, package, when)


def backward(found: set[Import]) -> list[str]:
    """Imports from a layer by one before it, whenever they happen."""
    rank = {layer: i for i, layer in enumerate(LAYERS)}
    pairs = {(i.importer, i.imported) for i in found}
    return sorted(
        f"{importer} -> {imported}"
        for importer, imported in pairs
        if rank[importer.partition(".")[0]] < rank.get(imported.partition(".")[0], -1)
    )


def circles(found: set[Import]) -> list[str]:
    """Modules that reach themselves, by imports at load time or inside functions."""
    graph: dict[str, set[str]] = {}
    for i in found:
        if i.when != "types" and i.importer != i.imported:
            graph.setdefault(i.importer, set()).add(i.imported)
    return sorted(name for name in graph if name in _reached(graph, graph[name]))


def loaded_by(found: set[Import], name: str) -> set[str]:
    """All that is loaded with a module, at any depth; third-party names with their parents."""
    graph: dict[str, set[str]] = {}
    for i in found:
        if i.when == "load":
            graph.setdefault(i.importer, set()).add(i.imported)
    reached = _reached(graph, {name})
    return {".".join(n.split(".")[: k + 1]) for n in reached for k in range(n.count(".") + 1)}


def loaded_by_page(found: set[Import]) -> set[str]:
    """All that is loaded with app.py and what its functions import of the pages."""
    pages = {i.imported for i in found if i.importer == "app" and i.imported.startswith("ui.")}
    return set().union(*(loaded_by(found, name) for name in ("app", *pages)))


def _reached(graph: dict[str, set[str]], start: set[str]) -> set[str]:
    reached, todo = set(), list(start)
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo.extend(graph.get(name, ()))
    return reached


def outside_ui(found: set[Import], package: str) -> list[str]:
    """Modules outside ui and app that import a package, whenever that happens."""
    return sorted(
        i.importer
        for i in found
        if i.imported.partition(".")[0] == package
        and i.importer.partition(".")[0] not in ("ui", "app")
    )


@pytest.fixture(scope="module")
def found() -> set[Import]:
    return imports(ROOT)


def test_no_import_runs_back(found):
    assert backward(found) == []


def test_no_circle(found):
    assert circles(found) == []


def test_only_the_pages_know_gradio(found):
    assert outside_ui(found, "gradio") == []


def test_straight_line_and_app_load_nothing_of_training(found):
    straight_line = [
        name
        for name in modules(ROOT)
        if name.startswith(("asr_core", "analysis")) and not name.startswith("asr_core.training")
    ]
    for name in [*straight_line, "app"]:
        loaded = loaded_by(found, name)
        assert not loaded & {"lightning", "asr_core.training"}, name


def test_messages_for_the_app_are_made_without_what_trains(found):
    # ui makes the Morse set when somebody asks for it: a function of its imports this module.
    importers = {i.importer for i in found if i.imported.startswith("asr_core.training")}
    assert {name for name in importers if name.startswith(("ui", "app"))} == {"ui.library"}
    loaded = loaded_by(found, "asr_core.training.corpora.morse")
    assert loaded.isdisjoint({"torch", "lightning", "audiomentations"})


def test_the_app_loads_only_what_the_page_needs(found):
    loaded = loaded_by_page(found)
    assert {"gradio", "ui.recognise", "ui.errors", "ui.model"} <= loaded
    assert loaded.isdisjoint(HEAVY_FOR_APP)


def loaded_in_its_own_process(program: str) -> set[str]:
    """What Python has really loaded once a program has run, modules and their parents."""
    told = f"{program}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_before_the_page_answers_nothing_heavy_is_there():
    loaded = loaded_in_its_own_process("import app\nassert app.demo.fns")
    assert loaded & set(HEAVY_FOR_APP) == set()
    assert "gradio" in loaded


@pytest.mark.parametrize("name", ["asr_core.__main__", "analysis.__main__"])
def test_a_command_line_reads_its_options_with_little(name):
    assert loaded_in_its_own_process(f"import {name}") & set(HEAVY_FOR_HELP) == set()


def test_the_app_reads_its_options_before_gradio():
    program = """
import runpy, sys
sys.argv = ["app.py", "--help"]
try:
    runpy.run_path("app.py", run_name="__main__")
except SystemExit as e:
    assert e.code == 0
"""
    assert loaded_in_its_own_process(program) & set(HEAVY_FOR_HELP) == set()


class TestChecker:
    """Planted faults are found."""

    @pytest.fixture
    def tree(self, tmp_path):
        def write(**files: str) -> set[Import]:
            for name, text in files.items():
                path = tmp_path / (name.replace("__", "/") + ".py")
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
            return imports(tmp_path)

        return write

    def test_arrow_that_runs_back(self, tree):
        found = tree(asr_core__a="def f():\n    from analysis import b", analysis__b="")
        assert backward(found) == ["asr_core.a -> analysis.b"]

    def test_circle_through_a_function(self, tree):
        found = tree(ui__a="from ui.b import f", ui__b="def f():\n    import ui.a")
        assert circles(found) == ["ui.a", "ui.b"]

    def test_types_make_no_circle(self, tree):
        text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ui.a import f"
        assert circles(tree(ui__a="from ui.b import f", ui__b=text)) == []

    def test_gradio_in_the_core(self, tree):
        assert outside_ui(tree(asr_core__a="import gradio as gr"), "gradio") == ["asr_core.a"]

    def test_lightning_at_a_distance(self, tree):
        found = tree(
            app="import ui.a",
            ui__a="from asr_core.b import c",
            asr_core__b="import lightning.pytorch",
        )
        assert "lightning" in loaded_by(found, "app")

    def test_lightning_inside_a_function_is_not_loaded(self, tree):
        assert "lightning" not in loaded_by(tree(app="def f():\n    import lightning"), "app")
