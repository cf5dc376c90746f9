"""The coordinator's part in limits: who sets and clears them, what is told of it, and what is kept on disk."""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from park.load.limit_answers import AnswerLimit, effect_of
from park.load.limit_rows import LIMIT_TABLE, limits_of, row_body, row_key
from park.load.limits import SOURCES, HeldLimit, Key
from park.load.solar import orders as solar
from park.load.solar.rows import SOLAR_TABLE
from park.load.state import CoordinatorState, LimitOrder
from park.model.alarm import Alarm
from park.model.limit import (
    ClearLimit,
    InputChanged,
    LimitAnswer,
    LimitRefused,
    Refusal,
    SetLimit,
    TakesLimitOutcome,
)
from park.model.solar import SetSolarMode
from park.model.standing_limits import HoldLimits
from park.model.storage import CommitFailed, Committed, Delete, Load, Put, RowsLoaded, Write
from park.model.time import Now

MOST_EARLY_ORDERS = 100  # ours: so many wait at once for the limits of before; more than energy managers a park has
LONGEST_SECONDS = 366 * 86_400  # ours: a year; what is to hold longer has no end

LimitEvent: TypeAlias = (
    SetLimit | ClearLimit | SetSolarMode | HoldLimits | InputChanged | RowsLoaded | Committed | CommitFailed
)
LimitEffect: TypeAlias = AnswerLimit | Write | Load | Alarm
Taken: TypeAlias = tuple[list[LimitEffect], bool]
"""Effects, and whether what plans are made for changed."""


def take(state: CoordinatorState, event: LimitEvent, now: Now) -> Taken:
    """Take in one of them."""
    match event:
        case SetLimit() | ClearLimit() | SetSolarMode() if not state.limits_loaded:
            return _later(state, event), False
        case SetLimit():
            return _set(state, event, now)
        case ClearLimit():
            return _clear(state, event)
        case SetSolarMode():
            return _follow_the_sun(state, event, now)
        case HoldLimits():
            return _hold(state, event, now)
        case InputChanged(node, number, high):
            state.input_levels[node, number] = high
            return [], look(state, now)
        case RowsLoaded():
            return _loaded(state, event, now)
        case Committed(token):
            return _answered(state, token, ""), False
        case CommitFailed(token, reason):
            return _answered(state, token, reason), False
        case _:
            assert_never(event)


def begin(state: CoordinatorState) -> list[LimitEffect]:
    """Ask for the limits of before, until they come."""
    return [] if state.limits_loaded else [Load((LIMIT_TABLE, SOLAR_TABLE))]


def look(state: CoordinatorState, now: Now) -> bool:
    """Time tables and inputs as they are now. True: a limit changed."""
    changed = state.limits.stand(state.settings.conditions.limits(now, state.input_levels))
    for target in changed:
        state.impose(target)
    return bool(changed)


def passed(state: CoordinatorState, now: Now) -> Taken:
    """Time passed: what ran out ends, what holds by the clock begins."""
    changed = look(state, now)
    if now.mono < _next_end(state):
        return [], changed
    gone, replaced = state.limits.expire(now.mono)
    for each in (*gone, *replaced):
        state.impose(each.limit.target)
    writes: list[Put | Delete] = [_delete(each.key) for each in gone]
    writes += [_put(state, each) for each in replaced]
    writes += solar.expire(state, now.mono)
    return [_write(state, writes)] if writes else [], True


def next_look(state: CoordinatorState, now: Now) -> float:
    """Mono at which `passed` has something to do."""
    seconds = state.settings.conditions.seconds_to_next(now.wall)
    return min(_next_end(state), math.inf if seconds is None else now.mono + seconds)


def _next_end(state: CoordinatorState) -> float:
    return min(state.limits.next_end(), solar.next_end(state))


# ------------------------------------------------------------ orders


