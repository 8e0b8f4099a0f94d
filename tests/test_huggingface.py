"""Hugging Face CTC models on the straight line, checked against transformers' own decoding."""

import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from asr_core import huggingface
from asr_core.__main__ import app
from asr_core.audio import Audio
from asr_core.checkpoint import CheckpointError
from asr_core.huggingface import SURELY_NOT, alphabet_of, merge
from asr_core.recognizer import Recognizer
from tests.test_imports import ROOT, imports, loaded_by
from tests.tiny_hub import hub
from tests.tiny_huggingface import SPECIAL, TOKENS, save_tiny, save_tokenizer

transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed (requirements-hf.txt)"
)

RATE = 16_000
STOP = ROOT / "assets" / "examples" / "three-seven-stop.opus"
KINDS = {
    "group norm": ("Wav2Vec2", {}),  # of which transformers says: no mask, pad with zeros
    "layer norm": ("Wav2Vec2", {"feat_extract_norm": "layer", "do_stable_layer_norm": True}),
    "HuBERT": ("Hubert", {}),
    "WavLM": ("WavLM", {}),
    "SEW": ("SEW", {}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("hf") / "tiny")


@pytest.fixture(scope="module")
def tiny(folder: Path) -> Recognizer:
    return Recognizer.load(f"hf:{folder}")


def noises(rng: np.random.Generator, *lengths: int) -> list[Audio]:
    return [Audio(0.1 * rng.standard_normal(n).astype(np.float32), RATE) for n in lengths]


def theirs(folder: Path, samples: np.ndarray) -> tuple[torch.Tensor, str]:
    """Log-probabilities (T, C) and text as transformers alone makes them."""
    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    tokenizer = transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCTC.from_pretrained(folder).eval()
    with torch.inference_mode():
        values = extractor(samples, sampling_rate=RATE, return_tensors="pt").input_values
        logits = model(values).logits
    (text,) = tokenizer.batch_decode(logits.argmax(dim=2))
    for token in SPECIAL:
        text = text.replace(token, "")
    return logits[0].log_softmax(dim=1), " ".join(text.lower().split())


@pytest.mark.parametrize("kind", KINDS)
def test_text_and_probabilities_are_those_of_transformers(
    kind: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    name, config = KINDS[kind]
    save_tiny(tmp_path, name, **config)
    recognizer = Recognizer.load(f"hf:{tmp_path}")
    for audio in noises(rng, RATE, 40_000, 50_001):
        log_probs, text = theirs(tmp_path, audio.samples)
        (got,) = recognizer.transcribe([audio])
        assert got.text == text
        assert len(set(text)) > 5  # letters and words, not one symbol all along
        n_frames = len(log_probs)
        for token, symbol in (("A", "a"), ("'", "'"), ("|", " "), ("<unk>", "<unk>")):
            ours = got.log_probs[:n_frames, recognizer.alphabet.symbols.index(symbol) + 1]
            # transformers takes the softmax in single precision.
            np.testing.assert_allclose(ours, log_probs[:, TOKENS.index(token)], atol=1e-5)
        blanks = [TOKENS.index(token) for token in ("<pad>", "<s>", "</s>")]
        blank = log_probs[:, blanks].exp().sum(dim=1)
        np.testing.assert_allclose(np.exp(got.log_probs[:n_frames, 0]), blank, atol=1e-6)
        np.testing.assert_allclose(np.exp(got.log_probs.astype(float)).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_gives_what_each_alone_gives(
    kind: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    name, config = KINDS[kind]
    recognizer = Recognizer.load(f"hf:{save_tiny(tmp_path, name, **config)}")
    audios = noises(rng, 31_999, 300, RATE, 8_000)
    together = recognizer.transcribe(audios)
    for audio, transcript in zip(audios, together, strict=True):
        (alone,) = recognizer.transcribe([audio])
        np.testing.assert_array_equal(alone.log_probs, transcript.log_probs)
        assert alone.words == transcript.words
    # Also where the network itself is given a padded batch.
    samples = torch.zeros(2, RATE)
    samples[0, :8_000], samples[1] = (torch.from_numpy(a.samples) for a in reversed(audios[2:]))
    with torch.inference_mode():
        log_probs, lengths = recognizer.model(samples, torch.tensor([8_000, RATE]))
    for i, n_frames in enumerate(lengths):
        expected = together[3 - i].log_probs
        np.testing.assert_array_equal(log_probs[i, :n_frames], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_too_short_is_empty(kind: str, tmp_path: Path, rng: np.random.Generator) -> None:
    name, config = KINDS[kind]
    recognizer = Recognizer.load(f"hf:{save_tiny(tmp_path, name, **config)}")
    field = recognizer.model.field
    assert field == (720 if kind == "SEW" else 400)
    for n in (1, 100, field - 1, field, field + 1, 2 * field):
        (got,) = recognizer.transcribe(noises(rng, n))
        assert len(got.log_probs) == 1 + n // 320
        assert np.isfinite(got.log_probs).all()
        if n < field:
            assert (got.text, got.words) == ("", ())
            assert (got.log_probs[:, 1:] == SURELY_NOT).all()
        else:
            assert got.log_probs[0, 1:].max() > SURELY_NOT


def test_frames_are_those_of_the_picture(tiny: Recognizer, rng: np.random.Generator) -> None:
    assert (tiny.sample_rate, tiny.hop_s, tiny.frame_s) == (RATE, 0.01, 0.02)
    assert tiny.model.stride == 2
    for n in (RATE, RATE + 159, RATE + 160, RATE + 319, RATE + 320):
        (got,) = tiny.transcribe(noises(rng, n))
        assert len(got.log_probs) == -(-len(got.features) // 2)
        assert all(0 <= w.start_s < w.end_s <= n / RATE for w in got.words)


def test_a_long_recording_is_cut_and_joined(tiny: Recognizer, rng: np.random.Generator) -> None:
    (audio,) = noises(rng, 65 * RATE)
    parts = list(tiny.transcribe_pieces(audio))
    (whole,) = tiny.transcribe([audio])
    assert len(parts) == 2
    assert len(whole.log_probs) == 1 + 65 * RATE // 320
    assert whole.duration_s == 65
    assert whole.text == " ".join(part.text for part in parts)


def test_any_rate_and_telephone_models(tmp_path: Path, rng: np.random.Generator) -> None:
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=8_000)
    extractor.save_pretrained(save_tiny(tmp_path))
    recognizer = Recognizer.load(f"hf:{tmp_path}")
    assert (recognizer.sample_rate, recognizer.hop_s, recognizer.frame_s) == (8_000, 0.01, 0.04)
    (got,) = recognizer.transcribe([Audio(np.zeros(44_100, np.float32), 44_100)])
    assert len(got.features) == 101


class TestAlphabet:
    def tokenizer(self, folder: Path, *tokens: str) -> tuple[list[str], object]:
        save_tokenizer(folder, tokens)
        return list(tokens), transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder)

    def test_the_blank_is_first_and_letters_are_lower(self, tmp_path: Path) -> None:
        given = self.tokenizer(tmp_path, "|", "A", "É", "<s>", "7", "<unk>", "-", "<pad>", "</s>")
        alphabet, ids = alphabet_of(*given)
        assert alphabet.symbols == (" ", "a", "é", "7", "<unk>", "-")
        assert alphabet.unknown == "<unk>"
        assert ids.tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 0]
        assert alphabet.normalise("A-É, 7!") == "a-é 7"  # its own sign stays in references

    def test_outputs_that_fall_together_share_an_id(self, tmp_path: Path) -> None:
        alphabet, ids = alphabet_of(*self.tokenizer(tmp_path, "<pad>", "a", "A", "'", "\u2019"))
        assert alphabet.symbols == ("a", "'")
        assert ids.tolist() == [0, 1, 1, 2, 2]

    def test_no_blank_no_alphabet(self, tmp_path: Path) -> None:
        tokens, tokenizer = self.tokenizer(tmp_path, "a", "b", "|")
        with pytest.raises(ValueError, match="padding token"):
            alphabet_of(tokens, tokenizer)

    def test_outputs_without_a_token_are_unknown(self, tmp_path: Path) -> None:
        save_tiny(tmp_path, vocab_size=len(TOKENS) + 3)  # as where a head was rounded up
        recognizer = Recognizer.load(f"hf:{tmp_path}")
        assert len(recognizer.alphabet) == len(TOKENS) - 2  # <s> and </s> are the blank's
        assert recognizer.alphabet.unknown == "<unk>"

    def test_sums_are_of_probabilities(self, rng: np.random.Generator) -> None:
        log_probs = torch.from_numpy(rng.normal(0, 30, (50, 6))).log_softmax(dim=1)
        ids = torch.tensor([2, 0, 1, 2, 3, 2])
        got = merge(log_probs, ids)
        for symbol in range(4):
            columns = log_probs.numpy()[:, ids.numpy() == symbol]
            np.testing.assert_allclose(
                got[:, symbol], np.logaddexp.reduce(columns, axis=1), rtol=1e-12, atol=1e-15
            )


class TestRefused:
    """Every folder that cannot be used is one CheckpointError that says why."""

    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        return save_tiny(tmp_path / "copy")

    def refused(self, folder: Path | str, match: str) -> None:
        with pytest.raises(CheckpointError, match=match) as caught:
            Recognizer.load(f"hf:{folder}")
        assert len(str(caught.value)) < 900

    @pytest.mark.parametrize(
        "name", ["config.json", "preprocessor_config.json", "vocab.json", "model.safetensors"]
    )
    @pytest.mark.parametrize("damage", ["gone", "empty", "nonsense", "list"])
    def test_damaged_files(self, copy: Path, name: str, damage: str) -> None:
        contents = {"empty": b"", "nonsense": b"\x00\xffnonsense", "list": b"[1, 2]"}
        (copy / name).unlink()
        if damage != "gone":
            (copy / name).write_bytes(contents[damage])
        self.refused(copy, "No weights in .*copy|Cannot load hf:.*copy: .")

    def test_a_pickle_is_not_read(self, copy: Path) -> None:
        weights = safetensors.torch.load_file(copy / "model.safetensors")
        (copy / "model.safetensors").unlink()
        torch.save(weights, copy / "pytorch_model.bin")
        self.refused(copy, r"pytorch_model\.bin, a pickle")

    def test_a_network_without_its_head(self, copy: Path) -> None:
        """What transformers would fill with random numbers, with no more than a warning."""
        path = copy / "model.safetensors"
        weights = safetensors.torch.load_file(path)
        kept = {name: w for name, w in weights.items() if not name.startswith("lm_head")}
        safetensors.torch.save_file(kept, path, {"format": "pt"})
        self.refused(copy, r"lack lm_head\.bias, lm_head\.weight")

    def test_weights_that_only_training_needs_may_lack(self, copy: Path) -> None:
        path = copy / "model.safetensors"
        weights = safetensors.torch.load_file(path)
        del weights["wav2vec2.masked_spec_embed"]
        safetensors.torch.save_file(weights, path, {"format": "pt"})
        assert Recognizer.load(f"hf:{copy}").alphabet.symbols[0] == " "

    def test_nan(self, copy: Path) -> None:
        path = copy / "model.safetensors"
        weights = safetensors.torch.load_file(path)
        weights["lm_head.bias"][3] = torch.nan
        safetensors.torch.save_file(weights, path, {"format": "pt"})
        self.refused(copy, "NaN")

    def test_no_ctc_model(self, copy: Path) -> None:
        config = transformers.BertConfig(
            hidden_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=9
        )
        transformers.BertModel(config).save_pretrained(copy)
        self.refused(copy, "Cannot load")

    def test_a_network_of_features(self, copy: Path) -> None:
        transformers.SeamlessM4TFeatureExtractor().save_pretrained(copy)
        self.refused(copy, "hears samples, got one with SeamlessM4TFeatureExtractor")

    def test_an_adapter(self, tmp_path: Path) -> None:
        self.refused(save_tiny(tmp_path, add_adapter=True, output_hidden_size=16), "adapter")

    def test_code_of_a_model_is_not_run(self, copy: Path, tmp_path: Path) -> None:
        ran = tmp_path / "ran"
        (copy / "own.py").write_text(f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n")
        config = json.loads((copy / "config.json").read_text())
        config["auto_map"] = {"AutoConfig": "own.Own", "AutoModelForCTC": "own.Own"}
        for kind in ("wav2vec2", "own"):
            (copy / "config.json").write_text(json.dumps(config | {"model_type": kind}))
            if kind == "own":
                self.refused(copy, "Cannot load")
            else:
                Recognizer.load(f"hf:{copy}")  # as the network that transformers knows
            assert not ran.exists()

    def test_names(self) -> None:
        self.refused("", "facebook/wav2vec2-base-960h")
        self.refused("a/b/c", "There is no folder 'a/b/c'")

    def test_no_package(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(huggingface, "find_spec", lambda _: None)
        self.refused(folder, "pip install -r requirements-hf.txt")


class TestNetwork:
    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The addresses that were asked for; nobody answers."""
        asked: list[str] = []

        def nobody(host: str, *rest: object, **options: object) -> None:
            asked.append(host)
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", nobody)
        return asked

    def test_a_folder_asks_nobody(self, folder: Path, asked: list[str]) -> None:
        Recognizer.load(f"hf:{folder}")
        assert asked == []

    def test_a_name_of_the_hub_is_downloaded_once(
        self, tiny: Recognizer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        constants = pytest.importorskip("huggingface_hub").constants
        shutil.copytree(folder, tmp_path / "model")
        for name in ("pytorch_model.bin", "own.py", "adapter.deu.safetensors", "README.md"):
            (tmp_path / "model" / name).write_bytes(b"not wanted")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        with hub("someone/tiny", tmp_path / "model") as (address, fetched):
            files = address + "/{repo_id}/resolve/{revision}/{filename}"
            monkeypatch.setattr(constants, "ENDPOINT", address)
            monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
            got = Recognizer.load("hf:someone/tiny")
        assert set(fetched) == {path.name for path in folder.iterdir()}
        assert got.contract.name == "someone/tiny"
        assert got.transcribe([STOP])[0].text == tiny.transcribe([STOP])[0].text
        assert got.model.weights_sha256 == tiny.model.weights_sha256
        Recognizer.load("hf:someone/tiny")  # now that nobody answers

    def test_no_network_is_one_message(self, asked: list[str]) -> None:
        with pytest.raises(CheckpointError, match="Check the name and the network"):
            Recognizer.load("hf:somebody/no-such-model-here")
        assert asked


class TestCommandLine:
    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, [*map(str, arguments)])
        return result.exit_code, result.stdout, result.stderr

    def test_transcribe(self, folder: Path, tiny: Recognizer) -> None:
        code, out, err = self.run("transcribe", STOP, "--model", f"hf:{folder}")
        assert (code, err) == (0, "")
        assert out.strip() == tiny.transcribe([STOP])[0].text

    def test_readings_of_beam_search(self, folder: Path) -> None:
        beam = ("--decoder", "beam", "--beam", "5", "--n-best", "3", "--format", "json")
        code, out, _ = self.run("transcribe", STOP, "--model", f"hf:{folder}", *beam)
        assert code == 0
        (got,) = json.loads(out)
        assert len(got["readings"]) == 3

    def test_align(self, folder: Path) -> None:
        text = ("--text", "Three SEVEN, stop!")
        code, out, _ = self.run("align", STOP, *text, "--model", f"hf:{folder}")
        assert code == 0
        (got,) = json.loads(out)
        assert [word["word"] for word in got["words"]] == ["three", "seven", "stop"]
        assert "".join(s["symbol"] for s in got["symbols"]) == "three seven stop"
        code, _, err = self.run("align", STOP, "--text", "7", "--model", f"hf:{folder}")
        assert code == 1
        assert "does not know '7'" in err

    @pytest.mark.parametrize("command", [("verify",), ("export", "--out", "x.onnx")])
    def test_what_needs_a_model_of_ours_says_so(
        self, folder: Path, command: tuple[str, ...]
    ) -> None:
        code, out, err = self.run(command[0], f"hf:{folder}", *command[1:])
        assert code == 1
        assert "Expected a model of ours" in out + err

    def test_a_text_is_spelt_as_the_model_spells(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("Don\u2019t stop\n")
        files = (tmp_path / "text", "--out", tmp_path / "lm.arpa")
        code, _, err = self.run("lm", *files, "--model", f"hf:{folder}")
        assert (code, err) == (0, "")
        assert "don't" in (tmp_path / "lm.arpa").read_text()


def test_nothing_of_it_is_loaded_where_it_is_not_used() -> None:
    loaded = loaded_by(imports(ROOT), "analysis.recognition")
    assert "asr_core.recognizer" in loaded
    assert loaded.isdisjoint({"transformers", "asr_core.huggingface"})
