"""A board whose network fails in every way: its currents lapse, its sessions go on, and it comes back by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from support import outage
from support.lab_park import LabPark, lab_park
from support.netns import Host, lab_or_skip

pytestmark = [
    pytest.mark.peer("netns"),
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("lab-partition"),
]

COMMAND_SECONDS = 10.0  # architecture: a command is executed within 10 s or never


@dataclass(frozen=True, slots=True)
class Fault:
    """`cut` and `heal` take the server's host and the board's. `hears`: what the server sends still arrives."""

    cut: Callable[[Host, Host], None]
    heal: Callable[[Host, Host], None]
    hears: bool = False


FAULTS = {
    "cable pulled": Fault(lambda _, board: board.down(), lambda _, board: board.up()),
    "board's route blackholed": Fault(
        lambda server, board: board.blackhole(server), lambda server, board: board.heal(server), hears=True
    ),
    "server's route blackholed": Fault(
        lambda server, board: server.blackhole(board), lambda server, board: server.heal(board)
    ),
    "loses what it sends": Fault(
        lambda server, board: board.lose(server), lambda server, board: board.heal(server), hears=True
    ),
    "loses what it hears": Fault(lambda server, board: server.lose(board), lambda server, board: server.heal(board)),
}


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabPark]:
    with lab_or_skip() as lab, lab_park(lab, tmp_path_factory.mktemp("partition")) as made:
        yield made


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_board_cut_off(park: LabPark, fault: Fault, record_property: Callable[[str, object], None]) -> None:
    server, board, other = park.server, park.boards["bay-a"], park.boards["bay-b"]
    outage.begin(park)
    ordered = park.open_transaction(board, "cp1")
    cut = time.monotonic()
    fault.cut(server.host, board.host)
    if not fault.hears:
        park.call("RemoteStopTransaction", transactionId=ordered)
    board.instrument.pass_by(park.lapsed_from(cut) + 1.0)
    outage.others_come_and_go(board)
    board.instrument.pass_by(cut + COMMAND_SECONDS + 1.0)
    outage.is_lapsed(park, board, cut)
    assert park.node_states()["bay-a"] != "alive"
    healed = time.monotonic()
    fault.heal(server.host, board.host)
    seconds = outage.rejoins(board, healed)
    record_property("figure", f"rejoined {seconds:.1f} s after healing")
    assert park.open_transaction(board, "cp1") == ordered, "a command of the time before was executed"
    for each in (server, other):
        outage.goes_on(each, cut, time.monotonic())
    park.settle()
