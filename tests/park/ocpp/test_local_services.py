"""DataTransfer both ways between the backend and services on site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from park.ocpp.link import BackendCalled, SendError, SendResult
from park.ocpp.services import (
    MOST_WAITING,
    ForwardTransfer,
    ServiceAttached,
    ServiceLeft,
    TransferAnswered,
    TransferDone,
    TransferFailed,
    TransferOutcome,
    TransferResult,
    TransferWanted,
    wrong_vendor,
)
from tests.support.station import ACCEPTED, Station

VENDOR = "org.example.signs"


@dataclass
class Service:
    heard: list[TransferOutcome] = field(default_factory=list[TransferOutcome])

    def tell(self, message: TransferOutcome, /) -> None:
        self.heard.append(message)


def attended(seconds: float = 5.0) -> Station:
    station = Station().online()
    station.tell(ServiceAttached(VENDOR, seconds))
    station.clear()
    return station


def asks(station: Station, unique_id: str = "b-1") -> None:
    """The backend asks the service."""
    payload = {"vendorId": VENDOR, "messageId": "show", "data": "7 free"}
    station.tell(BackendCalled(unique_id, "DataTransfer", payload))


def wants(station: Station, service: Service, request_id: str = "s-1") -> None:
    found = station.tell(TransferWanted(request_id, VENDOR, "pressed", None, service))
    for each in found:
        if isinstance(each, TransferDone):
            each.give()


def given(found: Iterable[object]) -> None:
    for each in found:
        if isinstance(each, TransferDone):
            each.give()


@pytest.mark.rule("B-212")
def test_a_question_of_the_backend_goes_to_the_service_of_its_vendor_and_the_answer_back():
    station = attended()
    asks(station)
    assert station.of(ForwardTransfer) == [ForwardTransfer("b-1", VENDOR, "show", "7 free")]
    assert station.of(SendResult) == []
    station.tell(TransferAnswered("b-1", "Accepted", "shown"))
    (answer,) = station.of(SendResult)
    assert (answer.unique_id, answer.payload) == ("b-1", {"status": "Accepted", "data": "shown"})
    station.tell(TransferAnswered("b-1", "Accepted", "again"))
    assert len(station.of(SendResult)) == 1


@pytest.mark.rule("B-212", "B-214")
def test_a_service_that_does_not_answer_in_time_or_leaves_gives_a_call_error():
    station = attended(seconds=3.0)
    asks(station, "late")
    station.pass_time(2.9)
    assert station.of(SendError) == []
    station.pass_time(0.1)
    asks(station, "left")
    station.tell(ServiceLeft(VENDOR))
    errors = station.of(SendError)
    assert [(each.unique_id, each.code) for each in errors] == [("late", "GenericError"), ("left", "GenericError")]
    station.tell(TransferAnswered("late", "Accepted", None))
    assert station.of(SendResult) == []
    asks(station, "nobody")
    (answer,) = station.of(SendResult)
    assert answer.payload == {"status": "UnknownVendorId"}


def test_an_answer_that_is_none_of_the_standard_is_a_call_error_and_not_sent_on():
    station = attended()
    asks(station)
    station.tell(TransferAnswered("b-1", "Perhaps", None))
    (error,) = station.of(SendError)
    assert "'Perhaps'" in error.description
    assert station.of(SendResult) == []


def test_what_a_service_sends_is_answered_by_the_backend():
    station, service = attended(), Service()
    wants(station, service)
    call = station.sent[-1]
    assert (call.action, call.payload) == ("DataTransfer", {"vendorId": VENDOR, "messageId": "pressed"})
    given(station.answer({"status": "Accepted", "data": "noted"}))
    assert service.heard == [TransferResult("s-1", "Accepted", "noted")]


def test_a_service_always_hears_what_became_of_it():
    station, service = attended(), Service()
    wants(station, service, "refused")
    given(station.refuse("NotImplemented"))
    wants(station, service, "silence")
    given(station.pass_time(120.0))
    station.answer({"currentTime": "2026-01-05T09:30:00Z"})
    wants(station, service, "in flight")
    wants(station, service, "waiting")
    station.lose()
    for each in station.of(TransferDone):
        if each.outcome not in service.heard:
            each.give()
    wants(station, service, "offline")
    assert [(each.request_id, type(each)) for each in service.heard] == [
        (name, TransferFailed) for name in ("refused", "silence", "waiting", "in flight", "offline")
    ]


def test_more_transfers_than_can_wait_are_refused():
    station, service = attended(), Service()
    for number in range(MOST_WAITING + 2):  # one is in flight
        wants(station, service, str(number))
    assert [each.request_id for each in service.heard] == [str(MOST_WAITING + 1)]
    assert sum(call.action == "DataTransfer" for call in station.sent) == 1


def test_before_the_backend_has_accepted_the_station_nothing_is_sent():
    station, service = Station(), Service()
    station.start()
    station.connect()
    station.tell(ServiceAttached(VENDOR))
    wants(station, service)
    assert [type(each) for each in service.heard] == [TransferFailed]
    station.answer(ACCEPTED)
    assert all(call.action != "DataTransfer" for call in station.sent)


@pytest.mark.rule("B-213")
@pytest.mark.parametrize(
    ("vendor", "words"),
    [
        ("", "1 to 255"),
        ("x" * 256, "1 to 255"),
        *((f"a{each}b", "has one of") for each in "/ +#$\n"),
        ("own", "own vendor id"),
    ],
)
def test_vendor_ids_that_cannot_be(vendor: str, words: str):
    assert words in (wrong_vendor(vendor, "own") or "")
    assert wrong_vendor(VENDOR, "own") is None
