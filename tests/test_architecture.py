"""Receptive fields against the network's own gradients; parameters against sums by hand."""

import pytest
import torch

from asr_core.architecture import architecture
from asr_core.checkpoint import Contract, build_model, load_model
from asr_core.features import FeatureConfig
from asr_core.model import BlockConfig, ModelConfig, PrologueConfig
from asr_core.text import Alphabet

NETWORKS = {
    "a block": (PrologueConfig(channels=4, kernel=5, stride=2), [(4, 3, 1)]),
    "wide stride": (PrologueConfig(channels=4, kernel=11, stride=4), [(6, 7, 2), (4, 9, 2)]),
    "odd stride": (PrologueConfig(channels=3, kernel=3, stride=3), [(4, 5, 3), (5, 1, 2)]),
    "no block": (PrologueConfig(channels=5, kernel=7, stride=1), []),
}


def contract(prologue: PrologueConfig, blocks: list[tuple[int, int, int]], gru: int) -> Contract:
    return Contract(
        name="toy",
        features=FeatureConfig(n_mels=8),
        alphabet=Alphabet(symbols=("yes", "no"), joiner=" "),
        model=ModelConfig(
            prologue=prologue,
            blocks=tuple(BlockConfig(channels=c, kernel=k, repeats=r) for c, k, r in blocks),
            gru_hidden=gru,
        ),
    )


def seen(network: Contract) -> list[int]:
    """Input frames on which the output frame in the middle depends, by its gradient."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = build_model(network).double().eval()
    for name, weight in model.named_parameters():
        if not name.startswith("head"):
            weight.data.abs_()  # so that no ReLU is shut and no two paths cancel
    n_frames = 301 * model.stride
    features = torch.ones(1, n_frames, 8, dtype=torch.double, requires_grad=True)
    log_probs, _ = model(features, torch.tensor([n_frames]))
    log_probs[0, 150, 0].backward()
    return features.grad[0].abs().sum(dim=1).nonzero().flatten().tolist()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_part_sees_what_its_gradient_reaches(name):
    prologue, blocks = NETWORKS[name]
    parts = architecture(contract(prologue, blocks, gru=0))[1:-1]
    for depth, part in enumerate(parts):  # a network that ends after each of its parts
        frames = seen(contract(prologue, blocks[:depth], gru=0))
        assert len(frames) == part.sees == frames[-1] - frames[0] + 1
        middle = 150 * prologue.stride
        assert middle - frames[0] == frames[-1] - middle


def test_the_gru_sees_everything():
    prologue, blocks = NETWORKS["a block"]
    network = contract(prologue, blocks, gru=3)
    assert len(seen(network)) == 301 * prologue.stride
    gru, output = architecture(network)[-2:]
    assert (gru.kind, gru.sees, gru.sees_s) == ("gru", None, None)
    assert (output.kind, output.sees, output.channels) == ("output", None, 3)  # blank included


def test_without_a_gru_the_output_sees_what_the_last_block_sees():
    prologue, blocks = NETWORKS["wide stride"]
    *_, block, output = architecture(contract(prologue, blocks, gru=0))
    assert (output.sees, output.kernel, output.stride) == (block.sees, None, 1)


def test_seconds():
    """25 ms windows every 10 ms; kernel 11, stride 4, then two of kernel 7, by hand."""
    features, first, block, *_ = architecture(
        contract(PrologueConfig(channels=4, kernel=11, stride=4), [(6, 7, 2)], gru=3)
    )
    assert features.kernel_s == features.sees_s == pytest.approx(0.025)
    assert first.kernel_s == pytest.approx(0.110)
    assert first.sees_s == pytest.approx(0.125)  # 11 frames: 10 hops and a window
    assert block.kernel_s == pytest.approx(7 * 0.040)
    assert block.sees == 11 + 2 * 6 * 4
    assert block.sees_s == pytest.approx(58 * 0.010 + 0.025)


def test_parameters_by_hand():
    parts = architecture(contract(PrologueConfig(channels=4, kernel=5, stride=2), [(6, 3, 2)], 5))
    assert [(part.kind, part.parameters) for part in parts] == [
        ("features", 0),
        ("convolution", 8 * 4 * 5 + 2 * 4),  # no bias; batch norm has two a channel
        # depthwise 4 and 6 of kernel 3, pointwise 4 to 6 and 6 to 6, residual, three batch norms
        ("block", 4 * 3 + 6 * 3 + 4 * 6 + 6 * 6 + 4 * 6 + 3 * 2 * 6),
        ("gru", 2 * (3 * 5 * 6 + 3 * 5 * 5 + 2 * 3 * 5)),
        ("output", 10 * 3 + 3),
    ]


def test_bands_around_the_loudest_are_a_part_of_their_own():
    network = contract(PrologueConfig(channels=4, kernel=5, bands=3), [], 0)
    parts = architecture(network)
    assert [(part.kind, part.channels) for part in parts[:3]] == [
        ("features", 8),
        ("bands", 3),
        ("convolution", 4),
    ]
    assert sum(part.parameters for part in parts) == sum(
        weight.numel() for weight in build_model(network).parameters()
    )


def test_parameters_sum_to_the_bundled_model():
    bundled, model = load_model("spoken")
    total = sum(part.parameters for part in architecture(bundled))
    assert total == sum(weight.numel() for weight in model.parameters())
