"""A Hugging Face Hub of one model, on this machine."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def digest(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()  # noqa: S324 - as git has it


@contextmanager
def hub(name: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder as a model; gives the hub's address and the files that were fetched."""
    fetched: list[str] = []
    files = {path.name: path.read_bytes() for path in folder.iterdir()}

    tree = [
        {"type": "file", "path": path, "size": len(content), "oid": digest(content)}
        for path, content in files.items()
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            wanted = self.path.partition("?")[0]
            content = files.get(wanted.removeprefix(f"/{name}/resolve/{COMMIT}/"))
            if content is not None and self.command == "GET":
                fetched.append(wanted.rpartition("/")[2])
            if wanted == f"/api/models/{name}/revision/main":
                content = json.dumps({"id": name, "sha": COMMIT, "siblings": []}).encode()
            elif wanted == f"/api/models/{name}/tree/{COMMIT}":
                content = json.dumps(tree).encode()
            self.send_response(404 if content is None else 200)
            content = content or b""
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{digest(content)}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", fetched
    finally:
        server.shutdown()
        server.server_close()
