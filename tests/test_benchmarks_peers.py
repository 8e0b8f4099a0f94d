"""The peers' benchmark: what it times gives the right answer, and its ratios are of one round."""

from pathlib import Path

import numpy as np
import pytest

from asr_core.audio import load_audio
from asr_core.recognizer import Recognizer, pad
from benchmarks import peers
from benchmarks.peer_networks import N_SYMBOLS, conformer, ours, random_features
from benchmarks.peer_sphinx import RATE, Sphinx, grammar, n_parameters, pronunciations, unigrams
from benchmarks.peers import PRODUCT, Heard

EXAMPLES = Path(__file__).parents[1] / "assets" / "examples"
WORDS = ("three", "seven", "stop", "go")


def test_the_conformer_is_of_the_size_it_is_called() -> None:
    network = conformer()
    assert 12e6 < network.n_parameters < 14e6
    short, long = random_features([1.0, 2.03])
    assert (len(short), len(long)) == (100, 203)
    log_probs, frames = peers._batch(network, [short, long])
    assert log_probs.shape == (2, 51, N_SYMBOLS)
    assert frames.tolist() == [25, 51]
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=2), 1, atol=1e-4)  # a float32 softmax


def test_our_networks_hear_what_recognition_hears(tmp_path: Path) -> None:
    recognizer = Recognizer.load("spoken")
    paths = [EXAMPLES / "three-seven-stop.opus", EXAMPLES / "yes-four-down-far.opus"]
    said = [transcript.text for transcript in recognizer.transcribe(paths)]
    networks = {network.name: network for network in ours("spoken", 1, tmp_path)}
    assert all(text.startswith(("three seven", "yes four")) for text in said)
    for name in (PRODUCT, "ours, torch fp32", "ours, torch fp64"):
        assert peers._texts(recognizer, networks[name], paths) == said
    features = recognizer.log_mel(*pad([recognizer.read(paths[0]).samples]))[0][0]
    exact, frames = peers._one(networks["ours, torch fp64"], features)
    for name, apart in ((PRODUCT, 1e-3), ("ours, onnxruntime int8", 1.5)):
        log_probs, others = peers._one(networks[name], features)
        assert others == frames
        assert 0 < np.abs(log_probs - exact).max() < apart, name


def test_loops_as_pocketsphinx_reads_them() -> None:
    assert "public <words> = ( yes | no )+ ;" in grammar(("yes", "no"))
    assert unigrams(("yes", "no")).split("\n") == [
        "\\data\\", "ngram 1=4", "", "\\1-grams:",
        "-0.4771 </s>", "-99 <s>", "-0.4771 yes", "-0.4771 no", "", "\\end\\", "",
    ]  # fmt: skip


@pytest.mark.parametrize("loop", ["grammar", "unigrams"])
def test_pocketsphinx_hears_a_clean_clip(loop: str) -> None:
    """It is given what it can read, and reads it: the comparison is not rigged."""
    pytest.importorskip("pocketsphinx", reason="pip install -r requirements-bench.txt")
    decoder = Sphinx(loop, WORDS)
    samples = load_audio(EXAMPLES / "three-seven-stop.opus", RATE).samples
    assert decoder.hear(samples) == "three seven stop"
    assert decoder.hear(samples) == "three seven stop"  # nothing is carried over


def test_every_word_has_its_pronunciations() -> None:
    pytest.importorskip("pocketsphinx", reason="pip install -r requirements-bench.txt")
    assert pronunciations(("two", "zero")).splitlines() == [
        "two T UW",
        "zero Z IH R OW",
        "zero(2) Z IY R OW",
    ]


def test_pocketsphinxs_size() -> None:
    """42 phones of 128 Gaussians in 39 dimensions; of each state, weights in three streams."""
    pytest.importorskip("pocketsphinx", reason="pip install -r requirements-bench.txt")
    assert n_parameters() == pytest.approx(2 * 42 * 128 * 39 + 5126 * 3 * 128, rel=0.01)


def test_ratios_are_of_one_round() -> None:
    """A round twice as slow for all changes no ratio."""
    seconds = {PRODUCT: [1.0, 2.0, 1.0], "peer": [5.0, 10.0, 5.0]}
    found = {"seconds": {"way": seconds}, "audio_s": 100.0}
    assert peers._speed(found, "way", PRODUCT) == "100"
    assert peers._speed(found, "way", "peer") == "20 (5.0)"
    assert peers._speed(found, "way", "other") == "–"


def test_rounds_take_turns_and_the_first_is_not_counted() -> None:
    order: list[str] = []
    times = peers._in_turns({name: (lambda n=name: order.append(n)) for name in "ab"})
    assert order == ["a", "b"] * (1 + peers.ROUNDS)
    assert {name: len(taken) for name, taken in times.items()} == dict.fromkeys("ab", peers.ROUNDS)


def test_a_planted_change_is_counted() -> None:
    def heard(texts: list[str], shift: float) -> Heard:
        return Heard(texts, [np.zeros((3, 2)) + shift for _ in texts])

    sets = {
        "one": {"single": heard(["a", "b"], 0.001), "double": heard(["a", "c"], 0.0)},
        "two": {"single": heard(["d"], 0.25), "double": heard(["d"], 0.0)},
    }
    for each in sets.values():
        each["pocketsphinx"] = Heard(["x"] * len(each["single"].texts), [])
    table = peers._changes(sets)
    assert table.rows == (("single", 3, 1, "0.2"),)


def test_rates_are_of_the_whole_set() -> None:
    found = {"set": {"system": Heard(["a b", "c"], [])}}
    table = peers._rates({"set": ["a b", "d"]}, found, ["far"])
    name, n_utterances, n_words, rate = table.rows[0]
    assert (name, n_utterances, n_words) == ("set", 2, 3)
    assert str(rate).startswith("33.3 (0.0 to 100.0)")
    assert "Not here, run `prepare spoken` for them: far." in table.note


def test_rows_are_spread_over_a_set() -> None:
    paths, texts = peers._every(peers.MANIFEST, 4)
    whole, _ = peers._every(peers.MANIFEST, 10_000)
    assert len(paths) == len(texts) == 4
    assert (paths[0], paths[-1]) == (whole[0], whole[-1])
    assert all(texts)
