"""The backend orders a start: whether one will be tried, and at which charge point."""

from __future__ import annotations

from park.authorization import routing
from park.authorization.backend import forgiven
from park.authorization.deciding import decided, granted, spoken_for
from park.authorization.id_tags import judged
from park.authorization.state import Authorizer, Claim, Stepped, known_tags
from park.model.access import (
    Answer,
    AuthorizationGranted,
    AuthorizeWithBackend,
    Done,
    OccupancyChanged,
    Refused,
    RemoteStart,
    Verdict,
)
from park.model.time import Now


def ordered(state: Authorizer, order: RemoteStart, now: Now) -> Stepped:
    """Answer whether a start will be tried (OCPP 1.6 §5.11), then authorize first or start at once (B-050, B-116)."""
    point = _chosen(state, order, now)
    if isinstance(point, str):
        return state, (Answer(order.reply_to, Refused(order.request_id, point)),)
    if judged(known_tags(state), order.id_tag, now.wall) is Verdict.BLOCKED:
        return state, (Answer(order.reply_to, Refused(order.request_id, "the whitelist blocks this id tag")),)
    claim = Claim(order.id_tag, point.charge_point, point.plugged_since, ordered=True)
    if order.authorize_first:
        state, effects = decided(state, claim, now)
    else:
        state, effects = granted(forgiven(state, order.id_tag), claim, "remote", now)
    tried = any(isinstance(each, AuthorizationGranted | AuthorizeWithBackend) for each in effects)
    answer = Done(order.request_id) if tried else Refused(order.request_id, "this id tag may not charge here")
    return state, (Answer(order.reply_to, answer), *effects)


def _chosen(state: Authorizer, order: RemoteStart, now: Now) -> OccupancyChanged | str:
    """The charge point an order means, or why there is none."""
    taken = spoken_for(state)
    points = [point for point in state.occupancies.values() if point.charge_point not in taken]
    if order.connector is None:
        return routing.last_plugged(points, now.mono) or "no connector given, and no one vehicle it could be meant for"
    for point in state.occupancies.values():
        if point.connector == order.connector:
            if point not in points or not routing.is_free(point):
                return f"connector {order.connector} cannot take a session now"
            return point
    return f"there is no connector {order.connector}"
