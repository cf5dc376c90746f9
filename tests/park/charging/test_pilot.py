"""Duty cycles, currents and voltages of the control pilot."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.charging.pilot import DutyMeaning, current_for, duty_for, meaning_of, state_at
from park.model.evse import PilotState


@pytest.mark.parametrize(
    ("duty", "current_ma"),
    [
        (0.0, 0),
        (2.9, 0),
        (5.0, 0),
        (7.5, 0),
        (8.0, 6_000),
        (9.99, 6_000),
        (10.0, 6_000),
        (16.0, 9_600),
        (26.7, 16_020),
        (50.0, 30_000),
        (85.0, 51_000),
        (85.1, 52_750),
        (96.0, 80_000),
        (96.5, 80_000),
        (97.0, 80_000),
        (97.1, 0),
        (100.0, 0),
        (math.nan, 0),
        (-1.0, 0),
        (1000.0, 0),
    ],
)
def test_a_vehicle_reads_the_current_of_table_a8(duty: float, current_ma: int) -> None:
    assert current_for(duty) == current_ma


@pytest.mark.parametrize(
    ("current_ma", "duty"),
    [(0, 100.0), (6_000, 10.0), (16_000, 26.667), (32_000, 53.333), (51_000, 85.0), (52_000, 85.0), (80_000, 96.0)],
)
def test_the_station_offers_by_duty_cycle(current_ma: int, duty: float) -> None:
    assert duty_for(current_ma) == pytest.approx(duty, abs=0.001)


@pytest.mark.parametrize("current_ma", [-1, 1, 5_999, 80_001])
def test_no_duty_cycle_says_these_currents(current_ma: int) -> None:
    with pytest.raises(ValueError, match="offers 0 or 6000 to 80000 mA"):
        duty_for(current_ma)


@given(st.integers(6_000, 80_000))
def test_the_vehicle_never_reads_more_than_was_meant(current_ma: int) -> None:
    read = current_for(duty_for(current_ma))
    assert current_ma - 1_501 <= read <= current_ma + 1  # 51 … 52.5 A is the gap between the slopes


@pytest.mark.rule("B-301")
@pytest.mark.parametrize(
    ("duty", "meaning"),
    [
        (0.0, DutyMeaning.UNAVAILABLE),
        (5.0, DutyMeaning.DIGITAL),
        (3.0, DutyMeaning.DIGITAL),
        (7.0, DutyMeaning.DIGITAL),
        (7.5, DutyMeaning.NO_CHARGING),
        (8.0, DutyMeaning.CURRENT),
        (97.0, DutyMeaning.CURRENT),
        (98.0, DutyMeaning.NO_CHARGING),
        (100.0, DutyMeaning.IDLE),
    ],
)
def test_what_a_duty_cycle_means(duty: float, meaning: DutyMeaning) -> None:
    assert meaning_of(duty) is meaning


@pytest.mark.rule("B-301")
@pytest.mark.parametrize(
    ("volts", "state"),
    [
        (12.0, PilotState.A),
        (11.2, PilotState.A),
        (9.4, PilotState.B),
        (6.0, PilotState.C),
        (3.0, PilotState.D),
        (0.3, PilotState.E),
        (-12.0, PilotState.F),
        (10.5, None),
        (-5.0, None),
        (math.nan, None),
    ],
)
def test_the_state_behind_a_voltage(volts: float, state: PilotState | None) -> None:
    assert state_at(volts) is state
