"""The network: lengths, padding, probabilities, gradients, and that it can learn."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from asr_core.decoder import greedy
from asr_core.model import (
    BidirectionalGru,
    BlockConfig,
    ConvBlock,
    CtcModel,
    LoudestBands,
    MaskedConv,
    ModelConfig,
    PrologueConfig,
)

N_MELS, N_SYMBOLS = 7, 5
LENGTHS = [1, 2, 3, 17, 50, 64]  # feature frames; kernels are longer than the first ones


def build(stride: int = 2, gru_hidden: int = 6, dropout: float = 0.1) -> CtcModel:
    """Random weights, and batch norm as after training."""
    torch.manual_seed(stride * 100 + gru_hidden)
    config = ModelConfig(
        prologue=PrologueConfig(channels=12, kernel=7, stride=stride),
        blocks=(BlockConfig(channels=16, kernel=7), BlockConfig(channels=12, kernel=9, repeats=1)),
        gru_hidden=gru_hidden,
        dropout=dropout,
    )
    model = CtcModel(config, N_MELS, N_SYMBOLS)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
        elif name.endswith("running_var"):
            buffer.uniform_(0.1, 2)
    return model


def batch(lengths: list[int], padding: float = 0.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(11)
    features = torch.full((len(lengths), max(lengths), N_MELS), padding)
    for row, length in zip(features, lengths, strict=True):
        row[:length] = torch.rand(length, N_MELS, generator=generator)
    return features, torch.tensor(lengths)


def test_the_loudest_band_comes_to_the_middle() -> None:
    generator = torch.Generator().manual_seed(3)
    features = 0.3 * torch.rand(3, 20, 40, generator=generator)
    tones = [17, 1, 39]  # inside, and at both ends
    lengths = torch.tensor([20, 12, 5])
    for row, tone, length in zip(features, tones, lengths, strict=True):
        row[:length:2, tone] = 1.0  # keyed
        row[1, (tone + 20) % 40] = 0.95  # a click elsewhere
        row[length:] = 0.0
        row[length:, 5] = 1.0  # what lies past the length does not count
    found = LoudestBands(7)(features, lengths)
    assert found.shape == (3, 20, 7)
    for row, all_bands, tone in zip(found, features, tones, strict=True):
        for i, band in enumerate(range(tone - 3, tone + 4)):
            expected = all_bands[:, band] if 0 <= band < 40 else torch.zeros(20)
            assert torch.equal(row[:, i], expected)


def test_any_pitch_is_the_same_to_a_network_of_bands() -> None:
    config = ModelConfig(
        prologue=PrologueConfig(channels=8, kernel=5, bands=5), blocks=(), gru_hidden=4
    )
    model = CtcModel(config, 30, N_SYMBOLS).eval()
    keyed = torch.rand(1, 25, 5, generator=torch.Generator().manual_seed(4))
    keyed[..., 2] = 1.0
    low, high = torch.zeros(2, 1, 25, 30)
    low[..., 6:11], high[..., 20:25] = keyed, keyed
    lengths = torch.tensor([25])
    assert torch.equal(model(low, lengths)[0], model(high, lengths)[0])


SHAPES = [(stride, gru) for stride in (1, 2, 3) for gru in (0, 6)]
any_shape = pytest.mark.parametrize(("stride", "gru_hidden"), SHAPES)


@any_shape
@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 5, 6, 7, 31, 100])
def test_output_is_as_long_as_it_says(stride: int, gru_hidden: int, n_frames: int) -> None:
    model = build(stride, gru_hidden).eval()
    log_probs, lengths = model(*batch([n_frames]))
    assert model.stride == stride
    assert log_probs.shape == (1, -(-n_frames // stride), N_SYMBOLS)
    assert lengths.tolist() == [log_probs.shape[1]]


@any_shape
@pytest.mark.parametrize("padding", [0.0, 100.0])
def test_padding_changes_nothing(stride: int, gru_hidden: int, padding: float) -> None:
    """Not even padding that is not zero; every utterance is as if it were alone."""
    model = build(stride, gru_hidden).eval()
    features, lengths = batch(LENGTHS, padding)
    with torch.inference_mode():
        together, n_frames = model(features, lengths)
        for row, length, y, t in zip(features, LENGTHS, together, n_frames, strict=True):
            alone, _ = model(row[None, :length], torch.tensor([length]))
            # Convolutions of another size may sum in another order.
            torch.testing.assert_close(y[:t], alone[0], rtol=0, atol=1e-5)


@any_shape
def test_no_gradient_reaches_padding(stride: int, gru_hidden: int) -> None:
    model = build(stride, gru_hidden).eval()
    features, lengths = batch(LENGTHS)
    features.requires_grad_()
    log_probs, n_frames = model(features, lengths)
    inside = torch.arange(log_probs.shape[1]) < n_frames[:, None]
    log_probs[inside][:, 1].sum().backward()
    assert features.grad is not None
    for gradient, length in zip(features.grad, LENGTHS, strict=True):
        assert (gradient[length:] == 0).all()
        assert (gradient[:length] != 0).any()


@any_shape
def test_gradients_reach_every_weight(stride: int, gru_hidden: int) -> None:
    model = build(stride, gru_hidden).train()
    features, lengths = batch([40, 50])
    log_probs, n_frames = model(features, lengths)
    targets = torch.tensor([[1, 2], [3, 4]])
    torch.nn.functional.ctc_loss(
        log_probs.transpose(0, 1), targets, n_frames, torch.tensor([2, 2])
    ).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        assert (weight.grad != 0).any(), name


@any_shape
@pytest.mark.parametrize("training", [True, False])
def test_always_log_probabilities(stride: int, gru_hidden: int, *, training: bool) -> None:
    model = build(stride, gru_hidden).train(training)
    log_probs, _ = model(*batch(LENGTHS))
    assert log_probs.dtype == torch.float32
    total = log_probs.exp().sum(dim=2)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-5)  # float32 sums


def test_eval_is_deterministic_and_training_drops_out() -> None:
    model = build(dropout=0.5)
    features, lengths = batch([30])
    model.eval()
    assert torch.equal(model(features, lengths)[0], model(features, lengths)[0])
    model.train()
    assert not torch.equal(model(features, lengths)[0], model(features, lengths)[0])


def test_gru_is_torchs_bidirectional_gru_over_packed_sequences() -> None:
    """Ours reverses each utterance in place; packing is the independent way to the same."""
    torch.manual_seed(1)
    ours = BidirectionalGru(width=5, hidden=4)
    torchs = torch.nn.GRU(5, 4, batch_first=True, bidirectional=True)
    onward = dict(ours.onward.state_dict())
    reverse = {f"{k}_reverse": v for k, v in ours.reverse.state_dict().items()}
    torchs.load_state_dict(onward | reverse)
    lengths = torch.tensor([1, 4, 9, 9])
    x = torch.randn(4, 9, 5)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, lengths, batch_first=True, enforce_sorted=False
    )
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(torchs(packed)[0], batch_first=True)
    y = ours(x, lengths)
    assert y.shape == (4, 9, 8)
    for row, wanted, length in zip(y, expected, lengths, strict=True):
        # Two implementations of one recurrence, in float32.
        torch.testing.assert_close(row[:length], wanted[:length], rtol=0, atol=1e-6)


def test_a_frame_stays_in_the_middle_of_its_kernel() -> None:
    """A convolution that picks the kernel's centre returns every stride-th frame."""
    for stride in (1, 2, 3):
        conv = MaskedConv(1, 1, kernel=5, stride=stride)
        with torch.no_grad():
            conv.conv.weight.zero_()
            conv.conv.weight[0, 0, 2] = 1
        x = torch.arange(1.0, 11.0).reshape(1, 1, 10)
        y, lengths = conv(x, torch.tensor([8]))
        expected = [v if v <= 8 else 0.0 for v in x[0, 0, ::stride].tolist()]
        assert y[0, 0].tolist() == expected
        assert lengths.tolist() == [len(range(0, 8, stride))]


