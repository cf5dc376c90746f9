"""DataTransfer of the backend: our own vendor's messages, and those of services on site that offered to answer."""

from __future__ import annotations

from park.model.time import Now
from park.ocpp.features import local_services, plug_and_charge, recloser, reset
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer
from park.ocpp.link import BackendCalled
from park.ocpp.plug_and_charge.payloads import VENDOR
from park.ocpp.state import CentralSystem
from park.ocpp.wire import text_of

RESTART = "RestartBoard"  # interfaces: Reset of one board. `data`: its name


def _transfer(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    vendor, message = text_of(call.payload, "vendorId"), text_of(call.payload, "messageId")
    if vendor != state.values.text("vendorId"):
        if vendor == VENDOR and plug_and_charge.is_on(state):
            return plug_and_charge.transferred(state, call)
        forwarded = local_services.forwarded(state, call, now)
        if forwarded is not None:
            return forwarded
        if vendor == recloser.VENDOR:
            return recloser.transferred(state, call, now)
        return state, answer(state, call, "UnknownVendorId")
    if message != RESTART:
        return state, answer(state, call, "UnknownMessageId")
    board = (text_of(call.payload, "data") or "").strip()
    known = any(point.partition("/")[0] == board for point in state.settings.points.values())
    if not known or state.resetting is not None:
        return state, answer(state, call, "Rejected")
    state, effects = reset.begun(state, (board,), now, hard=False)
    return state, (*answer(state, call, "Accepted"), *effects)


FEATURE = Feature({"DataTransfer": _transfer})
