"""Profiles as time passes: they end with sessions and validity, and the limits they mean are told on change."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec.structs import replace

from park.model.access import RepeatSettings
from park.model.limit import LimitKind
from park.model.standing_limits import HoldLimits
from park.model.storage import Row
from park.model.time import Now, milliseconds
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features.charging_now import changed, charging, offset, rules, sessions, unanswered
from park.ocpp.features.feature import Turn
from park.ocpp.features.remote_profile import begun
from park.ocpp.profiles import limiting, rows
from park.ocpp.profiles.ruling import Rules
from park.ocpp.profiles.standing import Seen
from park.ocpp.state import CentralSystem
from park.pairing.validity import time_is_known

LOOK_SECONDS = 60.0  # ours: so often schedules are looked at even if no time of theirs has come
JUMP_SECONDS = 1.0  # ours: a wall clock that moved more against the monotonic one was set


def load(state: CentralSystem, found: tuple[Row, ...], now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    profiles, alarms = rows.load(state.queue.rows, found)
    return changed(state, profiles=profiles), alarms


def settle(state: CentralSystem, now: Now) -> Turn:
    """Profiles begin and end with their sessions and validity; changed limits are told."""
    state, effects = begun(state, now)
    state, in_force = _rules_in_force(state)
    here = state.smart_charging
    matter = len(here.profiles) > 0 or any(each.nominal_period for each in in_force.values())
    running = sessions(state) if matter else ()
    seen = Seen(here.profiles, in_force, running, state.link is not None, offset(now))
    if here.told is not None and now.mono < here.look_at and here.seen is not None and _same(here.seen, seen):
        return state, effects
    if not time_is_known(now):  # what held before goes on: no schedule can be read
        return changed(state, look_at=now.mono + LOOK_SECONDS), effects
    state, more = _outlived(state, now)
    at = milliseconds(now.wall)
    settings = state.settings
    found, until = limiting.limits(
        state.smart_charging.profiles,
        seen.rules,
        settings.station_wired.charge_point,
        settings.wired,
        charging(state),
        at,
        online=seen.online,
    )
    seen = replace(seen, profiles=state.smart_charging.profiles)
    soon = math.inf if until is None else now.mono + max(until - at, 1) / 1_000
    if len(seen.profiles):
        soon = min(soon, now.mono + LOOK_SECONDS)
    state = changed(state, seen=seen, look_at=soon)
    if found != here.told:
        more += (HoldLimits(LimitKind.PROFILE, found),)
        state = changed(state, told=found)
    return state, effects + more


def _rules_in_force(state: CentralSystem) -> tuple[CentralSystem, Mapping[int, Rules]]:
    """Worked out once for each set of values: this is asked after every message."""
    known = state.smart_charging.rules
    if known is not None and known[0] is state.values:
        return state, known[1]
    found = rules(state)
    return changed(state, rules=(state.values, found)), found


def repeat(state: CentralSystem, who: str) -> tuple[CentralSystemEffect, ...]:
    """For a load management that began anew."""
    told = state.smart_charging.told
    if who != RepeatSettings.COORDINATOR or told is None:
        return ()
    return (HoldLimits(LimitKind.PROFILE, told),)


def _same(one: Seen, other: Seen) -> bool:
    set_anew = abs(one.offset - other.offset) > JUMP_SECONDS
    return (
        one.profiles is other.profiles
        and one.rules == other.rules
        and one.sessions == other.sessions
        and one.online is other.online
        and not set_anew
    )


def _outlived(state: CentralSystem, now: Now) -> tuple[CentralSystem, tuple[CentralSystemEffect, ...]]:
    """A TxProfile ends with its session (OCPP 1.6 §3.13.1), any profile with its validity."""
    at = milliseconds(now.wall)
    running = {session for _, session in sessions(state)}
    held = state.smart_charging.profiles
    gone = tuple(
        number
        for number, each in held.by_id.items()
        if (each.session is not None and each.session not in running)
        or (each.profile.valid_to is not None and each.profile.valid_to <= at)
    )
    if not gone:
        return state, ()
    state = changed(state, profiles=held.changed((), gone))
    return state, unanswered(rows.delete(state.queue.rows, number) for number in gone)


def deadline(state: CentralSystem) -> float | None:
    here = state.smart_charging
    due = min((each.deadline for each in here.awaited.values()), default=math.inf)
    due = min(due, here.look_at)
    return None if due == math.inf else due
