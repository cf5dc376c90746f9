"""A vehicle that fell asleep while it waited is woken by 0 V on the pilot, once (B-281)."""

from __future__ import annotations

import pytest

from park.charging.waking import ZERO_SECONDS
from park.model.access import ConnectorStatus, ConnectorStatusChanged
from park.model.evse import PilotOutput, SetContactor, Signal
from tests.support.charge_point_harness import ChargePointHarness, settings

PATIENCE = 30.0

pytestmark = [pytest.mark.rule("B-281")]


def parked(patience: float = PATIENCE, *, sleeps: bool = True) -> ChargePointHarness:
    """A vehicle that may charge and is offered 16 A, since now."""
    point = ChargePointHarness(settings(wake_up_seconds=patience))
    point.electronics.sleeps = sleeps
    point.plug()
    point.authorize()
    point.keep_granting(16_000)
    point.advance(1)
    return point


def woken(point: ChargePointHarness) -> list[float]:
    """When 0 V began; what is sent again while they last is no other time."""
    times = point.times(Signal, output=PilotOutput.ZERO)
    return [at for number, at in enumerate(times) if number == 0 or at > times[number - 1] + ZERO_SECONDS]


def test_who_takes_no_current_is_woken_and_charges():
    point = parked()
    offered = point.times(Signal, output=PilotOutput.PWM)[0]
    point.advance(PATIENCE + ZERO_SECONDS + 10)
    assert woken(point) == [pytest.approx(offered + PATIENCE, abs=0.1)]
    back = next(at for at in point.times(Signal, output=PilotOutput.PWM) if at > woken(point)[0])
    assert back - woken(point)[0] == pytest.approx(ZERO_SECONDS, abs=0.1)
    assert point.status is ConnectorStatus.CHARGING
    assert point.electronics.amps_ma == 16_000


def test_nobody_sees_a_fault_or_a_pause_meanwhile_and_no_contactor_moves():
    point = parked()
    point.advance(PATIENCE - 1)
    assert point.status is ConnectorStatus.SUSPENDED_EV
    told, moved = len(point.effects(ConnectorStatusChanged)), len(point.effects(SetContactor))
    point.advance(1 + ZERO_SECONDS / 2)
    assert point.electronics.output is PilotOutput.ZERO
    assert not point.state.faults
    assert point.state.vehicle.present
    assert point.effects(ConnectorStatusChanged)[told:] == []
    assert point.effects(SetContactor)[moved:] == []


def test_who_stays_asleep_is_left_alone_until_current_is_offered_anew():
    point = parked()
    point.electronics.follows = False
    point.advance(10 * PATIENCE)
    assert len(woken(point)) == 1
    point.keep_granting(0)
    point.advance(20)
    point.keep_granting(16_000)
    point.advance(2 * PATIENCE)
    assert len(woken(point)) == 2


def test_who_has_charged_and_is_full_is_left_alone():
    point = parked(sleeps=False)
    point.advance(5)
    assert point.status is ConnectorStatus.CHARGING
    point.electronics.sleeps = True
    point.advance(10 * PATIENCE)
    assert point.status is ConnectorStatus.SUSPENDED_EV
    assert woken(point) == []


def test_by_preset_nobody_is_woken():
    point = parked(0.0)
    point.advance(600)
    assert woken(point) == []


def test_who_may_not_charge_may_sleep():
    point = ChargePointHarness(settings(wake_up_seconds=PATIENCE))
    point.electronics.sleeps = True
    point.plug()
    point.keep_granting(16_000)
    point.advance(10 * PATIENCE)
    assert woken(point) == []


def test_should_the_controller_die_meanwhile_the_deadman_ends_it():
    point = parked()
    point.advance(PATIENCE)
    assert point.electronics.output is PilotOutput.ZERO
    assert point.electronics.expires <= woken(point)[0] + ZERO_SECONDS + 2.0


def test_the_plug_pulled_meanwhile_ends_the_visit():
    point = parked()
    point.advance(PATIENCE)
    assert point.electronics.output is PilotOutput.ZERO
    point.unplug()
    assert not point.state.vehicle.present, "the socket is empty, whatever the pilot says"
    point.advance(10)
    assert point.status is ConnectorStatus.AVAILABLE
