"""A digital input that authorizes: a key switch, a coin box, a building's access control (B-060, B-061)."""

from __future__ import annotations

from msgspec.structs import replace

from park.authorization import routing
from park.authorization.deciding import decided, spoken_for
from park.authorization.id_tags import same_tag
from park.authorization.settings import AuthorizingInput
from park.authorization.state import Authorizer, Claim, Effects, Stepped
from park.model.access import OccupancyChanged, StopSession
from park.model.limit import InputChanged
from park.model.session import StopReason
from park.model.time import Now

ID_TAG = "input_auth"  # B-060: fixed


def changed(state: Authorizer, event: InputChanged, now: Now) -> Stepped:
    """An input that becomes active is a card shown; one that was not known before, or is not now, says nothing."""
    place = (event.node, event.number)
    before = state.inputs.get(place)
    if before is event.high:
        return state, ()
    state = replace(state, inputs={**state.inputs, place: event.high})
    effects: Effects = ()
    for each in state.settings.inputs:
        active, was = event.high is each.active_high, before is not None and before is not each.active_high
        if (each.node, each.number) == place and active and was:
            state, more = _activated(state, each, now)
            effects += more
    return state, effects


def _activated(state: Authorizer, activated: AuthorizingInput, now: Now) -> Stepped:
    point = state.occupancies.get(activated.charge_point)
    if point is None or point.charge_point in spoken_for(state):
        return state, ()
    if same_tag(ID_TAG, point.session_tag):
        return state, (_stop(point),) if activated.stops else ()
    if not routing.is_free(point):
        return state, ()
    return decided(state, Claim(ID_TAG, point.charge_point, point.plugged_since), now)


def _stop(point: OccupancyChanged) -> StopSession:
    return StopSession(point.charge_point, None, StopReason.LOCAL, ID_TAG)
