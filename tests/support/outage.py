"""What people do at a board while it is cut off from its server, and what must hold then and afterwards."""

from __future__ import annotations

import time

from support.lab_files import ADA, BOB
from support.lab_park import LAPSE_MA, REJOIN_SECONDS, Board, LabPark

PACE_SECONDS = 1.0  # nobody drives away, plugs in, shows a card and looks at the reader faster
METERED_WH = 5.0  # so much energy that a session lost or counted twice shows


def begin(park: LabPark) -> None:
    """A car charges at every charge point by the server's grants, and the backend knows it."""
    for board in park.all():
        board.charge(tag=ADA)
    for board in park.all():
        takes_energy(board, *board.points)
        board.granted()
        for point in board.points:
            park.open_transaction(board, point)


def takes_energy(board: Board, *points: str) -> None:
    """From now on each of these cars takes so much that the books can be judged by it."""
    before = board.instrument.now()
    board.instrument.until(
        f"the cars at {board.name} take energy",
        lambda seen: all(seen[each].energy_wh > before[each].energy_wh + METERED_WH for each in points),
    )


def others_come_and_go(board: Board) -> None:
    """One car leaves, the next one starts by the card the board knows: at most by the lapse current."""
    board.leave("cp2")
    board.instrument.pass_by(time.monotonic() + PACE_SECONDS)
    board.charge("cp2", tag=BOB)
    board.instrument.pass_by(time.monotonic() + PACE_SECONDS)
    if board.instrument.shows("cp2-reader") == "IGNORED":  # the session before still waited for its last reading
        board.instrument.pass_by(time.monotonic() + PACE_SECONDS)
        board.instrument.swipe("cp2-reader", BOB)
    takes_energy(board, "cp2")


def is_lapsed(park: LabPark, board: Board, cut: float) -> None:
    """From lease + 1 s after the cut until now no pilot offered more than its lapse current."""
    now = time.monotonic()
    assert now > park.lapsed_from(cut)
    assert board.highest_ma(park.lapsed_from(cut), now) <= LAPSE_MA
    assert board.highest_ma(cut - 1.0, cut) > LAPSE_MA, "it had no grant that could lapse"


def goes_on(board: Board, begin: float, end: float) -> None:
    """It had its grants all the time."""
    for point in board.points:
        assert board.lowest_ma(begin, end, point) > LAPSE_MA


def rejoins(board: Board, healed: float) -> float:
    """Its grants are back in time; seconds it took."""
    seconds = board.granted("cp1", patience=2 * REJOIN_SECONDS) - healed
    assert seconds <= REJOIN_SECONDS
    return seconds
