"""A load that is believed at once when it rises, and after a while when it falls."""

from __future__ import annotations

import pytest

from park.load.hold import DEADBAND_MA, STEP_MA, TURN_SECONDS, PeakHold
from park.model.electric import PerPhase


def on(phase: int, current_ma: int, others_ma: int = 0) -> PerPhase:
    loads = [others_ma] * 3
    loads[phase] = current_ma
    return (loads[0], loads[1], loads[2])


PHASES = pytest.mark.parametrize("phase", [0, 1, 2])


@PHASES
@pytest.mark.parametrize(
    ("load_ma", "held_ma"), [(1, STEP_MA), (STEP_MA, STEP_MA), (STEP_MA + 1, 2 * STEP_MA), (10_000, 10_000)]
)
def test_a_rise_is_held_at_once_rounded_up_on_its_phase_only(phase: int, load_ma: int, held_ma: int):
    hold = PeakHold()
    assert hold.rise(on(phase, load_ma))
    assert hold.held_ma == on(phase, held_ma)


@PHASES
def test_what_is_no_rise_changes_nothing(phase: int):
    hold = PeakHold((5_000, 5_000, 5_000))
    assert not hold.rise((5_000, 5_000, 5_000))
    assert not hold.rise(on(phase, 4_999, 5_000))
    assert hold.held_ma == (5_000, 5_000, 5_000)
    assert hold.rise(on(phase, 5_001, 1_000))
    assert hold.held_ma == on(phase, 5_250, 5_000)


@PHASES
def test_a_fall_is_believed_after_one_to_two_turns(phase: int):
    hold = PeakHold(on(phase, 10_000))
    assert not hold.follow(on(phase, 10_000), 100.0)
    assert not hold.follow(on(phase, 4_000), 100.0 + TURN_SECONDS), "10 A was seen in this turn"
    assert not hold.follow(on(phase, 4_000), 100.0 + 2 * TURN_SECONDS), "and in the one before"
    assert not hold.follow(on(phase, 4_000), 100.0 + 3 * TURN_SECONDS - 0.1)
    assert hold.held_ma == on(phase, 10_000)
    assert hold.follow(on(phase, 4_000), 100.0 + 3 * TURN_SECONDS)
    assert hold.held_ma == on(phase, 4_000)
    assert not hold.follow(on(phase, 4_000), 100.0 + 4 * TURN_SECONDS)


@PHASES
def test_a_peak_within_the_last_turns_is_remembered(phase: int):
    hold = PeakHold(on(phase, 10_000))
    hold.follow(on(phase, 4_000), 0.0)
    hold.follow(on(phase, 4_000), 5.0)
    hold.follow(on(phase, 8_000), 7.0)
    hold.follow(on(phase, 4_000), 10.0)
    assert hold.follow(on(phase, 4_000), 15.0)
    assert hold.held_ma == on(phase, 8_000)
    assert hold.follow(on(phase, 4_000), 20.0)
    assert hold.held_ma == on(phase, 4_000)


def test_the_load_at_a_turn_belongs_to_the_next_one_too():
    hold = PeakHold((10_000, 0, 0))
    hold.follow((0, 0, 0), 0.0)
    hold.follow((6_000, 0, 0), 5.0)
    hold.follow((0, 0, 0), 10.0)
    hold.follow((0, 0, 0), 15.0)
    assert hold.held_ma == (6_000, 0, 0), "it was there when that turn began"
    hold.follow((0, 0, 0), 20.0)
    assert hold.held_ma == (0, 0, 0)


@pytest.mark.parametrize(("load_ma", "held_ma"), [(9_501, 10_000), (9_500, 9_500), (9_400, 9_500), (9_750, 10_000)])
def test_a_fall_within_the_deadband_moves_nothing(load_ma: int, held_ma: int):
    assert DEADBAND_MA == 2 * STEP_MA
    hold = PeakHold((10_000, 10_000, 10_000))
    for turn in range(4):
        hold.follow((load_ma, load_ma, load_ma), turn * TURN_SECONDS)
    assert hold.held_ma == (held_ma, held_ma, held_ma)


def test_step_and_deadband_can_be_others():
    hold = PeakHold((0, 0, 0), 1_000, 400)
    assert hold.rise((401, 0, 0))
    assert hold.held_ma == (800, 0, 0)
    for turn in range(4):
        hold.follow((0, 0, 0), turn * TURN_SECONDS)
    assert hold.held_ma == (800, 0, 0), "less than the deadband"


def test_the_last_step_is_given_up_only_after_so_many_turns_without_anything():
    """S8: noise that is now above, now below what is expected moves nothing."""
    hold = PeakHold(last_turns=3, deadband_ma=STEP_MA)
    hold.rise((900, 0, 0))
    hold.follow((900, 0, 0), 0.0)
    held = [hold.held_ma[0] for turn in range(1, 7) if hold.follow((0, 0, 0), turn * TURN_SECONDS) or True]
    assert held == [1_000, 1_000, STEP_MA, STEP_MA, 0, 0]


def test_anything_in_between_keeps_the_last_step():
    hold = PeakHold(last_turns=3, deadband_ma=STEP_MA)
    hold.rise((10, 0, 0))
    for turn in range(20):
        hold.follow((10 if turn % 3 == 0 else 0, 0, 0), turn * TURN_SECONDS)
        assert hold.held_ma == (STEP_MA, 0, 0)


def test_a_rise_on_one_phase_is_seen_beside_a_neighbour_that_holds_more():
    for phase in range(3):
        hold = PeakHold(on(phase, 4_000, 6_000))
        assert hold.rise(on(phase, 4_500, 0)), phase
        assert hold.held_ma == on(phase, 4_500, 6_000)


@PHASES
def test_a_last_step_that_nobody_saw_again_is_given_up_after_its_turns(phase: int):
    hold = PeakHold(deadband_ma=STEP_MA, last_turns=2)
    hold.rise(on(phase, 1))
    nothing = (0, 0, 0)
    held = []
    for turn in range(3):
        hold.follow(nothing, turn * TURN_SECONDS)
        held.append(hold.held_ma[phase])
    assert held == [STEP_MA, STEP_MA, 0]
