"""A charge point while the queue to the backend is full: who charges charges on, nobody else begins."""

from __future__ import annotations

import pytest

from park.model.access import BACKEND_QUEUE, ConnectorStatus, ConnectorStatusChanged, OccupancyChanged, SettingChanged
from tests.support.charge_point_harness import ChargePointHarness

S = ConnectorStatus


@pytest.mark.rule("B-017", "B-021")
@pytest.mark.parametrize("word", ["Full", "Error"])
def test_a_running_session_goes_on_and_ends_as_ever(word: str) -> None:
    park = ChargePointHarness()
    park.begin()
    park.send(SettingChanged(BACKEND_QUEUE, word))
    park.advance(30)
    assert park.status is S.CHARGING
    assert not park.ended
    park.unplug()
    park.advance(5)
    assert len(park.ended) == 1


@pytest.mark.rule("B-016", "B-017", "B-019")
@pytest.mark.parametrize("word", ["Full", "Error"])
def test_no_session_begins_until_there_is_room_again_and_then_it_begins_by_itself(word: str) -> None:
    park = ChargePointHarness()
    park.send(SettingChanged(BACKEND_QUEUE, word))
    assert not park.last(OccupancyChanged).available
    park.plug()
    park.authorize()
    park.keep_granting(16_000)
    park.advance(10)
    assert not park.started
    assert park.electronics.amps_ma == 0
    park.send(SettingChanged(BACKEND_QUEUE, "Room"))
    park.advance(10)
    assert park.status is S.CHARGING
    assert park.last(OccupancyChanged).available


@pytest.mark.rule("B-018", "B-019")
def test_the_error_has_its_text_and_number_and_clears_itself() -> None:
    park = ChargePointHarness()
    park.send(SettingChanged(BACKEND_QUEUE, "Error"))
    told = park.last(ConnectorStatusChanged)
    assert (told.status, told.info, told.vendor_code) == (S.FAULTED, "Message queue is full", "01-05-006")
    park.send(SettingChanged(BACKEND_QUEUE, "Room"))
    told = park.last(ConnectorStatusChanged)
    assert (told.status, told.error_code, told.vendor_code) == (S.AVAILABLE, "NoError", "")


@pytest.mark.rule("B-175")
def test_a_fault_of_the_electronics_is_told_with_their_own_code() -> None:
    park = ChargePointHarness()
    park.fault("ERR_RX_BUFFER_OVERFLOW")
    told = park.last(ConnectorStatusChanged)
    assert (told.status, told.info, told.vendor_code) == (S.FAULTED, "IOCU", "ERR_RX_BUFFER_OVERFLOW")
