"""Answers to what the backend asks: remote start and stop, configuration, triggered messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias, cast

from park.model.access import CommandAnswer, Done, Refused, SettingChanged
from park.model.time import Now
from park.ocpp import certificates, keys, maintaining, messages, updating, uploading
from park.ocpp.connection_keys import change_connection, shown
from park.ocpp.effects import CentralSystemEffect, StartRemotely, StopRemotely, Write
from park.ocpp.keys import Access, Key, KeyValues, Kind
from park.ocpp.link import BackendCalled, Payload, SendError, SendResult
from park.ocpp.messages import Reading
from park.ocpp.state import (
    CentralSystem,
    HeartbeatCall,
    PendingCommand,
    Purpose,
    SettingCommit,
    StatusCall,
    TriggeredValues,
)
from park.ocpp.wire import (
    BACKEND_ACTIONS,
    INTERNAL_ERROR,
    NOT_IMPLEMENTED,
    OCCURRENCE_VIOLATION,
    integer_of,
    text_of,
)

ANSWER_SECONDS = 10.0  # architecture §2: a command is answered within 10 s or not at all
TRIGGERED_MOST = 500  # ours: what a backend may ask for and not wait for
KEPT_IN_MEMORY = "HeartbeatInterval"  # B-206: the backend sets it with each boot

Turn: TypeAlias = tuple[CentralSystem, tuple[CentralSystemEffect, ...]]


def called(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """Every CALL gets exactly one answer, now or when the park has answered."""
    if state.link is None:
        return state, ()
    if not state.loaded:
        return state, (SendError(call.unique_id, INTERNAL_ERROR, "starting; ask again in a minute", state.link),)
    handler = _HANDLERS.get(call.action)
    if handler is None:
        known = call.action in BACKEND_ACTIONS
        text = f"{call.action} is {'not offered by this station' if known else 'unknown'}"
        return state, (SendError(call.unique_id, NOT_IMPLEMENTED, text, state.link),)
    return handler(state, call, now)


def command_answered(state: CentralSystem, answer: CommandAnswer) -> Turn:
    """What the charge point or the authorizer said to a remote start or stop."""
    pending = state.commands.get(answer.request_id)
    if pending is None or state.link is None:
        return state, ()
    commands = {key: value for key, value in state.commands.items() if key != answer.request_id}
    status = "Accepted" if isinstance(answer, Done) else "Rejected"
    result = SendResult(pending.unique_id, pending.action, {"status": status}, state.link)
    return replace(state, commands=commands), (result,)


def expire(state: CentralSystem, now: Now) -> Turn:
    """Nobody answered in time: the backend gets a refusal."""
    effects: list[CentralSystemEffect] = []
    for request_id in [key for key, pending in state.commands.items() if pending.deadline <= now.mono]:
        state, more = command_answered(state, Refused(request_id, "no answer in time"))
        effects += more
    return state, tuple(effects)


def stored(state: CentralSystem, change: SettingCommit, *, on_disk: bool) -> Turn:
    """A ChangeConfiguration takes effect and is answered when it is on disk; a full disk refuses it."""
    key = keys.find(change.name)
    if key is None or not on_disk:
        return state, _status(change.unique_id, "ChangeConfiguration", "Rejected", change.link)
    state = replace(state, values=state.values.with_value(key.name, change.value))
    status = "RebootRequired" if key.restart else "Accepted"
    return state, (
        *_status(change.unique_id, "ChangeConfiguration", status, change.link),
        *announced(key, change.value),
    )


def announced(key: Key, value: str) -> tuple[SettingChanged, ...]:
    """What the rest of the park hears of a key: numbers and switches."""
    match key.kind:
        case Kind.NUMBER:
            return (SettingChanged(key.name, int(value)),)
        case Kind.SWITCH:
            return (SettingChanged(key.name, value == "true"),)
        case _:
            return ()


def in_force(values: KeyValues) -> tuple[SettingChanged, ...]:
    """Every key the rest of the park may hear of, as it is set now, defaults included."""
    return tuple(change for key in keys.KEYS for change in announced(key, values.text(key.name)))


def _remote_start(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """Connector 0 is refused (interfaces: RemoteStart); before the registration everything is (OCPP 1.6 §4.2.1)."""
    connector = integer_of(call.payload, "connectorId")
    absent = "connectorId" not in call.payload
    if not state.registration.accepted or not (absent or connector in state.settings.connectors):
        return state, _answer(state, call, "Rejected")
    request_id = state.settings.new_id()
    start = StartRemotely(
        request_id,
        connector,
        text_of(call.payload, "idTag") or "",
        state.values.switch("AuthorizeRemoteTxRequests"),
    )
    return _pending(state, call, request_id, now), (start,)


def _remote_stop(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """Ends exactly the session the backend knows by this number; an unknown one is refused (A6)."""
    number = integer_of(call.payload, "transactionId")
    known = None if number is None else state.queue.transactions.running(number)
    if known is None:
        return state, _answer(state, call, "Rejected")
    request_id = state.settings.new_id()
    stop = StopRemotely(request_id, known.start.charge_point, known.session)
    return _pending(state, call, request_id, now), (stop,)


def _pending(state: CentralSystem, call: BackendCalled, request_id: str, now: Now) -> CentralSystem:
    pending = PendingCommand(call.unique_id, call.action, now.mono + ANSWER_SECONDS)
    return replace(state, commands={**state.commands, request_id: pending})


def _get_configuration(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    wanted = cast("list[str]", call.payload.get("key") or [])
    most = state.values.number("GetConfigurationMaxKeys")
    link = cast("int", state.link)
    if len(wanted) > most:
        text = f"at most {most} keys in one request (GetConfigurationMaxKeys)"
        return state, (SendError(call.unique_id, OCCURRENCE_VIOLATION, text, link),)
    found = [keys.find(name) for name in wanted] if wanted else list(keys.KEYS)
    payload: dict[str, object] = {
        "configurationKey": [_listed(key, state) for key in _once(key for key in found if key is not None)]
    }
    unknown = [name for name in wanted if keys.find(name) is None]
    if unknown:
        payload["unknownKey"] = unknown
    return state, (SendResult(call.unique_id, call.action, payload, link),)


def _once(found: Iterable[Key]) -> Iterable[Key]:
    return {key.name: key for key in found}.values()


def _listed(key: Key, state: CentralSystem) -> Payload:
    read_only = key.access is Access.READ
    value = shown(state, key.name) or keys.shown(key, state.values)
    return {"key": key.name, "readonly": read_only, "value": value}


def _change_configuration(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    key = keys.find(text_of(call.payload, "key") or "")
    if key is None:
        return state, _answer(state, call, "NotSupported")
    of_connection = change_connection(state, call, key.name, text_of(call.payload, "value") or "")
    if of_connection is not None:
        return of_connection
    value = keys.accept(key, text_of(call.payload, "value") or "")
    if isinstance(value, Refused):
        return state, _answer(state, call, "Rejected")
    change = SettingCommit(call.unique_id, cast("int", state.link), key.name, value)
    if key.name == KEPT_IN_MEMORY:
        return stored(state, change, on_disk=True)
    token = state.next_token
    put = state.queue.rows.put_setting(key.name, value, "backend", now.wall)
    state = replace(state, next_token=token + 1, commits={**state.commits, token: change})
    return state, (Write((put,), token),)


def _trigger_extended(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """White paper §5.4."""
    if text_of(call.payload, "requestedMessage") != "SignChargePointCertificate":
        return _trigger(state, call, now)
    state, effects = certificates.trigger_signing(state)
    return state, (*_answer(state, call, "Accepted"), *effects)


def _trigger(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    wanted = text_of(call.payload, "requestedMessage") or ""
    status = maintaining.trigger(state, wanted)
    if status is not None:
        state, effects = status
        return state, (*_answer(state, call, "Accepted"), *effects)
    if wanted not in {"BootNotification", "Heartbeat", "StatusNotification", "MeterValues"}:
        return state, _answer(state, call, "NotImplemented")
    if wanted == "BootNotification":
        return replace(state, registration=state.registration.triggered()), _answer(state, call, "Accepted")
    connector = integer_of(call.payload, "connectorId")
    valid = "connectorId" not in call.payload or connector in (0, *state.settings.connectors)
    purposes = _triggered(state, wanted, connector, now) if valid and state.registration.accepted else ()
    if not purposes or len(state.triggered) + len(purposes) > TRIGGERED_MOST:
        return state, _answer(state, call, "Rejected")
    return replace(state, triggered=(*state.triggered, *purposes)), _answer(state, call, "Accepted")


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
    return messages.triggered_values(connector, reading, number, state.values.items("MeterValuesSampledData"))


def _answer(state: CentralSystem, call: BackendCalled, status: str) -> tuple[SendResult, ...]:
    return _status(call.unique_id, call.action, status, state.link)


def _status(unique_id: str, action: str, status: str, link: int | None) -> tuple[SendResult, ...]:
    return () if link is None else (SendResult(unique_id, action, {"status": status}, link),)


_HANDLERS: Mapping[str, Callable[[CentralSystem, BackendCalled, Now], Turn]] = {
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "GetConfiguration": _get_configuration,
    "ChangeConfiguration": _change_configuration,
    "TriggerMessage": _trigger,
    "GetDiagnostics": uploading.get_diagnostics,
    "GetLog": uploading.get_log,
    "UpdateFirmware": updating.update_firmware,
    "SignedUpdateFirmware": updating.signed_update_firmware,
    "ExtendedTriggerMessage": _trigger_extended,
    **dict.fromkeys(certificates.ACTIONS, certificates.asked),
}
