"""A real HTTP server for tests: files below a directory, with ranges and marks, and uploads by PUT or form."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import re
import ssl
import threading
from collections.abc import Generator
from pathlib import Path


class FileServer(http.server.ThreadingHTTPServer):
    """`cut`: the next download ends after so many bytes. `refuse`: the next so many requests are answered with 503.

    `takes`: PUT or POST. `redirects`: path → where to. `requests`: method, path and range of each.
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.cut: int | None = None
        self.refuse = 0
        self.takes = "PUT"
        self.marks = True
        self.redirects: dict[str, str] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.uploads: dict[str, bytes] = {}
        self.authorization: list[str | None] = []
        self.arrived = threading.Semaphore(0)

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FileServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's name
        pass

    def do_GET(self) -> None:
        if self._refused():
            return
        path = self.path.partition("?")[0]
        if path in self.server.redirects:
            self._answer(302, Location=self.server.redirects[path])
            return
        file = self.server.root / path.lstrip("/")
        if not file.is_file():
            self._answer(404)
            return
        body = file.read_bytes()
        mark = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        asked = self.headers.get("Range")
        status, begin = 200, 0
        if asked and (self.headers.get("If-Range") == mark or not self.server.marks):  # who has no marks heeds none
            status, begin = 206, int(asked.removeprefix("bytes=").rstrip("-"))
            if begin >= len(body):
                self._answer(416, Content_Range=f"bytes */{len(body)}")
                return
        cut, self.server.cut = self.server.cut, None
        self.send_response(status)
        if self.server.marks:
            self.send_header("ETag", mark)
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        self.wfile.write(body[begin:cut])
        self.close_connection = True

    def do_PUT(self) -> None:
        self._take("PUT")

    def do_POST(self) -> None:
        self._take("POST")

    def _take(self, method: str) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._refused():
            return
        if method != self.server.takes:
            self._answer(405)
            return
        name = self.path
        if method == "POST":
            found = re.search(rb'filename="([^"]+)"', body)
            assert found is not None
            name = f"{self.path.rstrip('/')}/{found[1].decode()}"
            body = body.split(b"\r\n\r\n", 1)[1].rpartition(b"\r\n--")[0]
        self.server.uploads[name] = body
        self._answer(201)
        self.server.arrived.release()

    def _refused(self) -> bool:
        server = self.server
        server.requests.append((self.command, self.path, self.headers.get("Range")))
        server.authorization.append(self.headers.get("Authorization"))
        if server.refuse:
            server.refuse -= 1
            self._answer(503)
            return True
        return False

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


@contextlib.contextmanager
def file_server(root: Path, tls: ssl.SSLContext | None = None) -> Generator[FileServer]:
    with FileServer(root) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)
