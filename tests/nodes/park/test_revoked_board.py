"""A board is revoked while it charges: it is out at once and for good, nothing it was granted outlives the lease."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from support.cli import chargepark
from support.park_rig import DOOR, SERVER, TAGS, ParkRig, park_rig
from support.recorder import Recorder
from support.rig import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
LEASE = 4
OUT, STAYS = "bay-1/cp1", "bay-2/cp1"
LAPSE_MA = 6_000


@pytest.fixture
def park(tmp_path: Path) -> Generator[ParkRig]:
    with park_rig(tmp_path, clients=2, points=1, lease=LEASE) as made:
        yield made


def state_of(park: ParkRig, node: str) -> str | None:
    view = park.view()
    return None if view is None else next((each.state for each in view.nodes if each.name == node), None)


def signalled(park: ParkRig, point: str) -> int:
    return park.evse(point).levels.signalled_ma


def test_a_revoked_board_is_out_at_once_without_a_restart(park: ParkRig) -> None:
    for place, point in enumerate((OUT, STAYS)):
        park.plug(point)
        eventually("the car is seen", lambda point=point: park.sees_vehicle(point))
        park.swipe(TAGS[place], DOOR)
        eventually("it has more than its lapse current", lambda point=point: signalled(park, point) > LAPSE_MA)
    recorder = Recorder(park.config.bench, LEASE)
    done = chargepark("pair", "revoke", str(park.files[SERVER]), "bay-1")
    assert done.returncode == 0, done.stderr
    eventually("its stream is cut", lambda: "this board was revoked" in park.log("bay-1"))
    eventually("what it was granted has ended", lambda: signalled(park, OUT) <= LAPSE_MA)
    eventually("it is refused again and again", lambda: park.log("bay-1").count("pair it first") > 0)
    eventually("the server shows that it is away", lambda: state_of(park, "bay-1") != "alive")
    recorder.close()

    assert signalled(park, OUT) <= LAPSE_MA
    assert signalled(park, STAYS) > LAPSE_MA
    assert state_of(park, "bay-2") == "alive"
    assert not park.died("bay-1")
    assert not park.died(SERVER)
    assert recorder.samples > 0
    assert recorder.stale == []
