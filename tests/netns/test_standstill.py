"""A board that stands still for a minute and then goes on: what it was told meanwhile must not happen any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import outage
from support.lab_files import ADA, BOB
from support.lab_park import LabPark, lab_park
from support.netns import lab_or_skip

pytestmark = [
    pytest.mark.peer("netns"),
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("lab-standstill"),
]

STOPPED_SECONDS = 60.0
STALE_WOULD_SHOW_SECONDS = 5.0  # what the board reads when it goes on is done or dropped by then


@pytest.fixture
def park(tmp_path: Path) -> Iterator[LabPark]:
    with lab_or_skip() as lab, lab_park(lab, tmp_path) as made:
        yield made


def test_a_board_stands_still_for_a_minute(park: LabPark, record_property: Callable[[str, object], None]) -> None:
    board, other = park.boards["bay-a"], park.boards["bay-b"]
    outage.begin(park)
    kept = park.open_transaction(board, "cp1")
    board.leave("cp2")
    board.instrument.pass_by(time.monotonic() + outage.PACE_SECONDS)
    board.instrument.plug("cp2")  # waits for a card, or for an order
    board.instrument.pass_by(time.monotonic() + outage.PACE_SECONDS)
    cut = board.stop()
    park.call("RemoteStopTransaction", transactionId=kept)
    park.call("RemoteStartTransaction", connectorId=park.connector(board, "cp2"), idTag=BOB)
    board.instrument.swipe("cp1-reader", ADA)  # would end the session of this card
    board.instrument.pass_by(cut + STOPPED_SECONDS)
    outage.is_lapsed(park, board, cut)
    assert park.node_states()["bay-a"] != "alive"
    healed = board.go_on()
    seconds = outage.rejoins(board, healed)
    record_property("figure", f"rejoined {seconds:.1f} s after it went on")
    again = time.monotonic()
    board.instrument.pass_by(again + STALE_WOULD_SHOW_SECONDS)
    board.granted("cp1")
    assert board.highest_ma(cut, time.monotonic(), "cp2") == 0, "a start of the time before was executed"
    assert park.open_transaction(board, "cp1") == kept, "a stop of the time before was executed"
    for each in (park.server, other):
        outage.goes_on(each, cut, time.monotonic())
    park.settle()
