"""Text to an n-gram language model: counts, Witten-Bell smoothing, an ARPA file."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from asr_core.language import BEGIN, END, LN_10, UNKNOWN, LanguageModelError, Ngrams

MAX_ORDER = 6  # KenLM's own limit, as it comes
NEVER = -99.0  # log10 P of what is only ever a context: <s>


def build_ngrams(sentences: Iterable[Sequence[str]], order: int) -> Ngrams:
    """An n-gram model of some sentences, interpolated Witten-Bell (Witten and Bell 1991).

    P(w | h) = (c(h, w) + n(h) P(w | h')) / (c(h) + n(h)), where c counts, n(h) is how many
    different words followed h, and h' is h without its first word; at the bottom every word, the
    end and one unknown word are alike (Chen and Goodman 1998, 2.2). Unlike Kneser-Ney, whose
    discounts are estimated from words seen once, twice and three times, it needs no such counts:
    twenty words or ten lines are enough.

    Args:
        sentences: words of each; a sentence without words is left out.
        order: words in the longest n-grams, 1 to 6.

    Raises:
        LanguageModelError: no word in any sentence, an order out of range, or a word that ARPA
            files keep for themselves.
    """
    if not 1 <= order <= MAX_ORDER:
        raise LanguageModelError(f"Expected an order from 1 to {MAX_ORDER}, got {order}.")
    followers = _count(sentences, order)
    if not followers:
        raise LanguageModelError("Expected text, got no word at all. Give lines of words.")
    vocabulary = [*followers[()], UNKNOWN]
    log_probs: dict[tuple[str, ...], float] = {}
    backoffs: dict[tuple[str, ...], float] = {}
    for context in sorted(followers, key=len):
        seen = followers[context]
        total = seen.total() + len(seen)
        for word in vocabulary if not context else seen:
            lower = log_probs[*context[1:], word] if context else -math.log(len(vocabulary))
            log_probs[*context, word] = math.log((seen[word] + len(seen) * math.exp(lower)) / total)
        if context:
            backoffs[context] = math.log(len(seen) / total)
    log_probs[BEGIN,] = LN_10 * NEVER
    return Ngrams(order, log_probs, backoffs)


def _count(sentences: Iterable[Sequence[str]], order: int) -> dict[tuple[str, ...], Counter[str]]:
    """How often each word followed each context of 0 to order - 1 words."""
    followers: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for sentence in filter(None, sentences):
        reserved = {BEGIN, END, UNKNOWN}.intersection(sentence)
        if reserved:
            raise LanguageModelError(f"Expected words, got {min(reserved)} in {sentence}.")
        words = (BEGIN, *sentence, END)
        for i in range(1, len(words)):
            for start in range(max(0, i - order + 1), i + 1):
                followers[words[start:i]][words[i]] += 1
    return followers


def read_sentences(path: str | Path, normalise: Callable[[str], str]) -> Iterator[list[str]]:
    """The words of a text file's lines, normalised (raises LanguageModelError)."""
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            for line in file:
                yield normalise(line).split()
    except (OSError, UnicodeDecodeError) as e:
        raise LanguageModelError(
            f"Cannot read {path}: {e}. Expected a text file in UTF-8, an utterance a line."
        ) from e


def write_arpa(ngrams: Ngrams, path: str | Path) -> None:
    """Write a model as an ARPA file, beside its target first and then renamed (raises OSError)."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    part.write_text("\n".join(_arpa_lines(ngrams)) + "\n", encoding="utf-8")
    part.replace(path)


def _arpa_lines(ngrams: Ngrams) -> Iterator[str]:
    sections = [
        sorted(words for words in ngrams.log_probs if len(words) == n)
        for n in range(1, ngrams.order + 1)
    ]
    yield "\\data\\"
    for n, section in enumerate(sections, start=1):
        yield f"ngram {n}={len(section)}"
    for n, section in enumerate(sections, start=1):
        yield f"\n\\{n}-grams:"
        for words in section:
            # repr's digits: what is read back is the same to the last bit but one.
            fields = [repr(ngrams.log_probs[words] / LN_10), " ".join(words)]
            if words in ngrams.backoffs:
                fields.append(repr(ngrams.backoffs[words] / LN_10))
            yield "\t".join(fields)
    yield "\n\\end\\"
