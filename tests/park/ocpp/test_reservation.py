"""ReserveNow and CancelReservation: what is answered, what the park hears, and what ends a reservation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from park.model.access import UNREACHABLE, ConnectorStatus, ConnectorStatusChanged, RepeatSettings
from park.model.reservation import ConnectorReserved, ReservationsHeld
from park.ocpp.link import BackendCalled, SendResult
from tests.support.facts import started
from tests.support.station import Station, started_answer

WALL = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def station(keys: dict[str, str] | None = None, *statuses: ConnectorStatus) -> Station:
    """Three connectors, available unless told otherwise."""
    made = Station(keys)
    made.wall = WALL
    made.online()
    for connector in (1, 2, 3):
        status = statuses[connector - 1] if len(statuses) >= connector else ConnectorStatus.AVAILABLE
        say(made, connector, status)
        made.answer({})
    made.clear()
    return made


def say(here: Station, connector: int, status: ConnectorStatus, info: str = "") -> None:
    here.tell(ConnectorStatusChanged(connector, status, "NoError", info, here.now().wall))


def reserve(here: Station, connector: int = 1, number: int = 5, **changes: Any) -> str:  # noqa: ANN401 - any member
    payload = {
        "connectorId": connector,
        "expiryDate": (WALL + HOUR).isoformat(),
        "idTag": "04A1B2C3",
        "reservationId": number,
    }
    status = here.ask("ReserveNow", {**payload, **changes})["status"]
    return str(status)


def numbers(here: Station) -> set[int]:
    """Those the authorizer was told of last."""
    return {each.number for each in here.of(ReservationsHeld)[-1].reservations}


def test_a_free_connector_is_reserved_and_everybody_hears_of_it():
    here = station()
    assert reserve(here, 2, parentIdTag="GROUP") == "Accepted"
    (held,) = here.of(ReservationsHeld)[-1].reservations
    assert (held.number, held.charge_point, held.id_tag, held.parent_tag) == (5, "board/cp2", "04A1B2C3", "GROUP")
    assert here.of(ConnectorReserved) == [ConnectorReserved("board/cp2", WALL + HOUR)]
    here.clear()
    here.restart()
    assert numbers(here) == {5}
    here.clear()
    here.tell(RepeatSettings("board/cp2"))
    here.tell(RepeatSettings(RepeatSettings.AUTHORIZER))
    assert here.of(ConnectorReserved) == [ConnectorReserved("board/cp2", WALL + HOUR)]
    assert numbers(here) == {5}


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (ConnectorStatus.PREPARING, "Occupied"),
        (ConnectorStatus.CHARGING, "Occupied"),
        (ConnectorStatus.SUSPENDED_EV, "Occupied"),
        (ConnectorStatus.SUSPENDED_EVSE, "Occupied"),
        (ConnectorStatus.FINISHING, "Occupied"),
        (ConnectorStatus.FAULTED, "Faulted"),
        (ConnectorStatus.UNAVAILABLE, "Unavailable"),
    ],
)
def test_a_connector_that_is_not_free_says_why(status: ConnectorStatus, answer: str):
    assert reserve(station(None, status)) == answer


def test_a_connector_whose_board_is_away_cannot_be_reserved():
    here = station()
    say(here, 1, ConnectorStatus.UNAVAILABLE, f"board garage {UNREACHABLE}")
    assert reserve(here) == "Rejected"


@pytest.mark.parametrize(
    "changes",
    [
        {"connectorId": 9},
        {"connectorId": -1},
        {"expiryDate": WALL.isoformat()},
        {"expiryDate": "soon"},
        {"idTag": ""},
        {"reservationId": 2**70},
    ],
)
def test_what_makes_no_sense_is_rejected(changes: dict[str, Any]):
    here = station()
    assert reserve(here, **changes) == "Rejected"
    assert here.of(ReservationsHeld) == []


def test_the_same_number_replaces_and_another_does_not_displace():
    here = station()
    assert reserve(here, 1, 5) == "Accepted"
    say(here, 1, ConnectorStatus.RESERVED)
    assert reserve(here, 1, 6) == "Occupied"
    assert reserve(here, 1, 5, idTag="OTHER") == "Accepted"
    assert reserve(here, 2, 5) == "Accepted"
    assert here.of(ConnectorReserved)[-2:] == [
        ConnectorReserved("board/cp1", None),
        ConnectorReserved("board/cp2", WALL + HOUR),
    ]
    assert numbers(here) == {5}


@pytest.mark.rule("B-130")
def test_any_one_connector_while_one_is_left():
    here = station(None, ConnectorStatus.CHARGING)
    assert reserve(here, 0, 1) == "Accepted"
    assert reserve(here, 2, 2) == "Accepted"
    assert reserve(here, 0, 3) == "Occupied"
    assert [each.charge_point for each in here.of(ReservationsHeld)[-1].reservations] == ["", "board/cp2"]


@pytest.mark.rule("B-130")
def test_any_one_connector_can_be_switched_off():
    assert reserve(station({"ReserveConnectorZeroSupported": "false"}), 0) == "Rejected"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (ConnectorStatus.FAULTED, "Faulted"),
        (ConnectorStatus.CHARGING, "Occupied"),
        (ConnectorStatus.UNAVAILABLE, "Unavailable"),
    ],
)
def test_any_one_connector_when_none_is_free(status: ConnectorStatus, answer: str):
    assert reserve(station(None, status, status, status), 0) == answer


def test_cancelled_once():
    here = station()
    reserve(here)
    assert here.ask("CancelReservation", {"reservationId": 5}) == {"status": "Accepted"}
    assert here.of(ConnectorReserved)[-1] == ConnectorReserved("board/cp1", None)
    assert numbers(here) == set()
    assert here.ask("CancelReservation", {"reservationId": 5}) == {"status": "Rejected"}
    assert not any(table == "reservations" for table, _ in here.disk)


def test_a_full_disk_reserves_nothing():
    here = station()
    here.writes = False
    payload = {"connectorId": 1, "expiryDate": "2026-12-02T00:00:00Z", "idTag": "T", "reservationId": 5}
    here.tell(BackendCalled("b1", "ReserveNow", payload))
    assert here.of(SendResult) == []
    here.fail_commit()
    assert here.of(SendResult)[-1].payload == {"status": "Rejected"}
    assert here.of(ReservationsHeld) == []


def test_it_ends_at_its_time_even_after_the_clock_was_set():
    here = station()
    reserve(here, 1, 5)
    reserve(here, 2, 6, expiryDate=(WALL + 2 * HOUR).isoformat())
    here.pass_time(3_599)
    assert numbers(here) == {5, 6}
    due = here.state.wake_at
    assert due is not None
    here.pass_time(due - here.mono)
    assert numbers(here) == {6}
    here.wall += 2 * HOUR
    here.pass_time(60)
    assert numbers(here) == set()


def test_the_session_it_was_for_uses_it_up_and_tells_the_backend():
    here = station()
    reserve(here, 1, 5)
    reserve(here, 2, 6, idTag="OTHER")
    reserve(here, 0, 7)
    here.offer(replace(started("s1", "board/cp1"), reservation=5))
    while "StartTransaction" not in here.actions():
        here.answer({})
    start = next(call for call in here.sent if call.action == "StartTransaction")
    assert start.payload["reservationId"] == 5
    here.answer(started_answer(), start)
    assert numbers(here) == {6, 7}
    here.offer(replace(started("s2", "board/cp3", 3), id_tag="other"))
    assert numbers(here) == {6, 7}
    here.offer(replace(started("s3", "board/cp2", 2), id_tag="other"))  # its board did not know of it
    assert numbers(here) == {7}


@pytest.mark.parametrize(
    ("status", "info", "left"),
    [
        (ConnectorStatus.FAULTED, "", set()),
        (ConnectorStatus.UNAVAILABLE, "", set()),
        (ConnectorStatus.UNAVAILABLE, f"board b {UNREACHABLE}", {5}),
        (ConnectorStatus.PREPARING, "", {5}),
    ],
)
def test_it_ends_with_a_connector_that_fails_not_with_a_board_that_is_away(
    status: ConnectorStatus, info: str, left: set[int]
):
    here = station()
    reserve(here)
    say(here, 1, ConnectorStatus.RESERVED)
    say(here, 1, status, info)
    assert numbers(here) == left


def test_a_connector_that_fails_before_it_was_seen_reserved_keeps_it():
    """After a restart the electronics may be away for a moment."""
    here = station()
    reserve(here)
    here.restart()
    say(here, 1, ConnectorStatus.FAULTED)
    assert numbers(here) == {5}


def test_a_row_that_cannot_be_read_is_alarmed():
    here = station()
    here.disk["reservations", "GARAGE/5"] = "{}"
    here.restart()
    assert "reservation-unreadable" in here.alarms()
    assert numbers(here) == set()
