"""Looks for other servers of this park: discovery proposes, a TLS handshake with the park's CA decides."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from pathlib import Path

from actors.address import Address
from actors.messages import CoordinatorMessage
from nodes.pairing.authority import CA, SERVER
from nodes.pairing.certificates import SERVER_NAME
from park.config.quantities import Endpoint
from park.discovery.servers import as_other, other_servers
from park.discovery.sighting import Sighting
from park.discovery.sightings import SightingsChanged
from park.load.rivalry import ServersSeen

LOOK_SECONDS = 2.0  # how soon a server that is gone, or has come, is noticed
HANDSHAKE_SECONDS = 2.0  # within one network


class OtherServers:
    """Told of sightings; `run` tells the coordinator which of them are servers of the park that answer now.

    `authority`: fingerprint of the park's CA. `lives`: server ids of this database's own starts. `port`: where this
    server listens, which at an address of this machine is nobody else.
    """

    def __init__(
        self,
        data_dir: Path,
        authority: str,
        lives: Collection[str],
        port: int,
        coordinator: Address[CoordinatorMessage],
    ) -> None:
        self._port = port
        self._authority, self._lives, self._coordinator = authority, frozenset(lives), coordinator
        self._candidates: tuple[Sighting, ...] = ()
        self._changed = asyncio.Event()
        self._trust = ssl.create_default_context(cafile=str(data_dir / CA))
        self._own = ssl.PEM_cert_to_DER_cert((data_dir / SERVER).read_text(encoding="ascii"))

    def tell(self, message: SightingsChanged, /) -> None:
        candidates = other_servers(message.sightings, self._authority, self._lives)
        if candidates != self._candidates:
            self._candidates = candidates
            self._changed.set()

    async def run(self) -> None:
        """Look at every change and every few seconds, until cancelled."""
        told: ServersSeen | None = None
        while True:
            self._changed.clear()
            candidates = self._candidates
            answers = await asyncio.gather(*(self._answers(each) for each in candidates))
            found = (as_other(each) for each, answer in zip(candidates, answers, strict=True) if answer)
            seen = ServersSeen(tuple(found))
            if seen != told:
                self._coordinator.tell(seen)
                told = seen
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _answers(self, candidate: Sighting) -> bool:
        """At any of its addresses; the announcement of one that lost its power stays in the network for an hour.

        Who shows our own certificate and names no voice is no server: a copy of this one names that of its own start,
        so it is somebody who passes our own words back to us.
        """
        tries = await asyncio.gather(*(self._handshake(place, bool(candidate.voice)) for place in candidate.endpoints))
        return any(tries)

    async def _handshake(self, place: Endpoint, named: bool) -> bool:  # noqa: FBT001 - whether it names its voice
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                _, writer = await asyncio.open_connection(
                    place.host, place.port, ssl=self._trust, server_hostname=SERVER_NAME
                )
        except (OSError, TimeoutError):  # ssl.SSLError is an OSError
            return False
        here, there = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        if shown == self._own and not named:
            return False
        return here[0] != there[0] or place.port != self._port
