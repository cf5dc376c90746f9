"""How a session advances: what starts it, what ends it, and the facts it leaves."""

from __future__ import annotations

import math
from dataclasses import replace

from park.charging import outbox, session
from park.charging.energy import is_locked
from park.charging.session import Phase, Session
from park.charging.settings import Outlet, StopMode
from park.charging.state import ChargePointState, Effect
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

END_READING_SECONDS = 10.0  # B-240, B-181: so long the end waits for a reading, then the last one counts
STOP_PATIENCE_SECONDS = 60.0  # and so long for the electronics to tell that the contactor is open


def advance(state: ChargePointState, now: Now, effects: list[Effect]) -> ChargePointState:
    """Follow the session through every phase it can enter now."""
    phase = None
    while phase is not state.session.phase:
        phase = state.session.phase
        state = _advanced(state, now, effects)
    return state


def energy_wh(state: ChargePointState) -> int:
    """Import register now: never below what is known for sure, the last good reading while the meter is silent (B-181)."""
    reading = state.reading
    if reading is None or reading.sample is None:
        return state.session.floor_wh
    return max(state.session.floor_wh, reading.sample.energy_wh)


def ends_with_vehicle(state: ChargePointState) -> bool:
    """Does the vehicle's leaving end the session (B-058, B-059)?"""
    settings = state.settings
    if settings.outlet is Outlet.SOCKET and not state.vehicle.cable_in:
        return True
    if settings.stop_mode is StopMode.NORMAL:
        return settings.stop_on_ev_disconnect
    return settings.stop_mode is StopMode.AFTER_UNPLUGGING and settings.outlet is Outlet.CABLE


def deadline(state: ChargePointState) -> float:
    """When the session advances by itself."""
    settings, current, vehicle = state.settings, state.session, state.vehicle
    if current.phase is Phase.AUTHORIZED and not vehicle.present and settings.plug_timeout_seconds > 0:
        return current.authorized_at + settings.plug_timeout_seconds
    if current.phase is Phase.IDLE and vehicle.present and settings.card_timeout_seconds > 0:
        return vehicle.since + settings.card_timeout_seconds
    if current.phase is Phase.STOPPING:
        reading_due = current.stopped_at + END_READING_SECONDS
        return min(d for d in (reading_due, current.stopped_at + STOP_PATIENCE_SECONDS))
    if current.phase is Phase.RUNNING and settings.meter is not None:
        interval = settings.sample_interval_seconds
        return min(current.clock_due, current.sampled_at + interval if interval > 0 else math.inf)
    return math.inf


def _advanced(state: ChargePointState, now: Now, effects: list[Effect]) -> ChargePointState:
    match state.session.phase:
        case Phase.IDLE:
            return _expired(state, now.mono)
        case Phase.AUTHORIZED:
            return _begun(state, now, effects) if can_start(state) else _unplugged(state, now.mono)
        case Phase.STARTING | Phase.RUNNING:
            return _running(state, now, effects)
        case Phase.STOPPING:
            return _ended(state, now, effects) if _is_over(state, now.mono) else state
        case Phase.ENDING:
            return state if state.outbox.waiting else _settled(state)
        case Phase.FINISHED:
            return _settled(state)


def can_start(state: ChargePointState) -> bool:
    """Recovered, plugged, coded, locked, metered, nothing of the last session waiting for the disk, no fault."""
    vehicle = state.vehicle
    return (
        state.recovered
        and state.evse is not None
        and state.lost is None
        and vehicle.present
        and vehicle.cable_ma is not None
        and vehicle.proximity is None
        and is_locked(state)
        and not state.outbox.waiting
        and (state.settings.meter is None or state.meter_fresh)
        and not state.start_prevented
    )


def _expired(state: ChargePointState, mono: float) -> ChargePointState:
    """B-118: no card in time after plug-in, no session with this plug-in."""
    vehicle, limit = state.vehicle, state.settings.card_timeout_seconds
    waits = vehicle.present and state.session.expired_vehicle != vehicle.since
    if waits and 0 < limit <= mono - vehicle.since:
        return _with(state, replace(session.IDLE, expired_vehicle=vehicle.since))
    return state


def _unplugged(state: ChargePointState, mono: float) -> ChargePointState:
    """B-057: no vehicle in time after the authorization."""
    limit = state.settings.plug_timeout_seconds
    if not state.vehicle.present and 0 < limit <= mono - state.session.authorized_at:
        return _with(state, session.IDLE)
    return state


def _begun(state: ChargePointState, now: Now, effects: list[Effect]) -> ChargePointState:
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
    )
    begun = session.begun(current, fact, now.mono)
    begun = session.anchored(begun, now.wall, settings.clock_interval_seconds, now.mono)
    state = _recorded(_with(state, begun), fact, now, effects)
    return _metered(state, ReadingContext.TRANSACTION_BEGIN, now, effects)


