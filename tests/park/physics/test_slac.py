"""When the electronics know the car: after a second if it answers, else when the time for SLAC is over."""

from __future__ import annotations

import pytest

from park.physics.evse import Evse
from park.physics.hardware import EvseSpec
from park.physics.slac import MATCH_SECONDS, SLAC_SECONDS, Found, found
from park.physics.vehicle import VehicleSpec

MAC = "02:00:00:00:00:01"
PLUGGED = 100.0


def evse(mac: str) -> Evse:
    made = Evse(EvseSpec("cp1"), 0.0)
    made.plug(VehicleSpec(mac=mac), PLUGGED)
    return made


@pytest.mark.rule("B-063")
@pytest.mark.parametrize(("mac", "known", "after"), [(MAC, MAC, MATCH_SECONDS), ("", None, SLAC_SECONDS)])
def test_a_car_that_answers_is_known_after_a_second_and_another_is_given_up(mac: str, known: str | None, after: float):
    point = evse(mac)
    assert found(point, 0.0, PLUGGED + after - 0.1) is None
    assert found(point, 0.0, PLUGGED + after) == Found(PLUGGED, known)


@pytest.mark.parametrize(("mac", "after"), [(MAC, MATCH_SECONDS), ("", SLAC_SECONDS)])
def test_who_looks_later_knows_later(mac: str, after: float):
    assert found(evse(mac), PLUGGED + 50.0, PLUGGED + 50.0 + after - 0.1) is None
    assert found(evse(mac), PLUGGED + 50.0, PLUGGED + 50.0 + after) is not None


def test_without_a_car_nothing_is_found_and_the_next_is_another():
    point = evse(MAC)
    point.unplug(PLUGGED + 5.0)
    assert found(point, 0.0, PLUGGED + 60.0) is None
    point.plug(VehicleSpec(mac=MAC), PLUGGED + 70.0)
    assert found(point, 0.0, PLUGGED + 80.0) == Found(PLUGGED + 70.0, MAC)
