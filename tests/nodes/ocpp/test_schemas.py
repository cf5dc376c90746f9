"""The compiled schemas and the library's own validator say the same of every payload, right or wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import ocpp.messages as library
import pytest
from ocpp.exceptions import OCPPError

from nodes.ocpp import frames, schemas
from tests.fuzz.payloads import names, spoilt, valid

T = TypeVar("T")
EACH = 60  # payloads a schema: a third valid
SEED = 20_261_126
EMPTY = {"timestamp": "2026-06-01T12:00:00Z", "sampledValue": []}


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine that waits for nothing returns."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    raise AssertionError("it waits for something")


def stock_accepts(action: str, answer: bool, payload: dict[str, Any]) -> bool:
    """The library as it comes; what it crashes on, it does not accept."""
    message = library.CallResult("", payload, action) if answer else library.Call("", action, payload)
    try:
        done(library.validate_payload(message, schemas.VERSION))
    except (OCPPError, TypeError, ArithmeticError):
        return False
    return True


def corpus(action: str, answer: bool) -> list[dict[str, Any]]:
    draw = random.Random(f"{SEED} {action} {answer}")
    good = [valid(action, answer, draw) for _ in range(EACH)]
    made = [each if place % 3 == 0 else spoilt(each, draw) for place, each in enumerate(good)]
    return [json.loads(json.dumps(each)) for each in made if isinstance(each, dict)]  # as a frame would bring it


def test_the_compiled_schemas_accept_exactly_what_the_library_accepts(
    record_property: Callable[[str, object], None],
):
    accepted, refused = 0, 0
    for action, answer in names():
        for payload in corpus(action, answer):
            right = stock_accepts(action, answer, dict(payload))
            told = done(frames.violation(action, payload, answer=answer))
            assert (told is None) == right, (action, answer, payload)
            if (action, answer) not in schemas.TENTHS:
                assert schemas.is_valid(action, payload, answer=answer) == right, (action, answer, payload)
            accepted, refused = accepted + right, refused + (not right)
    assert accepted > 1_000 < refused
    record_property("figure", f"schemas: {len(names())}, {accepted} payloads accepted and {refused} refused by both")


@pytest.mark.parametrize(("action", "answer"), [("Reset/../Heartbeat", False), ("Coffee", False), ("Reset", True)])
def test_a_name_without_a_schema_is_never_valid(action: str, answer: bool):
    assert not schemas.is_valid(action, {"type": "Soft"}, answer=answer)


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Heartbeat", {"more": 1}, "FormationViolation"),
        ("Authorize", {}, "ProtocolError"),
        ("Authorize", {"idTag": 7}, "TypeConstraintViolation"),
        ("Authorize", {"idTag": "x" * 21}, "TypeConstraintViolation"),
        ("Reset", {"type": "Firm"}, "PropertyConstraintViolation"),
        ("MeterValues", {"connectorId": 1, "meterValue": [EMPTY]}, "OccurenceConstraintViolation"),
    ],
)  # fmt: skip
def test_what_breaks_a_schema_has_the_code_of_the_standard(action: str, payload: dict[str, Any], code: str):
    told = done(frames.violation(action, payload))
    assert told is not None
    assert told.code == code
