"""A board without a clock begins at a time that is surely past, and follows whoever knows better."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nodes import log_lines, time_floor
from nodes.field.clock import BoardClock
from nodes.store import Store
from park.model.storage import Put
from park.model.time import BootTime, Now
from park.ocpp.effects import ClockOffered
from park.pairing.validity import BUILT
from tests.support.probe import Probe

LOST = datetime(1970, 1, 1, tzinfo=UTC)
FLOOR = datetime(2026, 12, 1, tzinfo=UTC)
BOOT = "b7"


class Machine:
    """A clock of a machine, moved by hand."""

    def __init__(self, wall: datetime) -> None:
        self.at = Now(0.0, wall)

    def read(self) -> Now:
        return self.at

    def pass_time(self, seconds: float) -> None:
        self.at = Now(self.at.mono + seconds, self.at.wall + timedelta(seconds=seconds))


def test_a_clock_that_was_lost_goes_on_from_the_floor_and_is_not_known() -> None:
    machine = Machine(LOST)
    clock = BoardClock(FLOOR, machine.read, BOOT)
    machine.pass_time(90.0)
    assert clock.now() == Now(90.0, FLOOR + timedelta(seconds=90), known=False, boot=BOOT)
    assert clock.now().undated == BootTime(BOOT, 90.0)
    assert not clock.known


def test_it_is_known_once_somebody_told_it_and_a_lease_clock_never_moves() -> None:
    machine = Machine(LOST)
    clock = BoardClock(FLOOR, machine.read, BOOT)
    log_lines.Clock(clock).tell(ClockOffered(3600.0))
    assert clock.now() == Now(0.0, FLOOR + timedelta(hours=1), known=True, boot=BOOT)
    assert clock.now().undated is None
    assert clock.known


def test_a_clock_of_the_machine_that_is_set_at_last_counts_from_then_on_whatever_was_told_before() -> None:
    machine = Machine(LOST)
    clock, told = BoardClock(FLOOR, machine.read, BOOT), BoardClock(FLOOR, machine.read, BOOT)
    told.follow(3600.0)
    machine.at = Now(10.0, FLOOR + timedelta(days=2))
    for each in (clock, told):
        assert each.now() == Now(10.0, FLOOR + timedelta(days=2), known=True, boot=BOOT)
    machine.at = Now(20.0, FLOOR + timedelta(days=2, seconds=15))
    assert clock.now().wall == machine.at.wall


def test_a_clock_that_only_went_on_to_the_floor_was_not_set() -> None:
    machine = Machine(FLOOR - timedelta(minutes=1))
    clock = BoardClock(FLOOR, machine.read)
    machine.pass_time(120.0)
    assert clock.now().wall == FLOOR + timedelta(minutes=2)
    assert not clock.known


def test_a_machine_that_knows_its_time_does_not_follow_the_backend_but_a_client_follows_its_server() -> None:
    machine = Machine(FLOOR + timedelta(days=1))
    clock = BoardClock(FLOOR, machine.read, BOOT)
    log_lines.Clock(clock).tell(ClockOffered(3600.0))
    assert clock.now().wall == machine.at.wall
    log_lines.Clock(clock, always=True).tell(ClockOffered(-60.0))
    assert clock.now().wall == machine.at.wall - timedelta(minutes=1)


def test_the_newest_time_on_disk_is_the_floor_and_garbage_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert time_floor.read(store) == BUILT
    store.put_now(Put(time_floor.TABLE, "garbage", "noon"))
    store.put_now(Put(time_floor.TABLE, "naive", "2030-01-01T00:00:00"))
    store.put_now(Put(time_floor.TABLE, time_floor.KEY, FLOOR.isoformat()))
    assert time_floor.read(store) == FLOOR
    store.stop()


async def test_only_a_time_somebody_vouches_for_is_kept() -> None:
    async def kept(clock: BoardClock) -> list[object]:
        store: Probe[object] = Probe()
        task = asyncio.create_task(time_floor.keep(store, clock))
        await asyncio.sleep(0)
        task.cancel()
        return store.messages

    assert await kept(BoardClock(FLOOR, Machine(LOST).read)) == []
    (commit,) = await kept(BoardClock(FLOOR, Machine(FLOOR).read))
    assert FLOOR.isoformat() in str(commit)
