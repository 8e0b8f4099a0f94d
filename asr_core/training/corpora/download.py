"""Originals from their publishers: download with resume and checksum, unpack safely.

Where the publisher gives no checksum we trust the first download: its SHA-256 is printed, kept in
a `SHA256SUMS` file beside the archive, and every later download must have the same.
"""

import hashlib
import http.client
import shutil
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

ATTEMPTS = 5  # connections a file, each going on where the last one broke
FIRST_WAIT_S = 1.0  # before the second attempt, doubled before every further one
TIMEOUT_S = 60  # without a byte
BLOCK = 1 << 20  # bytes
SUMS_FILE = "SHA256SUMS"

_HTTP_RANGE_DONE = 416  # "range not satisfiable": what we have is already the whole file
_BROKEN = (OSError, http.client.HTTPException)  # URLError and timeouts are OSErrors
_BAD_ARCHIVE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError)


class DownloadError(RuntimeError):
    """A file that could not be downloaded, is not the expected one, or cannot be unpacked."""


@dataclass(frozen=True)
class Original:
    """A published archive, and the folder that it becomes."""

    folder: str
    url: str
    sha256: str | None  # None where the publisher gives none
    size: int | None = None  # bytes
    strip_top: bool = False  # the archive wraps everything in one folder of another name


def obtain(originals: Iterable[Original], into: Path) -> None:
    """Download and unpack what is not in `into` yet; archives are kept in `into/archives`.

    Raises:
        DownloadError: see `fetch` and `unpack`.
    """
    for original in originals:
        if not (into / original.folder).exists():
            ending = ".zip" if original.url.endswith(".zip") else ".tar.gz"
            archive = into / "archives" / (original.folder + ending)
            fetch(original.url, archive, sha256=original.sha256, size=original.size)
            unpack(archive, into / original.folder, strip_top=original.strip_top)


def fetch(url: str, target: Path, *, sha256: str | None, size: int | None = None) -> None:
    """Download `url` to `target`; a partial `target.part` of an earlier try is continued.

    Args:
        url: https, or http for a server of your own.
        target: appears only when complete and checked; one that exists is checked, not loaded.
        sha256: the published digest in hex. With None the first digest is trusted: it is printed,
            recorded in `SHA256SUMS` beside `target`, and required from then on.
        size: the published length in bytes, where known.

    Raises:
        DownloadError: the server refuses, the connection keeps breaking, or the length or the
            checksum is not the expected one.
    """
    if not url.startswith(("https://", "http://")):
        raise DownloadError(f"Got the address {url}. Expected one with https://.")
    if target.exists():
        _check(target, target, url, sha256)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    _download(url, part, size)
    _check(part, target, url, sha256)
    part.replace(target)


