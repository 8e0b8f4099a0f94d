import gc
import subprocess
import sys
from pathlib import Path

import pytest

from asr_core.quick_imports import uncollected
from ui import quick_imports

ROOT = Path(__file__).parent.parent


@pytest.fixture
def collector():
    """The collector as it is, whatever a test does to it."""
    collecting = gc.isenabled()
    gc.enable()
    yield
    gc.unfreeze()
    (gc.enable if collecting else gc.disable)()


def test_nothing_is_collected_inside_and_everything_later_is(collector):
    with uncollected():
        assert not gc.isenabled()
        kept = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(kept)


def test_a_collector_that_was_off_stays_off(collector):
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()


def test_a_failed_import_leaves_no_trace(collector):
    before = list(sys.meta_path)
    with pytest.raises(ModuleNotFoundError), quick_imports.quick_imports():
        import no_such_package  # noqa: F401
    assert sys.meta_path == before
    assert gc.isenabled()


@pytest.mark.parametrize("text", ["def write(*given): raise OSError\nx = 1", "x = 1"])
def test_the_function_is_left_out_where_there_is_one(text, tmp_path, monkeypatch, collector):
    (tmp_path / "planted_stubs.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(quick_imports, "STUBS", ("planted_stubs", "write"))
    monkeypatch.delitem(sys.modules, "planted_stubs", raising=False)
    with quick_imports.quick_imports():
        import planted_stubs
    assert planted_stubs.x == 1
    assert hasattr(planted_stubs, "write") == ("write" in text)
    if "write" in text:
        assert planted_stubs.write(type, "name", []) is None
    monkeypatch.delitem(sys.modules, "planted_stubs")


def test_gradio_works_and_parses_none_of_its_sources():
    """Its components have their events, and no file of its own is read as text."""
    program = """
import sys
read = []
sys.addaudithook(lambda event, given: read.append(given) if event == "open" else None)
from ui.quick_imports import quick_imports
with quick_imports():
    import gradio as gr
from gradio import component_meta
assert component_meta.create_or_modify_pyi.__name__ == "<lambda>"
with gr.Blocks() as page:
    box = gr.Textbox()
    box.change(lambda text: text, box, box)
assert len(page.fns) == 1
stubs = [str(path) for path, *_ in read if str(path).endswith(".pyi")]
print(len(stubs))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
