"""The mode an operator gives a circuit: in force at once, and after a restart."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from park.load import coordinator
from park.load.limit_answers import AnswerLimit
from park.load.solar.orders import SOLAR_TABLE
from park.model.alarm import Alarm
from park.model.limit import LimitAnswer, LimitOutcome, LimitRefused
from park.model.solar import SetSolarMode, SolarMode
from park.model.storage import Committed, Delete, Put, Row, RowsLoaded, Write
from tests.park.load.boards import Boards
from tests.park.load.solar.sky import arrive, constant, signals, sunny, world
from tests.support.probe import Probe


def tell(boards: Boards, event: coordinator.CoordinatorEvent) -> tuple[coordinator.CoordinatorEffect, ...]:
    boards.state, effects = coordinator.step(boards.state, event, boards.clock())
    return effects


def ordered(boards: Boards, mode: SolarMode | None, circuit: str = "grid") -> tuple[LimitOutcome, Write | None]:
    """The answer once it is on disk, and what was written."""
    told: Probe[LimitOutcome] = Probe()
    effects = tell(boards, SetSolarMode("r", circuit, mode, told))
    write = next((effect for effect in effects if isinstance(effect, Write)), None)
    effects += () if write is None else tell(boards, Committed(write.token))
    for effect in effects:
        if isinstance(effect, AnswerLimit):
            effect.reply_to.tell(effect.outcome)
        if isinstance(effect, coordinator.Recompute):
            boards.tell(effect)
    return told.messages[-1], write


@pytest.mark.rule("B-085")
def test_the_operator_sets_the_mode_while_the_park_runs():
    boards = arrive(world(sunny(), constant(10_000))).run(90)
    answer, write = ordered(boards, SolarMode.GRID)
    assert isinstance(answer, LimitAnswer)
    assert answer.notes == ("mode grid, whatever the configuration says; the sun limits nothing",)
    assert write is not None
    assert write.writes == (Put(SOLAR_TABLE, "grid", '"grid"'),)
    assert signals(boards.run(15)) == [32_000]
    answer, write = ordered(boards, None)
    assert isinstance(answer, LimitAnswer)
    assert answer.notes == ("mode surplus, as the configuration says; charge points may take 7590 W by the sun",)
    assert write is not None
    assert write.writes == (Delete(SOLAR_TABLE, "grid"),)
    assert signals(boards.run(3)) == [10_000]


def test_who_does_not_follow_the_sun_is_told_who_does():
    refused, write = ordered(world(sunny(), constant(0)), SolarMode.GRID, "row")
    assert isinstance(refused, LimitRefused)
    assert "'row' does not follow the sun (those that do: grid)" in refused.reason
    assert write is None


def test_a_mode_of_before_holds_after_a_restart_and_rows_of_no_use_go():
    boards = world(sunny(), constant(0))
    boards.settings = replace(boards.settings, keeps_limits=True)
    boards.start_coordinator(epoch=2)
    rows = Row(SOLAR_TABLE, "grid", '"grid"'), Row(SOLAR_TABLE, "gone", '"grid"')
    (write,) = (effect for effect in tell(boards, RowsLoaded(rows)) if isinstance(effect, Write))
    assert write.writes == (Delete(SOLAR_TABLE, "gone"),)
    assert boards.state.suns[0].ceiling.mode is SolarMode.GRID


@pytest.mark.parametrize("body", ['"sun"', "{", "3", "[]"])
def test_a_mode_that_cannot_be_read_is_told_and_that_of_the_configuration_holds(body: str):
    boards = world(sunny(), constant(0))
    boards.settings = replace(boards.settings, keeps_limits=True)
    boards.start_coordinator(epoch=2)
    effects = tell(boards, RowsLoaded((Row(SOLAR_TABLE, "grid", body),)))
    assert [effect.code for effect in effects if isinstance(effect, Alarm)] == ["solar-mode-unreadable"]
    assert boards.state.suns[0].ceiling.mode is SolarMode.SURPLUS
