"""Who may have energy now: the offer on the pilot, the wish for the contactor, the wanted position of the lock."""

from __future__ import annotations

import math

from park.charging import contactor, lock, overdraw, phase_switching, phases_in_use, signalling, waking
from park.charging.contactor import Wish
from park.charging.faults import Impact
from park.charging.lock import Stage
from park.charging.phase_switching import PolesSeen, SetPole
from park.charging.session import Phase
from park.charging.signalling import CONFIRM_SECONDS, Offer
from park.charging.state import ChargePointState, Effect
from park.charging.unlocking import is_freed
from park.model.evse import EvseReported, PilotOutput, PilotState, SetContactor, SetLock

NOTHING = Offer(PilotOutput.IDLE, 0, 0)
SHUTDOWN = Offer(PilotOutput.FAULT, 0, 0)
TALK = Offer(PilotOutput.DIGITAL, 0, 0)


def limit_ma(state: ChargePointState) -> int:
    """Smallest of cable, station and temperature limits now."""
    temperature = None if state.evse is None else state.evse.temperature_c
    return signalling.station_limit_ma(state.settings, state.vehicle.cable_ma, temperature)


def is_locked(state: ChargePointState) -> bool:
    """The plug cannot be pulled: locked and at rest, or a fixed cable."""
    if not state.settings.has_lock:
        return True
    return state.lock.wanted is True and state.lock.stage is Stage.REST and state.lock.closed is True


def may_charge(state: ChargePointState) -> bool:
    """Authorized, start fact durable, vehicle there and nothing against it. The current is another question."""
    return (
        state.session.phase is Phase.RUNNING
        and not state.session.restored
        and not state.session.deauthorized
        and state.vehicle.present
        and is_locked(state)
        and not state.energy_stopped
    )


def offer(state: ChargePointState, mono: float) -> Offer:
    """What the pilot may show: the lease, shaped by cable, station and temperature (S2, S5); else nothing."""
    if state.settings.pilot_off:
        return SHUTDOWN
    if state.faults and any(fault.kind.impact is Impact.SHUTDOWN for fault in state.faults):
        return SHUTDOWN
    if _talks_first(state, mono):
        return TALK
    if not may_charge(state):
        return NOTHING
    settings, lease = state.settings, state.lease
    limit = limit_ma(state)
    lapse_ma = signalling.shaped(lease.lapse_ma, limit, settings)
    amps_ma = signalling.shaped(lease.allows(mono), limit, settings)
    poles = state.poles
    if poles is not None and not poles.offers:
        amps_ma = 0
    phases = (1, 2, 3)[: settings.phases if poles is None else poles.count]
    if (
        poles is None
        and lease.grant is not None
        and not phases_in_use.covered(state.phases_in_use, lease.grant, settings)
    ):
        amps_ma = min(amps_ma, lapse_ma)  # of no use on these phases, and never more than it says (S2)
    return signalling.pwm(amps_ma, lapse_ma, lease.until(mono), phases)


def _talks_first(state: ChargePointState, mono: float) -> bool:
    """B-064: the vehicle has just come, is not ready, and its modem may still answer; authorized or not."""
    report, seconds = state.evse, state.settings.slac_seconds
    if not seconds or report is None or not state.settings.operative:
        return False
    return report.pilot is PilotState.B and not report.matched and mono < state.vehicle.since + seconds


def talking_ends(state: ChargePointState) -> float:
    """Mono at which the time for talking is over."""
    seconds = state.settings.slac_seconds
    return state.vehicle.since + seconds if seconds and state.vehicle.present else math.inf


