"""A discovery edge at work on loopback, and an address a test can wait at."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from nodes.bridge import Outbox
from nodes.discovery.edge import ANNOUNCE_SECONDS, DiscoveryEdge
from park.config.board import Role
from park.config.quantities import Endpoint
from park.discovery.announcement import Announcement
from park.discovery.settings import DiscoverySettings
from park.discovery.sighting import Sighting
from park.discovery.sightings import SightingsChanged
from park.model.alarm import Alarm
from park.model.time import Now

M = TypeVar("M")
PATIENCE = 20.0  # seconds until a test that waits in vain fails: claiming a name takes two


def now() -> Now:
    return Now(time.monotonic(), datetime.now(UTC))


def new_park() -> str:
    """A park of its own for each test: they share one loopback."""
    return f"park-{uuid.uuid4().hex[:8]}"


class Inbox(Generic[M]):
    """Told on the loop; `until` waits for a message that suits."""

    def __init__(self) -> None:
        self.messages: list[M] = []
        self._told = asyncio.Event()

    def tell(self, message: M, /) -> None:
        self.messages.append(message)
        self._told.set()

    async def until(self, suits: Callable[[M], object]) -> M:
        """The first message that suits, told already or later."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for message in self.messages:
                        if suits(message):
                            return message
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            raise AssertionError(f"waited in vain; was told {self.messages}") from None


class Board:
    """One edge; `announce` says something new, `sees` waits for what it sees now."""

    def __init__(
        self,
        settings: DiscoverySettings,
        *,
        pinned: str = "",
        look_seconds: float = 0.1,
        announce_seconds: float = ANNOUNCE_SECONDS,
    ) -> None:
        self.settings = settings
        self.announcements: Outbox[Announcement] = Outbox()
        self.told: Inbox[SightingsChanged] = Inbox()
        self.alarms: Inbox[Alarm] = Inbox()
        self.edge = DiscoveryEdge(
            settings,
            self.announcements,
            self.told,
            self.alarms,
            now,
            pinned=pinned,
            look_seconds=look_seconds,
            announce_seconds=announce_seconds,
        )

    def announce(self, fingerprint: str = "", pairing_port: int = 0) -> None:
        self.announcements.tell(self.settings.announcement(1, fingerprint, pairing_port))

    async def sees(self, suits: Callable[[tuple[Sighting, ...]], object]) -> tuple[Sighting, ...]:
        """What it sees once that suits; what was seen earlier and is no more does not count."""
        del self.told.messages[:-1]
        return (await self.told.until(lambda change: suits(change.sightings))).sightings


def settings(park: str, node: str, role: Role = "client", port: int = 0, *interfaces: str) -> DiscoverySettings:
    boards = Endpoint("0.0.0.0", port) if port else None  # noqa: S104 nothing is bound
    return DiscoverySettings(park, node, role, interfaces or ("127.0.0.1",), boards)


@contextlib.asynccontextmanager
async def announced(board: Board, fingerprint: str = "", pairing_port: int = 0) -> AsyncGenerator[Board]:
    """The board's edge runs and has said who it is; it is cancelled at the end."""
    board.announce(fingerprint, pairing_port)
    task = asyncio.create_task(board.edge.run())
    try:
        await board.sees(lambda seen: any(each.node == board.settings.node for each in seen))
        yield board
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
