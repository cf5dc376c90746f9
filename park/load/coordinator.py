"""The load management coordinator: out of wishes, readings and confirmations, the grants that no fuse can regret.

What was heard is taken in at once, and one plan answers all that was waiting with it: `Recompute` is handled behind
the mail that is there already. Reductions leave with that plan. Raises leave once an interval (for a newly ready
vehicle with that plan), and only when the sum of the worst that everybody may draw, the raise included, is within what
is available.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct

from park.load import limiting, reporting, switching
from park.load.lease import lease_and_guard
from park.load.limiting import LimitEffect, LimitEvent, Taken
from park.load.nearby import plan_near
from park.load.planning import plan
from park.load.raising import Offer, affordable, wants_raise, without_harm
from park.load.report import CircuitReported, EpochTaken, LimitsReported, ShareReported
from park.load.reporting import ShowShares
from park.load.rivalry import ServersSeen, Standing, StandingReported, Voice
from park.load.solar import control as solar
from park.load.standing import Point
from park.load.state import CoordinatorSettings, CoordinatorState
from park.load.told import LapseKept, Told
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.electric import ZERO
from park.model.grant import ApplyGrant, Grant
from park.model.limit import SetLimit
from park.model.metering import ReadingTaken
from park.model.placement import PlacementKept
from park.model.signals import RepeatLevels, Start, Tick, WakeAt
from park.model.solar import SetSolarMode
from park.model.storage import RowsLoaded
from park.model.time import Now


class Recompute(Struct, frozen=True):
    """Effect and event: plan once what the mail up to here has changed. Whoever performs it tells it to us in turn."""


CoordinatorEvent: TypeAlias = (
    Start
    | Tick
    | Recompute
    | ShowShares
    | DemandChanged
    | CurrentSignalled
    | ReadingTaken
    | BoardHeartbeat
    | LimitEvent
    | ServersSeen
    | PlacementKept
)
CoordinatorEffect: TypeAlias = (
    ApplyGrant
    | WakeAt
    | Recompute
    | ShowShares
    | RepeatLevels
    | LimitEffect
    | LapseKept
    | CircuitReported
    | ShareReported
    | LimitsReported
    | EpochTaken
    | StandingReported
)
Effects: TypeAlias = list[CoordinatorEffect]

RESEND_SECONDS = 1.0  # a grant not read back by then is sent again: it or its confirmation was lost


def initial(settings: CoordinatorSettings, now: Now) -> CoordinatorState:
    """A coordinator that heard of nobody yet: it grants nothing until all reported, or one lease + guard passed."""
    return CoordinatorState(settings, now.mono)


def step(
    state: CoordinatorState, event: CoordinatorEvent, now: Now
) -> tuple[CoordinatorState, tuple[CoordinatorEffect, ...]]:
    """Take in one event. Unknown charge points, meters, boards and circuits are ignored. Changes `state` in place."""
    mono = now.mono
    match event:
        case ReadingTaken():
            effects = _soon(state) if _read(state, event, mono) else []
        case CurrentSignalled():
            effects = _signalled(state, event, mono)
        case BoardHeartbeat():
            effects = _beat(state, event, mono)
        case DemandChanged():
            effects = _wished(state, event, mono)
        case Recompute():
            effects = _recomputed(state, mono)
        case ShowShares():
            effects = list(reporting.go_on(state, event, mono))
        case Tick():
            effects = _noted(state, limiting.passed(state, now)) + _ticked(state, now)
        case Start():
            limiting.look(state, now)
            effects = [RepeatLevels(), WakeAt(_next_deadline(state, now)), _standing(state), *limiting.begin(state)]
        case ServersSeen(servers):
            state.rivalry.seen(servers)
            effects = _judged(state, mono)
        case PlacementKept():
            effects = _kept(state, event)
        case _:
            effects = _noted(state, limiting.take(state, event, now))
            if isinstance(event, SetLimit | SetSolarMode | RowsLoaded):
                due = limiting.next_look(state, now)
                effects += [WakeAt(due)] if due < math.inf else []
    return state, tuple(effects)


# ------------------------------------------------------------ what was heard


def _read(state: CoordinatorState, reading: ReadingTaken, now: float) -> bool:
    """True: what plans are made for changed."""
    circuit = state.circuit_by_meter.get(reading.meter)
    if circuit is not None:
        changed = circuit.external.read(reading, now)
        return solar.read(state, reading, now) or changed
    point = state.points_by_meter.get(reading.meter)
    if point is None:
        return False
    fell = point.read(reading, now)
    changed = point.note_overdraw(now)
    for above in state.above[point]:
        changed = above.external.own_read(reading.mono, now, fell=fell) or changed
    if _note_usage(point, now):
        state.stale_plan = True
    return changed


def _note_usage(point: Point, now: float) -> bool:
    """Look whether the vehicle draws what it is granted. True: another share is due, at the next interval."""
    measured = point.commitment.measured_ma
    if measured is None or point.sent is None or not point.wants or not point.sent.amps_ma:
        return False
    return point.usage.drew(max(measured), point.sent.amps_ma, now)


def _signalled(state: CoordinatorState, report: CurrentSignalled, now: float) -> Effects:
    point = state.points_by_name.get(report.charge_point)
    if point is None:
        return []
    effects: Effects = []
    if state.settings.node in {"", point.placement.node}:  # the heartbeats of other boards say whose epoch it is
        effects = _superseded(state, report.epoch, state.settings.server_id, report.sequence, now)
    ours = report.epoch == state.epoch
    known, unsure = point.reachable(now), point.commitment.holds_unknown(now)
    point.signals(report, report.sequence if ours else 0, now)
    state.unheard.discard(report.charge_point)
    if point.reachable(now) != known:
        state.stale_plan = True
    if unsure and not point.commitment.holds_unknown(now):  # it was counted with all it might have held
        state.found_room = True
        effects += _recompute(state)
    if point.lapse_rose() or point.begins:  # who took what it counts for now has to give it back
        effects += _soon(state)
    if state.holding_until is not None and not state.unheard and state.rivalry.standing is Standing.LEADS:
        effects += _released(state, now)
    return effects + _lowered(state, point)


def _kept(state: CoordinatorState, kept: PlacementKept) -> Effects:
    point = state.points_by_name.get(kept.charge_point)
    if point is None:
        return []
    point.commitment.keeps(Told(kept.fallback_ma, kept.boot_ma))
    return _lowered(state, point)


def _lowered(state: CoordinatorState, point: Point) -> Effects:
    """What it was told in an earlier life counts no more, from now on and after a restart."""
    if not point.commitment.lowered():
        return []
    state.stale_plan = True
    return [LapseKept(point.placement.charge_point, point.commitment.told)]


def _beat(state: CoordinatorState, beat: BoardHeartbeat, now: float) -> Effects:
    board = state.boards.get(beat.stamp.node)
    if board is None:
        return []
    spoke = board.speaks(now)
    board.beat(beat.stamp, now)
    effects: Effects = []
    if not spoke:
        state.stale_plan = state.found_room = True
        effects = _recompute(state)
    state.rivalry.obeyed(beat.stamp.node, beat.epoch, beat.server_id)
    if state.rivalry.is_own(beat.server_id):
        return effects + _superseded(state, beat.epoch, beat.server_id, 0, now)
    state.rivalry.heard(beat.stamp.node, Voice(beat.epoch, beat.server_id), state.epoch, now)
    return effects + _judged(state, now)


def _wished(state: CoordinatorState, demand: DemandChanged, now: float) -> Effects:
    point = state.points_by_name.get(demand.charge_point)
    if point is None or demand == point.demand:
        return []
    wanted = point.wants
    newly_ready = demand.wants and not wanted
    point.wishes(demand, now)
    state.touched.add(point)
    if not wanted and not demand.wants:  # it has nothing and gets nothing: no reduction can follow
        return []
    if newly_ready:
        state.newly_ready.append(point)
    return _recompute(state)


def _noted(state: CoordinatorState, taken: Taken) -> Effects:
    effects, changed = taken
    return [*effects, *(_soon(state) if changed else ())]


def _superseded(state: CoordinatorState, epoch: int, server_id: str, sequence: int, now: float) -> Effects:
    """Our own voice of an earlier life: take the next epoch and wait again (safety: One voice)."""
    another = sequence > state.sequence or server_id not in {"", state.settings.server_id}
    if epoch < state.epoch or (epoch == state.epoch and not another):
        return []
    if state.rivalry.standing is Standing.LEADS:
        state.holding_until = now + lease_and_guard(state.settings.lease_seconds)
    return [*_outbid(state, epoch, now), _standing(state)]


def _outbid(state: CoordinatorState, epoch: int, now: float) -> Effects:
    state.epoch = epoch + 1
    state.unheard = set(state.points_by_name)
    for point in state.points:
        point.commitment.superseded(now)
    return [EpochTaken(state.epoch)]


def _judged(state: CoordinatorState, now: float) -> Effects:
    """Stop commanding at once while another server may command, and go on after it under a higher epoch."""
    if not state.rivalry.unsettled:
        return []
    speaking = [name for name, board in state.boards.items() if board.speaks(now)]
    if not state.rivalry.look(state.epoch, now, state.boards, speaking):
        return _claimed(state, now) if state.rivalry.claims(now) else []
    if state.rivalry.standing is not Standing.LEADS:
        state.holding_until = math.inf
        return [_standing(state)]
    if state.holding_until != math.inf:  # nobody was there: the wait of a start is as long as it is
        return [_standing(state)]
    return [*_over_others(state, now), _standing(state), *_released(state, now)]


def _over_others(state: CoordinatorState, now: float) -> Effects:
    """An epoch above all that were heard, unless ours is."""
    highest = state.rivalry.highest_epoch
    return _outbid(state, highest, now) if highest >= state.epoch else []


def _claimed(state: CoordinatorState, now: float) -> Effects:
    """Make the boards obey us, with what they fall to anyway: only then no other server can have them back unheard."""
    effects = _over_others(state, now)
    late = [
        point
        for point in state.points
        if not state.rivalry.obey(point.board.name, state.epoch) and now >= point.sent_at + RESEND_SECONDS
    ]
    lapses = ((point, point.commitment.lapse_ma()) for point in late)
    return effects + _send(state, [Offer(point, lapse, lapse) for point, lapse in lapses], now)


def _standing(state: CoordinatorState) -> StandingReported:
    rivalry = state.rivalry
    voice = Voice(state.epoch, state.settings.server_id)
    return StandingReported(rivalry.standing, voice, rivalry.why, rivalry.suspects)


# ------------------------------------------------------------ what is due


def _ticked(state: CoordinatorState, at: Now) -> Effects:
    now = at.mono
    effects = _judged(state, now)
    standing = state.rivalry.standing
    holding = state.holding_until is not None and standing is Standing.LEADS
    if holding and (now >= (state.holding_until or 0.0) or not state.unheard):
        effects += _released(state, now)
    _refresh(state, now)
    if now >= state.next_renewal:
        state.next_renewal = now + state.settings.renew_seconds / state.renewal_turns
        effects += _renewed(state, now)
    if now >= state.next_cycle:
        state.next_cycle = now + state.settings.interval_seconds
        effects += [*_cycled(state, now), *limiting.begin(state)]
    elif state.needs_plan:
        effects += _replanned(state, now)
    effects.append(WakeAt(_next_deadline(state, at)))
    return effects


def _refresh(state: CoordinatorState, now: float) -> None:
    """Notice what changed by the mere passing of time."""
    for circuit in state.circuits:
        if now >= circuit.external.refresh_at():
            state.stale_plan = circuit.external.refresh(now) or state.stale_plan
    speaking = state.who_speaks(now)
    for point in [point for point in state.points if point.overdraw.held_ma != ZERO]:
        if point.board.name in speaking:  # of the others nothing new is known
            state.stale_plan = point.note_overdraw(now) or state.stale_plan
    state.stale_plan = solar.look(state, now) or state.stale_plan
    everybody = len(speaking) == len(state.boards) and not any(point.deaf(now) for point in state.points)
    if speaking != state.speaking or not everybody or now >= state.replan_at:
        state.stale_plan = True  # what the silent are counted with ends by itself
    state.speaking = speaking


def _cycled(state: CoordinatorState, now: float) -> Effects:
    """Once an interval: plan, reductions, raises, lost grants again, and after them the views."""
    effects: Effects = []
    if state.holding_until is None:
        effects += _send(state, switching.look(state, now), now)
        if state.needs_plan:
            effects += _replanned(state, now)
        effects += _raised(state, state.points, now)
        effects += _resent(state, now)
    return [*effects, *reporting.begin(state, now)]


def _released(state: CoordinatorState, now: float) -> Effects:
    """The start-up wait is over: everybody reported what it holds, or nothing older can be in force."""
    if not state.limits_loaded:
        state.holding_until = now  # over, but for what was forbidden before
        return []
    state.holding_until = None
    state.stale_plan = True
    return _replanned(state, now) + _raised(state, state.points, now)


def _soon(state: CoordinatorState) -> Effects:
    """The plan is out of date: one `Recompute` is under way then."""
    state.stale_plan = True
    return _recompute(state)


def _recompute(state: CoordinatorState) -> Effects:
    if state.recomputing:
        return []
    state.recomputing = True
    return [Recompute()]


def _recomputed(state: CoordinatorState, now: float) -> Effects:
    state.recomputing = False
    ready = [point for point in (state.points if state.found_room else state.newly_ready) if point.wants]
    state.newly_ready.clear()
    state.found_room = False
    effects = _replanned(state, now) if state.needs_plan else []
    return effects + _raised(state, ready, now) if state.holding_until is None else effects


def _replanned(state: CoordinatorState, now: float) -> Effects:
    """Plan anew and send the reductions."""
    if state.holding_until is not None:
        state.stale_plan = True
        return []
    if solar.look(state, now):
        state.stale_plan = True
    told = None if state.stale_plan else plan_near(state, now)
    told = plan(state, now) if told is None else told
    return _send(state, without_harm(state, _reductions(told, now), now), now)


def _reductions(points: Iterable[Point], now: float) -> list[Offer]:
    """`points`: that can be told something new."""
    offers: list[Offer] = []
    for point in points:
        commitment = point.commitment
        held = point.held_ma(now) if point.wants or point.sent is None or point.in_force(now) else 0
        counted_lapse = commitment.lapse_ma()
        known = not commitment.holds_unknown(now) and not point.begins
        if point.target_ma >= held and point.target_lapse_ma >= counted_lapse and known:
            continue  # what is unknown is replaced by a grant of ours, and it is known
        amps = min(point.target_ma, held)
        lapse = min(point.target_lapse_ma, max(counted_lapse, amps))
        sent = point.sent
        if sent is not None and (sent.amps_ma, sent.lapse_ma) == (amps, lapse) and now < point.sent_at + RESEND_SECONDS:
            continue
        offers.append(Offer(point, amps, lapse))
    return offers


def _raised(state: CoordinatorState, points: Sequence[Point], now: float) -> Effects:
    pending = [point for point in points if wants_raise(point, now)]
    if not pending:
        return []
    offers = affordable(state, pending, now)
    for offer in offers:
        offer.point.raised_at = now
    return _send(state, offers, now)


def _renewed(state: CoordinatorState, now: float) -> Effects:
    """Leases of those who hold something that must not end, a few points at a time; the others need none."""
    if state.holding_until is not None:
        return []
    state.renewal_turn = (state.renewal_turn + 1) % state.renewal_turns
    due = state.points[state.renewal_turn :: state.renewal_turns]
    return _send(state, without_harm(state, [offer for point in due for offer in _renewal(point, now)], now), now)


def _renewal(point: Point, now: float) -> tuple[Offer, ...]:
    sent = point.sent
    if point.mute(now):
        lapse = point.commitment.lapse_ma()  # counted anyway: it costs nothing to ask whether it is back
        if sent is not None:
            lapse = min(lapse, sent.lapse_ma)  # unless it obeys already what it was told and cannot say so
        return (Offer(point, lapse, lapse),)
    if sent is None or not point.wants or not point.in_force(now) or not point.reachable(now):
        return ()
    needed = sent.stamp != point.board.stamp and (sent.amps_ma > 0 or point.commitment.lapse_ma() > 0)
    return _again(point) if needed else ()


def _resent(state: CoordinatorState, now: float) -> Effects:
    late = [
        point
        for point in state.points
        if point.commitment.leases.unconfirmed and now >= point.sent_at + RESEND_SECONDS and point.reachable(now)
    ]
    again = [offer for point in late if point.in_force(now) for offer in _again(point)]
    return _send(state, without_harm(state, again, now), now)


def _again(point: Point) -> tuple[Offer, ...]:
    """The grant it has, with a new lease. Its lapse current may change as long as it costs nothing."""
    sent = point.sent
    if sent is None:
        return ()
    return (Offer(point, sent.amps_ma, min(point.target_lapse_ma, sent.amps_ma or sent.lapse_ma)),)


def _send(state: CoordinatorState, offers: Iterable[Offer], now: float) -> Effects:
    effects: Effects = []
    for offer in offers:
        point, stamp, heard = offer.point, offer.point.board.stamp, offer.point.board.heard
        valid_for = state.tenure.valid_for(heard)
        if stamp is None or not point.board.speaks(now) or valid_for <= 0:
            continue
        state.sequence += 1
        grant = Grant(
            charge_point=point.placement.charge_point,
            amps_ma=offer.amps_ma,
            phases=point.granted_phases(),
            epoch=state.epoch,
            server_id=state.settings.server_id,
            sequence=state.sequence,
            valid_for=valid_for,
            lapse_ma=state.tenure.lapse_ma(offer.lapse_ma, point.commitment.lapse_ma(), now),
            stamp=stamp,
            reason=point.reason,
        )
        point.was_sent(grant, state.tenure.sent(heard, valid_for), now)
        effects.append(ApplyGrant(grant))
    return effects


def _next_deadline(state: CoordinatorState, at: Now) -> float:
    now = at.mono
    due = [state.next_cycle, state.next_renewal, state.replan_at, limiting.next_look(state, at)]
    if state.holding_until is not None:
        due.append(state.holding_until)
    due += solar.next_look(state, now)
    due += [stale for circuit in state.circuits if (stale := circuit.external.stale_at()) is not None]
    # What is past and still there waits for the next interval: two ticks at one instant would be a busy loop.
    return min((when for when in due if when > now), default=now + state.settings.interval_seconds)
