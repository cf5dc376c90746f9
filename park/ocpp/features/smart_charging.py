"""SetChargingProfile, ClearChargingProfile, GetCompositeSchedule; what profiles limit goes to the load management.

A profile takes effect, and is answered, when it is on disk. Nothing here raises a current: a limit of a backend is one
of many, and the smallest holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec import Struct

from park.model.time import Now, milliseconds, moment
from park.ocpp.features.charging_now import changed, charging, rules, running, unanswered
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.profiles_in_force import deadline, load, repeat, settle
from park.ocpp.features.replies import answer, deferred, link_of, result
from park.ocpp.link import BackendCalled
from park.ocpp.profiles import rows
from park.ocpp.profiles.composite import RulingAt, composite
from park.ocpp.profiles.installed import Installed
from park.ocpp.profiles.profile import Nonsense, Profile, Purpose, Unit, read
from park.ocpp.profiles.ruling import Charging, connector_ruling, station_ruling
from park.ocpp.profiles.stack import STATION
from park.ocpp.profiles.standing import Wired
from park.ocpp.rows import Transaction
from park.ocpp.state import CentralSystem
from park.ocpp.wire import integer_of, iso, member, text_of


class ProfilesCommit(Struct, frozen=True):
    """A change of the installed profiles, in force and answered when it is on disk."""

    unique_id: str
    action: str
    link: int
    added: tuple[Installed, ...]
    removed: tuple[int, ...]

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:  # noqa: ARG002 - the protocol's
        """What came to the same place while this was written is replaced too."""
        late: tuple[int, ...] = ()
        if on_disk:
            held = state.smart_charging.profiles
            gone = {number for new in self.added for number in held.replaced_by(new) if number != new.profile.id}
            late = tuple(sorted(gone.difference(self.removed)))
            state = changed(state, profiles=held.changed(self.added, (*self.removed, *late)))
        failed = "Unknown" if self.action == "ClearChargingProfile" else "Rejected"
        status = "Accepted" if on_disk else failed
        deletes = unanswered(rows.delete(state.queue.rows, number) for number in late)
        return state, (*result(self.unique_id, self.action, {"status": status}, self.link), *deletes)


def _set(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    payload = member(call.payload, "csChargingProfiles")
    connector = integer_of(call.payload, "connectorId")
    try:
        profile = read(payload)
    except Nonsense:
        return state, answer(state, call, "Rejected")
    known = running(state).get(connector or STATION)
    at = milliseconds(now.wall)
    if not _may_be_set(state, connector, profile, known, at):
        return state, answer(state, call, "Rejected")
    session = known.session if known is not None and profile.purpose is Purpose.TX else None
    return _install(state, call, Installed(connector or STATION, profile, payload, at, session))


def _may_be_set(
    state: CentralSystem, connector: int | None, profile: Profile, known: Transaction | None, at: int
) -> bool:
    """Whether purpose and connector fit (OCPP 1.6 §3.13.1, §5.16), and it may be in force at all."""
    if connector != STATION and connector not in state.settings.connectors:
        return False
    if profile.valid_to is not None and profile.valid_to <= at:
        return False
    match profile.purpose:
        case Purpose.CHARGE_POINT_MAX:
            return connector == STATION
        case Purpose.TX_DEFAULT:
            return True
        case Purpose.TX:
            return connector != STATION and known is not None and profile.transaction in {None, known.transaction}


def _install(state: CentralSystem, call: BackendCalled, new: Installed) -> Turn:
    held = state.smart_charging.profiles
    gone = held.replaced_by(new)
    if len(held) - len(gone) >= state.values.number("MaxChargingProfilesInstalled"):
        return state, answer(state, call, "Rejected")
    mine = state.queue.rows
    writes = (*(rows.delete(mine, number) for number in gone if number != new.profile.id), rows.put(mine, new))
    return deferred(state, writes, ProfilesCommit(call.unique_id, call.action, link_of(state), (new,), gone))


def _clear(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    gone = state.smart_charging.profiles.cleared_by(call.payload)
    if not gone:
        return state, answer(state, call, "Unknown")
    writes = tuple(rows.delete(state.queue.rows, number) for number in gone)
    return deferred(state, writes, ProfilesCommit(call.unique_id, call.action, link_of(state), (), gone))


def _composite(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    connector = integer_of(call.payload, "connectorId")
    seconds = integer_of(call.payload, "duration") or 0
    unit = Unit(text_of(call.payload, "chargingRateUnit") or Unit.AMPERES.value)
    wired = _wired(state).get(-1 if connector is None else connector)
    if connector is None or wired is None or seconds <= 0:
        return state, answer(state, call, "Rejected")
    start = milliseconds(now.wall)
    profiles, in_force = state.smart_charging.profiles, rules(state)
    authorities: list[RulingAt] = [partial(station_ruling, profiles, in_force[STATION])]
    if connector != STATION:
        running = charging(state).get(connector, Charging("", start))
        online = state.link is not None
        authorities.append(partial(connector_ruling, profiles, in_force[connector], connector, running, online=online))
    made = composite(authorities, wired.maximum_ma, wired.phases, start, seconds, unit)
    begins = iso(moment(start))
    periods = [
        {"startPeriod": each.start, "limit": each.limit / 1_000, "numberPhases": wired.phases}
        for each in made.stretches
    ]
    schedule = {
        "duration": made.seconds,
        "startSchedule": begins,
        "chargingRateUnit": unit.value,
        "chargingSchedulePeriod": periods,
    }
    payload = {
        "status": "Accepted",
        "connectorId": connector,
        "scheduleStart": begins,
        "chargingSchedule": schedule,
    }
    return state, result(call.unique_id, call.action, payload, state.link)


def _wired(state: CentralSystem) -> Mapping[int, Wired]:
    """Connectors as they are built; 0: the identity's circuit."""
    settings = state.settings
    return {STATION: settings.station_wired, **settings.wired}


FEATURE = Feature(
    {"SetChargingProfile": _set, "ClearChargingProfile": _clear, "GetCompositeSchedule": _composite},
    tables=(rows.TABLE,),
    load=load,
    settle=settle,
    deadline=deadline,
    repeat=repeat,
)
