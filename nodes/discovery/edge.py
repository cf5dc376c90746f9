"""The discovery edge: announces this node, browses for others, and follows the interfaces as they come and go.

`DiscoveryEdge.run` is kept running by `nodes.bridge.keep_running`. What it tells are proposals: who is alive is known
from the stream between boards, who somebody is from the certificate.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import assert_never

import structlog
from msgspec.structs import replace

from actors.address import Address
from nodes.discovery.interfaces import Network, network
from nodes.discovery.responder import NameTaken, Responder, responding
from nodes.discovery.responder import label as instance_of
from park.discovery.announcement import Announcement, instance_name, reachable
from park.discovery.conflicts import ConflictSeen, name_taken
from park.discovery.settings import DiscoverySettings
from park.discovery.sighting import Unreadable
from park.discovery.sightings import Announced, Gone, Heard, Sightings, SightingsChanged, SightingsEvent, step
from park.model.alarm import Alarm
from park.model.time import Now

LOOK_SECONDS = 2.0  # how soon a changed address or link is noticed
FORGET_SECONDS = 10.0  # after a change of the network: a board that has not answered by then is not there
ANNOUNCE_SECONDS = 60.0  # ours: parts of a network that meet again hear each other, though nobody asks
MOST_NAMES = 9  # of one node; who answers to more answers to all
NAMES_AGAIN_SECONDS = 60.0
MOST_NAMES_HEARD = 1_000  # more are a flood; they are read when others have gone
_log = structlog.get_logger("discovery")


class DiscoveryEdge:
    """`announcements`: what this node says of itself, a new one at each change (an `Outbox`); None: it only looks.

    `now`: its `mono` is the clock of the loop. `pinned`: fingerprint of the server this board has paired with.
    """

    def __init__(
        self,
        settings: DiscoverySettings,
        announcements: AsyncIterator[Announcement] | None,
        sightings: Address[SightingsChanged],
        alarms: Address[Alarm],
        now: Callable[[], Now],
        *,
        pinned: str = "",
        look_seconds: float = LOOK_SECONDS,
        announce_seconds: float = ANNOUNCE_SECONDS,
    ) -> None:
        self._settings = settings
        self._announcements = announcements
        self._told = sightings
        self._alarms = alarms
        self._now = now
        self._look_seconds = look_seconds
        self._announce_seconds = announce_seconds
        self._state = Sightings(settings.park, pinned)
        self._latest: Announcement | None = None
        self._renewed = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled, or until the announcements are closed; then goodbye.

        Raises OSError, after an alarm that says the same.
        """
        try:
            if self._announcements is None:
                await self._follow()
            else:
                await _first_of(self._take(self._announcements), self._follow())
        except OSError as error:
            self._alarms.tell(Alarm("discovery-impossible", in_words(error)))
            raise

    async def _take(self, announcements: AsyncIterator[Announcement]) -> None:
        async for announcement in announcements:
            self._latest = announcement
            self._renewed.set()

    async def _follow(self) -> None:
        """One life of the library for each state of the network."""
        while True:
            here = self._network()
            _log.info("boards are looked for", addresses=here.speakers, park=self._state.park)
            unseen = {*self._state.seen, *self._state.refused}
            if not here.speakers:
                await _first_of(self._until_other(here), self._look_at_nothing(unseen))
                continue
            async with responding(here) as responder:
                looking = self._look(responder, unseen)
                await _first_of(self._until_other(here), self._announce(responder, here), looking)
                responder.forget()

    def _network(self) -> Network:
        found = network(self._settings.interfaces)
        return replace(found, announced=reachable(found.announced, self._settings.boards))

    async def _until_other(self, here: Network) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)
            if self._network() != here:
                return

    # ---------------------------------------------------------------- announcing

    async def _announce(self, responder: Responder, here: Network) -> None:
        number = 0
        while True:
            self._renewed.clear()
            latest = self._latest
            if latest is not None and number == 0:
                number, instance = await self._register(responder, latest)
                self._step(Announced(instance, latest, here.announced))
            elif latest is not None:
                self._step(Announced(instance_name(latest, number), latest, here.announced))
                await responder.update(latest, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._announce_seconds):
                    await self._renewed.wait()

    async def _register(self, responder: Responder, announcement: Announcement) -> tuple[int, str]:
        """The number of the name that was free, and the name; the record says the node's own name all the same."""
        while True:
            for number in range(1, MOST_NAMES + 1):
                try:
                    return number, await responder.register(announcement, number)
                except NameTaken:
                    self._alarms.tell(name_taken(announcement))
            await asyncio.sleep(NAMES_AGAIN_SECONDS)

    # ---------------------------------------------------------------- browsing

    async def _look(self, responder: Responder, unseen: set[str]) -> None:
        """Tell changes as they come; read all again now and then, which also brings the times they were last heard."""

        def there(name: str) -> None:
            if len(names) < MOST_NAMES_HEARD:
                names.add(name)
                responder.resolve(name, heard)

        def gone(name: str) -> None:
            names.discard(name)
            self._step(Gone(instance_of(name)))

        def heard(event: Heard) -> None:
            unseen.discard(event.instance)
            self._step(event)

        names: set[str] = set()
        browser = responder.browse(there, gone)
        try:
            await self._forget(unseen)
            while True:
                for name in tuple(names):
                    responder.resolve(name, heard)
                await asyncio.sleep(FORGET_SECONDS)
        finally:
            await browser.async_cancel()

    async def _look_at_nothing(self, unseen: set[str]) -> None:
        await self._forget(unseen)
        await asyncio.Event().wait()

    async def _forget(self, unseen: set[str]) -> None:
        await asyncio.sleep(FORGET_SECONDS)
        for instance in sorted(unseen):
            self._step(Gone(instance))

    def _step(self, event: SightingsEvent) -> None:
        self._state, effects = step(self._state, event, self._now())
        for effect in effects:
            match effect:
                case SightingsChanged():
                    self._told.tell(effect)
                case ConflictSeen():
                    self._alarms.tell(effect.alarm)
                case Unreadable():
                    _log.warning("announcement refused", instance=effect.instance, reason=effect.reason)
                case _:
                    assert_never(effect)


def in_words(error: OSError) -> str:
    """What a technician can do about it."""
    return f"cannot look for boards: {error}; is UDP port 5353 used by a program that does not share it?"


async def _first_of(*coroutines: Coroutine[object, object, None]) -> None:
    """Run them together until the first ends; the others are cancelled. Raises what it raised."""
    tasks = [asyncio.create_task(each) for each in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
