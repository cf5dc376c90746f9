"""The authorizer: routes cards to charge points, decides about id tags, asks the backend and does without it.

A tag known to be refused never starts (D4): one the whitelist blocks, and one the backend refused when it was last
asked. Only a newer word of the backend lifts its own refusal: an acceptance, or its order to start with that tag.

The same step runs on the server of a park and, by the rules it sends, on each of its boards while they are alone.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from park.authorization import (
    autocharge,
    backend,
    caching,
    cards,
    contracts,
    inputs,
    listing,
    local_rules,
    patience,
    readers,
    remote_start,
    reserved,
    teaching,
    tuning,
)
from park.authorization.deciding import settled
from park.authorization.messages import AddTag, ApplyRules, ClearCards, ListTags, ReadersAnnounced, RemoveTag, Teach
from park.authorization.state import Authorizer, AuthorizerEffect, Stepped
from park.model.access import (
    BackendAuthorized,
    BackendOnline,
    CardPresented,
    CommandAnswer,
    Done,
    OccupancyChanged,
    Refused,
    RemoteStart,
    SettingChanged,
    Undeliverable,
)
from park.model.autocharge import VehicleIdentified
from park.model.contract import ContractPresented
from park.model.limit import InputChanged
from park.model.listed import ApplyLocalList, LocalListHeld
from park.model.reservation import ReservationsHeld
from park.model.signals import RepeatLevels, Start, Tick, WakeAt
from park.model.storage import CommitFailed, Committed, RowsLoaded
from park.model.time import Now

__all__ = ["Authorizer", "AuthorizerEffect", "AuthorizerEvent", "step"]

AuthorizerEvent: TypeAlias = (
    Start
    | Tick
    | RowsLoaded
    | Committed
    | CommitFailed
    | CardPresented
    | ContractPresented
    | VehicleIdentified
    | OccupancyChanged
    | ReadersAnnounced
    | BackendAuthorized
    | BackendOnline
    | RemoteStart
    | Teach
    | AddTag
    | RemoveTag
    | ListTags
    | ApplyRules
    | ApplyLocalList
    | LocalListHeld
    | ReservationsHeld
    | SettingChanged
    | ClearCards
    | InputChanged
    | CommandAnswer
)


def step(state: Authorizer, event: AuthorizerEvent, now: Now) -> tuple[Authorizer, tuple[AuthorizerEffect, ...]]:
    """Take in one event; unknown charge points and answers to nobody's question change nothing."""
    after, effects = _take(state, event, now)
    after, handed = cards.handed_out(after, now)
    writes = () if isinstance(event, RowsLoaded) else local_rules.writes(state, after)
    after, told = local_rules.told(state, after)
    return after, (*effects, *handed, *writes, *told)


def _take(state: Authorizer, event: AuthorizerEvent, now: Now) -> Stepped:
    match event:
        case CardPresented():
            return cards.presented(state, event, now)
        case ContractPresented():
            return contracts.presented(state, event, now)
        case VehicleIdentified():
            return autocharge.identified(state, event, now)
        case InputChanged():
            return inputs.changed(state, event, now)
        case OccupancyChanged():
            return cards.occupied(state, event, now)
        case ReadersAnnounced():
            return readers.announced(state, event)
        case BackendAuthorized():
            return backend.authorized(state, event, now)
        case BackendOnline():
            return backend.linked(state, event, now)
        case RemoteStart():
            return remote_start.ordered(state, event, now)
        case Refused() | Undeliverable():
            return backend.unanswered(state, event.request_id, now)
        case ApplyLocalList():
            return listing.applied(state, event)
        case LocalListHeld():
            return listing.held(state, event)
        case ReservationsHeld():
            return reserved.held(state, event)
        case Start() | Tick() | RowsLoaded() | Committed() | CommitFailed() | Done():
            return _looked_after(state, event, now)
        case _:
            return _administered(state, event, now)


def _looked_after(
    state: Authorizer, event: Start | Tick | RowsLoaded | Committed | CommitFailed | Done, now: Now
) -> Stepped:
    match event:
        case Start():
            return replace(state, began=now.mono, loaded=False), (RepeatLevels(), local_rules.LOADED)
        case Tick():
            return _ticked(state, now)
        case RowsLoaded():
            return local_rules.loaded(state, event)
        case Committed():
            return local_rules.committed(state, event)
        case CommitFailed():
            return local_rules.failed(state, event, now)
        case Done():
            return state, ()
        case _:
            assert_never(event)


def _administered(
    state: Authorizer,
    event: Teach | AddTag | RemoveTag | ListTags | ApplyRules | SettingChanged | ClearCards,
    now: Now,
) -> Stepped:
    match event:
        case Teach():
            return teaching.begun(state, event, now)
        case AddTag() | RemoveTag():
            return teaching.ordered(state, event)
        case ListTags():
            return teaching.listed(state, event)
        case ApplyRules(rules):
            return local_rules.applied(state, rules, now)
        case SettingChanged():
            return tuning.tuned(state, event, now)
        case ClearCards():
            return caching.ordered(state, event)
        case _:
            assert_never(event)


def _ticked(state: Authorizer, now: Now) -> Stepped:
    """Each tick asks for the next one: while it was pending, later ones were not taken."""
    late = tuple(each for each in state.questions if each.deadline <= now.mono)
    state, effects = settled(state, now, late)
    state, forgotten = cards.forgotten(state, now)
    state, retried = local_rules.retried(state, now)
    if state.teaching is not None and state.teaching.deadline <= now.mono:
        state = replace(state, teaching=None)
    effects = (*effects, *forgotten, *retried)
    if state.away and not patience.waits(state, now):
        state, alone = backend.linked(state, BackendOnline(online=False), now)
        effects = (*effects, *alone)
    deadlines = [each.deadline for each in (*state.questions, *state.remembered)]
    if state.teaching is not None:
        deadlines.append(state.teaching.deadline)
    deadlines += [state.retry, patience.ends(state) if state.away else state.retry]
    nearest = min(deadlines)
    return (state, effects) if nearest == float("inf") else (state, (*effects, WakeAt(nearest)))