def _later(state: CoordinatorState, order: LimitOrder) -> list[LimitEffect]:
    """Whether and how it binds is known once the limits of before are read; nothing is granted until then anyway."""
    if len(state.early_orders) < MOST_EARLY_ORDERS:
        state.early_orders.append(order)
        return []
    reason = "the limits of before the restart are still being read and too many orders wait for that; try again"
    return _told(order.reply_to, LimitRefused(order.request_id, Refusal.TOO_MANY, reason))


def _set(state: CoordinatorState, order: SetLimit, now: Now) -> Taken:
    limit = order.limit
    refused = _refusal(state, order)
    if refused is not None:
        return _told(order.reply_to, refused), False
    held = state.limits.set(limit, order.valid_seconds, now.mono)
    state.impose(limit.target)
    answer = effect_of(state, order.request_id, limit.target, held)
    return [_write(state, [_put(state, held)], (order.reply_to, answer))], True


def _clear(state: CoordinatorState, order: ClearLimit) -> Taken:
    key = (order.target, order.kind, order.source)
    if not state.limits.clear(key):
        known = [each.limit.source for each in state.limits.at(order.target) if each.limit.kind is order.kind]
        names = ", ".join(known) or "none"
        reason = f"{order.source} has set no limit for {order.target} (those who have: {names})"
        return _told(order.reply_to, LimitRefused(order.request_id, Refusal.NO_SUCH_LIMIT, reason)), False
    if order.target not in state.targets:
        return [_write(state, [_delete(key)])], False
    state.impose(order.target)
    answer = effect_of(state, order.request_id, order.target, None)
    return [_write(state, [_delete(key)], (order.reply_to, answer))], True


def _follow_the_sun(state: CoordinatorState, order: SetSolarMode, now: Now) -> Taken:
    refused = solar.refusal(state, order)
    wrong = _wrong_validity(order.valid_seconds)
    if refused is None and wrong:
        refused = LimitRefused(order.request_id, Refusal.INVALID, wrong)
    if refused is not None:
        return _told(order.reply_to, refused), False
    row, note, binds = solar.obey(state, order, now.mono)
    answer = replace(effect_of(state, order.request_id, order.circuit, None), notes=(note,), binds=binds)
    return [_write(state, [row], (order.reply_to, answer))], True


def _hold(state: CoordinatorState, told: HoldLimits, now: Now) -> Taken:
    """These of a kind and no others: what is new is set, what is not among them goes."""
    state.told_limits = (*(each for each in state.told_limits if not _same(each, told)), told)
    wanted = {(each.target, each.kind, each.source): each for each in told.limits if each.target in state.targets}
    before = {each.key: each for each in state.limits.everything() if told.is_about(each.limit)}
    new = [limit for key, limit in wanted.items() if key not in before or before[key].limit != limit]
    gone = [key for key in before if key not in wanted]
    writes: list[Put | Delete] = [_put(state, state.limits.set(limit, None, now.mono)) for limit in new]
    for key in gone:
        state.limits.clear(key)
        writes.append(_delete(key))
    for target in {each.target for each in new} | {target for target, _, _ in gone}:
        if target in state.targets:
            state.impose(target)
    return ([_write(state, writes)], True) if writes else ([], False)


def _same(one: HoldLimits, other: HoldLimits) -> bool:
    return (one.kind, one.source) == (other.kind, other.source)


def _is_outdated(state: CoordinatorState, held: HeldLimit) -> bool:
    """Nobody works out its kind any more, or who does has told already what holds, and it is not among that."""
    told = held.limit.kind in state.settings.unset_kinds or any(each.is_about(held.limit) for each in state.told_limits)
    return told and not state.limits.knows(held.key)


