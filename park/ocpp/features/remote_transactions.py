"""RemoteStartTransaction and RemoteStopTransaction."""

from __future__ import annotations

from park.model.time import Now
from park.ocpp.effects import StartRemotely, StopRemotely
from park.ocpp.features import remote_profile
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer, pending
from park.ocpp.link import BackendCalled
from park.ocpp.state import CentralSystem
from park.ocpp.wire import integer_of, text_of


def _start(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """Connector 0 is refused (interfaces: RemoteStart); before the registration everything is (OCPP 1.6 §4.2.1)."""
    connector = integer_of(call.payload, "connectorId")
    absent = "connectorId" not in call.payload
    sensible, profile = remote_profile.brought(call.payload)
    possible = state.registration.accepted and (absent or connector in state.settings.connectors)
    if not (possible and sensible):
        return state, answer(state, call, "Rejected")
    request_id = state.settings.new_id()
    start = StartRemotely(
        request_id,
        connector,
        text_of(call.payload, "idTag") or "",
        state.values.switch("AuthorizeRemoteTxRequests"),
    )
    state = remote_profile.awaiting(state, request_id, call.payload, profile, now)
    return pending(state, call, request_id, now), (start,)


def _stop(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """Ends exactly the session the backend knows by this number; an unknown one is refused (A6)."""
    number = integer_of(call.payload, "transactionId")
    known = None if number is None else state.queue.transactions.running(number)
    if known is None:
        return state, answer(state, call, "Rejected")
    request_id = state.settings.new_id()
    stop = StopRemotely(request_id, known.start.charge_point, known.session)
    return pending(state, call, request_id, now), (stop,)


FEATURE = Feature({"RemoteStartTransaction": _start, "RemoteStopTransaction": _stop})
