"""Files over HTTP and HTTPS: upload by PUT or POST, download that goes on where an earlier try ended."""

from __future__ import annotations

import http.client
import socket
import ssl
import uuid
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urljoin

from nodes.maintenance.partial import Partial, Stop
from nodes.maintenance.places import Place, Rules, TransferFailed

CHUNK = 64 * 1024
REDIRECTS = 5
NOT_FOR_PUT = frozenset({400, 404, 405, 415, 501})  # a server that takes forms says one of these


def upload(rules: Rules, place: Place, file: Path, name: str, stop: Stop) -> None:
    """PUT below the location, else POST as a form to it. Raises OSError."""
    status = _put(rules, place, file, name, stop)
    if status in NOT_FOR_PUT:
        status = _post(rules, place, file, name, stop)
    if status not in range(200, 300):
        raise TransferFailed(f"{place} answered HTTP {status} to the upload")


def download(rules: Rules, url: str, partial: Partial, most_bytes: int, stop: Stop) -> None:
    """Into the file of `partial`. Raises OSError."""
    for _ in range(REDIRECTS + 1):
        place = rules.place(url)
        if not place.is_http:
            raise TransferFailed(f"it redirects to {place}, which is not fetched")
        with _asked(rules, place, "GET", _resuming(partial), stop) as answer:
            target = answer.getheader("Location")
            if answer.status in {301, 302, 303, 307, 308} and target:
                url = urljoin(url, target)
                continue
            _take(place, answer, partial, most_bytes, stop)
            return
    raise TransferFailed(f"it redirects more than {REDIRECTS} times")


def _resuming(partial: Partial) -> dict[str, str]:
    begun = partial.begun()
    return {} if begun is None else {"Range": f"bytes={begun.size}-", "If-Range": begun.version}


def _take(place: Place, answer: http.client.HTTPResponse, partial: Partial, most_bytes: int, stop: Stop) -> None:
    if answer.status == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
        begun, whole = partial.begun(), (answer.getheader("Content-Range") or "").rpartition("/")[2]
        if begun is not None and whole == str(begun.size):
            return  # an earlier try brought all of it
        partial.forget()
        raise TransferFailed(f"{place} has another file by now; it is fetched anew")
    if answer.status not in {200, 206}:
        raise TransferFailed(f"{place} answered HTTP {answer.status}")
    version = answer.getheader("ETag") or answer.getheader("Last-Modified") or ""
    length = answer.getheader("Content-Length")
    with partial.writing("" if version.startswith("W/") else version, goes_on=answer.status == 206) as target:  # noqa: PLR2004
        expected = None if length is None or not length.isdigit() else target.size + int(length)
        if expected is not None and expected > most_bytes:
            raise TransferFailed(f"{place} has {expected} bytes; {most_bytes} are allowed")
        while chunk := answer.read(CHUNK):
            stop.check()
            target.write(chunk, most_bytes)
        if expected is not None and target.size != expected:
            raise TransferFailed(f"{place} ended after {target.size} of {expected} bytes")


def _put(rules: Rules, place: Place, file: Path, name: str, stop: Stop) -> int:
    path, _, query = place.path.partition("?")
    target = f"{path.rstrip('/')}/{quote(name)}" + (f"?{query}" if query else "")
    headers = {"Content-Type": "application/gzip", "Content-Length": str(file.stat().st_size)}
    with _asked(rules, place, "PUT", headers, stop, target, _chunks(file, stop)) as answer:
        return answer.status


def _post(rules: Rules, place: Place, file: Path, name: str, stop: Stop) -> int:
    mark = uuid.uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/gzip\r\n\r\n"
    ).encode()
    tail = f"\r\n--{mark}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={mark}",
        "Content-Length": str(len(head) + file.stat().st_size + len(tail)),
    }

    def body() -> Iterator[bytes]:
        yield head
        yield from _chunks(file, stop)
        yield tail

    with _asked(rules, place, "POST", headers, stop, body=body()) as answer:
        return answer.status


def _chunks(file: Path, stop: Stop) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(CHUNK):
            stop.check()
            yield chunk


class _Connection(http.client.HTTPConnection):
    """To the address that was checked."""

    def __init__(self, place: Place, context: ssl.SSLContext | None, stop: Stop) -> None:
        super().__init__(place.host, place.port)
        self._place, self._context, self._stop = place, context, stop

    def connect(self) -> None:
        self.sock: socket.socket = self._place.connect()
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self._place.host)
        self._stop.holds(self.sock)


@contextmanager
def _asked(
    rules: Rules,
    place: Place,
    method: str,
    headers: dict[str, str],
    stop: Stop,
    path: str = "",
    body: Iterator[bytes] | None = None,
) -> Generator[http.client.HTTPResponse]:
    context = (rules.context or ssl.create_default_context()) if place.is_secure else None
    connection = _Connection(place, context, stop)
    if place.user:
        credentials = b64encode(f"{place.user}:{place.password}".encode()).decode()
        headers = {**headers, "Authorization": f"Basic {credentials}"}
    try:
        connection.request(method, path or place.path, body, headers)
        yield connection.getresponse()
    except http.client.HTTPException as error:
        raise TransferFailed(f"{place} does not speak HTTP as expected ({type(error).__name__})") from error
    except UnicodeError as error:
        raise TransferFailed(f"{place} has a path that cannot be sent: escape it") from error
    finally:
        connection.close()
