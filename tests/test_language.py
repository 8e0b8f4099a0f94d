"""n-gram language models: built here, read back, and asked what KenLM is asked."""

import itertools
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from asr_core.__main__ import app
from asr_core.language import (
    BEGIN,
    END,
    KENLM_MAGIC,
    UNKNOWN,
    Kenlm,
    LanguageModel,
    LanguageModelError,
    Ngrams,
    read_arpa,
    read_language_model,
)
from asr_core.ngrams import build_ngrams, read_sentences, write_arpa
from asr_core.text import normalise

TEXT = [["three", "seven", "stop"], ["three", "three"], ["stop"], ["one", "seven", "three", "stop"]]

corpora = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=6), min_size=1, max_size=8
)
sentences = st.lists(st.sampled_from("abcdx"), max_size=6)  # x is never in a corpus


def vocabulary(ngrams: Ngrams) -> list[str]:
    return [words[0] for words in ngrams.log_probs if len(words) == 1 and words != (BEGIN,)]


def sentence_log_prob(lm: LanguageModel, words: list[str]) -> float:
    context, total = lm.start(), 0.0
    for word in [*words, END]:
        log_prob, context = lm.score(context, word)
        total += log_prob
    return total


@settings(max_examples=60)
@given(corpora, st.integers(1, 4))
def test_after_every_context_the_probabilities_sum_to_one(
    corpus: list[list[str]], order: int
) -> None:
    ngrams = build_ngrams(corpus, order)
    words = vocabulary(ngrams)
    assert UNKNOWN in words
    contexts = {ngrams.start(), *ngrams.backoffs}
    contexts |= {ngrams.score(context, word)[1] for context in contexts for word in words}
    for context in contexts:
        total = sum(math.exp(ngrams.score(context, word)[0]) for word in words)
        assert total == pytest.approx(1, rel=1e-12)


@settings(max_examples=40)
@given(corpora)
def test_probabilities_are_witten_bells(corpus: list[list[str]]) -> None:
    """By the definition for a bigram, from counts made here."""
    ngrams = build_ngrams(corpus, 2)
    lines = [[BEGIN, *sentence, END] for sentence in corpus]
    pairs = Counter(pair for line in lines for pair in itertools.pairwise(line))
    words = Counter(word for line in lines for word in line[1:])
    n, types = words.total(), len(words)
    for before in {a for a, _ in pairs}:
        followers = {b: count for (a, b), count in pairs.items() if a == before}
        for word in [*words, UNKNOWN]:
            uniform = 1 / (types + 1)
            unigram = (words[word] + types * uniform) / (n + types)
            expected = (followers.get(word, 0) + len(followers) * unigram) / (
                sum(followers.values()) + len(followers)
            )
            found, _ = ngrams.score((before,), word)
            assert math.exp(found) == pytest.approx(expected, rel=1e-12)


def test_what_was_said_more_is_likelier() -> None:
    ngrams = build_ngrams(TEXT, 3)
    said = sentence_log_prob(ngrams, ["three", "seven", "stop"])
    assert said > sentence_log_prob(ngrams, ["stop", "seven", "three"])
    assert sentence_log_prob(ngrams, ["never"]) > -math.inf
    assert ngrams.counts() == [7, 11, 10]


@settings(max_examples=25)
@given(corpora, st.integers(1, 4), st.lists(sentences, min_size=1, max_size=4))
def test_a_written_file_says_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: list[list[str]],
    order: int,
    asked: list[list[str]],
) -> None:
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    ngrams = build_ngrams(corpus, order)
    write_arpa(ngrams, path)
    again = read_language_model(path)
    assert again.order == order
    assert again.log_probs == pytest.approx(ngrams.log_probs, rel=1e-12)
    assert again.backoffs == pytest.approx(ngrams.backoffs, rel=1e-12)
    for words in asked:
        expected = pytest.approx(sentence_log_prob(ngrams, words), rel=1e-12)
        assert sentence_log_prob(again, words) == expected


@settings(max_examples=25)
@given(corpora, st.integers(2, 4), st.lists(sentences, min_size=1, max_size=4))
def test_kenlm_reads_it_and_agrees(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: list[list[str]],
    order: int,
    asked: list[list[str]],
) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm is an optional extra")
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    ngrams = build_ngrams(corpus, order)
    write_arpa(ngrams, path)
    model = kenlm.Model(str(path))
    assert model.order == order
    for words in [*asked, *corpus]:
        expected = math.log(10) * model.score(" ".join(words), bos=True, eos=True)
        # KenLM keeps its figures in single precision.
        assert sentence_log_prob(ngrams, words) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_through_kenlm_the_answers_are_the_same(tmp_path: Path) -> None:
    """KenLM's loader takes ARPA files too; only its own `build_binary` makes binary ones."""
    pytest.importorskip("kenlm", reason="kenlm is an optional extra")
    ngrams = build_ngrams(TEXT, 3)
    write_arpa(ngrams, tmp_path / "lm.arpa")
    kenlm = Kenlm(tmp_path / "lm.arpa")
    for words in [*TEXT, [], ["stop", "never", "three"]]:
        expected = pytest.approx(sentence_log_prob(ngrams, words), rel=1e-5)
        assert sentence_log_prob(kenlm, words) == expected


