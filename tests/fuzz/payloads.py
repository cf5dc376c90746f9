"""Payloads made from the schemas of OCPP 1.6, and payloads spoilt: what a careless or hostile peer may send."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import ocpp.messages as library

SCHEMAS = Path(library.__file__).parent / "v16/schemas"
TIMES = (
    "2026-12-01T12:00:00Z", "2026-12-01T12:00:00.123+01:00", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+14:00",
    "2026-01-05T09:31:00Z", "2026-01-05T10:30:00", "soon",
)  # fmt: skip
INTEGERS = (0, 1, 2, 3, 7, -1, 255, 86_400, 2**31 - 1, -(2**31), 2**31, 2**63, 10**30)
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.0, 0.05, 16.1, 1e308, -1e308, float("inf"), float("nan"), 2**64, 10**400,
    "", "A", "x" * 21, "x" * 501, "x" * 10_000, "\ud800", "\0", "ß", "\r\n[31m", "../../etc/passwd", "%s%n",
    "' OR 1=1 --", [], {}, [[]], [{}], {"": {}}, [None] * 100,
)  # fmt: skip
LONGEST_LIST = 3
LARGEST = 1e300  # of numbers that are reckoned with here


def names() -> list[tuple[str, bool]]:
    """(action, of an answer) of every schema."""
    stems = sorted(path.stem for path in SCHEMAS.glob("*.json"))
    return [(stem.removesuffix("Response"), stem.endswith("Response")) for stem in stems]


@cache
def schema(action: str, answer: bool) -> Mapping[str, Any]:
    """Read here, and not by the library, which keeps what it reads and would reckon with floats from then on."""
    text = (SCHEMAS / f"{action}{'Response' if answer else ''}.json").read_text(encoding="utf-8-sig")
    return cast("Mapping[str, Any]", json.loads(text))


def valid(action: str, answer: bool, draw: random.Random) -> dict[str, Any]:
    """A payload that satisfies the schema, with any of the optional members."""
    root = schema(action, answer)
    return _made(root, root, draw)


def _made(part: Mapping[str, Any], root: Mapping[str, Any], draw: random.Random) -> Any:  # noqa: ANN401 - JSON
    if "$ref" in part:
        return _made(root["definitions"][part["$ref"].rpartition("/")[2]], root, draw)
    if "enum" in part:
        return draw.choice(part["enum"])
    match part["type"]:
        case "object":
            required = part.get("required", ())
            members = part.get("properties", {}).items()
            return {
                name: _made(member, root, draw) for name, member in members if name in required or draw.random() < 0.5
            }
        case "array":
            return [
                _made(part["items"], root, draw) for _ in range(draw.randint(part.get("minItems", 0), LONGEST_LIST))
            ]
        case "integer":
            return draw.choice(INTEGERS) if draw.random() < 0.3 else draw.randint(0, 4)
        case "number":
            return draw.randint(-1, 700) / 10
        case "boolean":
            return draw.random() < 0.5
        case _:
            return _text(part, draw)


def _text(part: Mapping[str, Any], draw: random.Random) -> str:
    if part.get("format") == "date-time":
        return draw.choice(TIMES)
    longest = part.get("maxLength", 40)
    return draw.choice(("04A1B2C3", "x" * longest, "", "ß" * longest, "7", "-1", "true", "A,B"))[:longest]


def spoilt(payload: Any, draw: random.Random) -> Any:  # noqa: ANN401 - JSON
    """A copy with one to three things wrong, or merely strange, anywhere in it."""
    found = copy.deepcopy(payload)
    for _ in range(draw.choice((1, 1, 2, 3))):
        places = list(_places(found))
        if not places or draw.random() < 0.03:
            return _strange(draw)
        container, key = draw.choice(places)
        _spoil(container, key, draw)
    return found


def _strange(draw: random.Random) -> Any:  # noqa: ANN401 - JSON
    return copy.deepcopy(draw.choice(STRANGE))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - JSON
    """Containers with one of their keys each."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _spoil(container: Any, key: Any, draw: random.Random) -> None:  # noqa: ANN401 - JSON
    held = container[key]
    match draw.randrange(9):
        case 0:
            del container[key]
        case 1 if isinstance(container, dict):
            container[draw.choice(("extra", "", "Status", "\ud800", "x" * 300))] = _strange(draw)
        case 2 if isinstance(container, dict):
            container[str(key).upper()] = container.pop(key)
        case 3 if isinstance(held, str):
            container[key] = draw.choice((held.lower(), held * 2, held[:-1], held + " ", held + "x" * 500))
        case 4 if isinstance(held, list):
            container[key] = draw.choice((held * 50, [], [*held, None], held[:1] * 2))
        case 5 if isinstance(held, int | float) and -LARGEST < held < LARGEST:
            container[key] = draw.choice((-held, held + 0.05, held * 10**20, float(held), str(held)))
        case 6:
            container[key] = [held]
        case 7:
            container[key] = {"value": held}
        case _:
            container[key] = _strange(draw)
