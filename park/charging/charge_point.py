"""The charge point state machine: one connector from plug to durable end of session, and its grant in force.

A step takes in one event and then settles: every machine compares what is with what should be and commands the
difference. So order and repetition of events do not matter, and a lost command or message heals.
"""

from __future__ import annotations

import math
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from park.charging import (
    contactor,
    detection,
    lease,
    life,
    outbox,
    outward,
    overdraw,
    phase_switching,
    phases_in_use,
    placing,
    reclosing,
    session,
    signalling,
    unlocking,
    vehicle,
    waking,
)
from park.charging.energy import poles_seen, settle_contactor, settle_lock, settle_pilot, settle_poles, talking_ends
from park.charging.session import Phase
from park.charging.settings import ChargePointSettings, StopMode
from park.charging.state import (
    NOT_RESERVED,
    PATIENCE_SECONDS,
    Answer,
    ChargePointEvent,
    ChargePointState,
    Effect,
    initial,
)
from park.charging.tuning import with_changed
from park.model.access import (
    AuthorizationGranted,
    Done,
    OrderRecloser,
    Refused,
    RemoteStop,
    RepeatSettings,
    SettingChanged,
    StopSession,
    UnlockConnector,
)
from park.model.evse import EvseLost, EvseReported, ReportLevels, SetContactor
from park.model.grant import ApplyGrant
from park.model.metering import Quality, ReadingTaken
from park.model.placement import Placed
from park.model.reservation import ConnectorReserved
from park.model.session import FactPersisted, RecoverSession, SessionRecovered, StopReason, TransactionAssigned
from park.model.signals import RepeatLevels, Start, Tick, WakeAt
from park.model.time import Now

__all__ = ["Answer", "ChargePointEvent", "ChargePointSettings", "ChargePointState", "Effect", "initial", "step"]

ROUNDS = 5  # what one machine changes may move another; three rounds are the most ever seen
RECOVER_AGAIN_SECONDS = 5.0  # between questions to a journal that does not answer

_Ordered: TypeAlias = RemoteStop | UnlockConnector | OrderRecloser


def step(state: ChargePointState, event: ChargePointEvent, now: Now) -> tuple[ChargePointState, tuple[Effect, ...]]:
    """The state after one event, and the effects due. Never raises, whatever comes in whatever order."""
    effects: list[Effect] = []
    if type(event) is Tick and not _is_due(state, now.mono):
        if now.mono < state.wake:
            return state, ()
        after = state.fork()
        _wake(state, after, now.mono, effects)
        return after, tuple(effects)
    after = state.fork()
    _absorb(after, event, now, effects)
    if type(event) is ReadingTaken and _only_figures(state, after, now.mono):
        outward.tell_reading(after, effects)
    else:
        _settle(state, after, now, effects)
    return after, tuple(effects)


def _is_due(state: ChargePointState, mono: float) -> bool:
    """Whether a deadline has passed since the last step; often what a tick was asked for is settled by then."""
    return state.wake <= mono and any(state.wake <= due <= mono for due in _deadlines(state))


def _only_figures(before: ChargePointState, state: ChargePointState, mono: float) -> bool:
    """A reading that no machine waits for: the hot path of a charging point."""
    return (
        mono < state.wake
        and before.overdraw is state.overdraw
        and before.phases_in_use.learned == state.phases_in_use.learned
        and before.meter_fresh
        and state.meter_fresh
        and state.session.phase is not Phase.AUTHORIZED
        and state.session.phase is not Phase.STOPPING
        and state.session.energy_until_wh is None
    )


