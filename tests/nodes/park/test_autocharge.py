"""A vehicle without a card at a client board: the server decides, and while it is away the board by its settings."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from support.park_rig import SERVER, ParkRig, park_rig
from support.rig import eventually

from park.model.evse import PilotState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
POINT = "cp1"  # its name at the bench, where it is the only one
TALKS = "[[charge_point]]\nslac_seconds = 20"
KNOWN = 'autocharge = "mac"\nwhitelist = [{ tag = "VID:02000000000B" }, '


@pytest.fixture
def park(tmp_path: Path) -> Generator[ParkRig]:
    with park_rig(tmp_path, clients=1, points=1, lease=4) as made:
        yield made


def free(park: ParkRig) -> bool:
    """The server knows that no vehicle is there."""
    row = park.row_of(f"bay-1/{POINT}")
    return row is not None and row.state is PilotState.A


def server_of(park: ParkRig) -> str:
    """How the board sees its server."""
    view = park.board_view("bay-1")
    return "" if view is None else next((node.state for node in view.nodes if node.name == SERVER), "")


@pytest.mark.rule("B-063")
def test_a_vehicle_at_a_client_board_charges_with_its_server_and_without(park: ParkRig) -> None:
    park.kill(SERVER)
    board = park.files["bay-1"]
    board.write_text(board.read_text(encoding="utf-8").replace("[[charge_point]]", TALKS), encoding="utf-8")
    park.kill("bay-1")
    text = park.files[SERVER].read_text(encoding="utf-8")
    park.files[SERVER].write_text(text.replace("whitelist = [", KNOWN, 1), encoding="utf-8")
    park.start_boards()
    park.plug(POINT, mac="02:00:00:00:00:0a")
    eventually("the backend's word lets it charge", lambda: park.charging(POINT))
    park.unplug(POINT)
    eventually("the server knows that it left", lambda: free(park))
    park.kill(SERVER)
    eventually("the board knows that it is alone", lambda: server_of(park) not in {"", "alive"})
    park.plug(POINT, mac="02:00:00:00:00:0b")
    eventually("it charges by the whitelist of the server", lambda: park.charging(POINT))
    park.unplug(POINT)
    park.start_boards()
    eventually("the backend has every session whole", lambda: park.waiting() == 0 and park.problems() == [])
    assert [each.id_tag for each in park.ledger().transactions()] == ["VID:02000000000A", "VID:02000000000B"]