def wish(state: ChargePointState) -> Wish:
    """What the contactor is wanted to do under the offer that was sent last."""
    report = state.evse
    if report is None or not state.ready:
        return Wish.OPEN
    if state.settings.pilot_off or any(fault.kind.impact in {Impact.CUT, Impact.SHUTDOWN} for fault in state.faults):
        return Wish.OPEN
    if not may_charge(state) or (state.poles is not None and state.poles.pausing):
        return Wish.RELEASE
    if state.signalling.amps_ma == 0:
        return Wish.RELEASE if state.settings.open_contactor_on_pause else Wish.HOLD
    offered = report.output is PilotOutput.PWM and report.signalled_ma > 0
    return Wish.CLOSE if offered else Wish.HOLD


def lock_wanted(state: ChargePointState) -> bool:
    """B-058, B-065: locked from plug-in to the end, never released while current may flow."""
    session, vehicle, settings = state.session, state.vehicle, state.settings
    if any(fault.kind.unlocks for fault in state.faults):
        return False
    if is_freed(state) and not (state.contactor.closed or state.contactor.permitted):
        return False
    if settings.lock_permanently and (vehicle.present or vehicle.cable_in) and vehicle.proximity is None:
        return True
    if session.is_open:
        if vehicle.present or state.contactor.closed or state.contactor.permitted:
            return True
        return not settings.unlock_on_ev_disconnect
    if session.phase in {Phase.ENDING, Phase.FINISHED}:
        return session.held
    if not vehicle.present or session.expired_vehicle == vehicle.since:
        return False
    if settings.lock_if_authorized and session.phase is Phase.IDLE:
        return False
    smallest = settings.reject_cables_below_ma
    return vehicle.proximity is None and vehicle.cable_ma is not None and vehicle.cable_ma >= smallest


def settle_lock(state: ChargePointState, mono: float, effects: list[Effect]) -> None:
    if not state.settings.has_lock or state.evse is None:
        return
    state.lock, commands = lock.settle(state.lock, lock_wanted(state), state.evse.lock_closed, mono)
    for closed in commands:
        effects.append(SetLock(state.settings.name, closed))  # noqa: PERF401 - almost always none


def settle_pilot(state: ChargePointState, mono: float, effects: list[Effect]) -> None:
    showing = offer(state, mono)
    state.waking = waking.settle(
        state.waking,
        offered=showing.amps_ma > 0 and state.vehicle.present,
        ready=state.ready,
        patience=state.settings.wake_up_seconds,
        mono=mono,
    )
    if state.waking.shows_zero(mono):  # should we fall silent meanwhile, the device's deadman ends it
        showing = Offer(PilotOutput.ZERO, 0, showing.lapse_ma, state.waking.ends + CONFIRM_SECONDS, showing.phases)
    state.signalling, send = signalling.settle(state.signalling, showing, state.lease.fence, mono)
    command = signalling.command(state.signalling, state.settings.name, mono) if send else None
    if command is not None:
        effects.append(command)
        state.overdraw = overdraw.offered(state.overdraw, command.amps_ma, mono)


def settle_poles(state: ChargePointState, mono: float, effects: list[Effect]) -> None:
    """Of a charge point that switches phases: both poles follow what the contactor is permitted, in their order."""
    poles, report = state.poles, state.evse
    if poles is None or report is None:
        return
    grant = state.lease.grant
    closes = poles.told.primary or wish(state) is Wish.CLOSE
    state.poles, orders = phase_switching.settle(
        poles,
        wanted=poles.wanted if grant is None else len(grant.phases),
        permitted=state.contactor.permitted and state.ready and closes,
        seen=poles_seen(report),
        now=mono,
    )
    moves = [order for order in orders if isinstance(order, SetPole)]
    effects.extend([SetContactor(state.settings.name, move.closed, move.pole) for move in moves])


def poles_seen(report: EvseReported) -> PolesSeen:
    return PolesSeen(report.contactor_closed, report.secondary_closed or False)


def settle_contactor(state: ChargePointState, mono: float, effects: list[Effect]) -> None:
    state.contactor, command = contactor.settle(state.contactor, wish(state), ready=state.ready, mono=mono)
    if command is not None and state.poles is None:
        effects.append(SetContactor(state.settings.name, command))
