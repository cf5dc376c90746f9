"""A small FTP server for tests (RFC 959, 3659, 4217): one directory, one user, plain or with TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Generator
from pathlib import Path

USER, PASSWORD = "station", "s3cret"


class FtpServer:
    """`cut`: a download ends after so many bytes, once. `said`: the commands it heard."""

    def __init__(self, root: Path, tls: ssl.SSLContext | None) -> None:
        self.root, self.tls = root, tls
        self.cut: int | None = None
        self.said: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._session, args=(connection,), daemon=True).start()

    def _session(self, connection: socket.socket) -> None:
        session = _Session(self, connection)
        with contextlib.suppress(OSError, ValueError):
            session.run()
        session.lines.close()
        session.connection.close()


class _Session:
    def __init__(self, server: FtpServer, connection: socket.socket) -> None:
        self.server, self.connection = server, connection
        self.user, self.inside = "", False
        self.directory = server.root
        self.data: socket.socket | None = None
        self.rest, self.private = 0, False
        self.lines = connection.makefile("r", encoding="utf-8", newline="\r\n")

    def run(self) -> None:
        self.say("220 ready")
        while line := self.lines.readline().strip():
            self.server.said.append(line)
            verb, _, argument = line.partition(" ")
            if not self.answer(verb.upper(), argument):
                return

    def say(self, text: str) -> None:
        self.connection.sendall(f"{text}\r\n".encode())

    def answer(self, verb: str, argument: str) -> bool:
        if verb == "AUTH" and self.server.tls is not None:
            self.say("234 go on")
            self.lines.close()
            self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
            self.lines = self.connection.makefile("r", encoding="utf-8", newline="\r\n")
        elif verb == "USER":
            self.user = argument
            self.say("331 password?" if self.server.tls is None or self._secure else "530 TLS first")
        elif verb == "PASS":
            self.inside = (self.user, argument) == (USER, PASSWORD)
            self.say("230 in" if self.inside else "530 no")
        elif verb == "QUIT":
            self.say("221 bye")
            return False
        elif not self.inside:
            self.say("530 log in first")
        else:
            self._inside(verb, argument)
        return True

    @property
    def _secure(self) -> bool:
        return isinstance(self.connection, ssl.SSLSocket)

    def _inside(self, verb: str, argument: str) -> None:
        path = self.directory / argument.lstrip("/")
        match verb:
            case "TYPE" | "PBSZ":
                self.say("200 fine")
            case "PROT":
                self.private = argument == "P"
                self.say("200 fine")
            case "CWD":
                self.directory = path
                self.say("250 there" if path.is_dir() else "550 no such directory")
            case "SIZE":
                self.say(f"213 {path.stat().st_size}" if path.is_file() else "550 no such file")
            case "MDTM":
                self.say(f"213 {int(path.stat().st_mtime)}" if path.is_file() else "550 no such file")
            case "REST":
                self.rest = int(argument)
                self.say("350 from there")
            case "EPSV" | "PASV":
                self._listen(verb)
            case "RETR":
                self._send(path)
            case "STOR":
                self._receive(path)
            case _:
                self.say("502 not here")

    def _listen(self, verb: str) -> None:
        self.data = socket.create_server(("127.0.0.1", 0))
        port = self.data.getsockname()[1]
        told = f"229 here (|||{port}|)" if verb == "EPSV" else f"227 here (127,0,0,1,{port // 256},{port % 256})"
        self.say(told)

    @contextlib.contextmanager
    def _open(self) -> Generator[socket.socket]:
        assert self.data is not None
        self.say("150 now")
        connection, _ = self.data.accept()
        self.data.close()
        if self.private and self.server.tls is not None:
            connection = self.server.tls.wrap_socket(connection, server_side=True)
        with connection:
            yield connection
            if isinstance(connection, ssl.SSLSocket):
                with contextlib.suppress(OSError):
                    connection.unwrap()
        self.say("226 done")

    def _send(self, path: Path) -> None:
        if not path.is_file():
            self.say("550 no such file")
            return
        body, self.rest, begin = path.read_bytes(), 0, self.rest
        cut, self.server.cut = self.server.cut, None
        with self._open() as connection:
            connection.sendall(body[begin:cut])

    def _receive(self, path: Path) -> None:
        with self._open() as connection, path.open("wb") as file:
            while chunk := connection.recv(4096):
                file.write(chunk)


@contextlib.contextmanager
def ftp_server(root: Path, tls: ssl.SSLContext | None = None) -> Generator[FtpServer]:
    server = FtpServer(root, tls)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()
    thread.join(10)