def _refusal(state: CoordinatorState, order: SetLimit) -> LimitRefused | None:
    limit = order.limit

    def refused(because: Refusal, reason: str) -> LimitRefused:
        return LimitRefused(order.request_id, because, reason)

    if limit.target not in state.targets:
        near = get_close_matches(limit.target, state.targets, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(state.targets))}"
        return refused(Refusal.NO_SUCH_TARGET, f"there is no circuit or charge point {limit.target!r}; {hint}")
    if limit.limit_ma is None and limit.limit_w is None:
        return refused(Refusal.INVALID, "neither amperes nor watts are given; give at least one of them")
    if min(*(limit.limit_ma or (0, 0)), limit.limit_w or 0) < 0:
        return refused(Refusal.INVALID, "a limit is at least 0: nothing is fed back to the grid here")
    if wrong := _wrong_validity(order.valid_seconds):
        return refused(Refusal.INVALID, wrong)
    if not state.limits.has_room(limit):
        return refused(
            Refusal.TOO_MANY, f"{SOURCES} sources have a limit for {limit.target} already; clear one of them"
        )
    return None


def _wrong_validity(seconds: float | None) -> str:
    """What is wrong with it, "": nothing."""
    if seconds is None or 0 < seconds <= LONGEST_SECONDS:
        return ""
    return f"a validity of {seconds:g} s is not possible; give more than 0 s and at most a year"


# ------------------------------------------------------------ the disk


def _loaded(state: CoordinatorState, loaded: RowsLoaded, now: Now) -> Taken:
    if state.limits_loaded:
        return [], False
    state.limits_loaded = True
    rows = [row for row in loaded.rows if row.table == LIMIT_TABLE]
    found, alarms = limits_of(rows, state.settings.machine_boot, now.mono)
    gone, unreadable = solar.restore(state, [row for row in loaded.rows if row.table == SOLAR_TABLE], now.mono)
    effects: list[LimitEffect] = [*alarms, *unreadable]
    if gone:
        effects.append(_write(state, gone))
    outdated = [held.key for held in found if _is_outdated(state, held)]
    if outdated:
        effects.append(_write(state, [_delete(key) for key in outdated]))
    for held in (each for each in found if each.key not in outdated):
        if not state.limits.knows(held.key):  # what was told since is newer
            state.limits.restore(held)
        if held.limit.target in state.targets:
            state.impose(held.limit.target)
        else:
            text = (
                f"{held.limit.source} limits {held.limit.target}, which this park does not have (any more): correct "
                "the configuration, or clear the limit"
            )
            effects.append(Alarm("limit-without-target", text))
    orders, state.early_orders = state.early_orders, []
    for order in orders:
        effects += take(state, order, now)[0]
    return effects, True


def _write(
    state: CoordinatorState,
    writes: Iterable[Put | Delete],
    then: tuple[TakesLimitOutcome | None, LimitAnswer] | None = None,
) -> Write:
    state.limit_token += 1
    if then is not None and then[0] is not None:
        state.limit_answers[state.limit_token] = (then[0], then[1])
    return Write(tuple(writes), state.limit_token)


def _answered(state: CoordinatorState, token: int, problem: str) -> list[LimitEffect]:
    waiting = state.limit_answers.pop(token, None)
    if not problem:
        return [] if waiting is None else [AnswerLimit(*waiting)]
    alarm = Alarm("limit-not-stored", f"a limit holds, but not after a restart: {problem}")
    if waiting is None:
        return [alarm]
    reply_to, answer = waiting
    return [alarm, AnswerLimit(reply_to, effect_without_disk(answer, problem))]


def effect_without_disk(answer: LimitAnswer, problem: str) -> LimitAnswer:
    note = f"it holds, but could not be written and ends with a restart: {problem}"
    return replace(answer, notes=(*answer.notes, note), stored=False)


def _put(state: CoordinatorState, held: HeldLimit) -> Put:
    return Put(LIMIT_TABLE, row_key(*held.key), row_body(held, state.settings.machine_boot))


def _delete(key: Key) -> Delete:
    return Delete(LIMIT_TABLE, row_key(*key))


def _told(reply_to: TakesLimitOutcome | None, outcome: LimitAnswer | LimitRefused) -> list[LimitEffect]:
    return [] if reply_to is None else [AnswerLimit(reply_to, outcome)]
