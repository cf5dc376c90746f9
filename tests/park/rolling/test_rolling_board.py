"""A board's side of a firmware: each turn is taken once, and what is on disk decides after a restart."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from park.model.storage import Committed, Row, Write
from park.model.time import Now
from park.rolling import board
from park.rolling.board import (
    FIRMWARE_KEY,
    FIRMWARE_TABLE,
    BeginFile,
    BoardEvent,
    BoardFacts,
    BoardState,
    FileInstalled,
    Held,
    InstallFile,
    Looked,
    PieceKept,
)
from park.rolling.messages import (
    BoardStage,
    FirmwareAsked,
    FirmwareOffered,
    FirmwareOrdered,
    FirmwarePiece,
    FirmwareStanding,
    FirmwareWanted,
)

NOW = Now(100.0, datetime(2026, 1, 5, tzinfo=UTC))
FACTS = BoardFacts("1.0", "boot 1", installer=True, most_bytes=1000)
HELD = Held("u1", 250, "ab" * 32, "", "", BoardStage.CHECKED)


def told(state: BoardState, *events: BoardEvent) -> tuple[BoardState, list[object]]:
    """Writes succeed at once."""
    found: list[object] = []
    for event in events:
        state, effects = board.step(state, event, NOW)
        found += effects
        for effect in effects:
            if isinstance(effect, Write):
                state, more = told(state, Committed(effect.token))
                found += more
    return state, found


def count(found: list[object], kind: type) -> int:
    return sum(isinstance(each, kind) for each in found)


def test_a_turn_that_was_declined_is_not_taken_later():
    state = BoardState(FACTS, HELD)
    state, found = told(state, FirmwareOrdered("u1", 4), Looked(busy=False), FirmwareOrdered("u1", 4))
    assert count(found, InstallFile) == 0
    assert found[-1] == FirmwareStanding("u1", BoardStage.CHECKED, 4, busy=False, version="1.0", problem="")
    state, found = told(state, FirmwareOrdered("u1", 5), FirmwareOrdered("u1", 6))
    assert count(found, InstallFile) == 1


def test_vehicles_do_not_matter_where_that_is_set():
    state = BoardState(replace(FACTS, with_sessions=True), HELD)
    _, found = told(state, Looked(busy=True), FirmwareOrdered("u1", 1))
    assert count(found, InstallFile) == 1


def test_a_turn_for_another_update_is_not_taken():
    _, found = told(BoardState(FACTS, HELD, busy=False), FirmwareOrdered("u2", 1))
    assert found == [FirmwareStanding("u2", BoardStage.NONE, 0, busy=False, version="1.0", problem="")]


@pytest.mark.parametrize("stage", [BoardStage.INSTALLING, BoardStage.INSTALLED])
def test_a_newer_file_waits_for_what_is_being_installed(stage: BoardStage):
    state = BoardState(FACTS, replace(HELD, stage=stage))
    state, found = told(state, FirmwareOffered("u2", 250, "cd" * 32, "", ""))
    assert count(found, BeginFile) == 0
    assert state.held is not None
    assert state.held.update == "u1"


def test_a_piece_that_comes_twice_is_written_once():
    state = BoardState(FACTS, replace(HELD, stage=BoardStage.FETCHING), have=0)
    piece = FirmwarePiece("u1", 0, b"x" * 100, "")
    state, found = told(state, piece, piece)
    assert len(found) == 1
    state, found = told(state, PieceKept("u1", 100), piece)
    assert found == [FirmwareWanted("u1", 100)]


RUNNING = replace(HELD, stage=BoardStage.INSTALLED, running="1.0", boot="boot 0")


@pytest.mark.parametrize(
    ("held", "stage"),
    [
        (replace(RUNNING, stage=BoardStage.INSTALLING), BoardStage.FAILED),
        (replace(RUNNING, stage=BoardStage.INSTALLING, running="0.9"), BoardStage.DONE),
        (RUNNING, BoardStage.DONE),  # the installer does not say what will run
        (replace(RUNNING, expected="1.0"), BoardStage.DONE),
        (replace(RUNNING, expected="2.0"), BoardStage.FAILED),
        (replace(RUNNING, boot="boot 1"), BoardStage.INSTALLED),  # the process is the one that installed it
        (HELD, BoardStage.CHECKED),
    ],
)
def test_what_runs_after_a_restart_decides(held: Held, stage: BoardStage):
    state, _ = board.restore(FACTS, (Row(FIRMWARE_TABLE, FIRMWARE_KEY, board.put(held).body),))
    assert state.held is not None
    assert state.held.stage is stage


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '{"update":1}'])
def test_a_row_that_cannot_be_read_is_as_none(body: str):
    assert board.restore(FACTS, (Row(FIRMWARE_TABLE, FIRMWARE_KEY, body),)) == (BoardState(FACTS), ())


@given(
    st.builds(
        Held,
        st.text(),
        st.integers(0),
        st.text(),
        st.text(),
        st.text(),
        st.sampled_from(BoardStage),
        st.integers(0),
        st.text(),
        st.text(),
        st.text(),
        st.text(),
    )
)
def test_a_row_is_read_as_it_was_written(held: Held):
    assert board.held_of(board.put(held).body) == held


def test_the_restart_is_ordered_once():
    state = BoardState(FACTS, replace(HELD, stage=BoardStage.INSTALLING, boot="boot 1"), busy=False)
    state, _ = told(state, FileInstalled("u1", "2.0"))
    _, found = told(state, Looked(busy=True), Looked(busy=False), Looked(busy=False), FirmwareAsked("u1"))
    assert count(found, board.RestartBoard) == 1
