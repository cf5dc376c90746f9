"""How a session advances: what starts it, what ends it, and the facts it leaves."""

from __future__ import annotations

import math
from datetime import timedelta
from zlib import crc32

from msgspec.structs import replace

from park.charging import outbox, session
from park.charging.energy import is_locked
from park.charging.session import Phase, Session
from park.charging.settings import ChargePointSettings, Outlet, SampleMode, StopMode
from park.charging.state import NOT_RESERVED, ChargePointState, Effect
from park.model.access import AuthorizationGranted, BackendQueue
from park.model.evse import PilotState
from park.model.metering import Sample
from park.model.session import (
    ReadingContext,
    SessionEnded,
    SessionFact,
    SessionMetered,
    SessionStarted,
    StopReason,
    key_of,
)
from park.model.time import Now

LATE_SECONDS = 2.0  # whoever wakes up so late for an end stood still, and so did the questions to the meter …
ANSWER_SECONDS = 3.0  # … which is asked once a second
STOP_PATIENCE_SECONDS = 60.0  # and so long for the electronics to tell that the contactor is open
EVIDENCE = (ReadingContext.TRANSACTION_BEGIN, ReadingContext.TRANSACTION_END)  # readings that bills are made of
CERTAIN = (PilotState.A, PilotState.B, PilotState.C, PilotState.D)  # the pilot tells whether a vehicle is there


