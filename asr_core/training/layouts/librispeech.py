"""LibriSpeech (Panayotov et al. 2015): `SUBSET/SPEAKER/CHAPTER/*.flac` with a `*.trans.txt`."""

from collections.abc import Iterator
from pathlib import Path

from asr_core.manifest import ManifestError
from asr_core.training.layouts.folder import read_lists
from asr_core.training.layouts.found import Found, Reject, audio_files, need_folder, split_named

SPEAKERS = "SPEAKERS.TXT"  # `; comment`, or `id | F or M | subset | minutes | name`


def read_librispeech(folder: Path) -> Iterator[Found | Reject]:
    """The recordings of the corpus, of one of its subsets, or of another in its layout.

    Subsets are splits by their names: train-clean-100, dev-other, test-clean.

    Raises:
        ManifestError: no folder, or no lists in it.
    """
    folder = need_folder(folder, "LibriSpeech, or one of its subsets")
    texts = read_lists(folder)
    if not texts:
        raise ManifestError(f"No *.trans.txt below {folder}. Expected the layout of LibriSpeech.")
    genders = _genders(folder)
    for path in audio_files(folder):
        text = texts.pop(path.with_suffix(""), None)
        if text is None:
            yield Reject(str(path), "its name is in no *.trans.txt beside it")
            continue
        *_, subset, speaker, chapter, _ = ("", "", *path.parts)
        known = {"gender": genders.get(speaker), "chapter": chapter, "subset": subset}
        yield Found(
            path,
            text,
            path.relative_to(folder).as_posix(),
            speaker,
            split=split_named(subset),
            fields={key: value for key, value in known.items() if value},
        )
    for path in texts:
        yield Reject(str(path), "a *.trans.txt has its text, but there is no such recording")


def _genders(folder: Path) -> dict[str, str]:
    """Speaker -> F or M, of the table in the folder or the nearest above it; without one, none."""
    table = next(
        (f for f in (p / SPEAKERS for p in (folder, *folder.parents)) if f.is_file()), None
    )
    if table is None:
        return {}
    lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    cells = ([cell.strip() for cell in line.split("|")] for line in lines if line[:1] != ";")
    return {row[0]: row[1] for row in cells if len(row) > 1}
