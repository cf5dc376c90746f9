"""The websocket edge of the central system: carries frames, tells events, and knows nothing of transactions.

`BackendEdge.run` serves one connection and raises OSError when it ends; `nodes.bridge.keep_running` runs it again with
`BackendBackoff`, and `pause` in between. Orders made for an earlier connection are dropped: the central system has
counted them as lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import structlog
from msgspec import Struct
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from actors.address import Address
from nodes.crash import UNBOUND, Kinds, crash_point, planned
from nodes.ocpp import frames
from nodes.ocpp.endpoint import (
    HARD_FRAME_BYTES,
    SOFT_FRAME_BYTES,
    BackendBackoff,
    Connect,
    Connection,
    Endpoint,
    explain,
)
from nodes.ocpp.keepalive import Pinger, PongMissing
from nodes.ocpp.recent import RecentMessages
from park.ocpp.link import (
    CallAnswered,
    CallFailed,
    KeepAlive,
    LinkEvent,
    LinkLost,
    LinkOrder,
    LinkUp,
    LossCause,
    ReportLink,
    ResetLink,
    SendCall,
    SendError,
    SendResult,
    UseConnection,
)
from park.ocpp.masking import names_secret
from park.ocpp.wire import SUBPROTOCOL, TRANSACTION_ACTIONS

CLOSE_SECONDS = 2.0  # ours: a backend that hangs does not answer the closing handshake either
REMEMBERED_CALLS = 1_000  # calls whose answer may still come; older ones are answered to nobody
SEARCHED = 500  # ours: characters of a broken frame that are searched for a secret before the first 80 are logged
REMEMBERED_REASONS = 100  # kinds of garbage logged once a connection; more are counted only

_log = structlog.get_logger("backend")  # "ocpp" is the library's, which is kept quiet


class BackendLost(OSError):
    """There is no connection to the backend; the text says why and what to do."""

    def __init__(self, text: str, cause: LossCause = LossCause.NETWORK) -> None:
        super().__init__(text)
        self.cause = cause


class _SettingsChanged(Exception):
    """The connection is to be made anew with other settings."""


class Traffic(Struct):
    """Counters for the metrics endpoint; they only grow."""

    connections: int = 0
    frames_in: int = 0
    frames_out: int = 0
    garbage_in: int = 0
    refused_out: int = 0
    late_orders: int = 0


class BackendEdge:
    """`orders` is the outbox the central system tells; `central_system` hears the link events.

    `recent`: keeps the newest messages for people.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        central_system: Address[LinkEvent],
        orders: AsyncIterator[LinkOrder],
        recent: RecentMessages | None = None,
    ) -> None:
        self.traffic = Traffic()
        self._endpoint = endpoint
        self._central_system = central_system
        self._orders = orders
        self._recent = recent
        self._pinger = Pinger(endpoint.ping_interval, endpoint.ping_timeout)
        self._waiting: dict[str, str] = {}
        self._logged: set[str] = set()
        self._lost = LinkLost("not connected yet")
        self._heard = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Serve one connection, and more when the settings change. Raises BackendLost when there is none any more.

        Returns when the orders are closed.
        """
        again = True
        while again:
            again = await self._one_connection()

    async def pause(self, seconds: float) -> None:
        """Wait for the next attempt; other settings are tried at once. A link dead for long begins anew (B-012)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._shortened(seconds)):
                async for order in self._orders:
                    if isinstance(order, UseConnection):
                        if self._uses_other(order):
                            return
                    elif isinstance(order, KeepAlive):
                        self._pinger.obey(order)
                    elif isinstance(order, ReportLink):
                        self._central_system.tell(self._lost)
                    else:
                        self.traffic.late_orders += 1
                await asyncio.sleep(seconds)  # closed: nobody will order anything

    def _shortened(self, seconds: float) -> float:
        now, watchdog = asyncio.get_running_loop().time(), self._endpoint.watchdog
        if watchdog == 0 or now - self._heard < watchdog:
            return seconds
        self._heard = now
        return min(seconds, BackendBackoff().first)

    async def _one_connection(self) -> bool:
        """Whether another is wanted at once."""
        try:
            socket = await self._connect()
        except BackendLost as error:
            self._tell_lost(str(error), error.cause)
            raise
        self.traffic.connections += 1
        self._logged.clear()
        self._heard = asyncio.get_running_loop().time()
        _log.info("backend connected", url=self._endpoint.address, link=self.traffic.connections)
        self._central_system.tell(LinkUp(self.traffic.connections))
        reason, cause = "the node stops", LossCause.NETWORK
        try:
            await self._serve(socket)
        except BackendLost as error:
            reason, cause = str(error), error.cause
            raise
        except _SettingsChanged:
            reason = "connecting with other settings"
            return True
        finally:
            self._tell_lost(reason, cause)
            await socket.close()
        return False

    def _tell_lost(self, reason: str, cause: LossCause) -> None:
        self._lost = LinkLost(reason, cause)
        self._central_system.tell(self._lost)

    async def _connect(self) -> ClientConnection:
        endpoint = self._endpoint
        try:
            context = endpoint.context()
            name: dict[str, Any] = {} if context is None else endpoint.server_name
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
                proxy=endpoint.via_url,
                ssl=context,
                create_connection=Connection,
                **name,
            )
        except (OSError, WebSocketException) as error:
            raise BackendLost(*explain(endpoint, error)) from error
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
        if self._endpoint.watchdog:
            tasks.add(asyncio.create_task(self._watch(socket), name="ocpp watchdog"))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except ConnectionClosed as error:
            raise BackendLost(*self._closed(error)) from error
        except PongMissing as error:
            raise BackendLost(f"backend {self._endpoint.address}: {error}; connecting again") from error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _closed(self, error: ConnectionClosed) -> tuple[str, LossCause]:
        if isinstance(error.__cause__, ssl.SSLError):
            return explain(self._endpoint, error)
        return f"backend {self._endpoint.address} closed the connection: {error}", LossCause.NETWORK

    async def _watch(self, socket: ClientConnection) -> None:
        """A link on which nothing came for long must prove that it lives (B-012)."""
        loop = asyncio.get_running_loop()
        while True:
            endpoint = self._endpoint
            quiet = loop.time() - self._heard
            if quiet < endpoint.watchdog:
                await asyncio.sleep(endpoint.watchdog - quiet)
                continue
            try:
                async with asyncio.timeout(endpoint.ping_timeout):
                    await (await socket.ping())
            except TimeoutError:
                text = f"backend {endpoint.address} gave no sign of life for {quiet:.0f} s: connecting anew"
                raise BackendLost(text) from None
            self._heard = loop.time()

    async def _forward(self, socket: ClientConnection, link: int) -> None:
        async for order in self._orders:
            if isinstance(order, ReportLink):
                self._central_system.tell(LinkUp(link))
            elif isinstance(order, KeepAlive):
                self._pinger.obey(order)
            elif isinstance(order, UseConnection):
                if self._uses_other(order):
                    raise _SettingsChanged
                self._central_system.tell(LinkUp(link))
            elif order.link != link:
                self.traffic.late_orders += 1
            elif isinstance(order, ResetLink):
                raise BackendLost(f"backend {self._endpoint.address}: {order.reason}")
            else:
                await self._send(socket, order)

    def _uses_other(self, order: UseConnection) -> bool:
        """Take the settings; whether the connection depends on what changed: times wait for the next one."""
        before = self._endpoint.settings
        self._endpoint = self._endpoint.using(order)
        return self._endpoint.settings != before

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
        passing = _passing(order.action)
        crash_point("before-send", passing)
        await self._send_text(socket, text)
        crash_point("after-send", passing)

    async def _send_text(self, socket: ClientConnection, text: str) -> None:
        if self._recent is not None:
            self._recent.sent(text)
        await socket.send(text)
        self.traffic.frames_out += 1

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            text = await socket.recv()
            self.traffic.frames_in += 1
            self._heard = asyncio.get_running_loop().time()
            if self._recent is not None:
                self._recent.received(text)
            await self._take(socket, text)

    async def _take(self, socket: ClientConnection, text: str | bytes) -> None:
        waiting = dict(self._waiting) if planned() else {}
        if len(text) > SOFT_FRAME_BYTES:
            event: frames.Read = frames.oversize(text, SOFT_FRAME_BYTES)
        else:
            event = await frames.read(text, self._waiting)
        if isinstance(event, frames.Garbage):
            self._note(event.reason, text)
            if event.answer is not None:
                await self._send_text(socket, event.answer)
            return
        passing = _passing(waiting.get(event.unique_id, "")) if isinstance(event, CallAnswered) else ()
        crash_point("before-answer", passing)
        self._central_system.tell(event)
        crash_point("after-answer", passing)

    def _note(self, reason: str, text: str | bytes) -> None:
        """Each kind of garbage is logged once a connection, all of it is counted."""
        self.traffic.garbage_in += 1
        if reason not in self._logged and len(self._logged) < REMEMBERED_REASONS:
            self._logged.add(reason)
            secret = names_secret(ascii(text[:SEARCHED]))
            begins = "(it speaks of a secret)" if secret else ascii(text[:80])
            _log.warning("frame of the backend not understood", why=reason, begins=begins)


def _passing(action: str) -> Kinds:
    """What passes a crash point with a call: of transaction messages only."""
    return (UNBOUND, action) if action in TRANSACTION_ACTIONS else ()
