"""How a board belongs to a park that another leads: it finds the server, pairs once, and keeps a connection.

A client board does so with its server, and a board that leads a group with the server of the park above.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from pathlib import Path

import grpc
import structlog

from nodes.exchange.client import MOST_DIALLED, SERVER_BACKOFF, Dial, ServerEdge, ServerUnknown
from nodes.field import clock
from nodes.pairing.client import join, log_progress, pairing_endpoint, renew_if_due
from nodes.pairing.credentials import CHANNEL_OPTIONS, channel_credentials
from nodes.pairing.identity import BoardKeys
from nodes.pairing.token_file import read_token
from park.config.board import JoinSection
from park.config.quantities import Endpoint
from park.discovery.candidates import server_candidates, server_endpoints
from park.discovery.sightings import SightingsChanged
from park.errors import ChargeparkError, KeysUnusable
from park.pairing.token import JoinToken

RENEWAL_LOOK_SECONDS = 3600.0  # certificates last a year and are renewed with a third of it left
_log = structlog.get_logger("node")


class ServerPlaces:
    """Where the server may be: the fixed address, or what discovery sees, one after the other."""

    def __init__(self, section: JoinSection, keys: BoardKeys) -> None:
        self._section = section
        self._keys, self._seen = keys, SightingsChanged(())
        self._round, self._asked = itertools.count(), 0
        self._elsewhere = asyncio.Event()

    def tell(self, message: SightingsChanged, /) -> None:
        before = self._pairing_places()
        self._seen = message
        if self._pairing_places() != before:
            self._elsewhere.set()

    def dials(self) -> list[Dial]:
        """The next places to try at once; raises ServerUnknown when there is none, KeysUnusable before pairing."""
        section, pinned = self._section, self._keys.known_authority() or ""
        places = server_endpoints(self._seen.sightings, section.park, pinned, section.address)
        if not places:
            raise ServerUnknown(f"no server of park {section.park} is announced in this network")
        rounds = -(-len(places) // MOST_DIALLED)
        first = next(self._round) % rounds * MOST_DIALLED
        return [self.dial(str(place)) for place in places[first : first + MOST_DIALLED]]

    def dial(self, target: str) -> Dial:
        """With the certificate this board has now; raises KeysUnusable."""
        return Dial(target, channel_credentials(self._keys.directory), CHANNEL_OPTIONS)

    def pairing_place(self) -> Endpoint | None:
        """The next place to ask for pairing, as far as that is known: who announces one may be no server of ours."""
        self._elsewhere.clear()
        places = self._pairing_places()
        self._asked += 1
        return places[self._asked % len(places)] if places else None

    async def pause(self, seconds: float) -> None:
        """Sleep, at most until pairing is at another place, and just a moment while there are more places to ask."""
        shortest = min(seconds, SERVER_BACKOFF.first)  # whatever is announced how often
        await asyncio.sleep(shortest)
        if self._asked % max(1, len(self._pairing_places())):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds - shortest):
                await self._elsewhere.wait()

    def _pairing_places(self) -> list[Endpoint]:
        named = pairing_endpoint(self._section, None)
        if named is not None:
            return [named]
        pinned = self._keys.known_authority() or ""
        seen = server_candidates(self._seen.sightings, self._section.park, pinned)
        return [Endpoint(each.addresses[0], each.pairing_port) for each in seen if each.pairing_port]


async def joined(
    name: str, section: JoinSection, keys: BoardKeys, server: ServerPlaces, edge: ServerEdge, beside: Path
) -> None:
    """Pair once, then one connection after the other: each ends as an OSError.

    `name`: of the board. `beside`: the folder of its file, where the join token lies.
    """
    if keys.needs_pairing(name, clock.now().wall):

        def token() -> JoinToken | None:
            return read_token(beside / section.join_token_file) if section.join_token_file else None

        report = log_progress(keys, name)
        await join(keys, name, section.park, server.pairing_place, token, report, sleep=server.pause)
    renewing = asyncio.create_task(_renewed(name, keys, server, edge), name="renew certificate")
    try:
        await edge.run()
    except KeysUnusable as error:
        raise ConnectionError(str(error)) from error
    finally:
        renewing.cancel()


async def _renewed(node: str, keys: BoardKeys, server: ServerPlaces, edge: ServerEdge) -> None:
    """While connected: a new certificate before the old one expires."""
    while True:
        try:
            dial = server.dial(await edge.connected())
            async with grpc.aio.secure_channel(dial.target, dial.credentials, options=dial.options) as channel:
                await renew_if_due(keys, node, channel, clock.now().wall)
        except (OSError, ChargeparkError, grpc.aio.AioRpcError) as error:
            _log.warning("certificate not renewed; tried again in an hour", reason=str(error))
        await asyncio.sleep(RENEWAL_LOOK_SECONDS)
