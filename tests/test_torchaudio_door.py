"""The door to torchaudio, here and with stand-ins for every way that its import can end."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from asr_core import torchaudio_door


def test_what_we_use_is_there() -> None:
    torchaudio = torchaudio_door.torchaudio
    assert torchaudio.transforms.MelSpectrogram(8000)(torch.zeros(1, 800)).shape[1] == 128
    for name in ("FrequencyMasking", "TimeMasking"):
        assert hasattr(torchaudio.transforms, name)
    assert sys.modules["torchaudio"] is torchaudio


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that is found before torchaudio, and imports its extension as the real one does."""
    package = tmp_path / "torchaudio"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import torchaudio.early\n"  # something is already imported when it fails
        "from torchaudio._extension import _IS_ALIGN_AVAILABLE, fail_if_no_align\n"
        "@fail_if_no_align\n"
        "def works():\n"
        "    return _IS_ALIGN_AVAILABLE\n"
    )
    (package / "early.py").write_text("")
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchaudio"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchaudio"]:
        del sys.modules[name]  # before monkeypatch puts the real ones back


def extension(fake: Path, content: str) -> None:
    (fake / "_extension.py").write_text(content)


BROKEN = "raise OSError('libc10_cuda.so: cannot open shared object file')\n"


def test_a_working_torchaudio_is_left_alone(fake: Path) -> None:
    extension(fake, "_IS_ALIGN_AVAILABLE = True\ndef fail_if_no_align(f):\n    return f\n")
    assert torchaudio_door._import_torchaudio().works() is True
    assert sys.modules["torchaudio._extension"].__file__ == str(fake / "_extension.py")


def test_without_cuda_a_stand_in_lets_the_rest_load(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    extension(fake, BROKEN)
    torchaudio = torchaudio_door._import_torchaudio()
    assert torchaudio.__file__ == str(fake / "__init__.py")
    assert torchaudio.works() is False
    assert torchaudio.early is sys.modules["torchaudio.early"]  # imported anew, not left over


def test_with_cuda_the_same_error_is_not_hidden(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    extension(fake, BROKEN)
    with pytest.raises(OSError, match="libc10_cuda"):
        torchaudio_door._import_torchaudio()
    assert "torchaudio._extension" not in sys.modules


def test_other_errors_are_not_hidden(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    extension(fake, "raise ImportError('not what we know')\n")
    with pytest.raises(ImportError, match="not what we know"):
        torchaudio_door._import_torchaudio()
    assert "torchaudio._extension" not in sys.modules