def unpack(archive: Path, target: Path, *, strip_top: bool = False) -> None:
    """Unpack a tar (any compression) or zip; `target` appears complete or not at all.

    Args:
        archive: no member of it may lie outside the folder it is unpacked to.
        target: the folder to make; must not exist.
        strip_top: leave out the archive's single top folder.

    Raises:
        DownloadError: not an archive, damaged, with unsafe members, or `target` exists.
    """
    if target.exists():
        raise DownloadError(f"{target} exists already. Delete it to unpack {archive} again.")
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        with _console().status(f"Unpacking {archive.name}"):
            _extract(archive, part)
        root = _only_folder(archive, part) if strip_top else part
        root.rename(target)
    except _BAD_ARCHIVE as e:
        raise DownloadError(
            f"Cannot unpack {archive}: {e}. Expected an intact tar or zip archive: delete it, and "
            f"its line in {SUMS_FILE} if there is one, and download again."
        ) from e
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _download(url: str, part: Path, size: int | None) -> None:
    """Fill `part`, going on after a broken connection."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(FIRST_WAIT_S * 2 ** (attempt - 1))
        try:
            total = _continue(url, part)
        except urllib.error.HTTPError as e:
            if e.code < 500:
                raise DownloadError(
                    f"The server answered {e.code} {e.reason} for {url}. Expected the file: see "
                    "whether its publisher moved it, or give a local copy with --from."
                ) from e
            problem: str | Exception = e
        except _BROKEN as e:
            problem = e
        else:
            if size and total and size != total:
                raise DownloadError(
                    f"{url} has {total} bytes now. Expected {size}: the publisher changed the "
                    "file, or something on the way did; check why before you use it."
                )
            have, expected = _size(part), size or total
            if expected is None or have == expected:
                return
            problem = f"got {have} bytes, expected {expected}"
    raise DownloadError(
        f"Could not download {url} in {ATTEMPTS} attempts: {problem}. Check the connection and "
        "run the command again (what has arrived is kept), or give a local copy with --from."
    )


def _continue(url: str, part: Path) -> int | None:
    """One connection: append to `part` what the server sends; the whole length where it says."""
    have = _size(part)
    request = urllib.request.Request(url)  # noqa: S310  # fetch() lets only http(s) through
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                have = 0  # the server ignored the range: this is the file from its start
            length = response.headers.get("Content-Length")
            total = have + int(length) if length is not None else None
            _append(response, part, have, total)
            return total
    except urllib.error.HTTPError as e:
        if e.code != _HTTP_RANGE_DONE:
            raise
        total = _total(e.headers.get("Content-Range", ""))
        if total is not None and total != have:
            part.unlink()  # a part of another file
        return total


def _append(response: http.client.HTTPResponse, part: Path, have: int, total: int | None) -> None:
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with (
        part.open("ab" if have else "wb") as file,
        Progress(
            TextColumn("{task.description}"),
            *columns,
            console=_console(),
            disable=not sys.stderr.isatty(),
        ) as progress,
    ):
        task = progress.add_task(part.stem, completed=have, total=total)
        while block := response.read(BLOCK):
            file.write(block)
            progress.advance(task, len(block))


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _total(content_range: str) -> int | None:
    """The length at the end of `bytes */1234`."""
    length = content_range.rpartition("/")[2]
    return int(length) if length.isdigit() else None


def _check(file: Path, target: Path, url: str, sha256: str | None) -> None:
    """Compare `file` with the published or the recorded digest; record a first one."""
    sums = target.with_name(SUMS_FILE)
    expected = sha256 or _recorded(sums).get(target.name)
    with file.open("rb") as opened:
        got = hashlib.file_digest(opened, "sha256").hexdigest()
    if expected is None:
        with sums.open("a", encoding="utf-8") as lines:
            lines.write(f"{got}  {target.name}\n")
        print(
            f"{url} has no published checksum. Trusting this download: sha256 {got}, "
            f"recorded in {sums}.",
            file=sys.stderr,
        )
    elif got != expected:
        if file != target:
            file.unlink()
        raise DownloadError(
            f"{url} is not the expected file: got sha256 {got}, expected {expected} "
            f"({'published' if sha256 else f'recorded in {sums}'}). "
            f"Delete {target} if it is there and try again; if it stays so, the publisher "
            "changed the file: check why before you use it."
        )


def _recorded(sums: Path) -> dict[str, str]:
    """File name -> digest, as `sha256sum` writes and checks them."""
    if not sums.exists():
        return {}
    lines = (line.split(maxsplit=1) for line in sums.read_text(encoding="utf-8").splitlines())
    return {line[1]: line[0] for line in lines if len(line) == 2}


def _extract(archive: Path, into: Path) -> None:
    if not zipfile.is_zipfile(archive):
        with tarfile.open(archive) as opened:
            opened.extractall(into, filter="data")
        return
    with zipfile.ZipFile(archive) as opened_zip:
        for name in opened_zip.namelist():
            if not (into / name).resolve().is_relative_to(into.resolve()):
                raise zipfile.BadZipFile(f"the member {name!r} lies outside the archive's folder")
            opened_zip.extract(name, into)


def _only_folder(archive: Path, part: Path) -> Path:
    entries = [entry for entry in part.iterdir() if not entry.name.startswith("._")]  # macOS's own
    if len(entries) != 1 or not entries[0].is_dir():
        names = ", ".join(sorted(entry.name for entry in entries)[:5]) or "nothing"
        raise DownloadError(f"{archive} holds {names} at its top. Expected one folder.")
    return entries[0]


def _console() -> Console:
    return Console(stderr=True)
