"""R21: a connection that is dead on the way and tells nobody is found by its pings; what was lost is sent again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.stalled_proxy import Proxy

from nodes.bridge import Outbox
from nodes.ocpp.edge import BackendEdge, BackendLost
from nodes.ocpp.endpoint import Endpoint
from nodes.virtual.backend import Backend
from nodes.virtual.ledger import Ledger
from park.ocpp.link import CallAnswered, LinkEvent, LinkLost, LinkOrder, LinkUp, SendCall

PING, PONG = 0.4, 0.6  # seconds: a ping so often, and so long for its answer; 20 and 20 by default
SLACK = 1.0  # a busy machine's
PATIENCE = 10.0
START = {"connectorId": 1, "idTag": "04A1B2C3", "meterStart": 1000, "timestamp": "2026-01-05T08:00:00.000Z"}


class Told:
    def __init__(self) -> None:
        self._events: asyncio.Queue[LinkEvent] = asyncio.Queue()

    def tell(self, event: LinkEvent) -> None:
        self._events.put_nowait(event)

    async def next(self) -> LinkEvent:
        return await asyncio.wait_for(self._events.get(), PATIENCE)


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    made = Backend(ledger)
    await made.start()
    yield made
    await made.stop()
    ledger.close()


async def test_r21_a_half_open_connection_is_found_in_time(
    backend: Backend, record_property: Callable[[str, object], None]
) -> None:
    host, port = backend._where
    told, orders = Told(), Outbox[LinkOrder]()
    async with Proxy(f"{host}:{port}").running() as proxy:
        endpoint = Endpoint(f"ws://{proxy.address}/ocpp", "GARAGE", ping_interval=PING, ping_timeout=PONG)
        edge = BackendEdge(endpoint, told, orders)
        running = asyncio.create_task(edge.run())
        assert await told.next() == LinkUp(1)
        proxy.stall(back=True)
        cut = time.monotonic()
        orders.tell(SendCall("c1", "StartTransaction", START, 1))
        lost = await told.next()
        seconds = time.monotonic() - cut
        assert isinstance(lost, LinkLost)
        assert seconds <= PING + PONG + SLACK
        with pytest.raises(BackendLost, match="no pong"):
            await running
        proxy.release()
        running = asyncio.create_task(edge.run())
        assert await told.next() == LinkUp(2)
        orders.tell(SendCall("c2", "StartTransaction", START, 2))
        answer = await told.next()
        assert isinstance(answer, CallAnswered)
        assert answer.unique_id == "c2"
        orders.close()
        with contextlib.suppress(BackendLost):
            await asyncio.wait_for(running, PATIENCE)
    [transaction] = backend.ledger.transactions()
    assert transaction.starts <= 2
    record_property(
        "figure",
        f"R21 half-open: found after {seconds:.2f} s, pings {PING:g} + {PONG:g} s; "
        f"{transaction.starts} identical starts, 1 session",
    )
