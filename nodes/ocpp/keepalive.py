"""Whether a connection is alive: pings at an interval that may change while it lasts (B-004, B-201)."""

from __future__ import annotations

import asyncio
import contextlib

from websockets.asyncio.client import ClientConnection

from park.ocpp.link import KeepAlive


class PongMissing(OSError):
    """The other side did not answer a ping in time."""


class Pinger:
    """Times in seconds; `interval` 0: no pings."""

    def __init__(self, interval: float, timeout: float) -> None:
        self._interval, self._timeout = interval, timeout
        self._changed = asyncio.Event()

    def obey(self, order: KeepAlive) -> None:
        """Ping by this order from now on."""
        if (self._interval, self._timeout) != (order.ping_interval, order.pong_timeout):
            self._interval, self._timeout = float(order.ping_interval), float(order.pong_timeout)
            self._changed.set()

    async def run(self, socket: ClientConnection) -> None:
        """Ping until the connection is closed; raises PongMissing."""
        while True:
            if await self._pause():
                continue
            pong = await socket.ping()
            limit = self._timeout
            try:
                async with asyncio.timeout(limit):
                    await pong
            except TimeoutError as error:
                raise PongMissing(f"no pong within {limit:g} s") from error

    async def _pause(self) -> bool:
        """Wait for the time of the next ping; true: there is another interval instead."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval or None):
                await self._changed.wait()
                return True
        return False
