"""When the electronics know the car: after a second if it answers, else when the time for SLAC is over."""

from __future__ import annotations

import pytest

from park.model.evse import PilotOutput, Signal
from park.physics.evse import Evse
from park.physics.hardware import EvseSpec
from park.physics.slac import SLAC_SECONDS, Found, found
from park.physics.vehicle import MATCH_SECONDS, VehicleSpec

MAC = "02:00:00:00:00:01"
PLUGGED = 100.0


def evse(mac: str, *, talks: bool = True) -> Evse:
    """A car comes; the controller signals 5 % then, or not."""
    made = Evse(EvseSpec("cp1"), 0.0)
    made.plug(VehicleSpec(mac=mac), PLUGGED)
    if talks:
        show(made, PilotOutput.DIGITAL, PLUGGED)
    return made


def show(made: Evse, output: PilotOutput, mono: float) -> None:
    made.apply(Signal("cp1", output, 0, (1, 2, 3), 1_000.0, 0, made.token + 1, mono + 1_000.0), mono)


def known(made: Evse, mono: float, since: float = 0.0) -> Found | None:
    made.advance(mono)
    return found(made, since, mono)


@pytest.mark.rule("B-063", "B-064")
@pytest.mark.parametrize(("mac", "told", "after"), [(MAC, MAC, MATCH_SECONDS), ("", None, SLAC_SECONDS)])
def test_a_car_that_answers_is_known_after_a_second_and_another_is_given_up(mac: str, told: str | None, after: float):
    point = evse(mac)
    assert known(point, PLUGGED + after - 0.1) is None
    assert point.report().matched is False
    assert known(point, PLUGGED + after) == Found(PLUGGED, told)
    assert point.report().matched is (told is not None)


@pytest.mark.rule("B-064")
def test_a_car_is_not_heard_where_nobody_signals_five_percent():
    point = evse(MAC, talks=False)
    assert known(point, PLUGGED + SLAC_SECONDS - 0.1) is None
    assert point.report().matched is None
    assert known(point, PLUGGED + SLAC_SECONDS) == Found(PLUGGED, None)


def test_a_car_that_is_cut_short_is_not_known():
    point = evse(MAC)
    show(point, PilotOutput.IDLE, PLUGGED + MATCH_SECONDS / 2)
    assert known(point, PLUGGED + SLAC_SECONDS) == Found(PLUGGED, None)


@pytest.mark.parametrize(("mac", "after"), [(MAC, 0.0), ("", SLAC_SECONDS)])
def test_who_looks_later_knows_later(mac: str, after: float):
    since = PLUGGED + 50.0
    assert known(evse(mac), since + after - 0.1, since) is None
    assert known(evse(mac), since + after, since) is not None


def test_without_a_car_nothing_is_found_and_the_next_is_another():
    point = evse(MAC)
    point.unplug(PLUGGED + 5.0)
    assert known(point, PLUGGED + 60.0) is None
    point.plug(VehicleSpec(mac=MAC), PLUGGED + 70.0)  # 5 % is signalled still
    assert known(point, PLUGGED + 80.0) == Found(PLUGGED + 70.0, MAC)