def _settle(before: ChargePointState, state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    _repeat(state, now.mono, effects)
    for _ in range(ROUNDS):
        session_then, faults_then, switch_then, bolt_then = state.session, state.faults, state.contactor, state.lock
        poles_then = state.poles
        _judge(state, now)
        life.advance(state, now, effects)
        if state.commands(now.mono):
            settle_lock(state, now.mono, effects)
            settle_poles(state, now.mono, effects)
            settle_pilot(state, now.mono, effects)
            settle_contactor(state, now.mono, effects)
        if (
            state.session is session_then
            and state.faults is faults_then
            and state.contactor is switch_then
            and state.lock is bolt_then
            and state.poles is poles_then
        ):
            break
    unlocking.settle(state, now.mono, effects)
    reclosing.settle(state, now.mono, effects)
    outward.tell(before, state, now, effects)
    _wake(before, state, now.mono, effects)


def _judge(state: ChargePointState, now: Now) -> None:
    judged = overdraw.settle(state.overdraw, now.mono)
    state.overdraw = overdraw.forgiven(judged, now.mono)
    if state.reserved_ends <= now.mono:
        state.reserved_ends = NOT_RESERVED
    detection.latch(state)
    detection.detect(state, now)


def _repeat(state: ChargePointState, mono: float, effects: list[Effect]) -> None:
    """What was not acknowledged goes out again."""
    if mono >= state.outbox.due:
        state.outbox, again = outbox.repeat(state.outbox, mono)
        effects.extend(again)
    if mono >= state.recover_due:
        effects.append(RecoverSession(state.settings.name))
        state.recover_due = mono + RECOVER_AGAIN_SECONDS


def _wake(before: ChargePointState, state: ChargePointState, mono: float, effects: list[Effect]) -> None:
    """Ask for a tick at the next deadline, unless an earlier one is on its way."""
    if state.wake <= mono:
        state.wake = math.inf
    elif _same_deadlines(before, state):
        return
    wake = math.inf
    for due in _deadlines(state):
        if mono < due < wake:
            wake = due
    if wake < state.wake:
        effects.append(WakeAt(wake))
        state.wake = wake


def _same_deadlines(before: ChargePointState, state: ChargePointState) -> bool:
    return (
        before.session is state.session
        and before.vehicle is state.vehicle
        and before.signalling is state.signalling
        and before.contactor is state.contactor
        and before.overdraw is state.overdraw
        and before.waking is state.waking
        and before.phases_in_use.learned == state.phases_in_use.learned
        and before.outbox is state.outbox
        and before.lock is state.lock
        and before.poles is state.poles
        and before.lease is state.lease
        and before.settings is state.settings
        and before.unlocking is state.unlocking
        and before.reclosing is state.reclosing
        and before.started_at == state.started_at
        and before.recover_due == state.recover_due
        and before.reserved_ends == state.reserved_ends
    )


def _deadlines(state: ChargePointState) -> tuple[float, ...]:
    return (
        *outbox.deadlines(state.outbox),
        *detection.deadlines(state),
        *life.deadlines(state),
        *signalling.deadlines(state.signalling),
        *contactor.deadlines(state.contactor),
        *overdraw.deadlines(state.overdraw),
        *waking.deadlines(state.waking, state.settings.wake_up_seconds),
        state.lock.due,
        talking_ends(state),
        math.inf if state.poles is None else phase_switching.next_due(state.poles),
        state.lease.ends,
        state.recover_due,
        unlocking.deadline(state),
        reclosing.deadline(state),
        state.reserved_ends,
        state.started_at + PATIENCE_SECONDS,
    )


def _absorb(  # noqa: C901 - a flat union
    state: ChargePointState, event: ChargePointEvent, now: Now, effects: list[Effect]
) -> None:
    match event:
        case Tick():
            pass
        case ReadingTaken():
            _take_reading(state, event, now.mono)
        case EvseReported():
            _take_levels(state, event, now, effects)
        case ApplyGrant():
            state.lease = lease.take(state.lease, event.grant, state.settings, now.mono)
        case FactPersisted():
            if event.charge_point == state.settings.name:
                state.outbox = outbox.persisted(state.outbox, event.key, now.mono)
        case EvseLost():
            if event.charge_point == state.settings.name:
                state.lost = event.reason
                state.phases_in_use = phases_in_use.UNKNOWN
        case Start():
            effects += (ReportLevels(state.settings.name), RepeatSettings(state.settings.name))
            state.started_at = now.mono
            state.recover_due = math.inf if state.recovered else now.mono
        case (
            AuthorizationGranted()
            | StopSession()
            | RemoteStop()
            | UnlockConnector()
            | OrderRecloser()
            | TransactionAssigned()
            | SessionRecovered()
        ):
            _take_command(state, event, now.mono, effects)
        case SettingChanged():
            _take_setting(state, event, now)
        case Placed():
            if event.charge_point == state.settings.name:
                state.settings = placing.with_placement(state.settings, event)
                state.lease = placing.within(state.lease, state.settings)
        case ConnectorReserved():
            if event.charge_point == state.settings.name:
                state.reserved_ends = _reserved(event, now)
        case RepeatLevels():
            outward.repeat(state, effects)
        case _:
            assert_never(event)


def _reserved(event: ConnectorReserved, now: Now) -> float:
    """Until when, on this board's monotonic clock: a reservation ends by itself, whoever is away by then."""
    left = 0.0 if event.expires is None else (event.expires - now.wall).total_seconds()
    return now.mono + left if left > 0 else NOT_RESERVED


def _take_reading(state: ChargePointState, reading: ReadingTaken, mono: float) -> None:
    if reading.meter != state.settings.meter:
        return
    state.reading = reading
    if reading.quality is not Quality.FRESH or reading.sample is None:
        state.phases_in_use = phases_in_use.UNKNOWN
        return
    currents = reading.sample.currents_ma
    state.overdraw = overdraw.measured(state.overdraw, max(currents), mono)
    if state.ready and state.contactor.closed and state.poles is None:  # else the grant says how many
        state.phases_in_use = phases_in_use.read(state.phases_in_use, currents, state.settings, mono)


def _take_levels(state: ChargePointState, report: EvseReported, now: Now, effects: list[Effect]) -> None:
    """Levels of the electronics: vehicle, contactor, and which signal is in effect."""
    if report.charge_point != state.settings.name:
        return
    mono, earlier = now.mono, state.evse
    restarted = earlier is not None and report.token < 0 <= earlier.token
    let_go = report.deadman_tripped and state.contactor.permitted and not report.contactor_closed
    unknown = earlier is None or state.lost is not None or restarted or let_go
    state.evse, state.lost = report, None
    standing = vehicle.observe(state.vehicle, report, state.settings, in_session=state.session.is_open, mono=mono)
    if standing.present is not state.vehicle.present:
        state.overdraw = overdraw.unplugged(state.overdraw)
    state.vehicle = standing
    if earlier is None and standing.present:
        state.found = standing.since
    if unknown:
        state.contactor = contactor.adopt(state.contactor, closed=report.contactor_closed, mono=mono)
        state.signalling = signalling.forgotten(state.signalling)
        if state.poles is not None:
            state.poles = phase_switching.adopted(state.poles, poles_seen(report), mono)
        if not report.contactor_closed:  # a permission given earlier must not outlive the gap
            effects.append(SetContactor(state.settings.name, closed=False))
    else:
        state.contactor = contactor.observe(
            state.contactor, closed=report.contactor_closed, ready=state.ready, mono=mono
        )
    state.signalling = signalling.heard(state.signalling, report.token)
    if not (state.ready and report.contactor_closed):
        state.phases_in_use = phases_in_use.UNKNOWN


def _take_setting(state: ChargePointState, change: SettingChanged, now: Now) -> None:
    earlier = (state.settings.clock_interval_seconds, state.settings.clock_spread_seconds)
    state.settings = with_changed(state.settings, change)
    if state.session.is_open and earlier != (
        state.settings.clock_interval_seconds,
        state.settings.clock_spread_seconds,
    ):
        state.session = life.clocked(state.session, state.settings, now)


def _take_command(
    state: ChargePointState,
    event: AuthorizationGranted | StopSession | _Ordered | TransactionAssigned | SessionRecovered,
    mono: float,
    effects: list[Effect],
) -> None:
    if event.charge_point != state.settings.name:
        if isinstance(event, RemoteStop | UnlockConnector | OrderRecloser):
            effects.append(_refused(event, f"this is {state.settings.name}"))
        return
    match event:
        case AuthorizationGranted():
            _authorize(state, event, mono)
        case StopSession():
            _stop(state, event, mono)
        case UnlockConnector():
            unlocking.ordered(state, event, mono, effects)
        case OrderRecloser():
            reclosing.ordered(state, event, mono, effects)
        case RemoteStop():
            _stop_remotely(state, event, mono, effects)
        case TransactionAssigned():
            _assign(state, event, mono)
        case SessionRecovered():
            _recover(state, event, mono, effects)


def _authorize(state: ChargePointState, granted: AuthorizationGranted, mono: float) -> None:
    expired = state.vehicle.present and state.session.expired_vehicle == state.vehicle.since
    if not expired:  # B-118: a card that comes too late needs a new plug-in
        state.freed = None  # who was let out and authorizes again is locked in again
        state.session = session.authorized(state.session, granted, mono)


def _stop(state: ChargePointState, stop: StopSession, mono: float) -> None:
    current = state.session
    if stop.session is not None and stop.session != current.id:
        return
    if stop.reason is StopReason.LOCAL and state.settings.stop_mode is StopMode.AFTER_UNPLUGGING and current.is_open:
        return
    if current.phase is Phase.AUTHORIZED:
        state.session = session.IDLE
    elif current.held:
        state.session = replace(current, held=False)
    else:
        state.session = session.stopped(current, stop.reason, stop.id_tag, mono)


def _stop_remotely(state: ChargePointState, stop: RemoteStop, mono: float, effects: list[Effect]) -> None:
    current = state.session
    if current.id != stop.session or not (current.is_open or current.phase is Phase.ENDING):
        effects.append(_refused(stop, f"session {stop.session} is not running here"))
        return
    effects.append(Answer(stop.reply_to, Done(stop.request_id)))
    state.session = session.stopped(current, StopReason.REMOTE, None, mono)


def _refused(order: _Ordered, reason: str) -> Answer:
    return Answer(order.reply_to, Refused(order.request_id, reason))


def _assign(state: ChargePointState, assigned: TransactionAssigned, mono: float) -> None:
    """B-120: a refused id tag ends the session, or leaves it without energy, by setting."""
    current = state.session
    if current.id != assigned.session:
        return
    refused = current.deauthorized or not assigned.accepted
    current = replace(current, transaction=assigned.transaction)
    if not assigned.accepted and state.settings.stop_on_invalid_id:
        current = session.stopped(replace(current, deauthorized=True), StopReason.DE_AUTHORIZED, None, mono)
    elif refused and not current.deauthorized:
        current = life.limited(state, current)
    state.session = current


def _recover(state: ChargePointState, answer: SessionRecovered, mono: float, effects: list[Effect]) -> None:
    """The backend's word on the session came too early for a charge point that did not know it yet: ask again (D4)."""
    if state.recovered:
        return
    state.recovered, state.recover_due = True, math.inf
    if answer.open_session is not None:
        state.session = session.recovered(answer.open_session, mono)
        effects.append(RepeatSettings(state.settings.name))
