import hashlib
import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from asr_core.training.corpora import download
from asr_core.training.corpora.download import DownloadError, Original, fetch, obtain, unpack

CONTENT = bytes(range(256)) * 400  # 100 KiB
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Publisher(ThreadingHTTPServer):
    """Serves `files`; knows ranges, and can break connections or answer with an error."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.break_after: list[int] = []  # bytes sent before each coming connection breaks
        self.errors: list[int] = []  # status codes of the coming answers
        self.asked: list[str | None] = []  # the Range header of every request

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        content = self.server.files.get(self.path.lstrip("/"))
        if self.server.errors or content is None:
            self.send_error(self.server.errors.pop(0) if self.server.errors else 404)
            return
        start = 0
        if asked and self.server.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + self.server.break_after.pop(0) if self.server.break_after else None
        self.wfile.write(content[start:end])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "FIRST_WAIT_S", 0.0)
    server = Publisher()
    server.files["archive"] = CONTENT
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def tar_gz(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_fetch_writes_the_file_and_no_part(publisher, tmp_path):
    target = tmp_path / "new" / "archive"
    fetch(publisher.url("archive"), target, sha256=DIGEST, size=len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_interrupted_connection_is_resumed_where_it_broke(publisher, tmp_path):
    publisher.break_after = [30_000, 20_000]
    fetch(publisher.url("archive"), tmp_path / "archive", sha256=DIGEST)
    assert (tmp_path / "archive").read_bytes() == CONTENT
    assert publisher.asked == [None, "bytes=30000-", "bytes=50000-"]


def test_part_of_an_earlier_run_is_continued(publisher, tmp_path):
    (tmp_path / "archive.part").write_bytes(CONTENT[:70_000])
    fetch(publisher.url("archive"), tmp_path / "archive", sha256=DIGEST)
    assert (tmp_path / "archive").read_bytes() == CONTENT
    assert publisher.asked == ["bytes=70000-"]


def test_complete_part_is_taken_as_it_is(publisher, tmp_path):
    (tmp_path / "archive.part").write_bytes(CONTENT)
    fetch(publisher.url("archive"), tmp_path / "archive", sha256=DIGEST)
    assert (tmp_path / "archive").read_bytes() == CONTENT


def test_part_longer_than_the_file_is_started_over(publisher, tmp_path):
    (tmp_path / "archive.part").write_bytes(CONTENT + b"more")
    fetch(publisher.url("archive"), tmp_path / "archive", sha256=DIGEST)
    assert (tmp_path / "archive").read_bytes() == CONTENT


def test_server_that_ignores_ranges_is_started_over(publisher, tmp_path):
    publisher.ranges = False
    (tmp_path / "archive.part").write_bytes(b"x" * 70_000)
    fetch(publisher.url("archive"), tmp_path / "archive", sha256=DIGEST)
    assert (tmp_path / "archive").read_bytes() == CONTENT


def test_server_error_is_tried_again(publisher, tmp_path):
    publisher.errors = [503]
    fetch(publisher.url("archive"), tmp_path / "archive", sha256=DIGEST)
    assert (tmp_path / "archive").read_bytes() == CONTENT


def test_connection_that_keeps_breaking_keeps_what_arrived(publisher, tmp_path):
    publisher.break_after = [10_000] * download.ATTEMPTS
    with pytest.raises(DownloadError, match=r"got 50000 bytes, expected 102400"):
        fetch(publisher.url("archive"), tmp_path / "archive", sha256=DIGEST)
    assert (tmp_path / "archive.part").read_bytes() == CONTENT[:50_000]
    assert not (tmp_path / "archive").exists()


def test_missing_file_is_not_tried_again(publisher, tmp_path):
    with pytest.raises(DownloadError, match="404"):
        fetch(publisher.url("moved"), tmp_path / "archive", sha256=None)
    assert publisher.asked == [None]


def test_unreachable_server_is_a_download_error(publisher, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    with pytest.raises(DownloadError, match="Could not download"):
        fetch("http://127.0.0.1:9/archive", tmp_path / "archive", sha256=DIGEST)


def test_wrong_checksum_is_refused_and_not_resumed_from(publisher, tmp_path):
    with pytest.raises(DownloadError, match=f"got sha256 {DIGEST}, expected {'0' * 64}"):
        fetch(publisher.url("archive"), tmp_path / "archive", sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_wrong_size_is_refused(publisher, tmp_path):
    with pytest.raises(DownloadError, match="102400 bytes now"):
        fetch(publisher.url("archive"), tmp_path / "archive", sha256=DIGEST, size=7)
    assert not (tmp_path / "archive").exists()


def test_existing_target_is_checked_and_not_loaded(publisher, tmp_path):
    target = tmp_path / "archive"
    target.write_bytes(CONTENT)
    fetch(publisher.url("archive"), target, sha256=DIGEST)
    target.write_bytes(b"other")
    with pytest.raises(DownloadError, match="Delete"):
        fetch(publisher.url("archive"), target, sha256=DIGEST)
    assert publisher.asked == []


def test_first_digest_is_recorded_and_required_from_then_on(publisher, tmp_path, capsys):
    target = tmp_path / "archive"
    fetch(publisher.url("archive"), target, sha256=None)
    assert (tmp_path / "SHA256SUMS").read_text() == f"{DIGEST}  archive\n"
    assert DIGEST in capsys.readouterr().err
    target.unlink()
    publisher.files["archive"] = b"changed"
    with pytest.raises(DownloadError, match=f"expected {DIGEST} .recorded in"):
        fetch(publisher.url("archive"), target, sha256=None)
    assert not target.exists()


def test_other_addresses_than_http_are_refused(tmp_path):
    with pytest.raises(DownloadError, match="https://"):
        fetch("file:///etc/hostname", tmp_path / "archive", sha256=None)


def test_tar_without_top_folder(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tar_gz({"./yes/a.wav": b"1", "./LICENSE": b"2"}))
    unpack(tmp_path / "a.tar.gz", tmp_path / "corpus")
    assert (tmp_path / "corpus" / "yes" / "a.wav").read_bytes() == b"1"


def test_top_folder_is_stripped(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tar_gz({"corpus-26eb/recordings/a.wav": b"1"}))
    unpack(tmp_path / "a.tar.gz", tmp_path / "corpus", strip_top=True)
    assert (tmp_path / "corpus" / "recordings" / "a.wav").read_bytes() == b"1"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar.gz", "corpus"]


def test_several_top_entries_cannot_be_stripped(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tar_gz({"one/a": b"", "two/b": b""}))
    with pytest.raises(DownloadError, match="one, two"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "corpus", strip_top=True)


def test_zip_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("top/a.wav", b"1")
    unpack(tmp_path / "a.zip", tmp_path / "corpus", strip_top=True)
    assert (tmp_path / "corpus" / "a.wav").read_bytes() == b"1"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/misheard-evil"])  # noqa: S108
def test_members_outside_a_zip_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"1")
    with pytest.raises(DownloadError, match="outside"):
        unpack(tmp_path / "a.zip", tmp_path / "corpus")
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_members_outside_a_tar_are_refused(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tar_gz({"../evil": b"1"}))
    with pytest.raises(DownloadError, match="outside"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "corpus")
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar.gz"]


def test_links_out_of_a_tar_are_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    with pytest.raises(DownloadError):
        unpack(tmp_path / "a.tar.gz", tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize("content", [b"", b"not an archive", tar_gz({"a": CONTENT})[:-200]])
def test_damaged_archive_leaves_no_folder(tmp_path, content):
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(DownloadError, match="Cannot unpack"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "corpus")
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar.gz"]


def test_existing_folder_is_not_overwritten(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "a.tar.gz").write_bytes(tar_gz({"a": b"1"}))
    with pytest.raises(DownloadError, match="exists already"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "corpus")


def test_obtain_loads_only_what_is_missing(publisher, tmp_path):
    publisher.files["a.tar.gz"] = tar_gz({"a-1/x": b"1"})
    originals = (
        Original("a", publisher.url("a.tar.gz"), sha256=None, strip_top=True),
        Original("b", publisher.url("not-there"), sha256=None),
    )
    (tmp_path / "b").mkdir()
    obtain(originals, tmp_path)
    obtain(originals, tmp_path)
    assert (tmp_path / "a" / "x").read_bytes() == b"1"
    assert publisher.asked == [None]
