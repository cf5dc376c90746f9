"""The websocket edge of the central system: carries frames, tells events, and knows nothing of transactions.

`BackendEdge.run` serves one connection and raises OSError when it ends; `nodes.bridge.keep_running` runs it again with
`BackendBackoff`. Orders made for an earlier connection are dropped: the central system has counted them as lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from actors.address import Address
from nodes.crash import crash_point
from nodes.ocpp import frames
from nodes.ocpp.endpoint import HARD_FRAME_BYTES, SOFT_FRAME_BYTES, Connect, Endpoint, explain
from nodes.ocpp.keepalive import Pinger, PongMissing
from park.ocpp.link import (
    CallAnswered,
    CallFailed,
    KeepAlive,
    LinkEvent,
    LinkLost,
    LinkOrder,
    LinkUp,
    ReportLink,
    ResetLink,
    SendCall,
    SendError,
    SendResult,
)
from park.ocpp.wire import SUBPROTOCOL, TRANSACTION_ACTIONS

CLOSE_SECONDS = 2.0  # ours: a backend that hangs does not answer the closing handshake either
REMEMBERED_CALLS = 1_000  # calls whose answer may still come; older ones are answered to nobody
REMEMBERED_REASONS = 100  # kinds of garbage logged once a connection; more are counted only

_log = structlog.get_logger("backend")  # "ocpp" is the library's, which is kept quiet


class BackendLost(OSError):
    """There is no connection to the backend; the text says why and what to do."""


@dataclass(slots=True)
class Traffic:
    """Counters for the metrics endpoint; they only grow."""

    connections: int = 0
    frames_in: int = 0
    frames_out: int = 0
    garbage_in: int = 0
    refused_out: int = 0
    late_orders: int = 0


class BackendEdge:
    """`orders` is the outbox the central system tells; `central_system` hears the link events."""

    def __init__(
        self, endpoint: Endpoint, central_system: Address[LinkEvent], orders: AsyncIterator[LinkOrder]
    ) -> None:
        self.traffic = Traffic()
        self._endpoint = endpoint
        self._central_system = central_system
        self._orders = orders
        self._pinger = Pinger(endpoint.ping_interval, endpoint.ping_timeout)
        self._waiting: dict[str, str] = {}
        self._logged: set[str] = set()

    async def run(self) -> None:
        """Serve one connection. Raises BackendLost when there is none any more; returns when the orders are closed."""
        try:
            socket = await self._connect()
        except BackendLost as error:
            self._central_system.tell(LinkLost(str(error)))
            raise
        self.traffic.connections += 1
        self._logged.clear()
        _log.info("backend connected", url=self._endpoint.address, link=self.traffic.connections)
        self._central_system.tell(LinkUp(self.traffic.connections))
        reason = "the node stops"
        try:
            await self._serve(socket)
        except BackendLost as error:
            reason = str(error)
            raise
        finally:
            self._central_system.tell(LinkLost(reason))
            await socket.close()

    async def _connect(self) -> ClientConnection:
        endpoint = self._endpoint
        try:
            socket = await Connect(
                endpoint.address,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers=endpoint.headers,
                user_agent_header="chargepark",
                compression="deflate" if endpoint.compression else None,
                open_timeout=endpoint.open_timeout,
                ping_interval=None,  # our own, whose interval may change
                close_timeout=CLOSE_SECONDS,
                max_size=HARD_FRAME_BYTES,
                proxy=None,
                ssl=endpoint.ssl,
            )
        except (OSError, WebSocketException) as error:
            raise BackendLost(explain(endpoint, error)) from error
        if socket.subprotocol != SUBPROTOCOL:
            await socket.close(1002, "no common subprotocol")
            raise BackendLost(f"backend {endpoint.address} does not speak {SUBPROTOCOL}: check [backend] url")
        return socket

    async def _serve(self, socket: ClientConnection) -> None:
        link = self.traffic.connections
        tasks = {
            asyncio.create_task(self._forward(socket, link), name="ocpp orders"),
            asyncio.create_task(self._read(socket), name="ocpp frames"),
            asyncio.create_task(self._pinger.run(socket), name="ocpp pings"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except ConnectionClosed as error:
            raise BackendLost(f"backend {self._endpoint.address} closed the connection: {error}") from error
        except PongMissing as error:
            raise BackendLost(f"backend {self._endpoint.address}: {error}; connecting again") from error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _forward(self, socket: ClientConnection, link: int) -> None:
        async for order in self._orders:
            if isinstance(order, ReportLink):
                self._central_system.tell(LinkUp(link))
            elif isinstance(order, KeepAlive):
                self._pinger.obey(order)
            elif order.link != link:
                self.traffic.late_orders += 1
            elif isinstance(order, ResetLink):
                raise BackendLost(f"backend {self._endpoint.address}: {order.reason}")
            else:
                await self._send(socket, order)

    async def _send(self, socket: ClientConnection, order: SendCall | SendResult | SendError) -> None:
        match order:
            case SendCall():
                await self._send_call(socket, order)
            case SendResult():
                await self._send_text(socket, await frames.result_frame(order))
            case SendError():
                await self._send_text(socket, frames.failure_frame(order))

    async def _send_call(self, socket: ClientConnection, order: SendCall) -> None:
        text = await frames.call_frame(order)
        if isinstance(text, frames.Violation):
            self.traffic.refused_out += 1
            _log.error("call not sent: it breaks the schema", action=order.action, why=text.text)
            self._central_system.tell(CallFailed(order.unique_id, text.code, text.text))
            return
        while len(self._waiting) >= REMEMBERED_CALLS:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[order.unique_id] = order.action
        if order.action in TRANSACTION_ACTIONS:
            crash_point("before-send")
        await self._send_text(socket, text)
        if order.action in TRANSACTION_ACTIONS:
            crash_point("after-send")

    async def _send_text(self, socket: ClientConnection, text: str) -> None:
        await socket.send(text)
        self.traffic.frames_out += 1

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            text = await socket.recv()
            self.traffic.frames_in += 1
            await self._take(socket, text)

    async def _take(self, socket: ClientConnection, text: str | bytes) -> None:
        transactions = {unique_id for unique_id, action in self._waiting.items() if action in TRANSACTION_ACTIONS}
        if len(text) > SOFT_FRAME_BYTES:
            event: frames.Read = frames.oversize(text, SOFT_FRAME_BYTES)
        else:
            event = await frames.read(text, self._waiting)
        if isinstance(event, frames.Garbage):
            self._note(event.reason, text)
            if event.answer is not None:
                await self._send_text(socket, event.answer)
            return
        is_transaction = isinstance(event, CallAnswered) and event.unique_id in transactions
        if is_transaction:
            crash_point("before-answer")
        self._central_system.tell(event)
        if is_transaction:
            crash_point("after-answer")

    def _note(self, reason: str, text: str | bytes) -> None:
        """Each kind of garbage is logged once a connection, all of it is counted."""
        self.traffic.garbage_in += 1
        if reason not in self._logged and len(self._logged) < REMEMBERED_REASONS:
            self._logged.add(reason)
            _log.warning("frame of the backend not understood", why=reason, begins=ascii(text[:80]))
