"""A model hub on loopback, with as much of the API as `huggingface_hub` needs for a download."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BROKEN_OFF = 1_000_000


class Hub:
    """Serves folders as repositories, each with the branch main and one commit.

    `gated` are the repositories that need a login, which nobody has. The next `interruptions` responses of more than
    a million bytes break off there. `sent` counts the bytes of each file that were sent.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Path] = {}
        self.gated: set[str] = set()
        self.interruptions = 0
        self.sent: Counter[str] = Counter()
        self.url = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        for pattern, answer in (
            (r"/api/models/([^/]+/[^/]+)/revision/(.+)", self._revision),
            (r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", self._tree),
            (r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self._file),
        ):
            if found := re.fullmatch(pattern, path):
                return self._checked(answer, *found.groups())
        return self._refuse(404, "EntryNotFound")

    def _checked(self, answer, repository: str, revision: str, *rest: str) -> None:
        if repository not in self.hub.repositories:
            return self._refuse(401, "RepoNotFound")
        if repository in self.hub.gated and "resolve" in self.path:
            return self._refuse(403, "GatedRepo")
        if revision not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound")
        return answer(self.hub.repositories[repository], *rest)

    def _revision(self, folder: Path) -> None:
        names = [{"rfilename": file.name} for file in sorted(folder.iterdir())]
        self._send_json({"id": "a/b", "sha": COMMIT, "siblings": names, "private": False, "tags": []})

    def _tree(self, folder: Path) -> None:
        self._send_json(
            [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _hash(file)}
                for file in sorted(folder.iterdir())
            ]
        )

    def _file(self, folder: Path, name: str) -> None:
        file = folder / name
        if not file.is_file():
            return self._refuse(404, "EntryNotFound")
        content = file.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{_hash(file)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return None
        part = content[start:]
        if len(part) > BROKEN_OFF and self.hub.interruptions:
            self.hub.interruptions -= 1
            self.close_connection = True
            part = part[:BROKEN_OFF]
        self.hub.sent[name] += len(part)
        self.wfile.write(part)
        return None

    def _send_json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _hash(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()


@contextmanager
def hub() -> Iterator[Hub]:
    """A running hub."""
    standing_in = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": standing_in}))
    standing_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield standing_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
