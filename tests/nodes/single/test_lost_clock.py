"""A board that lost its clock charges, dies, charges on, and tells the backend when it all was (B-196)."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.rig import Rig, eventually, rig

from nodes import time_floor
from nodes.store import Store
from park.model.storage import Put

ADA, BOB = "04A1B2C3", "04D4E5F6"
DAYS = 400  # the clock of this machine is as far before the last time the board knew of
NEAR = timedelta(seconds=3)  # the backend tells its time in whole seconds

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def park(tmp_path: Path) -> Generator[Rig]:
    with rig(tmp_path, backend_process=False) as made:
        store = Store(tmp_path / "data")
        store.put_now(Put(time_floor.TABLE, time_floor.KEY, (datetime.now(UTC) + timedelta(days=DAYS)).isoformat()))
        store.stop()
        yield made


def charge(park: Rig, point: str, tag: str) -> tuple[datetime, datetime]:
    """Start a session at a point; between which two moments it was."""
    park.plug(point)
    eventually("the node sees the vehicle", lambda: park.pilot(point) not in {None, "A"})
    before = datetime.now(UTC)
    park.swipe(tag)
    eventually("charging", lambda: park.charging(point))
    return before, datetime.now(UTC)


@pytest.mark.rule("B-196")
def test_sessions_of_a_board_without_a_clock_reach_the_backend_with_their_true_times_over_a_kill(park: Rig) -> None:
    park.start_node()
    eventually("the node is there", lambda: park.view() is not None)
    first = charge(park, "cp1", ADA)
    park.kill("node")
    park.start_node()
    eventually("charging goes on", lambda: park.view() is not None and park.charging("cp1"))
    second = charge(park, "cp2", BOB)
    park.unplug("cp1")
    park.unplug("cp2")
    eventually("all waits for the backend", lambda: park.waiting() >= 4)
    park.start_backend()
    eventually("all is delivered", lambda: park.online() and park.waiting() == 0)
    transactions = park.ledger().transactions()
    assert [each.id_tag for each in transactions] == [ADA, BOB]
    for each, (before, after) in zip(transactions, (first, second), strict=True):
        assert before - NEAR <= datetime.fromisoformat(each.started_at) <= after + NEAR
        assert (each.starts, each.different_stops, each.order_kept) == (1, 1, True)
    for entry in park.ledger().newest(10):
        told = datetime.fromisoformat(str(entry.payload["timestamp"]))
        assert abs(datetime.now(UTC) - told) < timedelta(minutes=5)
    assert park.ledger().violations() == []
