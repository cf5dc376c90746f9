"""OCPP-J frames to link events and back; both directions are checked against the schemas of OCPP 1.6."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, MutableMapping
from typing import TypeAlias, cast

import ocpp.messages as library  # pyright: ignore[reportMissingTypeStubs]
from msgspec import Struct
from ocpp.exceptions import OCPPError  # pyright: ignore[reportMissingTypeStubs]
from ocpp.messages import Call, CallError, CallResult  # pyright: ignore[reportMissingTypeStubs]

from nodes.ocpp import schemas
from nodes.ocpp.schemas import VERSION
from park.ocpp.keys import VALUE_LENGTH
from park.ocpp.link import BackendCalled, CallAnswered, CallFailed, Payload, SendCall, SendError, SendResult
from park.ocpp.wire import (
    BACKEND_ACTIONS,
    FORMATION_VIOLATION,
    INTERNAL_ERROR,
    OCCURRENCE_VIOLATION,
    PROPERTY_VIOLATION,
    UNIQUE_ID_LENGTH,
)

library.ASYNC_VALIDATION = False  # in this thread: measured 1.7 times faster than the library's thread pool

_Message: TypeAlias = Call | CallResult | CallError
_unpack = cast("Callable[[str], _Message]", library.unpack)  # pyright: ignore[reportUnknownMemberType]
_pack = cast("Callable[[_Message], str]", library.pack)  # pyright: ignore[reportUnknownMemberType]

DESCRIPTION_LENGTH = 255  # OCPP-J 1.6 §4.2.3
_CALL_ID = re.compile(r'\s*\[\s*2\s*,\s*"([^"\\]{1,36})"')


class Garbage(Struct, frozen=True):
    """A frame that means nothing here. `answer`: the CALLERROR to send, where OCPP-J allows one."""

    reason: str
    answer: str | None = None


Read: TypeAlias = BackendCalled | CallAnswered | CallFailed | Garbage


class Violation(Struct, frozen=True):
    """A payload that breaks its schema: the CALLERROR code and what is wrong."""

    code: str
    text: str


async def violation(action: str, payload: Payload, *, answer: bool = False) -> Violation | None:
    """Check the payload of a call, or of the answer to one, against the schema of its action."""
    plain = dict(payload)
    if schemas.is_valid(action, plain, answer=answer):
        return None
    message = CallResult("", plain, action) if answer else Call("", action, plain)
    try:
        await library.validate_payload(message, VERSION)
    except OCPPError as error:
        return Violation(_code(error), _cause(error))
    except RecursionError:
        return Violation(FORMATION_VIOLATION, "nested too deeply")
    except (TypeError, ValueError, ArithmeticError):  # the library reckons with Infinity, NaN and 1e300 like any number
        return Violation(PROPERTY_VIOLATION, "a number that is none, or too large to be checked")
    return None


def _code(error: OCPPError) -> str:
    """The library names formation violations as OCPP 2 does, and counts most others among them (OCPP-J 1.6 table 7)."""
    broken = getattr(error.__context__, "validator", None)
    if broken in {"enum", "multipleOf"}:
        return PROPERTY_VIOLATION
    if broken in {"minItems", "maxItems"}:
        return OCCURRENCE_VIOLATION
    code = str(getattr(error, "code", INTERNAL_ERROR))
    return FORMATION_VIOLATION if code == "FormatViolation" else code


def _cause(error: OCPPError) -> str:
    violated = error.__context__  # the library raises while it handles jsonschema's own error
    path = cast("list[object]", list(getattr(violated, "absolute_path", [])))
    where = "/".join(str(part) for part in path) or "payload"
    return f"{where}: {getattr(violated, 'message', error)}"[:DESCRIPTION_LENGTH]


async def read(text: str | bytes, waiting: MutableMapping[str, str]) -> Read:
    """What a frame of the backend means. `waiting`: unique id → action of our calls; an answered one is taken out."""
    if isinstance(text, bytes):
        return Garbage("a binary frame; OCPP-J is text")
    try:
        message = _unpack(text)
        _reject_lone_surrogates(text)
    except OCPPError as error:
        return _garbage(text, _reason(error))
    except (ValueError, RecursionError) as error:
        return _garbage(text, str(error) or "nested too deeply")
    unique_id = _member(message, "unique_id")
    if not isinstance(unique_id, str) or not unique_id:
        return Garbage("the unique id is not a text")
    match message:
        case Call():
            return await _call(message, unique_id)
        case CallResult():
            return await _result(message, unique_id, waiting)
        case _:
            return _error(message, unique_id, waiting)


def _member(message: _Message, name: str) -> object:
    """The library's messages carry no types; a peer may have put anything there."""
    return getattr(message, name)


