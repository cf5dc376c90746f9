"""Nodes that are killed while their cars charge: below them the currents lapse, and afterwards the books are exact."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from support import outage
from support.lab_files import ADA
from support.lab_park import LabPark, lab_park
from support.netns import lab_or_skip

pytestmark = [
    pytest.mark.peer("netns"),
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("lab-deaths"),
]


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabPark]:
    with lab_or_skip() as lab, lab_park(lab, tmp_path_factory.mktemp("deaths")) as made:
        yield made


def test_the_server_is_killed(park: LabPark, record_property: Callable[[str, object], None]) -> None:
    outage.begin(park)
    cut = park.server.kill()
    for board in park.boards.values():
        board.instrument.pass_by(park.lapsed_from(cut) + 1.0)
        outage.others_come_and_go(board)
    for board in park.all():
        outage.is_lapsed(park, board, cut)
    healed = time.monotonic()
    park.server.start()
    seconds = [outage.rejoins(board, healed) for board in park.all()]
    record_property("figure", f"all have grants again {max(seconds):.1f} s after the server's new start")
    park.settle()


def test_a_board_is_killed(park: LabPark, record_property: Callable[[str, object], None]) -> None:
    board, other = park.boards["bay-a"], park.boards["bay-b"]
    outage.begin(park)
    kept = park.open_transaction(board, "cp1")
    cut = board.kill()
    board.instrument.pass_by(park.lapsed_from(cut) + 1.0)
    outage.is_lapsed(park, board, cut)
    board.leave("cp2")
    assert park.node_states()["bay-a"] != "alive"
    healed = time.monotonic()
    board.start()
    seconds = outage.rejoins(board, healed)
    record_property("figure", f"rejoined {seconds:.1f} s after its new start")
    for each in (park.server, other):
        outage.goes_on(each, cut, time.monotonic())
    assert park.open_transaction(board, "cp1") == kept, "the session of the car that stayed is another one"
    board.charge("cp2", tag=ADA)
    outage.takes_energy(board, "cp2")
    park.settle()
