"""Hugging Face CTC models of a few thousand weights, made here: nothing is downloaded."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from asr_core.torchaudio_door import torchaudio as _  # noqa: F401 - before transformers

# The blank last, letters in upper case, special tokens in between: as many fine-tuned models.
SPECIAL = {"<s>", "</s>", "<unk>"}
TOKENS = ("|", "'", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "<s>", "</s>", "<unk>", "<pad>")


def save_tiny(
    folder: Path, kind: str = "Wav2Vec2", tokens: Sequence[str] = TOKENS, **config: Any
) -> Path:
    """Write a model of random weights that takes turns between letters, spaces and the blank.

    Args:
        folder: to write; made where it is not there.
        kind: of transformers' classes: Wav2Vec2, Hubert, WavLM, SEW.
        tokens: of the outputs, in order.
        config: instead of the tiny one's.
    """
    import transformers

    save_tokenizer(folder, tokens)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32}
    sizes |= {"num_attention_heads": 2, "num_conv_pos_embeddings": 16}
    layers = 13 if kind == "SEW" else 7  # with their own strides: 320 samples a frame
    shape = {"conv_dim": [8] * layers, "num_conv_pos_embedding_groups": 2}
    tiny = {"vocab_size": len(tokens), "pad_token_id": len(tokens) - 1} | sizes | shape | config
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = getattr(transformers, f"{kind}ForCTC")(
            getattr(transformers, f"{kind}Config")(**tiny)
        ).eval()
        with torch.inference_mode():
            logits = model(torch.randn(1, 64_000)).logits[0]  # (T, C)
    with torch.no_grad():
        model.lm_head.bias.sub_(logits.mean(dim=0))
        for token in SPECIAL.intersection(tokens):  # as after training
            model.lm_head.bias[tokens.index(token)] -= 30
    model.save_pretrained(folder)
    return folder


def save_tokenizer(folder: Path, tokens: Sequence[str]) -> None:
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    transformers.Wav2Vec2CTCTokenizer(vocabulary).save_pretrained(folder)
