"""Several who say how a circuit follows the sun: whose word holds, for how long, and after a restart."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from park.load import coordinator
from park.load.limit_answers import AnswerLimit
from park.load.limits import SOURCES
from park.load.solar.modes import STRICTNESS, Modes, Word
from park.load.solar.rows import SOLAR_TABLE, row_body, row_key, word_of
from park.model.limit import LimitAnswer, LimitKind, LimitOutcome, LimitRefused, Refusal
from park.model.signals import Tick, WakeAt
from park.model.solar import SetSolarMode, SolarMode
from park.model.storage import Committed, Delete, Put, Row, RowsLoaded, Write
from tests.park.load.boards import Boards
from tests.park.load.solar.sky import arrive, constant, signals, sunny, world
from tests.support.probe import Probe

MANAGER, OPERATOR = LimitKind.ENERGY_MANAGER, LimitKind.OPERATOR
SURPLUS, SOLAR, GRID = SolarMode.SURPLUS, SolarMode.SOLAR, SolarMode.GRID


def told(boards: Boards, event: coordinator.CoordinatorEvent) -> tuple[coordinator.CoordinatorEffect, ...]:
    boards.state, effects = coordinator.step(boards.state, event, boards.clock())
    for effect in effects:
        if isinstance(effect, coordinator.Recompute):
            boards.tell(effect)
    return effects


def ordered(
    boards: Boards,
    mode: SolarMode | None,
    source: str = "hems",
    seconds: float | None = None,
    kind: LimitKind = MANAGER,
) -> LimitOutcome:
    """The answer once what was written is on disk."""
    answers: Probe[LimitOutcome] = Probe()
    effects = told(boards, SetSolarMode("r", "grid", mode, answers, kind, source, seconds))
    for effect in effects:
        if isinstance(effect, Write):
            effects += told(boards, Committed(effect.token))
    for effect in effects:
        if isinstance(effect, AnswerLimit):
            effect.reply_to.tell(effect.outcome)
    return answers.messages[-1]


def done(outcome: LimitOutcome) -> tuple[str, bool]:
    """What holds in words, and whether it is what was asked for."""
    assert isinstance(outcome, LimitAnswer), outcome
    return outcome.notes[0].split(";")[0], outcome.binds


def refused(outcome: LimitOutcome) -> tuple[Refusal, str]:
    assert isinstance(outcome, LimitRefused), outcome
    return outcome.because, outcome.reason


# ------------------------------------------------------------ whose word holds


@pytest.mark.rule("B-085")
def test_the_strictest_of_all_who_say_so_holds_and_the_configuration_while_nobody_does():
    boards = arrive(world(sunny(), constant(10_000))).run(90)
    assert done(ordered(boards, GRID)) == ("mode grid, whatever the configuration says", True)
    assert signals(boards.run(15)) == [32_000]
    stricter = "mode solar, as operator says: the strictest of all holds"
    assert done(ordered(boards, SOLAR, "operator", kind=OPERATOR)) == (
        "mode solar, whatever the configuration says",
        True,
    )
    assert done(ordered(boards, GRID)) == (stricter, False)
    assert signals(boards.run(3)) == [10_000]
    assert done(ordered(boards, None, "operator", kind=OPERATOR)) == (
        "mode grid, as hems says: the strictest of all holds",
        False,
    )
    assert done(ordered(boards, None)) == ("mode surplus, as the configuration says", False)
    assert not boards.violations


def test_the_reason_says_who_wants_it_so():
    boards = arrive(world(sunny(mode=GRID), constant(10_000))).run(90)
    ordered(boards, SURPLUS, "hems/roof")
    boards.run(10)
    binding = boards.state.points[0].reason[0]
    assert (binding.limit, binding.source) == ("solar", "surplus by meter grid-meter, as hems/roof says")


words = st.lists(
    st.builds(
        Word,
        st.sampled_from([MANAGER, OPERATOR]),
        st.sampled_from("abc"),
        st.sampled_from(list(SolarMode)),
        st.none() | st.floats(1, 9),
        unsure=st.booleans(),
    ),
    unique_by=lambda word: word.voice,
)


@given(words, st.sampled_from(list(SolarMode)), st.randoms(use_true_random=False))
def test_s7_the_order_in_which_they_say_it_changes_nothing(
    said: list[Word], configured: SolarMode, shuffler: random.Random
):
    one, other = Modes(configured), Modes(configured)
    for word in said:
        one.say(word)
    shuffler.shuffle(said)
    for word in said:
        other.say(word)
    assert one.holds() == other.holds()
    mode, whose = one.holds()
    assert (whose is None) == (not said)
    assert all(STRICTNESS[mode] <= STRICTNESS[word.mode] for word in said)
    if not said:
        assert mode is configured
    elif all(word.unsure for word in said):
        assert STRICTNESS[mode] <= STRICTNESS[configured]


# ------------------------------------------------------------ how long


def test_a_word_with_a_validity_ends_on_the_monotonic_clock_and_is_off_the_disk():
    boards = arrive(world(sunny(), constant(10_000))).run(90)
    ordered(boards, GRID, seconds=30.0)
    boards.wall = boards.wall.replace(year=2030)
    assert signals(boards.run(29)) == [32_000]
    boards.now += 2.0
    (write,) = (effect for effect in told(boards, Tick()) if isinstance(effect, Write))
    assert write.writes == (Delete(SOLAR_TABLE, row_key("grid", (MANAGER, "hems"))),)
    assert boards.state.suns[0].ceiling.mode is SURPLUS
    assert signals(boards.run(10)) == [10_000]


def test_its_end_is_looked_at_when_it_comes():
    boards = arrive(world(sunny(), constant(10_000))).run(90)
    effects = told(boards, SetSolarMode("r", "grid", GRID, Probe(), MANAGER, "hems", 7.0))
    assert WakeAt(boards.clock().mono + 7.0) in effects


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 366 * 86_400.0 + 1])
def test_a_validity_that_cannot_be_is_refused(seconds: float):
    because, text = refused(ordered(world(sunny(), constant(0)), GRID, seconds=seconds))
    assert because is Refusal.INVALID
    assert "is not possible; give more than 0 s and at most a year" in text


@pytest.mark.rule("B-264")
def test_a_sixth_source_is_refused_and_one_that_said_nothing_has_nothing_to_clear():
    boards = world(sunny(), constant(0))
    for number in range(SOURCES):
        done(ordered(boards, GRID, f"hems/{number}"))
    assert refused(ordered(boards, GRID, "hems/6"))[0] is Refusal.TOO_MANY
    assert done(ordered(boards, SURPLUS, "hems/0"))[1]
    done(ordered(boards, SURPLUS, "operator", kind=OPERATOR))  # of another kind
    because, text = refused(ordered(boards, None, "other"))
    assert because is Refusal.NO_SUCH_LIMIT
    assert text == "other gave grid no mode (those who did: hems/0, hems/1, hems/2, hems/3, hems/4)"


# ------------------------------------------------------------ the disk

GIVEN = Word(MANAGER, "hems/roof", GRID, 130.0, 60.0)


@pytest.mark.parametrize(
    "word",
    [GIVEN, replace(GIVEN, until=None, seconds=None), Word(OPERATOR, "operator", SOLAR), Word(OPERATOR, "x", GRID)],
)
def test_a_word_is_read_back_as_it_was_said(word: Word):
    row = Row(SOLAR_TABLE, row_key("row [1]", word.voice), row_body(word, "b1"))
    assert word_of(row, "b1", 100.0) == ("row [1]", word)


def test_after_a_restart_of_the_machine_it_may_have_run_out_so_the_stricter_holds():
    row = Row(SOLAR_TABLE, row_key("grid", GIVEN.voice), row_body(GIVEN, "b1"))
    assert word_of(row, "b2", 5.0) == ("grid", replace(GIVEN, until=65.0, unsure=True))
    assert word_of(row, "", 5.0)[1].unsure
    for configured, holds in ((SURPLUS, SURPLUS), (GRID, GRID)):
        modes = Modes(configured)
        modes.say(word_of(row, "b2", 5.0)[1])
        assert modes.holds()[0] is holds


def test_a_clock_that_went_back_makes_no_validity_longer():
    row = Row(SOLAR_TABLE, row_key("grid", GIVEN.voice), row_body(replace(GIVEN, until=9_000.0), "b1"))
    assert word_of(row, "b1", 100.0)[1].until == 160.0


def test_words_of_before_hold_again_and_one_said_too_early_waits_for_them():
    boards = world(sunny(), constant(0))
    boards.settings = replace(boards.settings, keeps_limits=True, machine_boot="b1")
    boards.start_coordinator(epoch=2)
    early = told(boards, SetSolarMode("r", "grid", SOLAR, None, MANAGER, "late"))
    assert not [effect for effect in early if isinstance(effect, Write)]
    said = [replace(GIVEN, until=None, seconds=None), Word(MANAGER, "gone", SURPLUS, -1.0, 60.0)]
    rows = tuple(Row(SOLAR_TABLE, row_key("grid", word.voice), row_body(word, "b1")) for word in said)
    (write,) = (effect for effect in told(boards, RowsLoaded(rows)) if isinstance(effect, Write))
    assert [type(each) for each in write.writes] == [Put]
    (over,) = (effect for effect in told(boards, Tick()) if isinstance(effect, Write))
    assert over.writes == (Delete(SOLAR_TABLE, row_key("grid", (MANAGER, "gone"))),)
    assert [word.source for word in boards.state.suns[0].modes.words()] == ["hems/roof", "late"]
    assert boards.state.suns[0].ceiling.mode is SOLAR
