"""A board taken out of the server's file with a session open: the backend gets the end once, the board an answer."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from support.park_rig import DOOR, SERVER, TAGS, ParkRig, park_rig
from support.rig import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
POINT = "bay-1/cp1"


@pytest.fixture
def park(tmp_path: Path) -> Generator[ParkRig]:
    with park_rig(tmp_path, clients=2, points=1, lease=4) as made:
        yield made


@pytest.mark.parametrize("crash", ["", "before-persist"])
def test_the_open_session_of_a_removed_board_is_closed_once_and_fenced(park: ParkRig, crash: str) -> None:
    park.plug(POINT)
    eventually("the server sees the car", lambda: park.sees_vehicle(POINT))
    park.swipe(TAGS[0], DOOR)
    eventually("it charges", lambda: park.charging(POINT))
    eventually("some energy is counted", lambda: park.evse(POINT).energy_wh > 5)
    eventually("nothing waits", lambda: park.waiting() == 0)
    park.kill(SERVER)

    whole = park.files[SERVER].read_text(encoding="utf-8")
    head, _, *others = whole.split("[[placement]]")
    park.files[SERVER].write_text("[[placement]]".join((head, *others)), encoding="utf-8")
    if crash:
        park.start_board(SERVER, crash)
        eventually("the server dies", lambda: park.died(SERVER))
    park.start_board(SERVER)
    eventually("its end is at the backend", lambda: any(each.stops for each in park.ledger().transactions()))
    park.unplug(POINT)  # the board ends the session too, later
    eventually("the late end is kept as evidence", lambda: "code=session-late-" in park.log(SERVER), 60)
    eventually("nothing waits", lambda: park.waiting() == 0)

    (transaction,) = park.ledger().transactions()
    assert (transaction.starts, transaction.stops, transaction.stop_reason) == (1, 1, "Other")
    assert park.ledger().strangers() == []
    assert park.log(SERVER).count("code=session-closed") >= 1
