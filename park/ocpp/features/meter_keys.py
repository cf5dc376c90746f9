"""Public keys of meters that sign, told to the backend after each BootNotification until it answers (B-216).

The message is that of be.energized, which other backends read too: with the key they check what StopTransaction brings.
"""

from __future__ import annotations

import json

from msgspec.structs import replace

from park.model.metering import ReadingTaken
from park.model.time import Now
from park.ocpp.link import Payload
from park.ocpp.state import CentralSystem, MeterKeyCall
from park.ocpp.wire import text_of

VENDOR, MESSAGE = "generalConfiguration", "setMeterConfiguration"  # chargebyte guide §3.3.10, table 13
AGAIN_SECONDS = 60.0  # ours, B-216 "better": an attempt a minute while the backend is reachable
REFUSED = "Rejected"  # OCPP 1.6 §7.15; of the other words, those that know no such message do not change their mind


def is_news(state: CentralSystem, reading: ReadingTaken) -> bool:
    """Whether the reading comes with a key that is not known."""
    signed = None if reading.sample is None else reading.sample.signed
    if signed is None:
        return False
    connector = state.settings.meters.get(reading.meter)
    return connector is not None and state.meter_keys.known.get(connector) != signed.key


def noted(state: CentralSystem, reading: ReadingTaken) -> None:
    """Keep the key of a reading, if it has one."""
    connector = state.settings.meters.get(reading.meter)
    if connector is not None and reading.sample is not None and reading.sample.signed is not None:
        state.meter_keys.known[connector] = reading.sample.signed.key


def registered(state: CentralSystem) -> CentralSystem:
    """The backend registered this station: it hears every key anew."""
    return replace(state, meter_keys=replace(state.meter_keys, told={}, not_before=0.0))


def due(state: CentralSystem, now: Now) -> MeterKeyCall | None:
    """The key to be told now."""
    return _next(state) if now.mono >= state.meter_keys.not_before else None


def due_at(state: CentralSystem) -> float | None:
    """Mono of the next attempt; None: there is nothing to tell."""
    return None if _next(state) is None else state.meter_keys.not_before


def _next(state: CentralSystem) -> MeterKeyCall | None:
    keys = state.meter_keys
    if not state.values.switch("sendMeterPublicKeyOnBootNotification"):
        return None
    untold = (connector for connector, key in sorted(keys.known.items()) if keys.told.get(connector) != key)
    return next((MeterKeyCall(connector, keys.known[connector]) for connector in untold), None)


def request(state: CentralSystem, call: MeterKeyCall) -> Payload:
    """DataTransfer.req, OCPP 1.6 §6.13."""
    meter = next((name for name, connector in state.settings.meters.items() if connector == call.connector), "")
    about = {"connectorId": call.connector, "meterSerial": meter, "type": "SIGNATURE", "publicKey": call.key}
    return {"vendorId": VENDOR, "messageId": MESSAGE, "data": json.dumps({"meters": [about]}, separators=(",", ":"))}


def answered(state: CentralSystem, call: MeterKeyCall, payload: Payload, now: Now) -> CentralSystem:
    """The backend has it, or knows no such message; one that refuses it is asked again."""
    if text_of(payload, "status") == REFUSED:
        return failed(state, now)
    told = {**state.meter_keys.told, call.connector: call.key}
    return replace(state, meter_keys=replace(state.meter_keys, told=told))


def failed(state: CentralSystem, now: Now) -> CentralSystem:
    """There was no answer, or an error."""
    return replace(state, meter_keys=replace(state.meter_keys, not_before=now.mono + AGAIN_SECONDS))
