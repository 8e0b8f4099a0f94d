"""Language models over words: n-grams with back-off, from ARPA files or KenLM's binary ones."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"  # as ARPA files spell them
KENLM_MAGIC = b"mmap lm http://kheafield.com/code"  # how its binary files begin
LN_10 = math.log(10)


class LanguageModelError(ValueError):
    """A language model that cannot be read or built."""


class LanguageModel(Protocol):
    """P(word | words before); a context is whatever the model needs to know of the words before."""

    def start(self) -> Any:
        """The context at the beginning of an utterance."""

    def score(self, context: Any, word: str) -> tuple[float, Any]:
        """The natural logarithm of P(word | context), and the context after it.

        `END` ends an utterance.
        """


@dataclass(frozen=True)
class Ngrams:
    """A back-off n-gram model (Katz 1987), as ARPA files hold it.

    Attributes:
        order: words in the longest n-grams.
        log_probs: natural logarithms of P(last word | the words before it).
        backoffs: natural logarithms of what goes to the words that were not seen after these.
    """

    order: int
    log_probs: Mapping[tuple[str, ...], float]
    backoffs: Mapping[tuple[str, ...], float]

    def counts(self) -> list[int]:
        """How many n-grams of 1, 2, ... words there are."""
        lengths = Counter(map(len, self.log_probs))
        return [lengths[n] for n in range(1, self.order + 1)]

    def start(self) -> tuple[str, ...]:
        return (BEGIN,)[: self.order - 1]

    def score(self, context: tuple[str, ...], word: str) -> tuple[float, tuple[str, ...]]:
        """The natural logarithm of P(word | context), and the context after it.

        A word that the model does not know is `UNKNOWN`.
        """
        if (word,) not in self.log_probs:
            word = UNKNOWN
        after = (*context, word)[-(self.order - 1) :] if self.order > 1 else ()
        backed_off = 0.0
        while (*context, word) not in self.log_probs:
            if not context:
                return -math.inf, after  # a file without <unk>: the vocabulary is closed
            backed_off += self.backoffs.get(context, 0.0)
            context = context[1:]
        return backed_off + self.log_probs[*context, word], after


class Kenlm:
    """A KenLM model (Heafield 2011) behind the same two methods; needs the package `kenlm`."""

    def __init__(self, path: Path) -> None:
        try:
            import kenlm
        except ImportError as e:
            raise LanguageModelError(
                f"{path} is a binary file of KenLM, and the package kenlm is not installed. Run"
                " `pip install -r requirements-kenlm.txt`, or give the model as an ARPA file."
            ) from e
        try:
            self.model = kenlm.Model(str(path))
        except (OSError, RuntimeError) as e:
            raise LanguageModelError(
                f"KenLM cannot read {path}: {e}. Build it again from its ARPA file."
            ) from e
        self.new_state = kenlm.State

    def start(self) -> Any:
        state = self.new_state()
        self.model.BeginSentenceWrite(state)
        return state

    def score(self, context: Any, word: str) -> tuple[float, Any]:
        after = self.new_state()
        return LN_10 * self.model.BaseScore(context, word, after), after


def read_language_model(path: str | Path) -> LanguageModel:
    """A language model from an ARPA file or from KenLM's binary format.

    Raises:
        LanguageModelError: the file cannot be read, is damaged, or needs the package kenlm.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            is_binary = file.read(len(KENLM_MAGIC)) == KENLM_MAGIC
    except OSError as e:
        raise LanguageModelError(
            f"Cannot read the language model {path}: {e}. Expected an ARPA file; `python -m"
            " asr_core lm` writes one."
        ) from e
    return Kenlm(path) if is_binary else read_arpa(path)


def read_arpa(path: str | Path) -> Ngrams:
    r"""An n-gram model from its ARPA file (the format of Doug Paul, as in SRILM's ngram-format(5)).

    Raises:
        LanguageModelError: no such file, or a line that is none of the format's.
    """
    log_probs: dict[tuple[str, ...], float] = {}
    backoffs: dict[tuple[str, ...], float] = {}
    try:
        with Path(path).open(encoding="utf-8") as file:
            lines = _numbered(file)
            declared = _read_counts(lines)
            for n, n_declared in enumerate(declared, start=1):
                if n_declared:
                    _read_section(lines, n, n_declared, log_probs, backoffs)
            _expect(lines, "\\end\\")
    except (OSError, UnicodeDecodeError) as e:
        raise LanguageModelError(f"Cannot read {path}: {e}. Expected an ARPA file.") from e
    except LanguageModelError as e:
        raise LanguageModelError(f"{path} is no ARPA file: {e} Build it again.") from e
    return Ngrams(len(declared), log_probs, backoffs)


def _numbered(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    """The lines that hold anything, with their numbers."""
    return ((i, line.strip()) for i, line in enumerate(lines, start=1) if line.strip())


def _expect(lines: Iterator[tuple[int, str]], expected: str) -> None:
    number, line = next(lines, (0, "the end of the file"))
    if line != expected:
        raise LanguageModelError(f"expected {expected}, got {line[:80]!r} in line {number}.")


def _read_counts(lines: Iterator[tuple[int, str]]) -> list[int]:
    r"""The head: `\data\`, a line `ngram N=COUNT` an order, and the head of the first section."""
    if not any(line == "\\data\\" for _, line in lines):  # what stands before it is a comment
        raise LanguageModelError("expected a line \\data\\.")
    counts: list[int] = []
    for number, line in lines:
        if line == "\\1-grams:" and counts and counts[0] > 0:
            return counts
        key, _, count = line.partition("=")
        if key.split() != ["ngram", str(len(counts) + 1)] or not count.strip().isdigit():
            raise LanguageModelError(
                f"expected `ngram {len(counts) + 1}=COUNT`, got {line[:80]!r} in line {number}."
            )
        counts.append(int(count))
    raise LanguageModelError("expected n-grams, got the end of the file.")


def _read_section(
    lines: Iterator[tuple[int, str]],
    n: int,
    n_declared: int,
    log_probs: dict[tuple[str, ...], float],
    backoffs: dict[tuple[str, ...], float],
) -> None:
    """As many n-grams of one order as the file declared: log10 P, words, log10 back-off if any."""
    if n > 1:
        _expect(lines, f"\\{n}-grams:")
    section = list(islice(lines, n_declared))
    if len(section) < n_declared:
        raise LanguageModelError(f"expected {n_declared} n-grams of order {n}, got {len(section)}.")
    for number, line in section:
        fields = line.split()
        try:
            log_prob, words, rest = float(fields[0]), tuple(fields[1 : n + 1]), fields[n + 1 :]
            (backoff,) = map(float, rest or ["0"])
        except ValueError as e:
            raise LanguageModelError(
                f"expected a logarithm, {n} words and at most a back-off, got {line[:80]!r} in line"
                f" {number}."
            ) from e
        if len(words) < n or math.isnan(log_prob + backoff):
            raise LanguageModelError(f"expected {n} words, got {line[:80]!r} in line {number}.")
        log_probs[words] = LN_10 * log_prob
        if rest:
            backoffs[words] = LN_10 * backoff
