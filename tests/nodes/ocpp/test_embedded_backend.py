"""The embedded backend: its ledger, its faults, and D1 over real sockets with answers lost and links cut."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nodes.ocpp.endpoint import Endpoint
from nodes.virtual.backend import Backend, Faults, obey
from nodes.virtual.ledger import Ledger
from park.model.access import AuthorizeWithBackend, BackendAuthorized, Verdict
from park.model.session import FactDelivered
from park.ocpp.effects import BackendReported
from park.ocpp.state import Settings
from tests.support.facts import ended, metered, started
from tests.support.loop_station import LoopStation

START = {"connectorId": 1, "idTag": "T", "meterStart": 10, "timestamp": "2026-01-05T08:00:00.000Z"}
STOP = {"transactionId": 1001, "meterStop": 30, "timestamp": "2026-01-05T09:00:00.000Z", "reason": "Local"}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


@pytest.fixture
async def backend(ledger: Ledger) -> AsyncIterator[Backend]:
    backend = Backend(ledger, blocked_tags=["bad"])
    await backend.start()
    yield backend
    await backend.stop()
    ledger.close()


def station(backend: Backend, **keys: str) -> LoopStation:
    host, port = backend._where
    settings = Settings("GARAGE", (1, 2), lambda: str(uuid.uuid4()), station_keys=keys)
    return LoopStation(settings, Endpoint(f"ws://{host}:{port}/ocpp", "GARAGE"))


def test_repeats_on_the_wire_are_one_session_and_are_counted(ledger: Ledger):
    numbers = {ledger.start("now", "GARAGE", unique_id, START) for unique_id in ("a", "b")}
    assert numbers == {1001}
    assert ledger.start("now", "OTHER", "c", START) == 1002
    ledger.record("now", "GARAGE", "MeterValues", "d", {"connectorId": 1, "transactionId": 1001})
    for unique_id in ("e", "f"):
        ledger.record("now", "GARAGE", "StopTransaction", unique_id, STOP)
    first, second = ledger.transactions()
    assert (first.starts, first.stops, first.different_stops, first.readings, first.energy_wh) == (2, 2, 1, 1, 20)
    assert (first.wire_repeats, first.order_kept, first.stop_reason) == (2, True, "Local")
    assert (second.identity, second.starts, second.stops, second.energy_wh) == ("OTHER", 1, 0, None)


def test_different_stops_a_wrong_order_and_strangers_are_seen(ledger: Ledger):
    ledger.start("now", "GARAGE", "a", START)
    ledger.record("now", "GARAGE", "StopTransaction", "b", STOP)
    ledger.record("now", "GARAGE", "StopTransaction", "c", {**STOP, "meterStop": 31})
    ledger.record("now", "GARAGE", "MeterValues", "d", {"connectorId": 1, "transactionId": 1001})
    ledger.record("now", "GARAGE", "StopTransaction", "e", {**STOP, "transactionId": 7})
    (only,) = ledger.transactions()
    assert (only.different_stops, only.order_kept) == (2, False)
    assert ledger.strangers() == ["StopTransaction of transaction 7"]


def test_the_ledger_survives_its_process(ledger: Ledger, tmp_path: Path):
    ledger.start("now", "GARAGE", "a", START)
    assert Ledger(tmp_path / "ledger.sqlite3").start("later", "GARAGE", "b", START) == 1001


async def test_a_session_arrives_once(backend: Backend):
    async with station(backend) as here:
        here.offer(started(), metered(), ended())
        await here.until(lambda: len(here.of(FactDelivered)) == 3)
    (only,) = backend.ledger.transactions()
    assert (only.starts, only.stops, only.readings, only.energy_wh, only.wire_repeats) == (1, 1, 1, 1000, 0)
    assert backend.ledger.violations() == backend.ledger.strangers() == []


async def test_a_blocked_tag_is_refused(backend: Backend):
    async with station(backend) as here:
        await here.until(lambda: here.of(BackendReported)[-1].state == "online")
        here.tell(AuthorizeWithBackend("r1", "BAD"))
        await here.until(lambda: bool(here.of(BackendAuthorized)))
        assert here.of(BackendAuthorized)[0].verdict is Verdict.BLOCKED


async def test_lost_answers_refusals_cut_links_and_restarts_leave_one_start_and_one_stop_each(backend: Backend):
    sessions = 6
    heard: asyncio.Queue[object] = asyncio.Queue()
    backend._tell_event = lambda event: heard.put_nowait(event.get("action"))
    async with station(backend, TransactionMessageRetryInterval="0") as here:
        await here.until(lambda: here.of(BackendReported)[-1].state == "online")
        for number in range(1, sessions + 1):
            name = f"s{number}"
            while not heard.empty():
                heard.get_nowait()
            await obey(backend, {"drop" if number % 2 else "reject": 1, "actions": ["StartTransaction"]})
            here.offer(started(name, energy_wh=1000 + number), metered(name))
            if number % 2:
                while await heard.get() != "StartTransaction":
                    pass
                await backend.close("GARAGE")
            here.offer(ended(name))
            if number % 3 == 0:
                here.restart()
                for again in range(1, number + 1):
                    here.offer(started(f"s{again}", energy_wh=1000 + again), metered(f"s{again}"), ended(f"s{again}"))
            expected = {int(f"{number}00{ordinal}") for ordinal in range(3)}
            await here.until(lambda wanted=expected: wanted <= {told.id.number for told in here.of(FactDelivered)})
    told = backend.ledger.transactions()
    assert [(one.different_stops, one.readings, one.order_kept) for one in told] == [(1, 1, True)] * sessions
    assert sum(one.wire_repeats for one in told) <= backend.faults.dropped + 2
    assert backend.ledger.violations() == backend.ledger.strangers() == []


async def test_an_outage_is_waited_for(backend: Backend):
    async with station(backend) as here:
        await here.until(lambda: here.of(BackendReported)[-1].state == "online")
        gone = asyncio.create_task(backend.offline(0.2))
        await here.until(lambda: here.of(BackendReported)[-1].state == "offline")
        here.offer(started(), ended(ordinal=1))
        await gone
        await here.until(lambda: len(here.of(FactDelivered)) == 2)
    assert [one.wire_repeats for one in backend.ledger.transactions()] == [0]


async def test_late_answers_count(backend: Backend):
    backend.faults = Faults(delay=0.05)
    async with station(backend) as here:
        here.offer(started(), ended(ordinal=1))
        await here.until(lambda: len(here.of(FactDelivered)) == 2)


@pytest.mark.parametrize("order", [{"dance": 1}, {"drop": "many"}, {}])
async def test_an_order_nobody_knows_is_refused(backend: Backend, order: dict[str, object]):
    with pytest.raises(ValueError, match="no such order"):
        await obey(backend, order)


async def test_as_a_program_it_listens_obeys_and_ends_cleanly(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nodes.virtual.backend", "--port", "0", "--ledger", str(tmp_path / "l.sqlite3")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["event"] == "listening"
    process.stdin.write(b'nonsense\n{"call": "Reset"}\n{"quit": true}\n')
    assert json.loads(await process.stdout.readline())["event"] == "refused"
    assert json.loads(await process.stdout.readline())["event"] == "refused"
    assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_a_port_in_use_is_said(backend: Backend, tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nodes.virtual.backend"),
        *("--port", str(backend._where[1]), "--ledger", str(tmp_path / "l.sqlite3")),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 1
    assert b"cannot be used" in said
