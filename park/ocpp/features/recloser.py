"""DataTransfer about the recloser of a charge point: its state, and another one (B-215, B-225).

Source: chargebyte guide §3.3.9, table 12. The messages are that maker's; here every connector may be named.
"""

from __future__ import annotations

import re

from park.model.access import CLOSE, NOT_AVAILABLE, NOT_PRESENT, OPEN
from park.model.time import Now
from park.ocpp.effects import RecloseRemotely
from park.ocpp.features.feature import Turn
from park.ocpp.features.replies import answer, pending, result
from park.ocpp.link import BackendCalled
from park.ocpp.state import CentralSystem
from park.ocpp.wire import text_of

VENDOR = "com.in-tech.smartcharging"
GET_STATE, CHANGE_STATE = "rcdRecloserGetState", "rcdRecloserChangeState"
INVALID = "invalidRequestData"
REASONS = (NOT_PRESENT, NOT_AVAILABLE)
NUMBER = re.compile(r" *[0-9]{1,9} *", re.ASCII)
STATES = {OPEN: False, CLOSE: True}


def transferred(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """`data`: the connector, and for a change `, open` or `, close` after it."""
    message = text_of(call.payload, "messageId")
    if message not in {GET_STATE, CHANGE_STATE}:
        return state, answer(state, call, "UnknownMessageId")
    connector, comma, wanted = (text_of(call.payload, "data") or "").partition(",")
    closed = STATES.get(wanted.strip()) if message == CHANGE_STATE else None
    is_whole = closed is not None if message == CHANGE_STATE else not comma
    point = state.settings.points.get(int(connector)) if NUMBER.fullmatch(connector) else None
    if not is_whole or point is None:
        payload = {"status": "Rejected", "data": INVALID}
        return state, result(call.unique_id, call.action, payload, state.link)
    request_id = state.settings.new_id()
    state = pending(state, call, request_id, now, data=REASONS)
    return state, (RecloseRemotely(request_id, point, closed),)
