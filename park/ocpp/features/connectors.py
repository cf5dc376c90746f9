"""UnlockConnector and ClearCache: orders that somebody in the park carries out."""

from __future__ import annotations

from park.model.access import NO_LOCK
from park.model.time import Now
from park.ocpp.effects import ForgetCards, UnlockRemotely
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer, pending
from park.ocpp.link import BackendCalled
from park.ocpp.state import CentralSystem
from park.ocpp.wire import integer_of

NOT_SUPPORTED = "NotSupported"


def _unlock(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """A running session ends first. What has no lock, or does not exist, is not supported (OCPP 1.6 §7.46)."""
    point = state.settings.points.get(integer_of(call.payload, "connectorId") or 0)
    if point is None:
        return state, answer(state, call, NOT_SUPPORTED)
    request_id = state.settings.new_id()
    state = pending(state, call, request_id, now, "Unlocked", "UnlockFailed", {NO_LOCK: NOT_SUPPORTED})
    return state, (UnlockRemotely(request_id, point),)


def _clear_cache(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """Rejected without a cache (OCPP 1.6 §5.4); cards known to be refused stay so (D4)."""
    request_id = state.settings.new_id()
    return pending(state, call, request_id, now), (ForgetCards(request_id),)


FEATURE = Feature({"UnlockConnector": _unlock, "ClearCache": _clear_cache})