def _reason(error: OCPPError) -> str:
    details = cast("dict[str, object]", getattr(error, "details", {}))
    return str(details.get("cause", error))[:DESCRIPTION_LENGTH]


def oversize(text: str | bytes, most: int) -> Garbage:
    """A frame too long to be looked at; its id stands at the front."""
    reason = f"a frame of {len(text)} bytes; {most} are accepted"
    return Garbage(reason) if isinstance(text, bytes) else _garbage(text, reason)


def _reject_lone_surrogates(text: str) -> None:
    if "\\ud" in text.lower():
        json.dumps(json.loads(text), ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError


def _garbage(text: str, reason: str) -> Garbage:
    """A broken CALL is answered when its id can be read (OCPP-J 1.6 §4.2.3)."""
    found = _CALL_ID.match(text[:200])
    return Garbage(reason, None if found is None else error_frame(found[1], FORMATION_VIOLATION, reason))


async def _call(message: Call, unique_id: str) -> Read:
    action, payload = _member(message, "action"), _member(message, "payload")
    if len(unique_id) > UNIQUE_ID_LENGTH:
        reason = f"a unique id of {len(unique_id)} characters; {UNIQUE_ID_LENGTH} are allowed"
        return Garbage(reason, error_frame(unique_id[:UNIQUE_ID_LENGTH], FORMATION_VIOLATION, reason))
    if not isinstance(action, str) or not isinstance(payload, dict):
        reason = "a CALL is [2, unique id, action, payload] with a text and an object at the end"
        return Garbage(reason, error_frame(unique_id, FORMATION_VIOLATION, reason))
    payload = cast("Payload", payload)
    if action in BACKEND_ACTIONS:
        wrong = await violation(action, payload)
        if wrong is not None:
            return Garbage(f"{action}: {wrong.text}", error_frame(unique_id, wrong.code, wrong.text))
    return BackendCalled(unique_id, action, payload)


async def _result(message: CallResult, unique_id: str, waiting: MutableMapping[str, str]) -> Read:
    action = waiting.pop(unique_id, None)
    if action is None:
        return Garbage(f"an answer to {unique_id!r}, which is no call of ours or is answered")
    payload = _member(message, "payload")
    if not isinstance(payload, dict):
        return CallFailed(unique_id, FORMATION_VIOLATION, f"the answer to {action} is no object")
    payload = cast("Payload", payload)
    wrong = await violation(action, payload, answer=True)
    if wrong is not None:
        return CallFailed(unique_id, wrong.code, f"the answer to {action} breaks its schema: {wrong.text}")
    return CallAnswered(unique_id, payload)


def _error(message: CallError, unique_id: str, waiting: MutableMapping[str, str]) -> Read:
    if waiting.pop(unique_id, None) is None:
        return Garbage(f"an error for {unique_id!r}, which is no call of ours or is answered")
    code, description = _member(message, "error_code"), _member(message, "error_description")
    return CallFailed(unique_id, str(code)[:64], str(description)[:DESCRIPTION_LENGTH])


async def call_frame(order: SendCall) -> str | Violation:
    """The text of a call, or how it breaks the schema: then it must not be sent."""
    wrong = await violation(order.action, order.payload)
    return wrong or _pack(Call(order.unique_id, order.action, dict(order.payload)))


async def result_frame(order: SendResult) -> str:
    """The text of an answer; one that breaks the schema is our defect and is sent as an internal error."""
    wrong = await violation(order.action, _within_schema(order), answer=True)
    if wrong is not None:
        return error_frame(order.unique_id, INTERNAL_ERROR, f"the answer to {order.action} is not valid: {wrong.text}")
    return _pack(CallResult(order.unique_id, dict(order.payload)))


def _within_schema(order: SendResult) -> Payload:
    """The payload to be checked: values of keys may be longer than the schema has it, by setting (B-042)."""
    listed = order.payload.get("configurationKey")
    if order.action != "GetConfiguration" or not isinstance(listed, list):
        return order.payload
    keys = cast("list[dict[str, object]]", listed)
    cut = [{**key, "value": str(key.get("value", ""))[:VALUE_LENGTH]} for key in keys]
    return {**order.payload, "configurationKey": cut}


def failure_frame(order: SendError) -> str:
    return error_frame(order.unique_id, order.code, order.description)


def error_frame(unique_id: str, code: str, description: str) -> str:
    error = CallError(unique_id, code, description[:DESCRIPTION_LENGTH], {})
    return _pack(error)
