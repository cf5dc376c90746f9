"""TriggerMessage: the backend asks for a message of ours now."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.time import Now
from park.ocpp import maintaining, messages
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer
from park.ocpp.link import BackendCalled, Payload
from park.ocpp.messages import Reading
from park.ocpp.payloads import SAMPLED, Payloads
from park.ocpp.state import CentralSystem, HeartbeatCall, Purpose, StatusCall, TriggeredValues
from park.ocpp.wire import integer_of, text_of

MOST_WAITING = 500  # ours: what a backend may ask for and not wait for


def _trigger(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """OCPP 1.6 §5.17, and ExtendedTriggerMessage of the white paper §5.4."""
    wanted = text_of(call.payload, "requestedMessage") or ""
    upkeep = maintaining.trigger(state, wanted)
    if upkeep is not None:
        state, effects = upkeep
        return state, (*answer(state, call, "Accepted"), *effects)
    if wanted not in {"BootNotification", "Heartbeat", "StatusNotification", "MeterValues"}:
        return state, answer(state, call, "NotImplemented")
    if wanted == "BootNotification":
        return replace(state, registration=state.registration.triggered()), answer(state, call, "Accepted")
    connector = integer_of(call.payload, "connectorId")
    valid = "connectorId" not in call.payload or connector in (0, *state.settings.connectors)
    purposes = _triggered(state, wanted, connector, now) if valid and state.registration.accepted else ()
    if not purposes or len(state.triggered) + len(purposes) > MOST_WAITING:
        return state, answer(state, call, "Rejected")
    return replace(state, triggered=(*state.triggered, *purposes)), answer(state, call, "Accepted")


def _triggered(state: CentralSystem, wanted: str, connector: int | None, now: Now) -> tuple[Purpose, ...]:
    """The asked-for messages of one connector, or of all."""
    if wanted == "Heartbeat":
        return (HeartbeatCall(),)
    if wanted == "StatusNotification":
        board = state.statuses.with_station(now.wall, now.mono)
        lines = sorted(board.lines.items())
        return tuple(StatusCall(line.current) for number, line in lines if connector is None or number == connector)
    found: list[Purpose] = []
    for number, reading in sorted(state.readings.items()):
        payload = _values(state, number, reading)
        if payload is not None and (connector is None or number == connector):
            found.append(TriggeredValues(payload))
    return tuple(found)


def _values(state: CentralSystem, connector: int, reading: Reading) -> Payload | None:
    known = state.queue.transactions.on_connector(connector)
    number = None if known is None else known.transaction
    manner = Payloads(state.values, state.settings.phases).manner(connector, SAMPLED)
    return messages.values_outside(connector, reading, number, manner)


FEATURE = Feature({"TriggerMessage": _trigger, "ExtendedTriggerMessage": _trigger})
