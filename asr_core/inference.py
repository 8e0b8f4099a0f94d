"""A trained network as recognition runs it: by onnxruntime, in single precision."""

import threading
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from asr_core.export import trace
from asr_core.model import CtcModel

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class OnnxNetwork:
    """A `CtcModel` in onnxruntime, several times as fast as in torch.

    It has one thread: with more, what each of them gets decides the order of sums. So the answer
    to an utterance is the same to the last bit, alone and in any batch, on the processors tested
    (x86-64 with AVX-512). Call it from several threads to have several batches at a time.

    The network is traced at the first call; what the model learns after that is not heard.
    """

    def __init__(self, model: CtcModel, n_mels: int) -> None:
        self._model = model
        self._n_mels = n_mels
        self._lock = threading.Lock()
        self._session: InferenceSession | None = None

    def __call__(self, features: Tensor, lengths: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(B, T, F) float32, (B,) -> log_probs (B, T', V), (B,); see `CtcModel.forward`."""
        inputs = {"features": features.numpy(), "lengths": lengths.numpy()}
        log_probs, frames = self._ready().run(None, inputs)
        return log_probs, frames

    def _ready(self) -> "InferenceSession":
        with self._lock:
            if self._session is None:
                from onnxruntime import InferenceSession, SessionOptions

                options = SessionOptions()
                options.intra_op_num_threads = options.inter_op_num_threads = 1
                traced = trace(self._model, self._n_mels)
                self._session = InferenceSession(
                    traced, options, providers=["CPUExecutionProvider"]
                )
        return self._session
