"""What keeps the station out of service by itself: firmware that comes or begins, a clock that was never set."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.time import Now
from park.ocpp import availability
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.firmware import Stage
from park.ocpp.state import CentralSystem, Withheld
from park.pairing.validity import time_is_known

LOOK_SECONDS = 1.0  # ours: how soon a clock that was set is noticed


def _withheld(state: CentralSystem, now: Now) -> Withheld:
    values, update = state.values, state.upkeep.update
    stage = None if update is None else update.stage
    fetching = stage is Stage.FETCHING and values.switch("UnavailableDuringDownload")  # B-040
    leaving = stage is Stage.REBOOTING and values.number("PreUnavailabilityForUpdate") > 0  # B-387
    timeless = values.switch("AvailabilityOnlyWhenTimeSynchronized") and not time_is_known(now)  # B-391
    return Withheld(fetching or leaving or timeless, leaving, _next_look(state, now) if timeless else None)


def _next_look(state: CentralSystem, now: Now) -> float:
    planned = state.withheld.look_at
    return planned if planned is not None and now.mono < planned else now.mono + LOOK_SECONDS


def _settle(state: CentralSystem, now: Now) -> Turn:
    before, withheld = state.withheld, _withheld(state, now)
    if withheld == before:
        return state, ()
    state = replace(state, withheld=withheld)
    same = (withheld.service, withheld.pilot) == (before.service, before.pilot)
    return state, () if same else availability.for_all(state)


def _deadline(state: CentralSystem) -> float | None:
    """Nobody tells that the clock was set."""
    return state.withheld.look_at


FEATURE = Feature({}, settle=_settle, deadline=_deadline)
