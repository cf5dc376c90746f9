"""The embedded OCPP backend: small but honest, for the demo and for tests, with a ledger on disk and faults on demand.

`python -m nodes.virtual.backend --port 9000 --ledger FILE` serves until SIGTERM. Each line on stdin is a JSON object:
{"call": "RemoteStopTransaction", "payload": {…}, "identity": "GARAGE"}, {"drop": 3, "actions": ["StartTransaction"]},
{"reject": 1}, {"delay": 2.5}, {"offline": 5}, {"block": ["TAG"]}, {"boot": "Pending"}, {"close": "GARAGE"},
{"quit": true}. Each line on stdout is a JSON object with `event`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import signal
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from urllib.parse import unquote

from msgspec import Struct, field
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from nodes.ocpp.frames import FORMATION_VIOLATION, error_frame, violation
from nodes.virtual.ledger import Ledger, Payload
from park.ocpp.wire import CHARGE_POINT_ACTIONS, INTERNAL_ERROR, NOT_IMPLEMENTED, SUBPROTOCOL, iso

CALL, RESULT, ERROR = 2, 3, 4  # OCPP-J 1.6 §4.1.3


class Faults(Struct):
    """Misbehaviour for tests.

    `drop_next`: answers swallowed after the ledger has the message; `drop_probability`: the same by chance.
    `reject_next`: calls answered with a CALLERROR and not recorded. `delay`: seconds before each answer.
    `actions`: what these apply to (empty: everything).
    """

    drop_next: int = 0
    drop_probability: float = 0.0
    reject_next: int = 0
    delay: float = 0.0
    actions: frozenset[str] = frozenset()
    draw: Callable[[], float] = field(default=random.random)
    dropped: int = 0

    def drops(self, action: str) -> bool:
        if not self._concerns(action):
            return False
        dropping = self.drop_next > 0 or self.draw() < self.drop_probability
        self.drop_next = max(self.drop_next - 1, 0)
        self.dropped += dropping
        return dropping

    def rejects(self, action: str) -> bool:
        if not self._concerns(action) or self.reject_next == 0:
            return False
        self.reject_next -= 1
        return True

    def _concerns(self, action: str) -> bool:
        return not self.actions or action in self.actions


def _quiet(_: Mapping[str, object]) -> None:
    pass


class Backend:
    """`tell_event` hears what happens: connected, call, result, disconnected. Times are the backend's own clock."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        blocked_tags: Iterable[str] = (),
        heartbeat_seconds: int = 300,
        faults: Faults | None = None,
        tell_event: Callable[[Mapping[str, object]], None] = _quiet,
    ) -> None:
        self.ledger = ledger
        self.faults = faults or Faults()
        self.boot_status = "Accepted"
        self.blocked = {tag.lower() for tag in blocked_tags}
        self._heartbeat_seconds = heartbeat_seconds
        self._tell_event = tell_event
        self._stations: dict[str, ServerConnection] = {}
        self._questions: dict[str, asyncio.Future[list[object]]] = {}
        self._server: Server | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._where = ("127.0.0.1", 0)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port. Raises OSError when it is in use."""
        self._server = await serve_websocket(
            self._station, host, port, subprotocols=[Subprotocol(SUBPROTOCOL)], close_timeout=1, server_header=None
        )
        port = next(iter(self._server.sockets)).getsockname()[1]
        self._where = (host, port)
        self._tell_event({"event": "listening", "host": host, "port": port})
        return port

    async def stop(self) -> None:
        """Close every connection and the port."""
        for task in self._late:
            task.cancel()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def offline(self, seconds: float) -> None:
        """Be gone for a while, then listen on the same port again."""
        host, port = self._where
        await self.stop()
        await asyncio.sleep(seconds)
        await self.start(host, port)

    def connected(self) -> list[str]:
        return sorted(self._stations)

    async def close(self, identity: str) -> None:
        """End a station's connection."""
        await self._stations[identity].close(1001, "closed on demand")

    async def call(self, identity: str, action: str, payload: Payload, timeout: float = 15.0) -> list[object]:
        """Send a CALL; returns the frame of the answer: [3, id, payload] or [4, id, code, description, details].

        Raises KeyError for a station that is not connected, TimeoutError without an answer.
        """
        unique_id = str(uuid.uuid4())
        answer: asyncio.Future[list[object]] = asyncio.get_running_loop().create_future()
        self._questions[unique_id] = answer
        try:
            await self._stations[identity].send(json.dumps([CALL, unique_id, action, payload]))
            frame = await asyncio.wait_for(answer, timeout)
        finally:
            del self._questions[unique_id]
        if frame[0] == RESULT:
            wrong = await violation(action, cast("Payload", frame[2]), answer=True)
            if wrong is not None:
                self.ledger.violation(_now(), identity, f"the answer to {action}: {wrong.text}")
        self._tell_event({"event": "result", "identity": identity, "action": action, "frame": frame})
        return frame

    async def raw(self, identity: str, text: str) -> None:
        """Send any text as a frame."""
        await self._stations[identity].send(text)

    async def _station(self, socket: ServerConnection) -> None:
        path = socket.request.path if socket.request is not None else "/"
        identity = unquote(path.rpartition("/")[2])
        self._stations[identity] = socket
        self._tell_event({"event": "connected", "identity": identity, "path": path})
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                await self._take(socket, identity, text)
        if self._stations.get(identity) is socket:
            del self._stations[identity]
        self._tell_event({"event": "disconnected", "identity": identity})

    async def _take(self, socket: ServerConnection, identity: str, text: str | bytes) -> None:
        try:
            frame = cast("list[object]", json.loads(text))
            kind, unique_id = frame[0], str(frame[1])
        except (ValueError, LookupError, TypeError):
            self.ledger.violation(_now(), identity, f"no OCPP-J frame: {text[:80]!a}")
            return
        if kind == CALL:
            await self._answer(socket, identity, unique_id, str(frame[2]), cast("Payload", frame[3]))
        elif (question := self._questions.get(unique_id)) is not None and not question.done():
            question.set_result(frame)

    async def _answer(
        self, socket: ServerConnection, identity: str, unique_id: str, action: str, payload: Payload
    ) -> None:
        self._tell_event({"event": "call", "identity": identity, "action": action, "payload": payload})
        if action not in CHARGE_POINT_ACTIONS:
            await socket.send(error_frame(unique_id, NOT_IMPLEMENTED, f"{action} is not known here"))
            return
        wrong = await violation(action, payload)
        if wrong is not None:
            self.ledger.violation(_now(), identity, f"{action}: {wrong.text}")
            await socket.send(error_frame(unique_id, FORMATION_VIOLATION, wrong.text))
            return
        if self.faults.rejects(action):
            await socket.send(error_frame(unique_id, INTERNAL_ERROR, "refused on demand"))
            return
        result = json.dumps([RESULT, unique_id, self._result(identity, unique_id, action, payload)])
        if self.faults.drops(action):
            return
        if self.faults.delay:
            task = asyncio.create_task(_send_later(socket, result, self.faults.delay))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            await socket.send(result)

    def _result(self, identity: str, unique_id: str, action: str, payload: Payload) -> Payload:
        """The answer; starts, stops and readings are on disk when it is known."""
        at = _now()
        match action:
            case "BootNotification":
                return {"status": self.boot_status, "currentTime": at, "interval": self._heartbeat_seconds}
            case "Heartbeat":
                return {"currentTime": at}
            case "Authorize":
                return {"idTagInfo": self._verdict(payload)}
            case "StartTransaction":
                number = self.ledger.start(at, identity, unique_id, payload)
                return {"transactionId": number, "idTagInfo": self._verdict(payload)}
            case "SignCertificate":
                return {"status": "Rejected"}
            case "StopTransaction" | "MeterValues":
                self.ledger.record(at, identity, action, unique_id, payload)
                return {}
            case _:
                return {}

    def _verdict(self, payload: Payload) -> Payload:
        return {"status": "Blocked" if str(payload["idTag"]).lower() in self.blocked else "Accepted"}


