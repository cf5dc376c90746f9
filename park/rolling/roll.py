"""The server's side: which board gets the firmware next. One at a time installs, and one that fails stops the rest.

A board that does not answer is away, and keeps nobody waiting; it gets its turn when it is back, while the roll is
kept. A board that was given its turn is waited for: nobody else may begin before it is known how it ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from park.model.time import Now
from park.rolling.messages import (
    BoardStage,
    FirmwareAsked,
    FirmwareOffered,
    FirmwareOrdered,
    FirmwareStanding,
    TellBoard,
)

AGAIN_SECONDS = 5.0  # ours: each board is asked so often; every answer says all
AGAIN_AWAY_SECONDS = 300.0  # ours: while nobody answers; each question is a line in the log of a board that is too old
AWAY_SECONDS = 20.0  # ours: four questions without an answer, more than a stream that is made anew takes
COME_BACK_SECONDS = 1800.0  # ours: a board that restarts, with all an installer may do while it is not heard
TRANSFER_SECONDS = 7200.0  # ours: 512 MB, the largest file without a setting, over a link of 0.6 Mbit/s
WHY_LENGTH = 300  # ours: of what a board says
KEPT = timedelta(days=7)  # ours: a board that is repaired or delivered again is back within a week


class Place(Enum):
    """Where the server has a board."""

    PENDING = "pending"
    OFFERED = "offered"
    CHECKED = "checked"
    ORDERED = "ordered"
    DONE = "done"
    LEFT = "left"  # left out: it cannot be updated from here
    FAILED = "failed"


SETTLED = frozenset({Place.DONE, Place.LEFT, Place.FAILED})


class Board(Struct, frozen=True):
    """`since`: mono of its place. `heard`: mono of its newest answer, None: none since this process began.

    `why`: for people, of one that is left out or failed. Only `name`, `place` and `why` are on disk.
    """

    name: str
    place: Place = Place.PENDING
    why: str = ""
    since: float = 0.0
    heard: float | None = None
    busy: bool = False

    def answers(self, now: Now) -> bool:
        return self.heard is not None and now.mono < self.heard + AWAY_SECONDS

    def at(self, place: Place, now: Now, why: str = "") -> Board:
        return replace(self, place=place, why=why, since=now.mono)


class Roll(Struct, frozen=True):
    """`turn`: the newest that was given. `until`: those who are away by then are not waited for any more.

    `not_before`: mono of the next turn, after one that the disk did not take. `began`: mono at which this process took
    it up. `asked`, `look`: mono of the last round of questions, and of the next.
    """

    update: str
    path: str
    size: int
    sha256: str
    certificate: str
    signature: str
    boards: tuple[Board, ...]
    until: datetime
    turn: int = 0
    not_before: float = 0.0
    began: float = 0.0
    asked: float = -math.inf
    look: float = 0.0

    @property
    def failed(self) -> Board | None:
        return self._first(lambda board: board.place is Place.FAILED)

    @property
    def ordered(self) -> Board | None:
        return self._first(lambda board: board.place is Place.ORDERED)

    @property
    def open(self) -> tuple[Board, ...]:
        """Those of whom it is not known how they end."""
        return tuple(board for board in self.boards if board.place not in SETTLED)

    def is_idle(self, now: Now) -> bool:
        """Whether nobody is at it, and nobody is there who could be next."""
        return not any(board.place is Place.ORDERED or board.answers(now) for board in self.open) and self.knows(now)

    def knows(self, now: Now) -> bool:
        """Whether every board has answered, or had the time to."""
        return now.mono >= self.began + AWAY_SECONDS or all(board.heard is not None for board in self.open)

    def put(self, changed: Board) -> Roll:
        return replace(self, boards=tuple(changed if each.name == changed.name else each for each in self.boards))

    def _first(self, fits: Callable[[Board], bool]) -> Board | None:
        return next((board for board in self.boards if fits(board)), None)

    def message(self, board: Board) -> TellBoard:
        """What a board is told as long as it stands there."""
        match board.place:
            case Place.OFFERED:
                told = FirmwareOffered(self.update, self.size, self.sha256, self.certificate, self.signature)
            case Place.ORDERED:
                told = FirmwareOrdered(self.update, self.turn)
            case _:
                told = FirmwareAsked(self.update)
        return TellBoard(board.name, told)


def heard(roll: Roll, node: str, standing: FirmwareStanding, now: Now) -> Roll:
    """A board says how far it is; what it says of another update, or after its end, is of no interest."""
    board = next((each for each in roll.open if each.name == node), None)
    if board is None or standing.update != roll.update:
        return roll
    place, why = _place(roll, board, standing)
    declined = board.place is Place.ORDERED and place is Place.CHECKED  # whatever it says now, others come first
    board = replace(board, heard=now.mono, busy=standing.busy or declined)
    return roll.put(board if place is board.place else board.at(place, now, why))


def _place(roll: Roll, board: Board, standing: FirmwareStanding) -> tuple[Place, str]:
    match standing.stage:
        case BoardStage.NONE:
            return _forgot(board)
        case BoardStage.FETCHING:
            return (Place.OFFERED if board.place is Place.PENDING else board.place), ""
        case BoardStage.CHECKED:
            declined = standing.turn == roll.turn
            return (Place.CHECKED if board.place is not Place.ORDERED or declined else Place.ORDERED), ""
        case BoardStage.INSTALLING | BoardStage.INSTALLED:
            return Place.ORDERED, ""
        case BoardStage.DONE:
            return Place.DONE, ""
        case BoardStage.FAILED:
            return Place.FAILED, standing.problem[:WHY_LENGTH]
        case BoardStage.UNABLE:
            return Place.LEFT, standing.problem[:WHY_LENGTH]


def _forgot(board: Board) -> tuple[Place, str]:
    """An offer may be on its way; a file that was checked is gone; of an installation nobody knows how it ended."""
    match board.place:
        case Place.CHECKED:
            return Place.PENDING, ""
        case Place.ORDERED:
            return Place.FAILED, "it does not know any more what it installed"
        case _:
            return board.place, ""


def advance(roll: Roll, now: Now) -> tuple[Roll, tuple[TellBoard, ...]]:
    """Whatever the clock or a standing made due, and what boards are told because of it."""
    before = roll
    for board in roll.open:
        roll = roll.put(_overdue(board, roll, now))
    if roll.failed is None and roll.ordered is None and roll.knows(now) and now.mono >= roll.not_before:
        roll = _next(roll, now)
    again = AGAIN_AWAY_SECONDS if roll.is_idle(now) else AGAIN_SECONDS
    everyone = now.mono >= roll.asked + again
    roll = replace(roll, asked=now.mono if everyone else roll.asked)
    roll = replace(roll, look=roll.asked + again)
    places = {board.name: board.place for board in before.boards}
    told = (each for each in roll.open if everyone or each.place is not places[each.name])
    return roll, tuple(roll.message(each) for each in told)


def _overdue(board: Board, roll: Roll, now: Now) -> Board:
    last = max(board.since, roll.began, board.heard or 0.0)
    if board.place is Place.ORDERED and now.mono >= last + COME_BACK_SECONDS:
        return board.at(Place.FAILED, now, f"it was given its turn and is not heard for {COME_BACK_SECONDS:.0f} s")
    if board.place is not Place.OFFERED:
        return board
    if now.mono >= board.since + TRANSFER_SECONDS:
        return board.at(Place.LEFT, now, f"it did not get the file within {TRANSFER_SECONDS:.0f} s")
    return board if now.mono < last + AWAY_SECONDS else board.at(Place.PENDING, now)


def _next(roll: Roll, now: Now) -> Roll:
    """One that is ready goes first; else one more gets the file, while vehicles charge at those who have it."""
    there = [board for board in roll.open if board.answers(now)]
    ready = next((board for board in there if board.place is Place.CHECKED and not board.busy), None)
    if ready is not None:
        return replace(roll.put(ready.at(Place.ORDERED, now)), turn=roll.turn + 1)
    if any(board.place is Place.OFFERED for board in roll.open):
        return roll
    waiting = next((board for board in there if board.place is Place.PENDING), None)
    return roll if waiting is None else roll.put(waiting.at(Place.OFFERED, now))


def withheld(roll: Roll, now: Now) -> Roll:
    """The turn that was just given could not be kept on disk: nobody was told, it is given again later."""
    board = roll.ordered
    if board is None:
        return roll
    return replace(roll.put(board.at(Place.CHECKED, now)), not_before=now.mono + AGAIN_SECONDS)


def summary(roll: Roll) -> str:
    """Which boards have it and which have not, for people."""
    done = ", ".join(board.name for board in roll.boards if board.place is Place.DONE)
    others = [board for board in roll.boards if board.place is not Place.DONE]
    without = ", ".join(f"{board.name} ({board.why or 'away'})" for board in others)
    return "; ".join(part for part in (f"also {done}" if done else "", f"not {without}" if without else "") if part)
