"""5 % on the pilot: a vehicle may tell who it is before any current is offered (B-064)."""

from __future__ import annotations

import pytest

from park.model.evse import PilotOutput, PilotState, Signal
from tests.support.charge_point_harness import ChargePointHarness, settings

SLAC = 20.0

pytestmark = [pytest.mark.rule("B-064")]


def harness(seconds: float = SLAC) -> ChargePointHarness:
    return ChargePointHarness(settings(slac_seconds=seconds))


def outputs(point: ChargePointHarness) -> list[PilotOutput]:
    """What the pilot was told, without repeats."""
    told = [effect.output for _, effect in point.log if isinstance(effect, Signal)]
    return [each for number, each in enumerate(told) if number == 0 or told[number - 1] is not each]


def test_a_vehicle_without_a_card_may_talk_for_its_time():
    point = harness()
    point.plug()
    point.advance(SLAC - 0.5)
    assert outputs(point)[-1] is PilotOutput.DIGITAL
    point.advance(1.0)
    assert outputs(point)[-1] is PilotOutput.IDLE


def test_who_is_authorized_before_gets_current_when_the_time_is_over():
    point = harness()
    point.plug()
    point.authorize()
    point.keep_granting(16_000)
    point.advance(SLAC - 0.5)
    assert point.electronics.output is PilotOutput.DIGITAL
    assert not point.electronics.permitted
    point.advance(1.5)
    assert point.electronics.output is PilotOutput.PWM
    assert point.electronics.amps_ma == 16_000


def test_a_vehicle_that_is_known_gets_current_at_once():
    point = harness()
    point.plug()
    point.authorize()
    point.keep_granting(16_000)
    point.advance(2.0)
    point.electronics.matched = True
    point.report_changes()
    point.advance(0.5)
    assert point.electronics.output is PilotOutput.PWM


def test_it_talks_once_a_visit():
    point = harness()
    point.plug()
    point.authorize()
    point.keep_granting(16_000)
    point.advance(SLAC + 10.0)
    point.keep_granting(0)
    point.advance(30.0)
    assert outputs(point).count(PilotOutput.DIGITAL) == 1
    point.unplug()
    point.advance(5.0)
    point.plug()
    point.advance(1.0)
    assert outputs(point).count(PilotOutput.DIGITAL) == 2


def test_a_vehicle_that_is_ready_by_itself_is_not_asked():
    point = harness()
    point.electronics.follows = False
    point.plug(pilot=PilotState.C)
    point.advance(SLAC)
    assert PilotOutput.DIGITAL not in outputs(point)


@pytest.mark.parametrize("changes", [{"slac_seconds": 0.0}, {"slac_seconds": SLAC, "operative": False}])
def test_nobody_is_asked_without_a_modem_or_out_of_service(changes: dict[str, object]):
    point = ChargePointHarness(settings(**changes))
    point.plug()
    point.advance(SLAC)
    assert PilotOutput.DIGITAL not in outputs(point)
