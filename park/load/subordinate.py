"""A coordinator below another one: it shares out a leased budget among its own charge points (safety §3, nested).

The budget is one more limit of its topmost circuit, and no grant outlasts it; all else is the coordinator as it is. To
the one above it speaks as charge points do: a wish, and what it may draw at most, for each phase. That is confirmed
with the worst that its charge points may do, so a smaller budget counts above only when everybody here is below it.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from park.load import coordinator
from park.load.budget import PHASES, Budget
from park.load.coordinator import CoordinatorEffect, CoordinatorEvent, Recompute
from park.load.group import GroupSettings, load_on, meter_of
from park.load.lease import FOLLOWED_SECONDS
from park.load.standing import Point
from park.load.state import CircuitState, CoordinatorSettings, CoordinatorState
from park.load.wishes import Wishes
from park.model.access import RepeatSettings
from park.model.alarm import Alarm
from park.model.demand import CurrentSignalled, DemandChanged
from park.model.electric import MINIMUM_CURRENT_MA, PerPhase, Phases, add, highest, on_phases
from park.model.grant import ApplyGrant
from park.model.limit import Limit, LimitKind
from park.model.metering import ReadingTaken
from park.model.placement import Placed
from park.model.signals import RepeatLevels, Start, Tick, WakeAt
from park.model.time import Now

REPORT_SECONDS = 1.0  # as a board's heartbeat: what is lost heals by the next one
RENEWALS = 2  # grants are renewed so many times as often: the level above has used a part of their lease

Upward: TypeAlias = DemandChanged | CurrentSignalled | ReadingTaken | RepeatSettings


class TellAbove(Struct, frozen=True):
    """Effect: a wish, a confirmation or a reading of the group, to the coordinator above.

    Or the question, to the link there, what that counts for it.
    """

    message: Upward


SubordinateEvent: TypeAlias = CoordinatorEvent | ApplyGrant | RepeatLevels | Placed
SubordinateEffect: TypeAlias = CoordinatorEffect | TellAbove
Effects: TypeAlias = list[SubordinateEffect]


class Subordinate:
    """Everything such a coordinator knows. Mutable, owned by whoever calls `step`."""

    __slots__ = ("budget", "inner", "report_at", "root", "settings", "told_ma", "wishes")

    def __init__(self, settings: CoordinatorSettings, group: GroupSettings, now: Now) -> None:
        often = replace(settings, renew_seconds=settings.renew_seconds / RENEWALS)
        self.inner: CoordinatorState = coordinator.initial(often, now)
        self.settings = group
        self.root: CircuitState = next(each for each in self.inner.circuits if each.circuit.parent is None)
        self.budget = Budget(group, now.mono)
        self.wishes = Wishes(group.name)
        self.told_ma: PerPhase | None = None  # the budget that the coordinator here obeys
        self.report_at = now.mono


def initial(settings: CoordinatorSettings, group: GroupSettings, now: Now) -> Subordinate:
    """One that heard of nobody yet: what the group falls to is all it may have.

    Build it from what `startup.refusals` and `group.group_refusals` found nothing wrong with.
    """
    state = Subordinate(settings, group, now)
    if state.inner.holding_until is not None:  # what it had given up may flow to others as long as a lease above lasts
        state.inner.holding_until += FOLLOWED_SECONDS
    _await_above(state)
    _obey(state, now)
    return state


def step(state: Subordinate, event: SubordinateEvent, now: Now) -> tuple[Subordinate, tuple[SubordinateEffect, ...]]:
    """Take in one event, of below or of above. Changes `state` in place."""
    effects: Effects = []
    match event:
        case ApplyGrant(grant):
            if state.budget.take(grant, now.mono):
                state.report_at = now.mono
        case RepeatLevels():
            state.wishes.forget()
            state.report_at = now.mono
        case Placed():
            effects += _placed(state, event)
        case _:
            effects += _obey(state, now)  # what is over by now is not shared out once more
            effects += coordinator.step(state.inner, event, now)[1]
            _await_above(state)
    effects += _obey(state, now)
    effects += _measured(state, event)
    if isinstance(event, Start):
        effects += [TellAbove(RepeatSettings(load_on(state.settings.name, phase))) for phase in PHASES]
    if now.mono >= state.report_at or isinstance(event, Start):
        effects += _report(state, now)
    if isinstance(event, Tick):  # a later one than the inner coordinator asks for would be forgotten
        effects.append(WakeAt(min(state.report_at, state.budget.ends(now.mono))))
    return state, tuple(effects)


def _await_above(state: Subordinate) -> None:
    """A start is over early once everybody was heard: the coordinator above, which has the budget, among them.

    On each phase where the group is a load: what it falls to on another one may have gone to others meanwhile.
    """
    limit = state.root.circuit.limit_ma
    if all(state.budget.heard(phase) for phase in PHASES if limit[phase] >= MINIMUM_CURRENT_MA):
        state.inner.unheard.discard(state.settings.name)
    elif state.inner.holding_until is not None:
        state.inner.unheard.add(state.settings.name)


def _placed(state: Subordinate, placed: Placed) -> Effects:
    effects: Effects = []
    for phase in PHASES:
        name = load_on(state.settings.name, phase)
        if placed.charge_point == name:
            counted_ma = placed.fallback_ma if placed.connector else 0
            state.budget.place(phase, counted_ma)
            if counted_ma != state.settings.fallback_ma[phase]:
                effects.append(_differs(name, state.settings.fallback_ma[phase], counted_ma))
    return effects


def _differs(load: str, fallback_ma: int, counted_ma: int) -> Alarm:
    """What each side has in its file for the fallback of a group is not the same; nothing is overloaded by that."""
    text = (
        f"{load}: the fallback is {fallback_ma / 1000:g} A here (above.fallback_amps), and the park above counts "
        f"{counted_ma / 1000:g} A (group.fallback_amps there; 0 also where it knows no such group, or has max_amps "
        "below 6 on that phase); the lower holds: make both the same"
    )
    return Alarm(f"group-fallback-{load}", text)


def _obey(state: Subordinate, now: Now) -> Effects:
    """The budget as it is now is a limit, and no grant outlasts what is above the lapse current."""
    inner, budget = state.inner, state.budget
    allowed, before, ends = budget.allowed_ma(now.mono), state.told_ma, budget.ends(now.mono)
    effects: Effects = [WakeAt(ends)] if inner.tenure.end_at(ends) and ends < math.inf else []
    _await_above(state)
    if allowed == before:
        return effects
    state.told_ma, state.report_at = allowed, now.mono
    name = state.root.circuit.name
    inner.limits.set(Limit(name, LimitKind.BUDGET, state.settings.name, limit_ma=allowed), None, now.mono)
    inner.impose(name)
    inner.stale_plan = True
    if before is not None and highest(allowed, before) != before:
        inner.found_room = True
    return effects + list(coordinator.step(inner, Recompute(), now)[1])


def _measured(state: Subordinate, event: SubordinateEvent) -> Effects:
    """What flows into the group, by the meter of its topmost circuit."""
    circuit = state.root.circuit
    if not isinstance(event, ReadingTaken) or event.meter != circuit.meter or not circuit.meter_sees_charging:
        return []
    return [TellAbove(_on_one(event, state.settings.name, phase)) for phase in PHASES]


def _on_one(reading: ReadingTaken, group: str, phase: int) -> ReadingTaken:
    sample = reading.sample
    if sample is not None:
        one, two, three = [current if each == phase else 0 for each, current in enumerate(sample.currents_ma)]
        sample = replace(sample, currents_ma=(one, two, three), power_w=0, energy_wh=0, signed=None)
    return replace(reading, meter=meter_of(load_on(group, phase)), sample=sample, average_ma=None)


def _report(state: Subordinate, now: Now) -> Effects:
    """The wishes that changed, and the worst on each phase: what is promised is counted above, whatever the budget."""
    mono, inner = now.mono, state.inner
    committed = inner.committed_ma(mono)
    number = inner.circuits.index(state.root)
    worst = add(inner.summed_ma(committed)[number], state.root.external.possible_ma)
    amps = highest(worst, state.budget.allowed_ma(mono))
    lapse = highest(_falls_to(state), state.budget.lapse_ma())
    state.report_at = mono + REPORT_SECONDS
    effects: Effects = [TellAbove(wish) for wish in state.wishes.changed(inner, state.root, committed, mono)]
    for phase in PHASES:
        epoch, sequence = state.budget.fence(phase)
        report = CurrentSignalled(
            charge_point=load_on(state.settings.name, phase),
            amps_ma=amps[phase],
            lapse_ma=lapse[phase],
            epoch=epoch,
            sequence=sequence,
            contactor_open=False,
            mono=mono,
        )
        effects.append(TellAbove(report))
    return [*effects, WakeAt(state.report_at)]


def _falls_to(state: Subordinate) -> PerPhase:
    """What flows at most once no grant is in force anywhere; boards may have booted by then."""
    falls = {point: on_phases(point.commitment.away_ma(), _wired(point)) for point in state.inner.points}
    number = state.inner.circuits.index(state.root)
    return add(state.inner.summed_ma(falls)[number], state.root.external.possible_ma)


def _wired(point: Point) -> Phases:
    return point.placement.grid_phases(point.placement.phases)
