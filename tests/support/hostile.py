"""A backend that means harm: it answers the station as a backend must, and says whatever a test wants it to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

PATIENCE = 20.0  # seconds until a wait in vain fails; no passing test takes it
ACCEPTED: Mapping[str, Any] = {"idTagInfo": {"status": "Accepted"}}
TIME = "2026-12-01T12:00:00Z"


class HostileBackend:
    """`calls`: what the station called, oldest first. A connection replaces the one before."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.frames: list[str] = []
        self._answers: dict[str, Any] = {}
        self._heard = threading.Condition()
        self._socket: ServerConnection | None = None
        self._serial = 0
        self._transactions = 0

    def serve(self, socket: ServerConnection) -> None:
        """One connection, to its end."""
        with self._heard:
            self._socket = socket
        try:
            for text in socket:
                self._take(socket, str(text))
        except ConnectionClosed:
            pass

    def send(self, frame: str | bytes) -> None:
        """Send it as it is, once there is a connection; one that ends meanwhile loses it."""
        with self._heard:
            assert self._heard.wait_for(self._alive, PATIENCE), "no station connects"
            socket = self._socket
        assert socket is not None
        with suppress(ConnectionClosed):
            socket.send(frame)

    def ask(self, action: str, payload: object) -> list[Any]:
        """The frame that answers a call."""
        unique_id = self.begin(action, payload)
        return self.answer(unique_id)

    def begin(self, action: str, payload: object) -> str:
        """Call and do not wait; the unique id."""
        self._serial += 1
        unique_id = f"hostile-{self._serial}"
        self.send(json.dumps([2, unique_id, action, payload]))
        return unique_id

    def answer(self, unique_id: str) -> list[Any]:
        """The frame that answers this call; taken once."""
        with self._heard:
            assert self._heard.wait_for(lambda: unique_id in self._answers, PATIENCE), f"no answer to {unique_id}"
            return self._answers.pop(unique_id)

    def code(self, frame: str | bytes, unique_id: str) -> str:
        """The code of the CALLERROR that answers a frame."""
        self.send(frame)
        kind, _, code, *_ = self.answer(unique_id)
        assert kind == 4
        return str(code)

    def called(self, action: str) -> list[Any]:
        with self._heard:
            return [payload for each, payload in self.calls if each == action]

    def _alive(self) -> bool:
        return self._socket is not None and self._socket.state.name == "OPEN"

    def _take(self, socket: ServerConnection, text: str) -> None:
        message = json.loads(text)
        with self._heard:
            self.frames.append(text)
            if message[0] == 2:
                self.calls.append((message[2], message[3]))
            else:
                self._answers[message[1]] = message
            self._heard.notify_all()
        if message[0] == 2:
            socket.send(json.dumps([3, message[1], self._result(message[2])]))

    def _result(self, action: str) -> Mapping[str, Any]:
        match action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": TIME, "interval": 300}
            case "Heartbeat":
                return {"currentTime": TIME}
            case "Authorize":
                return ACCEPTED
            case "StartTransaction":
                self._transactions += 1
                return {"transactionId": self._transactions, **ACCEPTED}
            case "DataTransfer" | "SignCertificate":
                return {"status": "Accepted"}
            case _:
                return {}


@contextmanager
def hostile_backend(port: int) -> Generator[HostileBackend]:
    """On this port of the loopback until the end of the block."""
    backend = HostileBackend()
    with serve(backend.serve, "127.0.0.1", port, subprotocols=[Subprotocol("ocpp1.6")], close_timeout=1) as server:
        thread = threading.Thread(target=server.serve_forever, name="hostile backend", daemon=True)
        thread.start()
        try:
            yield backend
        finally:
            server.shutdown()
            thread.join(PATIENCE)
