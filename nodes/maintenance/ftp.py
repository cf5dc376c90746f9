"""Files over FTP and FTPS (explicit TLS, RFC 4217)."""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

from nodes.maintenance.partial import Partial, Stop
from nodes.maintenance.places import STALL_SECONDS, Place, Rules, TransferFailed

CHUNK = 64 * 1024


def upload(rules: Rules, place: Place, file: Path, name: str, stop: Stop) -> None:
    """Store the file in the directory of the location. Raises OSError."""
    with _logged_in(rules, place, stop) as ftp, file.open("rb") as source:
        directory = unquote(place.path).strip("/")
        if directory:
            ftp.cwd(directory)
        ftp.storbinary(f"STOR {name}", source, CHUNK, lambda _: stop.check())


def download(rules: Rules, place: Place, partial: Partial, most_bytes: int, stop: Stop) -> None:
    """Into the file of `partial`, on from where it ended when the file is still the same. Raises OSError."""
    name = unquote(place.path).lstrip("/")
    with _logged_in(rules, place, stop) as ftp:
        ftp.voidcmd("TYPE I")
        size = ftp.size(name)
        if size is not None and size > most_bytes:
            raise TransferFailed(f"{place} has {size} bytes; {most_bytes} are allowed")
        version, begun = _version(ftp, name, size), partial.begun()
        goes_on = begun is not None and begun.version == version
        with partial.writing(version, goes_on=goes_on) as target:

            def take(chunk: bytes) -> None:
                stop.check()
                target.write(chunk, most_bytes)

            ftp.retrbinary(f"RETR {name}", take, CHUNK, target.size or None)
            if size is not None and target.size != size:
                raise TransferFailed(f"{place} ended after {target.size} of {size} bytes")


def _version(ftp: ftplib.FTP, name: str, size: int | None) -> str:
    """A mark of the file: its time and size; empty when the server does not tell them."""
    with suppress(ftplib.Error):
        return f"{ftp.voidcmd(f'MDTM {name}')} {size}"
    return ""


class _Plain(ftplib.FTP):
    place: Place
    stop: Stop

    def connect(self, *_: object, **__: object) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.sock = self.place.connect()
        self.stop.holds(self.sock)
        self.af, self.host, self.timeout = self.sock.family, self.place.address, STALL_SECONDS
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = super().ntransfercmd(cmd, rest)
        self.stop.holds(connection)
        return connection, size


class _Secure(ftplib.FTP_TLS):
    place: Place
    stop: Stop

    connect = _Plain.connect  # pyright: ignore[reportAssignmentType]

    def auth(self) -> str:
        """The certificate is of the host of the URL, not of the address."""
        answer = self.voidcmd("AUTH TLS")
        if self.sock is None:
            raise EOFError
        self.sock = self.context.wrap_socket(self.sock, server_hostname=self.place.host)
        self.stop.holds(self.sock)
        self.file = self.sock.makefile(mode="r", encoding=self.encoding)
        return answer

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - a backend may have nothing else
        if isinstance(self.sock, ssl.SSLSocket):
            session = self.sock.session  # servers want the session of the control connection
            connection = self.context.wrap_socket(connection, server_hostname=self.place.host, session=session)
        self.stop.holds(connection)
        return connection, size


@contextmanager
def _logged_in(rules: Rules, place: Place, stop: Stop) -> Generator[ftplib.FTP]:
    ftp: _Plain | _Secure
    if place.is_secure:
        ftp = _Secure(context=rules.context or ssl.create_default_context(), timeout=STALL_SECONDS)
    else:
        ftp = _Plain(timeout=STALL_SECONDS)
    ftp.place, ftp.stop = place, stop
    try:
        with ftp:
            ftp.connect()
            ftp.login(place.user, place.password)
            if isinstance(ftp, _Secure):
                ftp.prot_p()
            yield ftp
    except (ftplib.Error, EOFError, ValueError) as error:
        raise TransferFailed(f"{place} refused ({error})") from error