async def _send_later(socket: ServerConnection, text: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    with contextlib.suppress(ConnectionClosed):
        await socket.send(text)


def _now() -> str:
    return iso(datetime.now(UTC))


async def serve(host: str, port: int, ledger_path: Path, blocked_tags: Iterable[str] = ()) -> None:
    """Serve until cancelled, with a ledger of its own. Raises OSError when the port is in use."""
    ledger = Ledger(ledger_path)
    backend = Backend(ledger, blocked_tags=blocked_tags)
    try:
        await backend.start(host, port)
        await asyncio.get_running_loop().create_future()
    finally:
        await backend.stop()
        ledger.close()


async def obey(backend: Backend, order: Mapping[str, object]) -> bool:
    """Carry out one order of the control channel; False: the process shall end. Raises KeyError, ValueError."""
    faults = backend.faults
    match order:
        case {"quit": _}:
            return False
        case {"call": str(action), **rest}:
            identity = str(rest.get("identity") or backend.connected()[0])
            await backend.call(identity, action, cast("Payload", rest.get("payload", {})))
        case {"drop": int(count), **rest}:
            faults.drop_next, faults.actions = count, _actions(rest)
        case {"reject": int(count), **rest}:
            faults.reject_next, faults.actions = count, _actions(rest)
        case {"delay": int(seconds) | float(seconds), **rest}:
            faults.delay, faults.actions = float(seconds), _actions(rest)
        case {"offline": int(seconds) | float(seconds)}:
            await backend.offline(float(seconds))
        case {"block": object()}:
            backend.blocked = {str(tag).lower() for tag in cast("list[object]", order["block"])}
        case {"boot": str(status)}:
            backend.boot_status = status
        case {"close": str(identity)}:
            await backend.close(identity)
        case _:
            raise ValueError(f"no such order: {json.dumps(order)}")
    return True


def _actions(rest: Mapping[str, object]) -> frozenset[str]:
    return frozenset(str(action) for action in cast("list[object]", rest.get("actions", [])))


async def _control(backend: Backend, tell_event: Callable[[Mapping[str, object]], None]) -> None:
    """Obey the lines of stdin; its end leaves the backend running."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            try:
                if not await obey(backend, json.loads(line)):
                    return
            except (ValueError, LookupError, TypeError, OSError, ConnectionClosed) as error:
                tell_event(
                    {"event": "refused", "line": line.decode().strip(), "why": f"{type(error).__name__}: {error}"}
                )
    finally:
        transport.close()
    await loop.create_future()


async def _run(arguments: argparse.Namespace) -> int:
    def tell_event(event: Mapping[str, object]) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()

    ledger = Ledger(arguments.ledger)
    faults = Faults(drop_probability=arguments.drop_probability, draw=random.Random(arguments.seed).random)  # noqa: S311 - faults, no secrets
    backend = Backend(
        ledger,
        blocked_tags=arguments.blocked,
        heartbeat_seconds=arguments.heartbeat,
        faults=faults,
        tell_event=tell_event,
    )
    try:
        await backend.start(arguments.host, arguments.port)
    except OSError as error:
        sys.stderr.write(f"backend: port {arguments.port} of {arguments.host} cannot be used: {error}\n")
        return 1
    control = asyncio.create_task(_control(backend, tell_event))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, control.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await control
    await backend.stop()
    ledger.close()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run as a program; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m nodes.virtual.backend", description="an OCPP 1.6J backend for tests"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--ledger", type=Path, required=True, help="SQLite file of everything received")
    parser.add_argument("--blocked", action="append", default=[], metavar="TAG", help="an id tag that is refused")
    parser.add_argument("--heartbeat", type=int, default=300, help="interval told to stations, seconds")
    parser.add_argument("--drop-probability", type=float, default=0.0, help="share of answers swallowed")
    parser.add_argument("--seed", type=int, default=0, help="of the swallowed answers")
    return asyncio.run(_run(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
