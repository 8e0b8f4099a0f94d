"""What several test files need: a seeded generator, a tiny model, the real corpora if present."""

import os

# pytest-xdist runs a process a core; more threads in each would only fight for the same cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LC_ALL"] = "C.UTF-8"  # the app speaks the locale's language; tests read English

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from asr_core.checkpoint import Contract, build_model
from asr_core.features import FeatureConfig
from asr_core.model import BlockConfig, ModelConfig, PrologueConfig
from asr_core.morse_code import SYMBOLS
from asr_core.recognizer import Recognizer
from asr_core.text import Alphabet

torch.set_num_threads(1)  # also where a plugin imported torch before us

# The same examples on every run; no deadline, because other work may share the machine.
settings.register_profile("misheard", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("misheard")

CORPORA = Path(
    os.environ.get("MISHEARD_CORPORA") or Path(__file__).parents[1].parent / "shared" / "corpora"
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the real corpora."""
    if not CORPORA.is_dir():
        pytest.skip(f"the real corpora are not at {CORPORA} (set MISHEARD_CORPORA)")
    return CORPORA


@pytest.fixture(scope="session")
def tiny_contract() -> Contract:
    """A model of a few thousand weights with everything that the real ones have."""
    return Contract(
        name="tiny",
        features=FeatureConfig(n_mels=16),
        alphabet=Alphabet(
            symbols=("yes", "no", "stop", "go", "<unk>"), joiner=" ", unknown="<unk>"
        ),
        model=ModelConfig(
            prologue=PrologueConfig(channels=12, kernel=5),
            blocks=(BlockConfig(channels=16, kernel=5), BlockConfig(channels=12, kernel=7)),
            gru_hidden=6,
        ),
        provenance={"seed": 3},
    )


@pytest.fixture(scope="session")
def tiny_recognizer(tiny_contract: Contract) -> Recognizer:
    """Random weights, the same in every test: it hears nonsense, but always the same nonsense."""
    return _random_recognizer(tiny_contract)


@pytest.fixture(scope="session")
def tiny_morse_recognizer(tiny_contract: Contract) -> Recognizer:
    """The same for Morse signs; it is called "signs"."""
    alphabet = Alphabet(symbols=SYMBOLS)
    return _random_recognizer(
        tiny_contract.model_copy(update={"name": "signs", "alphabet": alphabet})
    )


def _random_recognizer(contract: Contract) -> Recognizer:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = build_model(contract)
        with torch.no_grad():
            for name, buffer in model.named_buffers():  # as if batch norm had seen data
                if name.endswith("running_mean"):
                    buffer.normal_(0, 0.3)
                elif name.endswith("running_var"):
                    buffer.uniform_(0.5, 2)
            for weight in model.gru.parameters():
                weight.mul_(3)
            log_probs, _ = model.eval()(torch.rand(1, 2000, 16), torch.tensor([2000]))
            model.head.bias.sub_(log_probs.mean(dim=(0, 1)))  # so that symbols and blank take turns
    return Recognizer(contract, model)
