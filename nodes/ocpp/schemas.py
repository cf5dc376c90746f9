"""The schemas of OCPP 1.6, compiled: quick to say that a payload is right. What is wrong with one, the library says."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import ocpp.messages as library  # pyright: ignore[reportMissingTypeStubs]
from jsonschema_rs import Draft4Validator

from park.ocpp.link import Payload

_read = cast("Callable[[int, str, str], Any]", library.get_validator)  # pyright: ignore[reportUnknownMemberType]

VERSION = "1.6"
DRAFT = "http://json-schema.org/draft-04/schema#"  # the library reads them all so, whatever they say themselves
# They know tenths ("multipleOf": 0.1): exact in the library's decimal numbers only. (action, of an answer)
TENTHS = frozenset({("SetChargingProfile", False), ("RemoteStartTransaction", False), ("GetCompositeSchedule", True)})


def is_valid(action: str, payload: Payload, *, answer: bool) -> bool:
    """True: the payload of the call, or of the answer to it, satisfies its schema. False: ask the library.

    Never true where the library refuses: tests compare them over all schemas.
    """
    compiled = _compiled(action, answer)
    try:
        return compiled is not None and compiled.is_valid(payload)
    except (ValueError, TypeError, ArithmeticError, RecursionError):  # what JSON does not know, or not so large or deep
        return False


@cache
def _compiled(action: str, answer: bool) -> Draft4Validator | None:  # noqa: FBT001 - a part of the key
    """None: the library has no schema of that name, or one with tenths."""
    if (action, answer) in TENTHS:
        return None
    kind = library.MessageType.CallResult if answer else library.MessageType.Call
    try:
        schema = cast("dict[str, object]", _read(kind, action, VERSION).schema)
    except (OSError, ValueError):
        return None
    return Draft4Validator({**schema, "$schema": DRAFT}, validate_formats=False)
