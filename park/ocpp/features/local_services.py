"""DataTransfer of services on site: theirs to the backend, and the backend's to them with a time for the answer."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import link_of, result
from park.ocpp.link import BackendCalled, Payload, SendError
from park.ocpp.services import (
    MOST_WAITING,
    Asked,
    ForwardTransfer,
    ServiceAttached,
    ServiceEvent,
    ServiceLeft,
    TransferAnswered,
    TransferDone,
    TransferFailed,
    TransferResult,
    TransferWanted,
)
from park.ocpp.state import CentralSystem, TransferCall
from park.ocpp.wire import text_of

NO_ANSWER = "GenericError"  # OCPP-J 1.6 table 7: nothing says more of a service that does not answer (B-214)
STATUSES = frozenset({"Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"})  # OCPP 1.6 §7.15
UNASKED = "the backend did not answer; it may have it all the same"


def forwarded(state: CentralSystem, call: BackendCalled, now: Now) -> Turn | None:
    """The question goes to the service of its vendor; None: there is none."""
    vendor = text_of(call.payload, "vendorId") or ""
    seconds = state.services.attached.get(vendor)
    if seconds is None:
        return None
    asked = Asked(vendor, now.mono + seconds, link_of(state))
    state = _with_asked(state, {**state.services.asked, call.unique_id: asked})
    question = ForwardTransfer(
        call.unique_id, vendor, text_of(call.payload, "messageId"), text_of(call.payload, "data")
    )
    return state, (question,)


def told(state: CentralSystem, event: ServiceEvent) -> Turn:
    """What a service says."""
    match event:
        case ServiceAttached(vendor, seconds):
            services = replace(state.services, attached={**state.services.attached, vendor: seconds})
            return replace(state, services=services), ()
        case ServiceLeft(vendor):
            return _left(state, vendor)
        case TransferAnswered():
            return _answered(state, event)
        case TransferWanted():
            return _wanted(state, event)


def _left(state: CentralSystem, vendor: str) -> Turn:
    attached = {each: seconds for each, seconds in state.services.attached.items() if each != vendor}
    state = replace(state, services=replace(state.services, attached=attached))
    gone = {each for each, asked in state.services.asked.items() if asked.vendor_id == vendor}
    return _unanswered(state, gone, "the service left")


def _answered(state: CentralSystem, event: TransferAnswered) -> Turn:
    """An answer that comes too late, or to nothing, is left out."""
    asked = state.services.asked.get(event.request_id)
    if asked is None:
        return state, ()
    state = _with_asked(state, {each: one for each, one in state.services.asked.items() if one is not asked})
    if event.status not in STATUSES:
        text = f"the service answered {event.status!r}, which is no status of DataTransfer"
        return state, (SendError(event.request_id, NO_ANSWER, text, asked.link),)
    return state, result(event.request_id, "DataTransfer", _payload(status=event.status, data=event.data), asked.link)


def _wanted(state: CentralSystem, event: TransferWanted) -> Turn:
    reason = None
    if state.link is None or not state.registration.accepted:
        reason = "the backend is not there; try again when it is"
    elif len(state.services.waiting) >= MOST_WAITING:
        reason = f"{MOST_WAITING} transfers wait for the backend already; try again"
    if reason is not None:
        return state, (TransferDone(event.reply_to, TransferFailed(event.request_id, reason)),)
    return replace(state, services=replace(state.services, waiting=(*state.services.waiting, event))), ()


def taken(state: CentralSystem) -> CentralSystem:
    """The oldest that waited is in flight now."""
    return replace(state, services=replace(state.services, waiting=state.services.waiting[1:]))


def request(call: TransferCall) -> Payload:
    wanted = call.wanted
    return _payload(vendorId=wanted.vendor_id, messageId=wanted.message_id, data=wanted.data)


def answer_of(call: TransferCall, payload: Payload) -> CentralSystemEffect:
    """The backend's answer."""
    request_id = call.wanted.request_id
    found = TransferResult(request_id, text_of(payload, "status") or "", text_of(payload, "data"))
    return TransferDone(call.wanted.reply_to, found)


def failure_of(call: TransferCall, why: str = UNASKED) -> CentralSystemEffect:
    """There is none."""
    return TransferDone(call.wanted.reply_to, TransferFailed(call.wanted.request_id, why))


def link_lost(state: CentralSystem) -> Turn:
    """Nobody waits for answers of services any more, and what waited for the link is told so."""
    why = "the link was lost before it was sent"
    failed = tuple(failure_of(TransferCall(each), why) for each in state.services.waiting)
    return replace(state, services=replace(state.services, asked={}, waiting=())), failed


def _settle(state: CentralSystem, now: Now) -> Turn:
    late = {each for each, asked in state.services.asked.items() if asked.deadline <= now.mono}
    return _unanswered(state, late, "the service did not answer in time") if late else (state, ())


def _deadline(state: CentralSystem) -> float | None:
    return min((asked.deadline for asked in state.services.asked.values()), default=None)


def _unanswered(state: CentralSystem, requests: set[str], why: str) -> Turn:
    asked = state.services.asked
    errors = tuple(SendError(each, NO_ANSWER, why, asked[each].link) for each in sorted(requests))
    return _with_asked(state, {each: one for each, one in asked.items() if each not in requests}), errors


def _with_asked(state: CentralSystem, asked: Mapping[str, Asked]) -> CentralSystem:
    return replace(state, services=replace(state.services, asked=asked))


def _payload(**members: str | None) -> Payload:
    return {name: value for name, value in members.items() if value is not None}


FEATURE = Feature({}, settle=_settle, deadline=_deadline)
