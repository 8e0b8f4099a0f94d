"""CTC models of Hugging Face that hear samples (wav2vec 2.0, HuBERT, WavLM), as `hf:NAME_OR_DIR`.

transformers runs the network and prepares its samples; from log-probabilities on all is ours. No
code that comes with a model is run, and no pickle is read: weights are safetensors or nothing.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from torch import Tensor

from asr_core.checkpoint import AnyContract, CheckpointError
from asr_core.features import FeatureConfig
from asr_core.model_names import HUGGING_FACE, hugging_face_folder, hugging_face_name
from asr_core.text import BLANK, Alphabet, fold

# transformers imports torchaudio, which fails with a CPU-only torch unless the door came first.
from asr_core.torchaudio_door import torchaudio as _  # noqa: F401

REQUIREMENTS = "requirements-hf.txt"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")  # one of them: whole, or in parts
FILES = ("*config.json", "vocab.json", "*tokens*.json", "tokenizer.json", "model*.safetensors*")
UNUSED = "masked_spec_embed"  # by what hears: it is for training, and not every folder has it
SURELY_NOT = -100.0  # log-probability; its exponential is 0 and it is finite, so sums stay numbers
HOP_S = 0.010  # of the features, about
# What transformers raises of files that are missing, damaged, or of another kind of model.
DAMAGED = (OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, ImportError)


class HuggingFaceNetwork:
    """Samples -> log_probs over our alphabet, one recording after the other.

    Nothing is padded, so a batch gives what single recordings give, also with networks that
    normalise over time and take no mask. On a CPU it costs nothing: a batch of four is no faster.
    """

    packages: tuple[str, ...] = ("transformers",)

    def __init__(self, model: Any, extractor: Any, ids: Tensor, stride: int, weights: list[Path]):
        """Make one of loaded parts.

        Args:
            model: the network, one of `AutoModelForCTC`.
            extractor: what prepares its samples, a `Wav2Vec2FeatureExtractor`.
            ids: (C,) the id in our alphabet of each of its outputs; several may share one.
            stride: feature frames in one output frame.
            weights: its files.
        """
        self.model = model
        self.stride = stride
        self._extractor = extractor
        self._ids = ids
        self._weights = weights

    @property
    def n_parameters(self) -> int:
        """Numbers that training has set."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def n_bytes(self) -> int:
        """Of the weights' files."""
        return sum(path.stat().st_size for path in self._weights)

    @cached_property
    def weights_sha256(self) -> str:
        """Of the weights' files, one after the other."""
        digest = hashlib.sha256()
        for path in self._weights:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    @property
    def field(self) -> int:
        """Samples that the network needs: the receptive field of its first frame.

        SEW averages some frames, and needs as many.
        """
        config = self.model.config
        samples: int = getattr(config, "squeeze_factor", 1)
        for kernel, stride in zip(config.conv_kernel[::-1], config.conv_stride[::-1], strict=True):
            samples = (samples - 1) * stride + kernel
        return samples

    def __call__(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network.

        Its convolutions make a frame or two less than we count, because they see no padding: where
        it has no frame at the end, or none at all of a recording that is too short, is the blank.

        Args:
            samples: (B, N) float.
            lengths: (B,) samples of each recording.

        Returns:
            log_probs (B, T', V) and lengths (B,): T' = 1 + N // ratio, the ratio being samples in
            an output frame.
        """
        n_frames = 1 + lengths // self.model.config.inputs_to_logits_ratio
        n_symbols = int(self._ids.max()) + 1
        log_probs = torch.full((len(samples), int(n_frames.max()), n_symbols), SURELY_NOT)
        log_probs[:, :, BLANK] = 0.0
        for recording, length, emitted in zip(samples, lengths, log_probs, strict=True):
            frames = self.emit(recording[:length])
            emitted[: len(frames)] = frames
        return log_probs, n_frames

    def emit(self, samples: Tensor) -> Tensor:
        """(N,) -> the network's own frames (T'', V), none of what is too short for it."""
        if len(samples) < self.field:
            return torch.zeros(0, int(self._ids.max()) + 1)
        rate = self._extractor.sampling_rate
        prepared = self._extractor(samples.numpy(), sampling_rate=rate, return_tensors="pt")
        logits = self.model(prepared.input_values).logits[0]
        return merge(logits.double().log_softmax(dim=1), self._ids).float()


def merge(log_probs: Tensor, ids: Tensor) -> Tensor:
    """Sum the probabilities of outputs that stand for one symbol.

    Args:
        log_probs: (T, C).
        ids: (C,) the symbol of each output; every one from 0 to V - 1 is there.

    Returns:
        (T, V).
    """
    index = ids.expand_as(log_probs)
    shape = (len(log_probs), int(ids.max()) + 1)
    highest = torch.full(shape, -torch.inf, dtype=log_probs.dtype)
    highest = highest.scatter_reduce(1, index, log_probs, "amax")
    shares = (log_probs - highest.gather(1, index)).exp()
    return highest + torch.zeros_like(highest).scatter_add(1, index, shares).log()


def load_network(given: str) -> tuple[AnyContract, HuggingFaceNetwork]:
    """Load `hf:` and a folder, or a name on the Hugging Face Hub, whose files are then downloaded.

    Raises:
        CheckpointError: transformers is not installed, no such model, a damaged one, one that is
            no CTC model of samples, or weights that are pickled.
    """
    check_name(given)
    folder = _folder(given)
    weights = _weights(folder)
    with _told(given):
        model, extractor, tokenizer = _load(folder)
    tokens = tokenizer.convert_ids_to_tokens(list(range(model.config.vocab_size)))
    ratio = _ratio(given, model, extractor)
    stride = _stride(ratio, extractor.sampling_rate)
    with _told(given):
        alphabet, ids = alphabet_of(tokens, tokenizer)
    description = AnyContract(
        name=hugging_face_name(given),
        features=_features(extractor.sampling_rate, ratio // stride),
        alphabet=alphabet,
        provenance={"source": given, "network": type(model).__name__},
    )
    network = HuggingFaceNetwork(model, extractor, ids, stride, weights)
    _check_runs(given, network)
    return description, network


def check_name(given: str) -> None:
    """Refuse what cannot be loaded here, before anything is (raises CheckpointError)."""
    if not given.removeprefix(HUGGING_FACE).strip():
        raise CheckpointError(
            f"Expected a folder or a name on the Hugging Face Hub after {HUGGING_FACE}, as in"
            f" {HUGGING_FACE}facebook/wav2vec2-base-960h."
        )
    if find_spec("transformers") is None:
        raise CheckpointError(
            f"{given} needs the package transformers. Run: pip install -r {REQUIREMENTS}"
        )


def alphabet_of(tokens: list[str | None], tokenizer: Any) -> tuple[Alphabet, Tensor]:
    """Our alphabet for a CTC tokenizer, and the id in it of each output.

    The token for padding is CTC's blank. Texts are compared in lower case, so symbols are, too.
    Other special tokens (the start and the end of a sentence) are no text: they count as blank.

    Args:
        tokens: (C,) of each output.
        tokenizer: a `Wav2Vec2CTCTokenizer`.

    Raises:
        ValueError: no token for padding, or nothing but special tokens.
    """
    if tokenizer.pad_token is None or tokenizer.pad_token not in tokens:
        raise ValueError(f"expected a padding token among the outputs, {tokenizer.pad_token!r}")
    special = {None, *tokenizer.all_special_tokens} - {tokenizer.unk_token}
    special |= {tokenizer.pad_token}  # also where it stands for unknown text
    special -= {tokenizer.word_delimiter_token}
    known: dict[str, int] = {}
    ids = []
    for token in tokens:
        if token is None or token in special:
            ids.append(BLANK)
            continue
        symbol = " " if token == tokenizer.word_delimiter_token else fold(token)
        ids.append(known.setdefault(symbol, len(known) + 1))
    unknown = fold(tokenizer.unk_token or "")
    alphabet = Alphabet(symbols=tuple(known), unknown=unknown if unknown in known else None)
    return alphabet, torch.tensor(ids)


def _folder(given: str) -> Path:
    """The model's folder; of a name on the Hub, where its files are kept once downloaded."""
    folder = hugging_face_folder(given)
    if folder is not None:
        return folder
    from huggingface_hub import snapshot_download

    name = given.removeprefix(HUGGING_FACE)
    try:
        # Not transformers' own download: it would have pickles converted by a program elsewhere.
        return Path(snapshot_download(name, allow_patterns=list(FILES)))
    except (OSError, ValueError) as e:
        raise CheckpointError(
            f"There is no folder {name!r}, and the Hugging Face Hub gave no such model:"
            f" {_short(e)} Check the name and the network, or download the model elsewhere and"
            " give its folder."
        ) from e


def _weights(folder: Path) -> list[Path]:
    """The files of the weights (raises CheckpointError where they are pickled, or not there)."""
    if not any((folder / name).is_file() for name in WEIGHTS):
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        raise CheckpointError(
            f"No weights in {folder}: expected model.safetensors"
            + (f", got {', '.join(pickled)}, a pickle, which may run any code." if pickled else ".")
            + " Take a version of the model with safetensors, or save it again with"
            " `save_pretrained`."
        )
    return sorted(folder.glob("model*.safetensors"))


def _load(folder: Path) -> tuple[Any, Any, Any]:
    """Network, feature extractor and tokenizer (raises DAMAGED)."""
    import transformers

    transformers.logging.set_verbosity_error()  # what matters of its warnings is checked here
    local = {"local_files_only": True, "trust_remote_code": False}
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder, **local)
    if not isinstance(extractor, transformers.Wav2Vec2FeatureExtractor):
        raise TypeError(
            f"expected a network that hears samples, got one with {type(extractor).__name__}"
        )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
    if not isinstance(tokenizer, transformers.Wav2Vec2CTCTokenizer):
        raise TypeError(f"expected a Wav2Vec2CTCTokenizer, got a {type(tokenizer).__name__}")
    shows_bars = transformers.logging.is_progress_bar_enabled()
    transformers.logging.disable_progress_bar()
    try:
        model, found = transformers.AutoModelForCTC.from_pretrained(
            folder, **local, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    finally:
        if shows_bars:
            transformers.logging.enable_progress_bar()
    missing = sorted(name for name in found["missing_keys"] if not name.endswith(UNUSED))
    if missing:  # transformers would go on with random numbers
        raise ValueError(
            f"the weights lack {', '.join(missing)}: it was not trained as a CTC model"
        )
    if not all(torch.isfinite(weight).all() for weight in model.parameters()):
        raise ValueError("the weights hold NaN or infinity")
    return model.eval(), extractor, tokenizer


def _ratio(given: str, model: Any, extractor: Any) -> int:
    """Samples in an output frame."""
    ratio = getattr(model.config, "inputs_to_logits_ratio", None)
    if not isinstance(ratio, int) or not hasattr(model.config, "conv_kernel"):
        raise CheckpointError(
            f"Cannot use {given}: expected convolutions over samples, as in wav2vec 2.0, got"
            f" {type(model).__name__} with {type(extractor).__name__}."
        )
    return ratio


def _stride(ratio: int, rate: int) -> int:
    """Feature frames in an output frame, so that one lasts about `HOP_S` and whole samples."""
    wanted = max(1, round(ratio / (HOP_S * rate)))
    return next(stride for stride in range(wanted, 0, -1) if ratio % stride == 0)


def _features(rate: int, hop: int) -> FeatureConfig:
    """For the picture and for words' places: the network has its own."""
    window_s = FeatureConfig().window_s
    n_fft = 1 << (round(window_s * rate) - 1).bit_length()
    return FeatureConfig(sample_rate=rate, hop_s=hop / rate, n_fft=n_fft, f_max=0.475 * rate)


@torch.inference_mode()
def _check_runs(given: str, network: HuggingFaceNetwork) -> None:
    """A second of silence makes as many frames as its configuration says (CheckpointError)."""
    rate = network._extractor.sampling_rate
    with _told(given):
        frames = network.emit(torch.zeros(rate))
    expected = 1 + rate // network.model.config.inputs_to_logits_ratio
    if not expected - 3 <= len(frames) <= expected:
        raise CheckpointError(
            f"Cannot use {given}: a second of sound has {len(frames)} frames, expected about"
            f" {expected}. Networks with an adapter after the encoder are not supported."
        )


@contextmanager
def _told(given: str) -> Iterator[None]:
    """What transformers raises, as a CheckpointError."""
    try:
        yield
    except (*DAMAGED, SafetensorError, ValidationError) as e:
        raise CheckpointError(f"Cannot load {given}: {_short(e)}") from e


def _short(error: Exception) -> str:
    """The first lines of an error; some of transformers' list every model there is."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}..."
