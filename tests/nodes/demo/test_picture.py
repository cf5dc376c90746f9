"""The page of the demo keeps its figures on every usual terminal."""

import pytest
from msgspec.structs import replace
from rich.console import Console
from support.park_views import MONO, charging_point, garage, nothing_known

from nodes.demo.picture import Scene, line, page
from nodes.virtual.ledger import LedgerEntry
from park.view import CircuitPhase, CircuitRow, NodeReported, ParkView

ENTRIES = [
    LedgerEntry("2026-11-20T22:00:09.123Z", "StopTransaction", 1001, {"meterStop": 41, "reason": "EVDisconnected"}),
    LedgerEntry("2026-11-20T22:00:01.123Z", "StartTransaction", 1001, {"connectorId": 1, "meterStart": 0}),
]
ADDRESSES = [("status", "chargepark status --target 127.0.0.1:7071"), ("metrics", "http://127.0.0.1:7094/metrics")]


def scene(view: ParkView):
    return Scene(12.0, 18.0, view, ENTRIES, ["cp1: car leaves", "cp2: van plugs in"], ADDRESSES)


def shown(view: ParkView, width: int, height: int = 40):
    console = Console(width=width, height=height, color_system=None)
    with console.capture() as captured:
        console.print(page(scene(view), height))
    return captured.get()


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_no_title_and_no_figure_is_cut(width: int):
    text = shown(garage(6), width)

    for words in ("granted", "signal", "measured A", "session", "why", "25.2 25.2 25.1", "3120 Wh"):
        assert words in text
    assert "Charging" in text
    assert "cp6" in text
    assert "41.4 A left on" in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("height", [24, 40, 50])
def test_the_lists_take_what_is_left_of_the_terminal(height: int):
    lines = shown(garage(6), 100, height).splitlines()

    assert len(lines) == max(height - 1, len(shown(garage(6), 100, 1).splitlines()))
    assert "http://127.0.0.1:7094/metrics" in lines[-1]


def test_phases_transactions_and_story_are_there():
    text = shown(garage(2), 140)

    assert "#1001 stop  at 41 Wh: EVDisconnected" in text
    assert text.index("cp2: van plugs in") < text.index("cp1: car leaves"), "the newest is on top"
    assert "61.6" in text
    assert "41.4 A left on L1 by the load of others" in text


def test_unknown_is_no_figure():
    text = shown(nothing_known(), 100)

    assert "the meter is not read" in text
    assert " 0.0" not in text


def test_a_line_says_the_most_important():
    assert line(scene(garage(2))).startswith("  12 s  charging 2  cp1=25.2A cp2=25.2A  L1=61.6A")
    assert "charging 0  (none)" in line(scene(replace(garage(0))))


def with_boards() -> ParkView:
    """A server and two boards; one was not heard for a while."""
    boards = [f"bay-{number}" for number in (1, 2)]
    nodes = (
        NodeReported("server", "server", "alive", MONO, "0.1.0", 0),
        NodeReported("bay-1", "client", "alive", MONO - 0.4, "0.1.0", 0),
        NodeReported("bay-2", "client", "suspect", MONO - 7.0, "0.1.0", 0),
    )
    limit = CircuitPhase(32_000, 32_000, 32_000, None, None, None)
    lines = tuple(CircuitRow(f"line-{board}", "grid", None, (limit, limit, limit)) for board in boards)
    points = tuple(
        replace(charging_point(number), name=f"{board}/cp{number}", node=board, circuit=f"line-{board}")
        for number, board in enumerate(boards, 1)
    )
    alone = garage(0)
    return replace(alone, nodes=nodes, circuits=alone.circuits + lines, charge_points=points)


@pytest.mark.parametrize("width", [80, 100])
def test_boards_and_their_lines_are_shown(width: int):
    text = shown(with_boards(), width)

    assert "server alive   bay-1 alive   bay-2 suspect, heard 7 s ago" in text
    (line_of_a_board,) = (each for each in text.splitlines() if each.startswith("line-bay-1"))
    assert line_of_a_board.split()[-4:] == ["25.2", "32", "25.2", "6.8"], "the phase with least left"
    assert "bay-2/cp2" in text
    assert "61.6  63   11.2  50.4" in text, "all cars of all boards count on the grid"
    assert "25.2 25.2 25.1" in text
    assert max(map(len, text.splitlines())) <= width


def test_with_boards_the_page_has_the_height_of_the_terminal_too():
    assert len(shown(with_boards(), 100, 40).splitlines()) == 39


def test_a_line_names_points_by_board_and_boards_that_are_not_heard():
    text = line(scene(with_boards()))

    assert "bay-1/cp1=25.2A" in text
    assert text.endswith("bay-2 is suspect")
    assert "L1=61.6A" in text
    assert text.count("L1=") == 1, "only what is measured"
