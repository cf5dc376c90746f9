"""Looks for other servers of this park: discovery proposes, what a server says over TLS of the park's CA decides."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from pathlib import Path

from actors.address import Address
from nodes.exchange.voice import ask_voice
from nodes.pairing.authority import CA, SERVER
from nodes.pairing.certificates import SERVER_NAME
from park.config.quantities import Endpoint
from park.discovery.servers import as_other, other_servers
from park.discovery.sighting import Sighting
from park.discovery.sightings import SightingsChanged
from park.load.rivalry import OtherServer, ServersSeen

LOOK_SECONDS = 2.0  # how soon a server that is gone, or has come, is noticed
HANDSHAKE_SECONDS = 2.0  # within one network
MOST_ASKED = 16  # at once: whoever floods the network with announcements makes few connections of ours


class OtherServers:
    """Told of sightings; `run` tells the coordinator which of them are servers of the park that answer now.

    `authority`: fingerprint of the park's CA. `lives`: server ids of this database's own starts.
    """

    def __init__(
        self,
        data_dir: Path,
        authority: str,
        lives: Collection[str],
        coordinator: Address[ServersSeen],
    ) -> None:
        self._data_dir = data_dir
        self._few = asyncio.Semaphore(MOST_ASKED)
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
            answers = await asyncio.gather(*(self._asked(each) for each in candidates))
            seen = ServersSeen(tuple(dict.fromkeys(answer for answer in answers if answer is not None)))
            if seen != told:
                self._coordinator.tell(seen)
                told = seen
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _asked(self, candidate: Sighting) -> OtherServer | None:
        """At any of its addresses; the announcement of one that lost its power stays in the network for an hour."""
        tries = await asyncio.gather(*(self._at(candidate, place) for place in candidate.endpoints))
        return next((found for found in tries if found is not None), None)

    async def _at(self, candidate: Sighting, place: Endpoint) -> OtherServer | None:
        """Who answers there says itself who it is: what is announced may be invented, and lead back to ourselves."""
        async with self._few:
            told = await ask_voice(self._data_dir, place)
            if told is not None:
                voice = told.voice
                return None if voice is not None and voice.server_id in self._lives else told
            return as_other(candidate) if await self._is_an_older_one(place) else None

    async def _is_an_older_one(self, place: Endpoint) -> bool:
        """A server of the park that does not answer the question; with our own certificate it is ourselves, relayed."""
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                _, writer = await asyncio.open_connection(
                    place.host, place.port, ssl=self._trust, server_hostname=SERVER_NAME
                )
        except (OSError, TimeoutError):  # ssl.SSLError is an OSError
            return False
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        return shown != self._own
