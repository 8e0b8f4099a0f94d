"""speechocean762 (Zhang et al. 2021, arXiv 2104.01378) in its official layout: Kaldi tables."""

from collections.abc import Callable, Iterator
from pathlib import Path

from asr_core.manifest import ManifestError
from asr_core.training.corpora.clips import Clip
from asr_core.training.corpora.download import Original
from asr_core.training.corpora.kaldi import read_table

CORPUS = "speechocean762"
ORIGINAL = Original(
    CORPUS,
    f"https://www.openslr.org/resources/101/{CORPUS}.tar.gz",
    sha256=None,  # OpenSLR publishes none
    strip_top=True,
)


def read_part(folder: Path, part: str, kind_of: Callable[[str], str]) -> Iterator[Clip]:
    """The utterances of a part, in lower case, with what is known of their speakers.

    Args:
        folder: the corpus, with `train`, `test` and `WAVE`.
        part: "train" or "test"; their speakers are disjoint.
        kind_of: an utterance's text -> its `kind`.

    Raises:
        ManifestError: a table is missing, or lacks an utterance.
    """
    scp, texts, speakers = (_kaldi(folder / part / n) for n in ("wav.scp", "text", "utt2spk"))
    ages, genders = (_kaldi(folder / part / name) for name in ("spk2age", "spk2gender"))
    for utterance, location in scp.items():
        if utterance not in texts or utterance not in speakers:
            raise ManifestError(
                f"{folder / part}: utterance {utterance} of wav.scp is missing in text or utt2spk. "
                "Expected the same utterances in the three: get the corpus again."
            )
        text, speaker = texts[utterance].lower(), speakers[utterance]
        age = ages.get(speaker, "")
        known = {"age": int(age) if age.isdigit() else None, "gender": genders.get(speaker)}
        yield Clip(folder / location, text, CORPUS, f"so-{speaker}", kind_of(text), fields=known)


def _kaldi(path: Path) -> dict[str, str]:
    return read_table(path, f"a file of the official {CORPUS} layout")