def advance(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    """Follow the session through every phase it can enter now."""
    phase = None
    while phase is not state.session.phase:
        phase = state.session.phase
        _advance(state, now, effects)


def energy_wh(state: ChargePointState) -> int:
    """Import register now, never below what is known for sure; the last good one while the meter is silent (B-181)."""
    reading = state.reading
    if reading is None or reading.sample is None:
        return state.session.floor_wh
    return max(state.session.floor_wh, reading.sample.energy_wh)


def ends_with_vehicle(state: ChargePointState) -> bool:
    """Whether the vehicle's leaving ends the session (B-058, B-059).

    From a socket that cannot lock, anybody's plug could go on with it: there it always ends (B-132).
    """
    settings = state.settings
    if settings.outlet is Outlet.SOCKET and not (state.vehicle.cable_in and settings.has_lock):
        return True
    if settings.stop_mode is StopMode.NORMAL:
        return settings.stop_on_ev_disconnect
    return settings.stop_mode is StopMode.AFTER_UNPLUGGING and settings.outlet is Outlet.CABLE


def deadlines(state: ChargePointState) -> tuple[float, ...]:
    """When the session may advance by itself; times gone by count for nothing."""
    settings, current, vehicle = state.settings, state.session, state.vehicle
    if current.phase is Phase.AUTHORIZED and not vehicle.present:
        return (_plug_by(state),)
    if current.phase is Phase.IDLE and vehicle.present:
        return (_card_by(state),)
    if current.phase is Phase.STOPPING:
        return (current.reading_by, current.stopped_at + STOP_PATIENCE_SECONDS)
    if current.phase is Phase.RUNNING and settings.meter is not None:
        interval = settings.sample_interval_seconds
        return (current.clock_due, current.sampled_at + interval if interval > 0 else math.inf)
    return ()


def _plug_by(state: ChargePointState) -> float:
    """B-057: mono at which an authorization without a vehicle ends; whoever wakes up then finds it over."""
    limit = state.settings.plug_timeout_seconds
    return state.session.authorized_at + limit if limit > 0 else math.inf


def _card_by(state: ChargePointState) -> float:
    """B-118: the same for a vehicle without a card."""
    limit = state.settings.card_timeout_seconds
    return state.vehicle.since + limit if limit > 0 else math.inf


def _advance(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    match state.session.phase:
        case Phase.IDLE:
            _expire(state, now.mono)
            _register(state, now.mono)
        case Phase.AUTHORIZED:
            if _is_forgotten(state, now.mono):
                state.session = session.IDLE
            elif can_start(state):
                _begin(state, now, effects)
        case Phase.STARTING | Phase.RUNNING:
            _run(state, now, effects)
        case Phase.STOPPING:
            _allow_for_standstill(state, now.mono)
            if _is_over(state, now.mono):
                _end(state, now, effects)
        case Phase.ENDING | Phase.FINISHED:
            if not state.outbox.waiting:
                _leave(state)
                _register(state, now.mono)


def can_start(state: ChargePointState) -> bool:
    """Recovered, plugged, coded, locked, metered, no fault, room for its messages.

    An end not yet on disk never gets here: it is ENDING.
    """
    vehicle = state.vehicle
    return (
        state.recovered
        and state.evse is not None
        and state.lost is None
        and vehicle.present
        and vehicle.cable_ma is not None
        and vehicle.proximity is None
        and is_locked(state)
        and (state.settings.meter is None or state.meter_fresh)
        and not state.start_prevented
        and state.settings.backend_queue is BackendQueue.ROOM
    )


def _expire(state: ChargePointState, mono: float) -> None:
    """B-118: no card in time after plug-in, no session with this plug-in."""
    vehicle = state.vehicle
    if vehicle.present and state.session.expired_vehicle != vehicle.since and mono >= _card_by(state):
        state.session = replace(session.IDLE, expired_vehicle=vehicle.since)


def _register(state: ChargePointState, mono: float) -> None:
    """B-383: a vehicle that was there before the start and whose session did not go on, under the tag of service."""
    settings, current = state.settings, state.session
    if not (settings.service_restart and settings.service_tag and settings.operative and state.recovered):
        return
    standing = state.vehicle.present and state.vehicle.since == state.found != current.expired_vehicle
    lost = current.phase is Phase.FINISHED and current.stop_reason is StopReason.POWER_LOSS
    if standing and (current.phase is Phase.IDLE or lost):
        state.found = None
        granted = AuthorizationGranted(settings.name, settings.service_tag, "service")
        state.session = session.authorized(current, granted, mono)


def _is_forgotten(state: ChargePointState, mono: float) -> bool:
    """No vehicle in time after the authorization; one that comes later, and before any tick, is too late as well."""
    arrived = state.vehicle.since if state.vehicle.present else mono
    return arrived >= _plug_by(state)


def _begin(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    settings, current = state.settings, state.session
    fact = SessionStarted(
        session=settings.new_session_id(),
        ordinal=0,
        charge_point=settings.name,
        connector=settings.connector,
        id_tag=current.id_tag or "",
        authorized_by=current.authorized_by,
        at=now.wall,
        meter_start_wh=energy_wh(state),
        reservation=current.reservation,
        undated=now.undated,
    )
    state.session = clocked(session.begun(current, fact, now.mono), settings, now)
    if current.reservation is not None:
        state.reserved_ends = NOT_RESERVED
    _record(state, fact, now, effects)
    _meter(state, ReadingContext.TRANSACTION_BEGIN, now, effects)


def _run(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    reason = _reason_to_stop(state)
    current = state.session
    if reason is not None:
        state.session = session.stopped(current, reason, None, now.mono)
    elif current.phase is Phase.STARTING and current.started is not None:
        if not outbox.is_waiting(state.outbox, key_of(current.started)):
            state.session = replace(current, phase=Phase.RUNNING)
    else:
        if current.restored and state.evse is not None and state.evse.pilot in CERTAIN:
            state.session = replace(current, restored=False)
        _use_up(state)
        _sample(state, now, effects)


def limited(state: ChargePointState, current: Session) -> Session:
    """A session whose card was refused and that is not ended: without energy, or with the little it may take (B-119).

    After a restart it may take none: how much it had nobody knows.
    """
    allowed_wh = state.settings.energy_on_invalid_id_wh
    if not allowed_wh or state.settings.meter is None or current.restored:
        return replace(current, deauthorized=True)
    return current if current.energy_until_wh else replace(current, energy_until_wh=energy_wh(state) + allowed_wh)


def _use_up(state: ChargePointState) -> None:
    until_wh = state.session.energy_until_wh
    if until_wh is not None and not state.session.deauthorized and energy_wh(state) >= until_wh:
        state.session = replace(state.session, deauthorized=True)


def clocked(current: Session, settings: ChargePointSettings, now: Now) -> Session:
    """Wait for the next aligned reading, which each charge point takes at its own time within the spread (B-069)."""
    spread = min(settings.clock_spread_seconds, max(0, settings.clock_interval_seconds - 1))
    behind = timedelta(seconds=crc32(settings.name.encode()) % (spread + 1))
    return session.anchored(current, now.wall - behind, settings.clock_interval_seconds, now.mono)


def _samples(state: ChargePointState) -> bool:
    """Whether periodic readings are wanted now (B-067)."""
    match state.settings.sample_mode:
        case SampleMode.WHOLE_TRANSACTION:
            return True
        case SampleMode.CONTACTOR_CLOSED:
            return state.contactor.closed
        case SampleMode.CURRENT_FLOW:
            reading = state.reading
            sample = None if reading is None else reading.sample
            return reading is not None and sample is not None and max(sample.currents_ma) > reading.resolution_ma


def _reason_to_stop(state: ChargePointState) -> StopReason | None:
    for fault in state.faults:
        if fault.kind.ends is not None:
            return fault.kind.ends
    if state.evse is None or state.lost is not None:
        return None
    if state.session.restored:
        return _reason_after_restart(state, state.evse.pilot)
    if not state.vehicle.present and ends_with_vehicle(state):
        return StopReason.EV_DISCONNECTED
    return None


def _reason_after_restart(state: ChargePointState, pilot: PilotState) -> StopReason | None:
    """B-074, B-180: the session goes on if its vehicle is still there and the setting lets it."""
    if pilot not in CERTAIN:
        return None
    gone = not state.vehicle.present and ends_with_vehicle(state)
    return StopReason.POWER_LOSS if gone or not state.settings.resume_after_power_loss else None


def _allow_for_standstill(state: ChargePointState, mono: float) -> None:
    """A process that was stopped has not read the meter meanwhile: it gets the time to."""
    if mono >= state.session.reading_by + LATE_SECONDS:
        state.session = replace(state.session, reading_by=mono + ANSWER_SECONDS)


def _is_over(state: ChargePointState, mono: float) -> bool:
    """Power is off and the meter was read after it, or there is no use in waiting longer."""
    contactor, current = state.contactor, state.session
    if mono < current.stopped_at + STOP_PATIENCE_SECONDS and not contactor.failed:
        known = state.evse is not None and state.lost is None
        if not known or contactor.closed or contactor.permitted:
            return False
    reading = state.reading
    if reading is not None and state.meter_fresh and reading.mono >= contactor.opened_at:
        return True
    return state.settings.meter is None or mono >= current.reading_by


def _end(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    _meter(state, ReadingContext.TRANSACTION_END, now, effects)
    current, settings = state.session, state.settings
    at = session.time_of_fact(current, now)
    reason = current.stop_reason or StopReason.OTHER
    fact = SessionEnded(
        session=current.id or "",
        ordinal=current.next_ordinal,
        charge_point=settings.name,
        connector=_connector(state),
        at=at,
        meter_stop_wh=energy_wh(state),
        reason=reason,
        id_tag=current.stop_tag,
        undated=now.undated,
    )
    held = settings.has_lock and reason is StopReason.EV_DISCONNECTED and not settings.unlock_on_ev_disconnect
    state.session = replace(
        current,
        phase=Phase.ENDING,
        next_ordinal=current.next_ordinal + 1,
        last_at=session.dated(at, now),
        held=held and state.vehicle.cable_in,
    )
    _record(state, fact, now, effects)


def _leave(state: ChargePointState) -> None:
    """The end is durable: wait until the plug is out, or for what was authorized meanwhile."""
    vehicle = state.vehicle
    if vehicle.present:
        state.session = session.after_end(state.session, vehicle_since=vehicle.since)
    else:
        state.session = session.after_end(state.session, vehicle_since=-math.inf if vehicle.cable_in else None)


def _sample(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    """B-068, B-125, B-126: periodic readings from the start on, clock-aligned ones at full intervals."""
    settings, current = state.settings, state.session
    if settings.meter is None:
        return
    interval = settings.sample_interval_seconds if _samples(state) else 0
    if interval > 0 and now.mono >= current.sampled_at + interval:
        behind = now.mono - current.sampled_at >= 2 * interval
        current = replace(current, sampled_at=now.mono if behind else current.sampled_at + interval)
        state.session = current
        _meter(state, ReadingContext.SAMPLE_PERIODIC, now, effects, fresh_only=True)
    if now.mono >= current.clock_due:
        anchored = clocked(state.session, settings, now)
        state.session = anchored
        if anchored.clock_slot > current.clock_slot:
            _meter(state, ReadingContext.SAMPLE_CLOCK, now, effects, fresh_only=True)


def _meter(
    state: ChargePointState, context: ReadingContext, now: Now, effects: list[Effect], *, fresh_only: bool = False
) -> None:
    sample = _newest_sample(state)
    if sample is None or (fresh_only and (not state.meter_fresh or state.outbox.full)):
        return
    settings, current = state.settings, state.session
    if context not in EVIDENCE and sample.signed is not None:
        sample = replace(sample, signed=None)
    at = session.time_of_reading(current, now)
    fact = SessionMetered(
        session=current.id or "",
        ordinal=current.next_ordinal,
        charge_point=settings.name,
        connector=_connector(state),
        at=at,
        sample=sample,
        offered_ma=state.signalling.amps_ma,
        context=context,
        undated=now.undated,
    )
    dated = session.dated(at, now)
    state.session = replace(current, next_ordinal=current.next_ordinal + 1, last_at=dated, read_at=dated)
    _record(state, fact, now, effects)


def _newest_sample(state: ChargePointState) -> Sample | None:
    """The newest good sample, with the register never running back."""
    if state.settings.meter is None:
        return None
    newest = None if state.reading is None else state.reading.sample
    sample = newest or state.session.floor_sample
    if sample is None:
        return None
    register = energy_wh(state)
    return sample if sample.energy_wh == register else replace(sample, energy_wh=register)


def _record(state: ChargePointState, fact: SessionFact, now: Now, effects: list[Effect]) -> None:
    state.outbox, effect = outbox.record(state.outbox, fact, now.mono)
    effects.append(effect)


def _connector(state: ChargePointState) -> int:
    """Of the session's start, whatever the server says since: its facts belong together (D1)."""
    started = state.session.started
    return state.settings.connector if started is None else started.connector
