"""How a feature answers the backend: at once, when the park has answered, or when a change is on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from msgspec.structs import replace

from park.model.storage import Delete, Put
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect, Write
from park.ocpp.link import BackendCalled, Payload, SendError, SendResult
from park.ocpp.state import CentralSystem, Deferred, PendingCommand

ANSWER_SECONDS = 10.0  # architecture §2: a command is answered within 10 s or not at all


def answer(state: CentralSystem, call: BackendCalled, status: str) -> tuple[CentralSystemEffect, ...]:
    """The answer that is nothing but a status."""
    return result(call.unique_id, call.action, {"status": status}, state.link)


def result(unique_id: str, action: str, payload: Payload, link: int | None) -> tuple[CentralSystemEffect, ...]:
    """A CALLRESULT on the connection the question came by; nothing when that is gone."""
    return () if link is None else (SendResult(unique_id, action, payload, link),)


def refusal(state: CentralSystem, call: BackendCalled, code: str, text: str) -> tuple[CentralSystemEffect, ...]:
    """A CALLERROR."""
    return () if state.link is None else (SendError(call.unique_id, code, text, state.link),)


def link_of(state: CentralSystem) -> int:
    """The connection a call came by, for the answer that comes later."""
    return cast("int", state.link)


def pending(
    state: CentralSystem,
    call: BackendCalled,
    request_id: str,
    now: Now,
    done: str = "Accepted",
    refused: str = "Rejected",
    reasons: Mapping[str, str] | None = None,
    data: tuple[str, ...] = (),
) -> CentralSystem:
    """The call is answered when the park says `Done` (status `done`), `Refused` or nothing in time (`refused`)."""
    waits = PendingCommand(call.unique_id, call.action, now.mono + ANSWER_SECONDS, done, refused, reasons or {}, data)
    return replace(state, commands={**state.commands, request_id: waits})


def deferred(
    state: CentralSystem, writes: Iterable[Put | Delete], purpose: Deferred
) -> tuple[CentralSystem, tuple[CentralSystemEffect, ...]]:
    """Write these rows; `purpose.stored` is what follows when they are on disk, or cannot be."""
    token = state.next_token
    state = replace(state, next_token=token + 1, commits={**state.commits, token: purpose})
    return state, (Write(tuple(writes), token),)
