"""A time that is surely past, on disk: where a board begins whose clock was lost with the power (architecture §9)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from actors.address import Address, Nowhere
from actors.messages import StoreMessage
from nodes.field.clock import BoardClock
from nodes.store import Store
from park.model.storage import Commit, Put
from park.pairing.validity import BUILT

TABLE, KEY = "clock", "seen"
KEEP_SECONDS = 600.0  # how much a board without a clock may lose in a blackout


def read(store: Store) -> datetime:
    """The newest time that was kept, or the build date; for composition roots before the store is started."""
    times = [BUILT]
    for row in store.rows(TABLE):
        try:
            seen = datetime.fromisoformat(row.body)
        except ValueError:
            continue
        if seen.tzinfo is not None:
            times.append(seen.astimezone(UTC))
    return max(times)


async def keep(store: Address[StoreMessage], clock: BoardClock) -> None:
    """Write the time down every few minutes, until cancelled; one that nobody vouches for is not worth it."""
    while True:
        if clock.known:
            store.tell(Commit((Put(TABLE, KEY, clock.now().wall.isoformat()),), 0, Nowhere()))
        await asyncio.sleep(KEEP_SECONDS)