def test_a_block_is_separable_and_residual() -> None:
    block = ConvBlock(6, BlockConfig(channels=8, kernel=5, repeats=3), dropout=0.0)
    assert [conv.conv.groups for conv in block.depthwise] == [6, 8, 8]
    with torch.no_grad():
        block.pointwise[-1].weight.zero_()  # nothing comes through but the residual path
    block.eval()
    x = torch.randn(1, 6, 10)
    y, _ = block(x, torch.tensor([10]))
    torch.testing.assert_close(y, torch.relu(block.residual(x)))


def test_it_learns_two_utterances_by_heart() -> None:
    model = build(dropout=0.0).train()
    features, lengths = batch([24, 40])
    texts = [[1, 2], [3, 3, 4]]
    targets = torch.tensor([[1, 2, 0], [3, 3, 4]])
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(120):
        log_probs, n_frames = model(features, lengths)
        loss = torch.nn.functional.ctc_loss(
            log_probs.transpose(0, 1), targets, n_frames, torch.tensor([2, 3])
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1
    heard = [
        greedy(row[:t].detach().numpy()).ids for row, t in zip(log_probs, n_frames, strict=True)
    ]
    assert heard == texts


def test_same_seed_same_bits() -> None:
    outputs = [build()(*batch(LENGTHS))[0].detach().numpy() for _ in range(2)]
    np.testing.assert_array_equal(*outputs)


@pytest.mark.parametrize(
    ("make", "wrong", "message"),
    [
        (BlockConfig, {"channels": 8, "kernel": 4}, "an odd number of frames"),
        (PrologueConfig, {"channels": 8, "kernel": 10}, "an odd number of frames"),
        (PrologueConfig, {"channels": 8, "stride": 0}, "greater than 0"),
        (BlockConfig, {"channels": 8, "kernel": 3, "repeats": 0}, "greater than 0"),
        (ModelConfig, {"blocks": (), "gru_hidden": 4}, "prologue\n  Field required"),
        (
            ModelConfig,
            {"prologue": {"channels": 8}, "blocks": (), "gru_hidden": -1},
            "greater than or equal to 0",
        ),
        (
            ModelConfig,
            {"prologue": {"channels": 8}, "blocks": (), "gru_hidden": 0, "dropout": 1},
            "less than 1",
        ),
    ],
)
def test_configs_say_what_is_wrong(make: type, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make(**wrong)
