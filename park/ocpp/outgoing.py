"""Which CALL goes next: one in flight, authorizations first, readings and notifications in turns."""

from __future__ import annotations

from typing import TypeAlias

from msgspec.structs import replace

from park.model.access import ConnectorStatusChanged
from park.model.contract import Contract
from park.model.time import Now
from park.ocpp import delivery, messages, missed
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features import all_features, local_services, meter_keys
from park.ocpp.link import Payload, SendCall
from park.ocpp.messages import Station
from park.ocpp.payloads import Payloads
from park.ocpp.plug_and_charge import asking
from park.ocpp.state import (
    AuthorizeCall,
    BootCall,
    CentralSystem,
    Flight,
    HeartbeatCall,
    MeterKeyCall,
    NotificationCall,
    Purpose,
    StatusCall,
    TransactionCall,
    TransferCall,
    TriggeredValues,
)
from park.ocpp.statuses import Pace

TARIFF = "Tariff"  # ours: asks whether there is one for the id tag in `data` (B-062)
CLOCK_SECONDS = 86_400.0  # OCPP 1.6 §4.6: a heartbeat a day at least, for the clock

Turn: TypeAlias = tuple[CentralSystem, tuple[CentralSystemEffect, ...]]


def pump(state: CentralSystem, now: Now) -> Turn:
    """Send the next call if nothing is in flight."""
    if not (state.settings.enabled and state.loaded):
        return state, ()
    payloads = Payloads(state.values, state.settings.phases, state.repeated)
    state = replace(state, queue=delivery.prepare(state.queue, payloads, now))
    if state.link is None or state.flight is not None:
        return state, ()
    purpose = _next(state, now)
    return (state, ()) if purpose is None else _send(state, purpose, now)


def _next(state: CentralSystem, now: Now) -> Purpose | None:
    """Boot and Authorize never wait behind readings; of the rest, readings and notifications take turns."""
    if state.registration.due(now.mono) and now.mono >= _boots_at(state):
        return BootCall()
    if not state.registration.accepted:
        return None
    if state.authorizations:
        return state.authorizations[0]
    if state.silent:
        return HeartbeatCall()
    transaction = TransactionCall() if delivery.due(state.queue, now) is not None else None
    if transaction is not None and state.volatile_last:
        return transaction
    return _volatile(state, now) or transaction


def _volatile(state: CentralSystem, now: Now) -> Purpose | None:
    if state.triggered:
        return state.triggered[0]
    changed = None if _overfull(state) else _next_status(state, now)
    if changed is not None:
        return StatusCall(changed)
    notification = state.upkeep.notifications.due(now.mono)
    if notification is not None:
        return NotificationCall(notification)
    if state.services.waiting:
        return TransferCall(state.services.waiting[0])
    key = meter_keys.due(state, now)
    if key is not None:
        return key
    heartbeat = _heartbeat_at(state)
    return HeartbeatCall() if heartbeat is not None and heartbeat <= now.mono else None


def _boots_at(state: CentralSystem) -> float:
    """Mono before which no BootNotification is sent: sooner when a meter has answered (B-219, B-220)."""
    earliest, latest = state.values.number("BootNotificationEarliest"), state.values.number("BootNotificationLatest")
    return state.began + (earliest if state.readings else max(earliest, latest))


def _pace(state: CentralSystem) -> Pace:
    return Pace(state.values.number("MinimumStatusDuration"), state.values.number("StatusNotificationInterval"))


def _next_status(state: CentralSystem, now: Now) -> ConnectorStatusChanged | None:
    return state.missed[0] if state.missed else state.statuses.due(now.mono, _pace(state))


def _overfull(state: CentralSystem) -> bool:
    """So much waits for the backend that statuses are not told; the latest is, when less waits (B-015)."""
    level = state.values.number("StatusNotificationQueueLevel")
    return 0 < level <= len(state.queue.backlog)


def _heartbeat_at(state: CentralSystem) -> float | None:
    """Other traffic suppresses heartbeats unless they are forced (B-013, B-124); interval 0 sends none."""
    interval = state.values.number("HeartbeatInterval")
    if interval == 0:
        return None
    forced = state.values.switch("ForceHeartbeatRequestMessages")
    after = state.last_heartbeat if forced else state.last_traffic
    return min(after + interval, state.last_heartbeat + CLOCK_SECONDS)


