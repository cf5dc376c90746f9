"""Looks into the network once, for a person: what is announced there now."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime

from actors.address import Nowhere
from nodes.discovery.edge import DiscoveryEdge, in_words
from nodes.discovery.interfaces import network
from park.discovery.settings import DiscoverySettings
from park.discovery.sighting import Sighting
from park.discovery.sightings import SightingsChanged
from park.errors import NetworkUnusable
from park.model.time import Now


class _Newest:
    def __init__(self) -> None:
        self.sightings: tuple[Sighting, ...] = ()

    def tell(self, message: SightingsChanged, /) -> None:
        self.sightings = message.sightings


async def look(seconds: float, interfaces: tuple[str, ...] = ()) -> tuple[Sighting, ...]:
    """Every board of every park that is announced within `seconds`. Raises NetworkUnusable."""
    if not network(interfaces).speakers:
        where = " or ".join(interfaces) or "loopback apart"
        raise NetworkUnusable(f"no network interface is up ({where}); `ip address` lists them; choose with --interface")
    newest = _Newest()
    edge = DiscoveryEdge(DiscoverySettings(interfaces=interfaces), None, newest, Nowhere(), _now)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await edge.run()
    except OSError as error:
        raise NetworkUnusable(in_words(error)) from error
    return newest.sightings


def _now() -> Now:
    return Now(time.monotonic(), datetime.now(UTC))
