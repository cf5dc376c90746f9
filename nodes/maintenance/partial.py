"""A file on its way here: what an earlier try brought is kept with the version it was of."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from nodes.maintenance.places import TransferFailed


class Stop:
    """Tells a transfer in its thread that nobody waits for it any more, also while its peer says nothing."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._held: list[socket.socket] = []

    def holds(self, connection: socket.socket) -> None:
        """This connection ends with the transfer."""
        self._held.append(connection)
        if self._stopped.is_set():
            _end(connection)

    def stop(self) -> None:
        self._stopped.set()
        for connection in tuple(self._held):
            _end(connection)

    def check(self) -> None:
        """Raise TransferFailed when it is to end."""
        if self._stopped.is_set():
            raise TransferFailed("given up")


def _end(connection: socket.socket) -> None:
    """Whoever waits for it goes on; it is closed by who opened it."""
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # of the socket itself, whatever TLS is at


class Begun(Struct, frozen=True):
    size: int
    version: str


class Target(Struct):
    """An open file; `size` counts what is in it."""

    file: BinaryIO
    size: int

    def write(self, chunk: bytes, most_bytes: int) -> None:
        """Raise TransferFailed beyond the limit."""
        self.size += len(chunk)
        if self.size > most_bytes:
            raise TransferFailed(f"it is longer than the {most_bytes} bytes that are allowed")
        self.file.write(chunk)


class Partial(Struct, frozen=True):
    """`path`: the file; beside it `.version`: the server's mark of what it is a part of, empty: it gave none."""

    path: Path

    @property
    def _version(self) -> Path:
        return self.path.with_suffix(".version")

    def begun(self) -> Begun | None:
        """What can be gone on with; without a mark of the server nobody knows whether it is still the same file."""
        try:
            version, size = self._version.read_text(encoding="utf-8"), self.path.stat().st_size
        except (OSError, UnicodeDecodeError):
            return None
        return Begun(size, version) if version and size else None

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self._version.unlink(missing_ok=True)

    @contextmanager
    def writing(self, version: str, *, goes_on: bool) -> Generator[Target]:
        """Write on, or anew; what was written is on disk afterwards, also after a failure."""
        if not goes_on:
            self.forget()
            self._version.write_text(version, encoding="utf-8")
        with self.path.open("ab") as file:
            yield Target(file, file.tell())
            file.flush()
            os.fsync(file.fileno())