def _running(state: ChargePointState, now: Now, effects: list[Effect]) -> ChargePointState:
    reason = _reason_to_stop(state)
    if reason is not None:
        return _with(state, session.stopped(state.session, reason, None, now.mono))
    current = state.session
    if current.phase is Phase.STARTING and current.started is not None:
        if not outbox.is_waiting(state.outbox, key_of(current.started)):
            return _with(state, replace(current, phase=Phase.RUNNING))
        return state
    if current.restored and state.evse is not None and _is_certain(state.evse.pilot):
        state = _with(state, replace(current, restored=False))
    return _sampled(state, now, effects)


def _is_certain(pilot: PilotState) -> bool:
    """The pilot tells whether a vehicle is there."""
    return pilot in {PilotState.A, PilotState.B, PilotState.C, PilotState.D}


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
    if not _is_certain(pilot):
        return None
    gone = not state.vehicle.present and ends_with_vehicle(state)
    return StopReason.POWER_LOSS if gone or not state.settings.resume_after_power_loss else None


def _is_over(state: ChargePointState, mono: float) -> bool:
    """Power is off and the meter was read after it, or there is no use in waiting longer."""
    waited = mono - state.session.stopped_at
    if waited >= STOP_PATIENCE_SECONDS:
        return True
    contactor = state.contactor
    known = state.evse is not None and state.lost is None
    if not contactor.failed and (not known or contactor.closed or contactor.permitted):
        return False
    if state.settings.meter is None or waited >= END_READING_SECONDS:
        return True
    reading = state.reading
    return reading is not None and state.meter_fresh and reading.mono >= contactor.opened_at


def _ended(state: ChargePointState, now: Now, effects: list[Effect]) -> ChargePointState:
    state = _metered(state, ReadingContext.TRANSACTION_END, now, effects)
    current, settings = state.session, state.settings
    reason = current.stop_reason or StopReason.OTHER
    fact = SessionEnded(
        session=current.id or "",
        ordinal=current.next_ordinal,
        charge_point=settings.name,
        connector=settings.connector,
        at=now.wall,
        meter_stop_wh=energy_wh(state),
        reason=reason,
        id_tag=current.stop_tag,
    )
    held = settings.has_lock and reason is StopReason.EV_DISCONNECTED and not settings.unlock_on_ev_disconnect
    ending = replace(
        current,
        phase=Phase.ENDING,
        next_ordinal=current.next_ordinal + 1,
        held=held and state.vehicle.cable_in,
        ended_vehicle=state.vehicle.since,
    )
    return _recorded(_with(state, ending), fact, now, effects)


def _settled(state: ChargePointState) -> ChargePointState:
    vehicle = state.vehicle
    left = not vehicle.present and not vehicle.cable_in
    after = session.after_end(state.session, vehicle_since=None if left else vehicle.since if vehicle.present else -math.inf)
    return state if after == state.session else _with(state, after)


def _sampled(state: ChargePointState, now: Now, effects: list[Effect]) -> ChargePointState:
    """B-068, B-125, B-126: periodic readings from the start on, clock-aligned ones at full intervals."""
    settings = state.settings
    if settings.meter is None:
        return state
    interval = settings.sample_interval_seconds
    if interval > 0 and now.mono >= state.session.sampled_at + interval:
        behind = now.mono - state.session.sampled_at >= 2 * interval
        at = now.mono if behind else state.session.sampled_at + interval
        state = _with(state, replace(state.session, sampled_at=at))
        state = _metered(state, ReadingContext.SAMPLE_PERIODIC, now, effects, fresh_only=True)
    if now.mono >= state.session.clock_due:
        before = state.session.clock_slot
        anchored = session.anchored(state.session, now.wall, settings.clock_interval_seconds, now.mono)
        state = _with(state, anchored)
        if anchored.clock_slot > before:
            state = _metered(state, ReadingContext.SAMPLE_CLOCK, now, effects, fresh_only=True)
    return state


def _metered(
    state: ChargePointState, context: ReadingContext, now: Now, effects: list[Effect], *, fresh_only: bool = False
) -> ChargePointState:
    sample = _sample(state)
    if sample is None or (fresh_only and (not state.meter_fresh or state.outbox.full)):
        return state
    settings, current = state.settings, state.session
    fact = SessionMetered(
        session=current.id or "",
        ordinal=current.next_ordinal,
        charge_point=settings.name,
        connector=settings.connector,
        at=now.wall,
        sample=sample,
        offered_ma=state.signalling.amps_ma,
        context=context,
    )
    counted = replace(current, next_ordinal=current.next_ordinal + 1)
    return _recorded(_with(state, counted), fact, now, effects)


def _sample(state: ChargePointState) -> Sample | None:
    """The newest good sample, with the register never running back."""
    if state.settings.meter is None:
        return None
    sample = state.session.floor_sample if state.reading is None else state.reading.sample or state.session.floor_sample
    if sample is None:
        return None
    register = energy_wh(state)
    return sample if sample.energy_wh == register else replace(sample, energy_wh=register)


def _recorded(state: ChargePointState, fact: SessionFact, now: Now, effects: list[Effect]) -> ChargePointState:
    box, effect = outbox.record(state.outbox, fact, now.mono)
    effects.append(effect)
    return replace(state, outbox=box)


def _with(state: ChargePointState, current: Session) -> ChargePointState:
    return state if current is state.session else replace(state, session=current)
