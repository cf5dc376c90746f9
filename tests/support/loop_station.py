"""The central system's step joined to the real websocket edge on one event loop, with a disk in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self, TypeVar

from nodes.bridge import Outbox, keep_running
from nodes.ocpp.edge import BackendEdge
from nodes.ocpp.endpoint import BackendBackoff, Endpoint
from nodes.ocpp.recent import RecentMessages
from park.model.access import Done
from park.model.session import FactId, FactOffered, SessionFact
from park.model.signals import Start, Tick, WakeAt
from park.model.storage import Committed, Put, Row, RowsLoaded
from park.model.time import Now
from park.ocpp.central_system import CentralSystemEvent, step
from park.ocpp.effects import (
    CentralSystemEffect,
    ForgetCards,
    Load,
    StartRemotely,
    StopRemotely,
    UnlockRemotely,
    Write,
)
from park.ocpp.link import KeepAlive, LinkOrder, ReportLink, ResetLink, SendCall, SendError, SendResult
from park.ocpp.state import Settings, initial

E = TypeVar("E")
PATIENCE = 15.0


class LoopStation:
    """Does at once what the shell, the store, the authorizer and the charge points would do."""

    def __init__(self, settings: Settings, endpoint: Endpoint, recent: RecentMessages | None = None) -> None:
        self.disk: dict[tuple[str, str], str] = {}
        self.told: list[CentralSystemEffect] = []
        self.orders: Outbox[LinkOrder] = Outbox()
        self.edge = BackendEdge(endpoint, self, self.orders, recent)
        self._settings = settings
        self._state = initial(settings)
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.tell(Start())
        backoff = BackendBackoff(first=0.01, most=0.05)
        self._task = asyncio.create_task(keep_running("backend", self.edge.run, backoff=backoff))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.orders.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def tell(self, event: CentralSystemEvent, /) -> None:
        now = Now(self._loop.time(), datetime.now(UTC))
        self._state, effects = step(self._state, event, now)
        for effect in effects:
            self.told.append(effect)
            self._perform(effect)
        self._changed.set()

    def restart(self) -> None:
        """The actor dies and begins anew from the disk; the edge stays."""
        self._state = initial(self._settings)
        self.tell(Start())

    def _perform(self, effect: CentralSystemEffect) -> None:
        match effect:
            case SendCall() | SendResult() | SendError() | ResetLink() | ReportLink() | KeepAlive():
                self.orders.tell(effect)
            case Write():
                self._write(effect)
                self._loop.call_soon(self.tell, Committed(effect.token))
            case Load():
                rows = tuple(Row(table, key, body) for (table, key), body in sorted(self.disk.items()))
                self._loop.call_soon(self.tell, RowsLoaded(rows))
            case StartRemotely() | StopRemotely() | UnlockRemotely() | ForgetCards():
                self._loop.call_soon(self.tell, Done(effect.request_id))
            case WakeAt(mono):
                self._loop.call_at(mono, self.tell, Tick())
            case _:
                pass

    def _write(self, write: Write) -> None:
        for row in write.writes:
            if isinstance(row, Put):
                self.disk[row.table, row.key] = row.body
            else:
                self.disk.pop((row.table, row.key), None)

    def offer(self, *facts: SessionFact) -> None:
        for fact in facts:
            number = int(fact.session.removeprefix("s")) * 1000 + fact.ordinal
            self.tell(FactOffered(FactId("j", number), fact))

    def of(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.told if isinstance(effect, kind)]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something that was told makes it true."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                self._changed.clear()
                await self._changed.wait()
