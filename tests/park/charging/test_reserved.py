"""A connector that is kept for somebody: the status it shows, and the session that uses the reservation up."""

from __future__ import annotations

from datetime import timedelta

from park.model.access import AuthorizationGranted, ConnectorStatus, ConnectorStatusChanged
from park.model.reservation import ConnectorReserved
from park.model.session import SessionStarted
from tests.support.charge_point_harness import NAME, ChargePointHarness

CARD = "04A1B2C3"


def statuses(point: ChargePointHarness) -> list[ConnectorStatus]:
    return [effect.status for _, effect in point.log if isinstance(effect, ConnectorStatusChanged)]


def reserved(point: ChargePointHarness, seconds: float | None = 600.0) -> None:
    expires = None if seconds is None else point.now().wall + timedelta(seconds=seconds)
    point.send(ConnectorReserved(NAME, expires))


def test_it_says_so_and_is_available_again_at_its_time():
    point = ChargePointHarness()
    reserved(point)
    assert statuses(point)[-1] is ConnectorStatus.RESERVED
    point.advance(599)
    assert statuses(point)[-1] is ConnectorStatus.RESERVED
    point.advance(2)
    assert statuses(point)[-1] is ConnectorStatus.AVAILABLE


def test_cancelled_it_is_available():
    point = ChargePointHarness()
    reserved(point)
    reserved(point, None)
    assert statuses(point)[-1] is ConnectorStatus.AVAILABLE


def test_a_reservation_that_is_over_or_of_another_changes_nothing():
    point = ChargePointHarness()
    before = len(statuses(point))
    reserved(point, -1)
    point.send(ConnectorReserved("garage-1/cp2", point.now().wall + timedelta(hours=1)))
    assert len(statuses(point)) == before


def test_a_vehicle_that_comes_is_preparing_and_leaves_it_reserved():
    point = ChargePointHarness()
    reserved(point)
    point.plug()
    assert statuses(point)[-1] is ConnectorStatus.PREPARING
    point.unplug()
    assert statuses(point)[-1] is ConnectorStatus.RESERVED


def test_a_card_that_finds_no_vehicle_in_time_leaves_it_reserved():
    point = ChargePointHarness()
    reserved(point)
    point.send(AuthorizationGranted(NAME, CARD, "backend", reservation=7))
    assert statuses(point)[-1] is ConnectorStatus.PREPARING
    point.advance(61)
    assert statuses(point)[-1] is ConnectorStatus.RESERVED


def test_the_start_tells_which_reservation_it_uses_up():
    point = ChargePointHarness()
    reserved(point)
    point.send(AuthorizationGranted(NAME, CARD, "backend", reservation=7))
    point.plug()
    point.advance(3)
    (start,) = [fact for fact in point.facts.values() if isinstance(fact, SessionStarted)]
    assert start.reservation == 7
