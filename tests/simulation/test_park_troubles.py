"""Whole parks with one kind of trouble at a time, in virtual time; docs/hostile.md has the catalogue."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.parks import broken

from nodes.simulation.faults import Fault, Kind
from nodes.simulation.park_outcome import ParkOutcome
from nodes.simulation.park_run import ParkRun
from nodes.simulation.parks import SERVER, Bounds
from nodes.simulation.succession import Takeover

BUSY = Bounds(boards=(4, 4), points=(10, 10))
HALF = Bounds(boards=(4, 4), points=(5, 5))
SEED = 28  # a park whose server has no charge points of its own
OFFLINE = 142  # one whose boards have readers of their own and know the cards
MINUTES = 20.0
BAYS = ("bay-1", "bay-2", "bay-3")
DAY = 86_400.0
JUMPS = (3_600.0, -3_600.0, 3_650 * DAY, -3_650 * DAY, 1.0, -1.0)  # seconds: DST, ten years, a smeared leap second
TURNS = tuple(range(12))

CLOCKS = tuple(
    Fault(60.0 + 90.0 * turn, Kind.CLOCK, 0.0, ((SERVER, *BAYS)[turn % 4],), JUMPS[turn % len(JUMPS)]) for turn in TURNS
)
DISKS = tuple(Fault(60.0 + 90.0 * turn, Kind.DISK, 60.0, ((SERVER, *BAYS)[turn % 4],), 0.5) for turn in TURNS)
CUT_OFF = tuple(Fault(60.0, Kind.PARTITION, 1_080.0, (bay,), 0.5) for bay in BAYS)
BOTH_DIE = tuple(
    Fault(60.0 + 90.0 * turn + late, kind, 2.0, (node,), strength)
    for turn in TURNS
    for late, kind, node, strength in (
        (0.0, Kind.BOARD_KILL, BAYS[turn % 3], turn % 2),
        (0.05 * (turn % 3), Kind.SERVER_KILL, SERVER, turn % 2),
    )
)


def park(
    *faults: Fault, seed: int = SEED, bounds: Bounds = HALF, takeover: Takeover | None = None
) -> tuple[ParkRun, ParkOutcome]:
    plan = tuple(sorted(faults, key=lambda fault: fault.at))
    run = ParkRun(seed, MINUTES, bounds, faults=plan, takeover=takeover)
    return run, run.go()


def figure(run: ParkRun, outcome: ParkOutcome) -> str:
    repeats = sum(each.wire_repeats for each in run.backend.ledger.transactions())
    happened = ", ".join(f"{count} × {kind}" for kind, count in outcome.faults.items())
    return (
        f"{outcome.boards} boards, {outcome.points} charge points, {outcome.sessions} sessions, {happened}: "
        f"0 lost, {repeats} wire repeats"
    )


def check(name: str, run: ParkRun, outcome: ParkOutcome, sessions: int) -> str:
    """Nothing is lost; the figure."""
    assert broken(outcome) == set()
    assert outcome.sessions >= sessions
    return f"{name}: {figure(run, outcome)}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "faults"),
    [("R14 clocks", CLOCKS), ("R16 full disks", DISKS), ("R25 server and board die together", BOTH_DIE)],
    ids=["R14", "R16", "R25"],
)
def test_nothing_is_lost(name: str, faults: tuple[Fault, ...], record_property: Callable[[str, object], None]):
    run, outcome = park(*faults)
    record_property("figure", check(name, run, outcome, 20))
    assert sum(outcome.faults.values()) == len(faults)


@pytest.mark.slow
def test_r23_boards_without_their_server_keep_100_sessions(record_property: Callable[[str, object], None]):
    run, outcome = park(*CUT_OFF, seed=OFFLINE, bounds=BUSY)
    record_property("figure", check("R23 all boards without their server for 18 min", run, outcome, 100))


@pytest.mark.slow
def test_r24_a_server_with_an_empty_disk_gets_what_boards_still_hold(record_property: Callable[[str, object], None]):
    run, outcome = park(takeover=Takeover(at=600.0, boots_after=20.0, returns_after=120.0))
    record_property("figure", check("R24 a server with an empty disk", run, outcome, 20))
    assert outcome.faults["takeover by another server"] == 1
