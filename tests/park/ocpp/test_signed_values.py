"""What meters signed reaches the backend with the stop, and their public keys after each boot."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from nodes.virtual.signing import Signer
from park.metering.maps.virtual_signing import VIRTUAL_SIGNING
from park.model.metering import Quality, ReadingTaken, Sample, Signed
from park.model.session import ReadingContext, SessionMetered
from park.ocpp.features.meter_keys import AGAIN_SECONDS
from park.ocpp.link import SendCall
from tests.support.facts import ended, metered, started
from tests.support.ocmf import checked_wh, from_xml, signed_of
from tests.support.station import ACCEPTED, Station, started_answer

BEGIN, END = "Transaction.Begin", "Transaction.End"


def signer() -> Signer:
    assert VIRTUAL_SIGNING.signing is not None
    return Signer("m1", VIRTUAL_SIGNING.signing)


def reading(meter: Signer, ordinal: int, energy_wh: int, context: ReadingContext) -> SessionMetered:
    fact = metered(ordinal=ordinal, energy_wh=energy_wh)
    signed = Signed(meter.record(energy_wh, datetime(2026, 1, 5, tzinfo=UTC)), meter.key)
    return replace(fact, context=context, sample=replace(fact.sample, signed=signed))


def session(station: Station, meter: Signer) -> None:
    station.offer(
        started(),
        reading(meter, 1, 1000, ReadingContext.TRANSACTION_BEGIN),
        metered(ordinal=2, energy_wh=1500),
        reading(meter, 3, 2000, ReadingContext.TRANSACTION_END),
        ended(ordinal=4),
    )


def deliver(station: Station) -> dict[str, Any]:
    """The backend takes all there is; the StopTransaction it got."""
    while station.state.flight is not None:
        station.answer(started_answer() if station.sent[-1].action == "StartTransaction" else {})
    (stop,) = (call for call in station.sent if call.action == "StopTransaction")
    return json.loads(json.dumps(stop.payload))


@pytest.mark.rule("B-394")
@pytest.mark.parametrize("form", ["0", "1", "2"])
def test_the_stop_brings_what_was_signed_at_begin_and_end_in_the_format_set(form: str) -> None:
    station, meter = Station({"SignedDataFormat": form}), signer()
    station.online()
    session(station, meter)
    found = signed_of(deliver(station))
    assert set(found) == {BEGIN, END}
    for context, energy_wh in ((BEGIN, 1000), (END, 2000)):
        record, key = from_xml(found[context]) if form == "1" else (found[context], meter.key)
        assert checked_wh(record, key) == energy_wh


@pytest.mark.rule("B-394")
def test_a_death_between_start_and_stop_loses_none_of_it() -> None:
    station, meter = Station(), signer()
    station.start()
    station.offer(started(), reading(meter, 1, 1000, ReadingContext.TRANSACTION_BEGIN))
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    station.offer(reading(meter, 2, 2000, ReadingContext.TRANSACTION_END), ended(ordinal=3))
    found = signed_of(deliver(station))
    assert [checked_wh(found[each], meter.key) for each in (BEGIN, END)] == [1000, 2000]


def test_a_meter_that_does_not_sign_adds_nothing() -> None:
    station = Station().online()
    station.offer(started(), metered(), ended())
    assert "transactionData" not in deliver(station)


# ------------------------------------------------------------ public keys


def seen(station: Station, meter: Signer, energy_wh: int = 1000) -> None:
    """A reading of the meter of connector 1 came."""
    sample = Sample((0, 0, 0), 0, energy_wh, signed=Signed("", meter.key))
    station.tell(ReadingTaken("m1", Quality.FRESH, sample, None, station.mono, station.now().wall))


def keys_told(station: Station) -> list[SendCall]:
    return [call for call in station.sent if call.payload.get("messageId") == "setMeterConfiguration"]


@pytest.mark.rule("B-216")
def test_the_key_is_told_after_every_boot_and_not_again_before_the_next() -> None:
    station, meter = Station(), signer()
    station.start()
    seen(station, meter)
    station.connect()
    for boots in (1, 2):
        station.answer(ACCEPTED)
        while station.state.flight is not None:
            station.answer({"status": "Accepted"})
        seen(station, meter, 1000 + boots)
        station.pass_time(AGAIN_SECONDS)
        assert len(keys_told(station)) == boots
        station.ask("TriggerMessage", {"requestedMessage": "BootNotification"}, f"b{boots}")
        station.pass_time(0.0)
    payload = json.loads(json.dumps(keys_told(station)[0].payload))
    assert payload["vendorId"] == "generalConfiguration"
    assert json.loads(payload["data"]) == {
        "meters": [{"connectorId": 1, "meterSerial": "m1", "type": "SIGNATURE", "publicKey": meter.key}]
    }


@pytest.mark.rule("B-216")
@pytest.mark.parametrize("answer", ["Rejected", "error", "silence"])
def test_what_the_backend_did_not_take_is_told_again_while_it_is_reachable(answer: str) -> None:
    station = Station().online()
    seen(station, signer())
    assert len(keys_told(station)) == 1
    if answer == "Rejected":
        station.answer({"status": "Rejected"})
    elif answer == "error":
        station.refuse()
    else:
        station.pass_time(30.0)
        station.answer({"currentTime": "2026-01-05T09:30:30Z"})  # the heartbeat that finds out whether it lives
    station.pass_time(AGAIN_SECONDS - 1.0)
    assert len(keys_told(station)) == 1
    station.pass_time(1.0)
    assert len(keys_told(station)) == 2


@pytest.mark.rule("B-216")
def test_a_backend_that_knows_no_such_message_is_left_alone_and_so_is_one_by_setting() -> None:
    station = Station().online()
    seen(station, signer())
    station.answer({"status": "UnknownVendorId"})
    station.pass_time(10 * AGAIN_SECONDS)
    assert len(keys_told(station)) == 1
    silent = Station({"sendMeterPublicKeyOnBootNotification": "false"}).online()
    seen(silent, signer())
    silent.pass_time(AGAIN_SECONDS)
    assert keys_told(silent) == []
