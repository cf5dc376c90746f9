"""The product as it is delivered: leases of ten seconds, and a server whose address stands in the boards' files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import outage
from support.lab_files import Settings
from support.lab_park import LabPark, lab_park
from support.netns import lab_or_skip

pytestmark = [
    pytest.mark.peer("netns"),
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("lab-standstill"),
]


@pytest.fixture
def park(tmp_path: Path) -> Iterator[LabPark]:
    with lab_or_skip() as lab, lab_park(lab, tmp_path, Settings(lease=None, discovery=False)) as made:
        yield made


def test_cable_pulled(park: LabPark, record_property: Callable[[str, object], None]) -> None:
    board, other = park.boards["bay-a"], park.boards["bay-b"]
    outage.begin(park)
    cut = time.monotonic()
    board.host.down()
    board.instrument.pass_by(park.lapsed_from(cut) + 1.0)
    outage.others_come_and_go(board)
    outage.is_lapsed(park, board, cut)
    healed = time.monotonic()
    board.host.up()
    seconds = outage.rejoins(board, healed)
    record_property("figure", f"leases of 10 s, fixed address: rejoined {seconds:.1f} s after healing")
    for each in (park.server, other):
        outage.goes_on(each, cut, time.monotonic())
    park.settle()
