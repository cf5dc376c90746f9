"""What an answer, an error, silence or a lost connection means for the CALL that was in flight."""

from __future__ import annotations

from typing import TypeAlias

from msgspec.structs import replace

from park.model.access import BackendAuthorized, Verdict
from park.model.time import Now
from park.ocpp import delivery, keeping
from park.ocpp.effects import CentralSystemEffect, ClockOffered
from park.ocpp.features import local_services, meter_keys
from park.ocpp.link import Payload, ResetLink
from park.ocpp.notifications import Notification
from park.ocpp.plug_and_charge import asking
from park.ocpp.state import (
    AuthorizeCall,
    BootCall,
    CentralSystem,
    Flight,
    HeartbeatCall,
    MeterKeyCall,
    NotificationCall,
    StatusCall,
    TransactionCall,
    TransferCall,
    TriggeredValues,
)
from park.ocpp.wire import NOT_IMPLEMENTED, instant, integer_of, member, text_of

UNKNOWN_ACTION = frozenset({NOT_IMPLEMENTED, "NotSupported"})  # OCPP-J 1.6 table 7
HEARTBEAT_SECONDS = 600  # B-207: what an interval of 0 in the answer to a boot means
CLOCK_TOLERANCE_SECONDS = 1.0  # ours: below it the offset is the network's

Turn: TypeAlias = tuple[CentralSystem, tuple[CentralSystemEffect, ...]]


def answered(state: CentralSystem, unique_id: str, payload: Payload, now: Now) -> Turn:
    """A late answer to an earlier transmission of the head counts; one to anything else is gone with its question."""
    waiting = delivery.answered(state.queue, unique_id, payload, state.values, now)
    state = replace(state, queue=waiting)
    flight = state.flight
    if flight is None or flight.unique_id != unique_id:
        return _alive(state, now), ()
    state = _alive(replace(state, flight=None), now)
    match flight.purpose:
        case BootCall():
            return _booted(state, payload, now)
        case HeartbeatCall():
            return _clock(state, payload, now)
        case AuthorizeCall():
            return _authorized(state, flight.purpose, payload)
        case NotificationCall(notification):
            return keeping.settle(state, state.upkeep.notifications.delivered(notification.number))
        case TransferCall():
            return state, (local_services.answer_of(flight.purpose, payload),)
        case MeterKeyCall() as call:
            return meter_keys.answered(state, call, payload, now), ()
        case StatusCall() | TriggeredValues() | TransactionCall():
            return state, ()


def failed(state: CentralSystem, unique_id: str, why: str, now: Now) -> Turn:
    """A CALLERROR: volatile messages are given up (B-010), the head of the queue has its attempts."""
    waiting = delivery.failed(state.queue, unique_id, why, state.values, now)
    state = replace(state, queue=waiting)
    flight = state.flight
    if flight is None or flight.unique_id != unique_id:
        return _alive(state, now), ()
    state = _alive(replace(state, flight=None), now)
    if isinstance(flight.purpose, NotificationCall):
        return _refused(state, flight.purpose.notification, why)
    if isinstance(flight.purpose, TransferCall):
        return state, (local_services.failure_of(flight.purpose, f"the backend refused it: {why}"),)
    return _given_up(state, flight, now)


def _refused(state: CentralSystem, notification: Notification, why: str) -> Turn:
    """A backend that does not know an action of the white paper is not told again; other errors are an end too."""
    notifications = state.upkeep.notifications
    unknown = why.partition(":")[0] in UNKNOWN_ACTION
    return keeping.settle(
        state, notifications.unknown(notification.action) if unknown else notifications.delivered(notification.number)
    )


def _alive(state: CentralSystem, now: Now) -> CentralSystem:
    """The backend said something: what it left unanswered before counts as an attempt."""
    return replace(state, silent=False, queue=delivery.proven(state.queue, state.values, now))


def _given_up(state: CentralSystem, flight: Flight, now: Now) -> Turn:
    match flight.purpose:
        case BootCall():
            return replace(state, registration=state.registration.unanswered(now.mono)), ()
        case AuthorizeCall() as call:
            return state, (
                _without_tariff(call) if call.accepted else BackendAuthorized(call.request_id, call.id_tag, None),
            )
        case NotificationCall(notification):
            return keeping.settle(state, state.upkeep.notifications.unanswered(notification.number, now.mono))
        case TransferCall():
            return state, (local_services.failure_of(flight.purpose),)
        case MeterKeyCall():
            return meter_keys.failed(state, now), ()
        case StatusCall() | TriggeredValues() | TransactionCall() | HeartbeatCall():
            return state, ()


