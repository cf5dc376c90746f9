"""What the server makes of a board's word."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from park.model.time import Now
from park.rolling import roll as rolls
from park.rolling.messages import BoardStage, FirmwareStanding
from park.rolling.roll import WHY_LENGTH, Board, Place, Roll

NOW = Now(100.0, datetime(2026, 1, 5, tzinfo=UTC))


def rolling(*boards: Board, turn: int = 3) -> Roll:
    return Roll("u1", "/data/f", 250, "ab" * 32, "", "", boards, NOW.wall, turn)


def standing(stage: BoardStage, turn: int = 0, update: str = "u1", problem: str = "") -> FirmwareStanding:
    return FirmwareStanding(update, stage, turn, busy=False, version="1.0", problem=problem)


@pytest.mark.parametrize(
    ("place", "said", "then"),
    [
        (Place.ORDERED, standing(BoardStage.CHECKED, 2), Place.ORDERED),  # said before it heard of its turn
        (Place.ORDERED, standing(BoardStage.CHECKED, 3), Place.CHECKED),  # declined
        (Place.ORDERED, standing(BoardStage.NONE), Place.FAILED),
        (Place.ORDERED, standing(BoardStage.DONE, update="u0"), Place.ORDERED),
        (Place.CHECKED, standing(BoardStage.NONE), Place.PENDING),
        (Place.OFFERED, standing(BoardStage.NONE), Place.OFFERED),
        (Place.PENDING, standing(BoardStage.INSTALLING), Place.ORDERED),  # of a turn this server forgot
        (Place.PENDING, standing(BoardStage.FETCHING), Place.OFFERED),
        (Place.DONE, standing(BoardStage.FAILED), Place.DONE),
        (Place.LEFT, standing(BoardStage.DONE), Place.LEFT),
    ],
)
def test_where_a_board_is_after_its_word(place: Place, said: FirmwareStanding, then: Place):
    roll = rolls.heard(rolling(Board("bay-1", place)), "bay-1", said, NOW)
    assert [board.place for board in roll.boards] == [then]


def test_a_board_that_declined_is_not_asked_again_at_once():
    roll = rolls.heard(rolling(Board("bay-1", Place.ORDERED)), "bay-1", standing(BoardStage.CHECKED, 3), NOW)
    assert rolls.advance(roll, NOW)[0].turn == 3


def test_a_board_nobody_knows_changes_nothing():
    roll = rolling(Board("bay-1"))
    assert rolls.heard(roll, "bay-2", standing(BoardStage.FAILED), NOW) == roll


def test_a_board_does_not_fill_the_disk_with_its_reasons():
    said = standing(BoardStage.FAILED, problem="x" * 10_000)
    failed = rolls.heard(rolling(Board("bay-1")), "bay-1", said, NOW).failed
    assert failed is not None
    assert len(failed.why) == WHY_LENGTH
