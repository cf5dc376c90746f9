"""Frames of a backend that keeps no rule: calls and answers made from the schemas, spoilt and replayed."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from park.ocpp.keys.registry import KEYS
from park.ocpp.wire import BACKEND_ACTIONS
from tests.fuzz.payloads import spoilt, valid

ACTIONS = tuple(sorted(BACKEND_ACTIONS))
UNKNOWN = ("Coffee", "", "reset", "../../etc/passwd", "Heartbeat", "x" * 5_000)
KEY_NAMES = tuple(key.name for key in KEYS)
VALUES = ("0", "1", "-1", "true", "false", "", "99999999999999999999", "1.5", "NaN", "A", "x" * 500, "ws://h/", "1,2,3")
REMEMBERED = 200  # frames that may be sent again
DAMAGED = 4  # copies of each frame: they are cheap to make and to read
DEEP = 3_000  # brackets: more than Python's own depth of recursion
TYPES = (2, 3, 4, 5, -1, "2", None, 2.0, True)
CODES = ("InternalError", "GenericError", "", "x" * 300, 7, None, [], {})


class Frames:
    """`next` makes them, all from one random source; `waiting` are our calls: unique id → action."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._number = 0
        self._sent: list[str] = []  # the newest last
        self._copies = 0

    def next(self, waiting: Mapping[str, str]) -> str | bytes:
        """One frame; each is followed by damaged copies of it."""
        draw = self._draw
        if self._copies:
            self._copies -= 1
            return self._damaged(self._sent[-1])
        self._copies = DAMAGED
        kind = draw.random()
        if kind < 0.45:
            text = self._call(spoil=False)
        elif kind < 0.70:
            text = self._call(spoil=True)
        elif kind < 0.85:
            text = self._answer(waiting)
        elif kind < 0.90 and self._sent:
            text = draw.choice(self._sent)
        else:
            text = self._shapeless(waiting)
        self._remember(text)
        return text.encode(errors="surrogatepass") if draw.random() < 0.005 else text

    def _remember(self, text: str) -> None:
        if len(self._sent) == REMEMBERED:
            del self._sent[self._draw.randrange(REMEMBERED)]
        self._sent.append(text)

    def _id(self) -> str:
        self._number += 1
        return f"b{self._number}"

    def _call(self, *, spoil: bool) -> str:
        draw = self._draw
        action = draw.choice(ACTIONS) if draw.random() < 0.97 else draw.choice(UNKNOWN)
        payload: Any = valid(action, False, draw) if action in BACKEND_ACTIONS else {"any": 1}
        if action == "ChangeConfiguration" and draw.random() < 0.9:
            payload = {"key": draw.choice(KEY_NAMES), "value": draw.choice(VALUES)}
        return json.dumps([2, self._id(), action, spoilt(payload, draw) if spoil else payload])

    def _answer(self, waiting: Mapping[str, str]) -> str:
        draw = self._draw
        unique_id = draw.choice(list(waiting)) if waiting and draw.random() < 0.9 else self._id()
        if draw.random() < 0.2:
            return json.dumps([4, unique_id, draw.choice(CODES), draw.choice(CODES), draw.choice(({}, [], None))])
        payload: Any = valid(waiting.get(unique_id, "StartTransaction"), True, draw)
        return json.dumps([3, unique_id, spoilt(payload, draw) if draw.random() < 0.4 else payload])

    def _shapeless(self, waiting: Mapping[str, str]) -> str:
        draw = self._draw
        match draw.randrange(6):
            case 0:
                return draw.choice(("[", '{"a":', "")) * draw.choice((1, 100, DEEP))
            case 1:
                return json.dumps(spoilt([2, self._id(), "Reset", {"type": "Soft"}], draw))
            case 2:
                return json.dumps([draw.choice(TYPES), self._id(), *["x", {}][: draw.randrange(3)]])
            case 3:
                return json.dumps([2, draw.choice(("", "x" * 37, 7, None, [], "\ud800")), "Heartbeat", {}])
            case 4:
                return self._call(spoil=False).replace("{", '{"type":1,"type":2,', 1)
            case _:
                return json.dumps(spoilt(json.loads(self._answer(waiting)), draw))

    def _damaged(self, text: str) -> str:
        """Bytes lost, doubled, changed or swapped."""
        draw = self._draw
        at = draw.randrange(len(text) + 1)
        to = min(len(text), at + draw.randint(1, 8))
        match draw.randrange(5):
            case 0:
                return text[:at]
            case 1:
                return text[:at] + text[to:]
            case 2:
                return text[:to] + text[at:]
            case 3:
                return text[:at] + chr(draw.choice((0, 34, 92, 0x5D, 0x7D, 0xD800, 0x1F600))) + text[at:]
            case _:
                return text[to:] + text[:at]