def expire(state: CentralSystem, now: Now) -> Turn:
    """Deadlines of the call in flight and of waiting questions."""
    late = tuple(call for call in state.authorizations if call.deadline <= now.mono)
    effects: tuple[CentralSystemEffect, ...] = tuple(
        BackendAuthorized(call.request_id, call.id_tag, None) for call in late
    )
    state = replace(state, authorizations=tuple(call for call in state.authorizations if call not in late))
    flight = state.flight
    if flight is None or now.mono < flight.deadline:
        return state, effects
    state, more = _silence(replace(state, flight=None), flight, now)
    return state, effects + more


def _silence(state: CentralSystem, flight: Flight, now: Now) -> Turn:
    """No answer in time. A heartbeat then finds out whether the backend lives; if that fails, the link is made anew.

    So a backend that hangs uses up nobody's attempts, and a message it cannot digest uses up its own (B-011, D1).
    """
    state = replace(state, queue=delivery.timed_out(state.queue, flight.unique_id))
    if isinstance(flight.purpose, HeartbeatCall):
        reason = "no answer from the backend; connecting again"
        link = state.link
        state, effects = link_lost(state, reason)
        return state, effects if link is None else (*effects, ResetLink(link, reason))
    state = replace(state, silent=not isinstance(flight.purpose, BootCall))
    return _given_up(state, flight, now)


def link_lost(state: CentralSystem, reason: str) -> Turn:
    """What was in flight is unanswered and counts as no attempt; questions get no verdict; commands no answer."""
    flight = state.flight
    unanswered = [*state.authorizations]
    statuses = state.statuses
    in_flight: str | None = None
    state, effects = local_services.link_lost(state)
    match flight.purpose if flight is not None else None:
        case AuthorizeCall() as call:
            unanswered.append(call)
        case StatusCall(changed):
            statuses = statuses.lost(changed.connector)
        case TransferCall() as call:
            effects += (local_services.failure_of(call),)
        case TransactionCall():
            in_flight = flight.unique_id if flight is not None else None
        case _:
            pass
    state = replace(
        state,
        link=None,
        link_reason=reason,
        flight=None,
        silent=False,
        statuses=statuses,
        authorizations=(),
        triggered=(),
        commands={},
        queue=delivery.lost(state.queue, in_flight),
    )
    return state, effects + tuple(BackendAuthorized(call.request_id, call.id_tag, None) for call in unanswered)


def _booted(state: CentralSystem, payload: Payload, now: Now) -> Turn:
    interval = integer_of(payload, "interval") or 0
    before = state.registration.accepted
    registration = state.registration.answered(text_of(payload, "status"), interval, now.mono)
    state = replace(state, registration=registration)
    if registration.accepted:
        seconds = interval if interval > 0 else HEARTBEAT_SECONDS
        values = state.values.with_value("HeartbeatInterval", str(seconds))
        statuses = state.statuses if before else state.statuses.untold()
        state = meter_keys.registered(replace(state, values=values, statuses=statuses, last_heartbeat=now.mono))
    return _clock(state, payload, now)


def _clock(state: CentralSystem, payload: Payload, now: Now) -> Turn:
    theirs = instant(payload.get("currentTime"))
    if theirs is None:
        return state, ()
    state = replace(state, dating=replace(state.dating, told=(theirs, now.mono)))
    if not state.values.switch("useAsTimeSource") or _is_kept(state):
        return state, ()
    offset = (theirs - now.wall).total_seconds()
    heeded = abs(offset) >= CLOCK_TOLERANCE_SECONDS or not now.known
    return state, (ClockOffered(offset),) if heeded else ()


def _is_kept(state: CentralSystem) -> bool:
    """By setting the clock is not moved while a session runs (B-392)."""
    moves = state.values.switch("AllowTimeSyncDuringSession")
    return not moves and any(True for _ in state.queue.transactions.all_running())


def _authorized(state: CentralSystem, call: AuthorizeCall, payload: Payload) -> Turn:
    """By setting an accepted card charges only with a tariff, for which the backend is asked next (B-062)."""
    if call.accepted is not None:
        known = text_of(payload, "status") == "Accepted"
        return state, (call.accepted if known else _without_tariff(call),)
    verdict = asking.authorized(call.request_id, call.id_tag, payload) if call.contract else _verdict(call, payload)
    if verdict.verdict is not Verdict.ACCEPTED or not state.values.switch("DataTransferTariffUsage"):
        return state, (verdict,)
    return replace(state, authorizations=(replace(call, accepted=verdict), *state.authorizations)), ()


def _without_tariff(call: AuthorizeCall) -> BackendAuthorized:
    """Refused this time, by the one word that says nothing about the card."""
    return BackendAuthorized(call.request_id, call.id_tag, Verdict.CONCURRENT_TX)


def _verdict(call: AuthorizeCall, payload: Payload) -> BackendAuthorized:
    info = member(payload, "idTagInfo")
    try:
        verdict = Verdict(text_of(info, "status"))
    except ValueError:
        verdict = None
    return BackendAuthorized(
        call.request_id, call.id_tag, verdict, text_of(info, "parentIdTag"), instant(info.get("expiryDate"))
    )
