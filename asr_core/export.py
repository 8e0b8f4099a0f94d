"""A model folder as one ONNX file, for programs without torch.

The file holds the network alone: log-mel features in, log-probabilities out, for any number of
utterances of any lengths. The features stay outside, as their Fourier transform runs differently,
or not at all, from one ONNX runtime to another; their configuration, the alphabet and the name
travel in the file's metadata, as JSON each.

Exported by torch's TorchScript exporter: that of torch.export (2.13, its default) takes a GRU
apart and fails at its batch dimension. A test compares the two networks at lengths other than
those of the example that is traced.
"""

import copy
import io
import json
import threading
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from asr_core.checkpoint import Contract, load_model
from asr_core.model import CtcModel

_TRACING = threading.Lock()  # torch's exporter keeps what it is at in global variables
OPSET = 17  # of July 2022: old enough for any runtime in use, and has all that the network needs


class ExportError(RuntimeError):
    """A model that cannot be exported here: the file cannot be written."""


def export_onnx(folder: str | Path, out: Path, *, int8: bool = False) -> None:
    """Write a model's network as an ONNX file, beside the target first and then renamed over it.

    Inputs are `features` (B, T, F) float32 in [0, 1] and `lengths` (B,) int64 in frames, outputs
    `log_probs` (B, T', V) float32 and `frames` (B,) int64; as in `CtcModel.forward`.

    Args:
        folder: a model folder, or a bundled model's name.
        out: the file to write.
        int8: onnxruntime's dynamic quantisation of convolutions and matrix products. The GRUs
            stay in single precision, as it has no kernel for them. A layer's input has one scale
            for the whole batch: other than in single precision, what an utterance is padded with
            moves its log-probabilities. For the same result every time, run one at a time.

    Raises:
        CheckpointError: no model in the folder, or a damaged one.
        ExportError: the file cannot be written.
    """
    # Here: tracing for recognition does without.
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    contract, model = load_model(folder)
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "float32.onnx"
        file.write_bytes(trace(model, contract.features.n_mels))
        if int8:
            whole, file = file, file.with_name("int8.onnx")
            # Unsigned weights: onnxruntime's kernel for signed ones is three times slower.
            quantize_dynamic(whole, file, weight_type=QuantType.QUInt8)
        network = onnx.load(file)
    onnx.helper.set_model_props(network, _metadata(contract, model.stride, int8=int8))
    onnx.checker.check_model(network)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_name(out.name + ".part")
        part.write_bytes(network.SerializeToString())
        part.replace(out)
    except OSError as e:
        raise ExportError(f"Cannot write {out}: {e}. Choose another --out.") from e


class _OnImages(nn.Module):
    """A network whose signals are images one pixel high.

    For one dimension onnxruntime has no kernels of blocked channels, nor any for convolutions of
    one channel each: on images the whole network takes three quarters of the time. Besides, the
    blocked kernels add in the same order whatever the shape of the batch.
    """

    def __init__(self, model: CtcModel) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).float().eval()
        _widen(self.model)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As `CtcModel.forward`."""
        if self.model.loudest is not None:
            features = self.model.loudest(features, lengths)
        x, lengths = self.model.stack(features.transpose(1, 2).unsqueeze(2), lengths)
        return self.model.read_out(x.squeeze(2).transpose(1, 2), lengths), lengths


def _widen(module: nn.Module) -> None:
    """Replace convolutions and norms of signals by the same of images."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv1d):
            weight = child.weight.detach().unsqueeze(2)
            pads = (0, child.weight.shape[2] // 2)
            wide: nn.Module = nn.Conv2d(
                child.in_channels,
                child.out_channels,
                (1, child.weight.shape[2]),
                (1, child.stride[0]),
                pads,
                groups=child.groups,
                bias=False,
            )
            wide.load_state_dict({"weight": weight})
        elif isinstance(child, nn.BatchNorm1d):
            wide = nn.BatchNorm2d(child.num_features, child.eps)
            wide.load_state_dict(child.state_dict())
        else:
            _widen(child)
            continue
        setattr(module, name, wide.eval())


def trace(model: CtcModel, n_mels: int) -> bytes:
    """A network as an ONNX file in single precision, without metadata; see `export_onnx`."""
    features, lengths = torch.rand(3, 101, n_mels), torch.tensor([101, 40, 77])
    file = io.BytesIO()
    with _TRACING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this exporter is the older one, at every call
        torch.onnx.export(
            _OnImages(model),
            (features, lengths),
            file,  # type: ignore[arg-type]  # the older exporter takes an open file, too
            dynamo=False,
            opset_version=OPSET,
            input_names=["features", "lengths"],
            output_names=["log_probs", "frames"],
            dynamic_axes={
                "features": {0: "batch", 1: "time"},
                "lengths": {0: "batch"},
                "log_probs": {0: "batch", 1: "time_out"},
                "frames": {0: "batch"},
            },
        )
    return file.getvalue()


def _metadata(contract: Contract, stride: int, *, int8: bool) -> dict[str, str]:
    values: dict[str, Any] = {
        "name": contract.name,
        "alphabet": contract.alphabet.model_dump(mode="json"),
        "features": contract.features.model_dump(mode="json"),
        "contains": "network only: input is the log-mel of asr_core.features.LogMel",
        "blank": "id 0; symbol i of the alphabet has id i + 1",
        "stride": stride,  # feature frames in one output frame
        "precision": "int8" if int8 else "float32",
    }
    return {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