def test_a_damaged_binary_file_is_told(tmp_path: Path) -> None:
    pytest.importorskip("kenlm", reason="kenlm is an optional extra")
    (tmp_path / "lm.bin").write_bytes(KENLM_MAGIC + b" version 5\n\0")
    with pytest.raises(LanguageModelError, match="KenLM cannot read"):
        read_language_model(tmp_path / "lm.bin")


ARPA = """\\data\\
ngram 1=3
ngram 2=1

\\1-grams:
-0.5\t</s>
-99\t<s>\t-0.25
-0.4\tgo\t-0.2

\\2-grams:
-0.1\t<s> go

\\end\\
"""


def test_a_file_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "lm.arpa"
    path.write_text("made by hand\n\n" + ARPA)
    ngrams = read_arpa(path)
    ln_10 = math.log(10)
    assert ngrams.score(("<s>",), "go") == (pytest.approx(-0.1 * ln_10), ("go",))
    assert ngrams.score(("go",), "</s>")[0] == pytest.approx((-0.2 - 0.5) * ln_10)
    assert ngrams.score(("<s>",), "</s>")[0] == pytest.approx((-0.25 - 0.5) * ln_10)
    assert ngrams.score(("go",), "never")[0] == -math.inf  # without <unk> it is closed


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "\\date\\", r"expected a line \\data\\"),
        ("ngram 1=3", "ngram 1=x", "expected `ngram 1=COUNT`"),
        ("ngram 2=1", "ngram 3=1", "expected `ngram 2=COUNT`"),
        ("-0.4\tgo", "go\t-0.4", "line 8"),
        ("-0.4\tgo", "nan\tgo", "line 8"),
        ("-0.1\t<s> go", "-0.1\t<s>", "expected 2 words"),
        ("\\2-grams:", "\\3-grams:", "expected .2-grams:"),
        ("\\end\\", "", "expected .end., got 'the end of the file'"),
        ("-0.1\t<s> go\n\n\\end\\\n", "", "expected 1 n-grams of order 2, got 0"),
    ],
)
def test_a_damaged_file_is_told_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "lm.arpa"
    assert old in ARPA
    path.write_text(ARPA.replace(old, new))
    with pytest.raises(LanguageModelError, match=message):
        read_language_model(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.arpa").write_bytes(b"\\data\\\n\xff\xfe")
    with pytest.raises(LanguageModelError, match="Expected an ARPA file"):
        read_language_model(tmp_path / "a.arpa")
    with pytest.raises(LanguageModelError, match="Cannot read the language model"):
        read_language_model(tmp_path / "none.arpa")


def test_a_binary_file_needs_kenlm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lm.bin").write_bytes(KENLM_MAGIC + b" version 5\n\0")
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(LanguageModelError, match="requirements-kenlm"):
        read_language_model(tmp_path / "lm.bin")


@pytest.mark.parametrize(
    ("corpus", "order", "message"),
    [([], 3, "no word"), ([[]], 3, "no word"), ([["a"]], 0, "1 to 6"), ([["<s>"]], 2, "<s>")],
)
def test_what_no_model_comes_of(corpus: list[list[str]], order: int, message: str) -> None:
    with pytest.raises(LanguageModelError, match=message):
        build_ngrams(corpus, order)


def test_lines_are_normalised(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes("\ufeffThree, SEVEN!\n\nIt’s\n".encode())
    found = list(read_sentences(tmp_path / "text.txt", normalise))
    assert found == [["three", "seven"], [], ["it's"]]


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["lm", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_command_writes_what_can_be_read(tmp_path: Path) -> None:
    text, out = tmp_path / "text.txt", tmp_path / "lm.arpa"
    text.write_text("\n".join(" ".join(words).upper() for words in TEXT))
    code, output = run(text, "--order", "2", "--out", out)
    assert (code, output) == (0, f"{out}: n-grams 7 of 1, 11 of 2 words\n")
    assert read_arpa(out).log_probs == pytest.approx(build_ngrams(TEXT, 2).log_probs)


def test_a_models_own_signs_stay(tmp_path: Path) -> None:
    text, out = tmp_path / "text.txt", tmp_path / "lm.arpa"
    text.write_text("cq de <ka> = k\n")
    assert run(text, "--out", out, "--model", "morse")[0] == 0
    assert {("<ka>",), ("=",)} <= set(read_arpa(out).log_probs)


def test_the_command_says_in_a_line_what_is_wrong(tmp_path: Path) -> None:
    text, out = tmp_path / "text.txt", tmp_path / "lm.arpa"
    for content, message in ((b" \n...\n", "no word"), (b"\xff\xfe", "UTF-8")):
        text.write_bytes(content)
        code, output = run(text, "--out", out)
        assert code == 1
        assert message in output
        assert output.count("\n") == 1
    assert not out.exists()


def test_scores_of_long_text_are_finite() -> None:
    rng = np.random.default_rng(0)
    ngrams = build_ngrams([list(rng.choice(list("abc"), 300)) for _ in range(5)], 3)
    assert math.isfinite(sentence_log_prob(ngrams, list(rng.choice(list("abcx"), 1000))))
