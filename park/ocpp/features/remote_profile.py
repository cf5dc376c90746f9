"""A charging profile that comes with a RemoteStartTransaction, until the session it is for has begun (B-184)."""

from __future__ import annotations

from park.model.access import CommandAnswer, Done
from park.model.storage import Delete, Put
from park.model.time import Now, milliseconds
from park.ocpp.features.charging_now import changed, unanswered
from park.ocpp.features.feature import Turn
from park.ocpp.link import Payload
from park.ocpp.profiles import rows
from park.ocpp.profiles.installed import Installed
from park.ocpp.profiles.profile import Nonsense, Profile, Purpose, read
from park.ocpp.profiles.standing import Awaited
from park.ocpp.rows import Transaction
from park.ocpp.state import CentralSystem
from park.ocpp.wire import integer_of, member, text_of

LONGEST_WAIT_SECONDS = 3_600.0  # for the session of a remote start where ConnectionTimeOut has no end
GRACE_SECONDS = 60.0  # ours: from the plug to the session that is known here


def brought(payload: Payload) -> tuple[bool, Profile | None]:
    """Whether a RemoteStartTransaction may be, and the profile it brings: a TxProfile without a number (§5.11)."""
    if "chargingProfile" not in payload:
        return True, None
    try:
        profile = read(member(payload, "chargingProfile"))
    except Nonsense:
        return False, None
    return profile.purpose is Purpose.TX and profile.transaction is None, profile


def awaiting(
    state: CentralSystem, request_id: str, payload: Payload, profile: Profile | None, now: Now
) -> CentralSystem:
    """The profile of a remote start waits for its session; a newer order for the same connector replaces it."""
    if profile is None:
        return state
    connector = integer_of(payload, "connectorId")
    patience = float(state.values.number("ConnectionTimeOut")) or LONGEST_WAIT_SECONDS
    waits = Awaited(
        connector,
        text_of(payload, "idTag") or "",
        profile,
        member(payload, "chargingProfile"),
        frozenset(known.session for known in state.queue.transactions.all_running()),
        now.mono + patience + GRACE_SECONDS,
    )
    others = {key: each for key, each in state.smart_charging.awaited.items() if each.connector != connector}
    return changed(state, awaited={**others, request_id: waits})


def answered(state: CentralSystem, given: CommandAnswer) -> CentralSystem:
    """A remote start that is refused brings no profile."""
    if isinstance(given, Done) or given.request_id not in state.smart_charging.awaited:
        return state
    left = {key: each for key, each in state.smart_charging.awaited.items() if key != given.request_id}
    return changed(state, awaited=left)


def begun(state: CentralSystem, now: Now) -> Turn:
    """Sessions that a remote start brought about get its profile."""
    awaited = state.smart_charging.awaited
    if not awaited:
        return state, ()
    writes: list[Put | Delete] = []
    for request_id, waits in list(awaited.items()):
        session = _session_of(state, waits)
        if session is None and now.mono < waits.deadline:
            continue
        left = {key: each for key, each in state.smart_charging.awaited.items() if key != request_id}
        state = changed(state, awaited=left)
        if session is not None:
            at = milliseconds(now.wall)
            new = Installed(session.start.connector, waits.profile, waits.payload, at, session.session)
            held = state.smart_charging.profiles
            gone = held.replaced_by(new)
            state = changed(state, profiles=held.changed((new,), gone))
            writes += [rows.delete(state.queue.rows, number) for number in gone if number != new.profile.id]
            writes.append(rows.put(state.queue.rows, new))
    return state, unanswered(writes)


def _session_of(state: CentralSystem, waits: Awaited) -> Transaction | None:
    for known in state.queue.transactions.all_running():
        fits = known.start.id_tag.casefold() == waits.id_tag.casefold() and known.session not in waits.before
        if fits and waits.connector in {None, known.start.connector}:
            return known
    return None
