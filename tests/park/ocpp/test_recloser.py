"""DataTransfer about a recloser: what is asked, what is answered, and when (B-215, B-225)."""

from __future__ import annotations

import pytest

from park.model.access import NOT_AVAILABLE, NOT_PRESENT, CommandAnswer, Done, Refused, Undeliverable
from park.ocpp.effects import RecloseRemotely
from park.ocpp.features.recloser import CHANGE_STATE, GET_STATE, INVALID, VENDOR
from park.ocpp.link import BackendCalled, SendResult
from tests.support.station import Station


def request(message: str, data: str) -> dict[str, str]:
    return {"vendorId": VENDOR, "messageId": message, "data": data}


def asked(station: Station, message: str, data: str) -> RecloseRemotely:
    station.clear()
    station.tell(BackendCalled("b1", "DataTransfer", request(message, data)))
    (order,) = station.of(RecloseRemotely)
    return order


@pytest.mark.rule("B-215")
@pytest.mark.parametrize(
    ("message", "data", "closed"),
    [(GET_STATE, "1", None), (CHANGE_STATE, "1, open", False), (CHANGE_STATE, "1,close", True)],
)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Done("", "open"), {"status": "Accepted", "data": "open"}),
        (Refused("", NOT_PRESENT), {"status": "Rejected", "data": "notPresent"}),
        (Refused("", NOT_AVAILABLE), {"status": "Rejected", "data": "notAvailable"}),
        (Refused("", "this is board/cp2"), {"status": "Rejected", "data": "notAvailable"}),
        (Undeliverable("", "board away"), {"status": "Rejected", "data": "notAvailable"}),
    ],
)
def test_what_the_charge_point_says_is_the_answer(
    message: str, data: str, closed: bool | None, answer: CommandAnswer, said: dict[str, str]
) -> None:
    station = Station().online()
    order = asked(station, message, data)
    assert (order.charge_point, order.closed) == ("board/cp1", closed)
    match answer:
        case Done():
            station.tell(Done(order.request_id, answer.data))
        case Refused():
            station.tell(Refused(order.request_id, answer.reason))
        case Undeliverable():
            station.tell(Undeliverable(order.request_id, answer.reason))
    assert [each.payload for each in station.of(SendResult)] == [said]


@pytest.mark.rule("B-225")
def test_an_order_has_failed_after_ten_seconds() -> None:
    station = Station().online()
    asked(station, CHANGE_STATE, "1, close")
    station.pass_time(9.9)
    assert station.of(SendResult) == []
    station.pass_time(0.1)
    assert [each.payload for each in station.of(SendResult)] == [{"status": "Rejected", "data": NOT_AVAILABLE}]


@pytest.mark.rule("B-215")
@pytest.mark.parametrize(
    ("message", "data"),
    [
        (GET_STATE, ""),
        (GET_STATE, "4"),
        (GET_STATE, "0"),
        (GET_STATE, "1, open"),
        (GET_STATE, "\u0661"),
        (GET_STATE, "9" * 5_000),
        (CHANGE_STATE, "1"),
        (CHANGE_STATE, "1, ajar"),
        (CHANGE_STATE, "open, 1"),
    ],
)
def test_nonsense_is_invalid(message: str, data: str) -> None:
    station = Station().online()
    assert station.ask("DataTransfer", request(message, data)) == {"status": "Rejected", "data": INVALID}


def test_other_messages_of_that_vendor_are_unknown() -> None:
    assert Station().online().ask("DataTransfer", request("selfDestruct", "1")) == {"status": "UnknownMessageId"}
