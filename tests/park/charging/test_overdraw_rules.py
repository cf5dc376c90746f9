"""A vehicle that draws more than it is offered."""

from __future__ import annotations

import pytest

from park.charging.overdraw import Overdraw, measured, offered, settle, tolerated_ma
from park.model.access import ConnectorStatus, ConnectorStatusChanged
from park.model.evse import PilotOutput, Signal
from tests.support.charge_point_harness import ChargePointHarness


@pytest.mark.parametrize(("offered_ma", "bound_ma"), [(16_000, 18_100), (6_000, 7_100), (0, 500)])
def test_ten_percent_and_half_an_ampere_are_tolerated(offered_ma: int, bound_ma: int) -> None:
    assert tolerated_ma(Overdraw(offered_ma=offered_ma), 0.0) == bound_ma


def test_the_current_before_a_reduction_is_tolerated_for_the_reaction_time() -> None:
    draw = offered(Overdraw(offered_ma=32_000), 16_000, 100.0)
    draw = offered(draw, 6_000, 103.0)
    assert tolerated_ma(draw, 104.9) == 35_700
    assert tolerated_ma(draw, 105.0) == 18_100
    assert tolerated_ma(draw, 108.0) == 7_100


def test_a_short_excess_is_forgiven() -> None:
    draw = Overdraw(offered_ma=10_000)
    draw = measured(draw, 16_000, 100.0)
    draw = settle(measured(draw, 10_000, 106.0), 107.0)
    assert draw.trips == 0
    draw = settle(measured(draw, 16_000, 108.0), 114.9)
    assert draw.trips == 0
    assert settle(draw, 115.0).trips == 1


@pytest.mark.rule("B-345")
def test_over_current_pauses_a_minute_and_the_second_time_until_unplug() -> None:
    park = ChargePointHarness()
    park.begin(10_000)
    park.electronics.follows = False
    park.overdraw_ma = 16_000
    park.advance(6)
    assert park.status is ConnectorStatus.CHARGING
    park.advance(3)
    assert park.electronics.output is PilotOutput.IDLE
    assert park.status is ConnectorStatus.FAULTED
    assert park.last(ConnectorStatusChanged).error_code == "OverCurrentFailure"
    park.advance(3)
    assert not park.electronics.closed
    assert not park.ended
    park.advance(57)
    assert park.status is not ConnectorStatus.FAULTED
    assert park.electronics.amps_ma == 10_000
    park.advance(12)
    assert park.status is ConnectorStatus.FAULTED
    offers = len(park.effects(Signal))
    park.advance(300)
    assert all(signal.amps_ma == 0 for signal in park.effects(Signal)[offers:])
    assert park.status is ConnectorStatus.FAULTED
    park.unplug()
    park.advance(2)
    assert park.status is ConnectorStatus.AVAILABLE
    assert len(park.ended) == 1


def test_a_car_that_ignores_a_reduction_is_cut_off_within_fifteen_seconds() -> None:
    park = ChargePointHarness()
    park.begin(32_000)
    park.electronics.follows = False
    park.overdraw_ma = 32_000
    park.keep_granting(6_000)
    lowered = park.mono
    park.advance(12.9)
    assert park.electronics.closed
    while park.electronics.closed:
        park.advance(0.1)
    assert park.mono - lowered <= 16.1  # 5 s reaction + 7 s + 3 s, and at most one reading period
