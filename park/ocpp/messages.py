"""The payloads this side sends, made of the park's facts, in OCPP 1.6's own names and units."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from park.model.access import ConnectorStatusChanged
from park.model.metering import Sample
from park.model.session import SessionEnded, SessionMetered, SessionStarted
from park.ocpp.link import Payload
from park.ocpp.sampled import Manner, sampled
from park.ocpp.wire import iso

TRIGGER = "Trigger"  # OCPP 1.6 §7.39: a reading taken because the backend asked for one


class Station(Struct, frozen=True):
    """What BootNotification tells of this station; empty texts are left out, long ones cut to the standard's length."""

    vendor: str = "chargepark"
    model: str = "park"
    serial: str = ""  # empty: the identity stands in (B-048)
    board_serial: str = ""
    firmware: str = ""
    meter_type: str = ""
    meter_serial: str = ""


def boot(station: Station, identity: str) -> Payload:
    """BootNotification.req, OCPP 1.6 §6.3."""
    fields = {
        "chargePointVendor": station.vendor[:20],
        "chargePointModel": station.model[:20],
        "chargePointSerialNumber": (station.serial or identity)[:25],
        "chargeBoxSerialNumber": station.board_serial[:25],
        "firmwareVersion": station.firmware[:50],
        "meterType": station.meter_type[:25],
        "meterSerialNumber": station.meter_serial[:25],
    }
    return {name: text for name, text in fields.items() if text}


def status(changed: ConnectorStatusChanged) -> Payload:
    """StatusNotification.req, OCPP 1.6 §6.47."""
    payload: dict[str, object] = {
        "connectorId": changed.connector,
        "errorCode": changed.error_code,
        "status": changed.status.value,
        "timestamp": iso(changed.at),
    }
    texts = {"info": changed.info[:50], "vendorErrorCode": changed.vendor_code[:50]}
    return payload | {name: text for name, text in texts.items() if text}


def start_transaction(fact: SessionStarted) -> Payload:
    """StartTransaction.req, OCPP 1.6 §6.45: the same fact gives the same payload, so a repeat is recognised (D1)."""
    payload: dict[str, object] = {
        "connectorId": fact.connector,
        "idTag": fact.id_tag,
        "meterStart": fact.meter_start_wh,
        "timestamp": iso(fact.at),
    }
    return payload if fact.reservation is None else {**payload, "reservationId": fact.reservation}


def stop_transaction(fact: SessionEnded, transaction: int) -> Payload:
    """StopTransaction.req, OCPP 1.6 §6.49."""
    payload = {
        "transactionId": transaction,
        "meterStop": fact.meter_stop_wh,
        "timestamp": iso(fact.at),
        "reason": fact.reason.value,
    }
    return {**payload, "idTag": fact.id_tag} if fact.id_tag else payload


def meter_values(fact: SessionMetered, transaction: int, manner: Manner) -> Payload | None:
    """MeterValues.req of a transaction, OCPP 1.6 §6.31; None when no measurand is wanted: there is nothing to send."""
    values = sampled(fact.sample, fact.offered_ma, fact.context.value, manner)
    return _metered(fact.connector, fact.at, values, transaction) if values else None


def values_outside(
    connector: int, reading: Reading, transaction: int | None, manner: Manner, context: str = TRIGGER
) -> Payload | None:
    """MeterValues.req that is no fact of a session: asked for by TriggerMessage, or aligned with the clock."""
    values = sampled(reading.sample, reading.offered_ma, context, manner)
    return _metered(connector, reading.at, values, transaction) if values else None


class Reading(Struct, frozen=True):
    """The newest values known of a connector."""

    sample: Sample
    offered_ma: int | None
    at: datetime


def _metered(connector: int, at: datetime, values: list[Payload], transaction: int | None) -> Payload:
    payload: dict[str, object] = {
        "connectorId": connector,
        "meterValue": [{"timestamp": iso(at), "sampledValue": values}],
    }
    return payload if transaction is None else {**payload, "transactionId": transaction}
