"""The one place that imports torchaudio.

torchaudio 2.11.0 is linked against CUDA: with a CPU-only torch its plain import fails in
`torchaudio._extension`. All that we use of it is pure Python, so in that case, and only then, a
stand-in for that module lets the rest load.
"""

import sys
import types
from typing import Any

import torch


def _import_torchaudio() -> Any:
    try:
        import torchaudio
    except OSError:
        if torch.version.cuda is not None:
            raise  # not the case we know
        for name in [n for n in sys.modules if n.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        stand_in: Any = types.ModuleType("torchaudio._extension")
        stand_in._IS_TORCHAUDIO_EXT_AVAILABLE = False
        stand_in._IS_ALIGN_AVAILABLE = False
        stand_in.fail_if_no_align = lambda function: function
        sys.modules["torchaudio._extension"] = stand_in
        import torchaudio
    return torchaudio


torchaudio = _import_torchaudio()


def beam_decoding() -> Any:
    """The module with `ctc_decoder`, loaded when it is asked for.

    Raises:
        ImportError: the package flashlight-text, which does the work, is not installed.
    """
    import importlib

    try:
        return importlib.import_module("torchaudio.models.decoder._ctc_decoder")
    except ImportError as e:
        raise ImportError(
            f"Beam search needs the package flashlight-text: {e}. Run `pip install -r"
            " requirements.txt`."
        ) from e