def _send(state: CentralSystem, purpose: Purpose, now: Now) -> Turn:
    if state.link is None:
        return state, ()
    unique_id = state.settings.new_id()
    action, payload = _request(state, purpose)
    deadline = now.mono + state.values.number("MessageResponseTimeOut")
    state = replace(
        _noted(state, purpose, unique_id, now),
        flight=Flight(unique_id, purpose, deadline),
        last_traffic=now.mono,
        volatile_last=not isinstance(purpose, BootCall | AuthorizeCall | TransactionCall),
    )
    return state, (SendCall(unique_id, action, payload, state.link or 0),)


def _request(state: CentralSystem, purpose: Purpose) -> tuple[str, Payload]:
    match purpose:
        case BootCall():
            return "BootNotification", messages.boot(_plate(state), state.settings.identity)
        case HeartbeatCall():
            return "Heartbeat", {}
        case StatusCall(changed):
            return "StatusNotification", messages.status(changed)
        case AuthorizeCall() if purpose.accepted is not None:
            return "DataTransfer", {
                "vendorId": state.values.text("vendorId"),
                "messageId": TARIFF,
                "data": purpose.id_tag,
            }
        case AuthorizeCall(contract=Contract() as contract):
            return "DataTransfer", asking.authorize(purpose.id_tag, contract)
        case AuthorizeCall(_, id_tag):
            return "Authorize", {"idTag": id_tag}
        case TriggeredValues(payload):
            return "MeterValues", payload
        case NotificationCall(notification):
            return notification.action, notification.payload
        case TransferCall():
            return "DataTransfer", local_services.request(purpose)
        case MeterKeyCall():
            return "DataTransfer", meter_keys.request(state, purpose)
        case TransactionCall():
            attempt = state.queue.attempt
            return ("", {}) if attempt is None else (attempt.action, attempt.payload)


def _plate(state: CentralSystem) -> Station:
    station, values = state.settings.station, state.values
    return replace(
        station,
        vendor=values.text("ChargePointVendor") or station.vendor,
        model=values.text("ChargePointModel") or station.model,
        serial=values.text("ChargePointSerialNumber") or station.serial,
        board_serial=values.text("ChargeBoxSerialNumber"),
    )


def _noted(state: CentralSystem, purpose: Purpose, unique_id: str, now: Now) -> CentralSystem:
    """What waited is in flight now. A notification counts as told: without an answer it is not repeated (B-010)."""
    match purpose:
        case BootCall():
            return replace(state, registration=state.registration.sent())
        case HeartbeatCall():
            return replace(state, last_heartbeat=now.mono, triggered=_without(state, purpose))
        case StatusCall(changed):
            heard = replace(state, statuses=state.statuses.told(changed, now.mono), triggered=_without(state, purpose))
            return missed.told(heard, changed)
        case AuthorizeCall():
            return replace(state, authorizations=state.authorizations[1:])
        case TriggeredValues():
            return replace(state, triggered=_without(state, purpose))
        case NotificationCall() | MeterKeyCall():
            return state
        case TransferCall():
            return local_services.taken(state)
        case TransactionCall():
            return replace(state, queue=delivery.sent(state.queue, unique_id))


def _without(state: CentralSystem, purpose: Purpose) -> tuple[Purpose, ...]:
    return state.triggered[1:] if state.triggered and state.triggered[0] == purpose else state.triggered


def next_deadline(state: CentralSystem) -> float | None:
    """The nearest moment at which a `Tick` changes something."""
    deadlines = [call.deadline for call in state.authorizations]
    deadlines += [pending.deadline for pending in state.commands.values()]
    if not state.settings.enabled:
        return min(deadlines, default=None)
    if not state.loaded and state.load_again_at > 0.0:
        deadlines.append(state.load_again_at)
    if state.left:
        deadlines.append(state.close_at)
    due = all_features.deadline(state) if state.loaded else None
    if due is not None:
        deadlines.append(due)
    settling = state.queue.settling
    if settling is not None and not settling.asked:
        deadlines.append(settling.not_before)
    if state.flight is not None:
        deadlines.append(state.flight.deadline)
    elif state.link is not None and state.loaded:
        deadlines += _send_times(state)
    return min(deadlines, default=None)


def _send_times(state: CentralSystem) -> list[float]:
    if not state.registration.accepted:
        return [max(state.registration.not_before, _boots_at(state))]
    found = [
        _heartbeat_at(state),
        None if _overfull(state) else state.statuses.next_due(_pace(state)),
        meter_keys.due_at(state),
    ]
    notifications = state.upkeep.notifications
    if notifications.waiting:
        found.append(notifications.not_before)
    attempt = state.queue.attempt
    if attempt is not None and state.queue.settling is None:
        found.append(attempt.not_before)
    return [at for at in found if at is not None]
