"""The newest messages to and from the backend, for people: in memory only, bounded as they pass (B-377).

A backend's messages pass at hundreds a second, people ask now and then: what is shown is read and masked only then.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import cast

from msgspec import Struct

from nodes.log import safe
from park.model.time import Now
from park.ocpp.masking import masked, names_secret

KEPT = 50  # B-377
BODY_LENGTH = 2_000  # ours, characters: a screen full; the longest usual payload is a boot with all its members
LOOKED_AT = 65_536  # ours, characters: a longer frame is not read again only to be shown
WORD_LENGTH = 64  # ours: unique ids have 36 characters, actions 32; a peer may send longer ones
BEGINNING = 80  # ours, characters shown of a frame that is no message
UNREADABLE = "Unreadable"
_KINDS = {2: "Call", 3: "CallResult", 4: "CallError"}  # OCPP-J 1.6 §4.1.3
_HEAD = re.compile(r'\s*\[\s*([234])\s*,\s*"([^"\\]{1,64})"\s*(?:,\s*"([^"\\]{1,64})")?')


class RecentMessage(Struct, frozen=True):
    """`sent`: by this node. `kind`: Call, CallResult, CallError or Unreadable. `body`: what may be shown of it.

    `action`: of an answer that of its call, empty: not known. `characters`: of the whole frame.
    """

    at: datetime
    sent: bool
    kind: str
    action: str
    unique_id: str
    body: str
    characters: int


class _Passed(Struct, frozen=True):
    """A frame as it passed, of a longer one the beginning. `characters`: of the whole."""

    at: datetime
    sent: bool
    frame: str | bytes
    characters: int


class RecentMessages:
    """Told every frame by the edge, on the loop; reads and masks them when somebody asks. `now` dates them."""

    def __init__(self, now: Callable[[], Now]) -> None:
        self._now = now
        self._kept: deque[_Passed] = deque(maxlen=KEPT)

    def newest(self) -> tuple[RecentMessage, ...]:
        """Oldest first, at most `KEPT`."""
        actions: dict[tuple[bool, str], str] = {}
        told: list[RecentMessage] = []
        for passed in tuple(self._kept):
            kind, unique_id, action, body = _read(passed)
            if kind == "Call":
                actions[(passed.sent, unique_id)] = action
            elif kind in {"CallResult", "CallError"}:
                action = actions.get((not passed.sent, unique_id), "")
            shown = (_shown(action, WORD_LENGTH), _shown(unique_id, WORD_LENGTH), _shown(body, BODY_LENGTH))
            told.append(RecentMessage(passed.at, passed.sent, kind, *shown, passed.characters))
        return tuple(told)

    def sent(self, frame: str) -> None:
        self._keep(frame, sent=True)

    def received(self, frame: str | bytes) -> None:
        self._keep(frame, sent=False)

    def _keep(self, frame: str | bytes, *, sent: bool) -> None:
        kept = b"" if isinstance(frame, bytes) else frame[: LOOKED_AT + 1]
        self._kept.append(_Passed(self._now().wall, sent, kept, len(frame)))


def _read(passed: _Passed) -> tuple[str, str, str, str]:
    """Kind, unique id, action (of a call) and body of a frame."""
    frame = passed.frame
    if isinstance(frame, bytes):
        return UNREADABLE, "", "", "(binary)"
    if len(frame) > LOOKED_AT:
        return _read_head(frame)
    try:
        parts: object = json.loads(frame)
        return _read_parts(cast("list[object]", parts)) if isinstance(parts, list) else _unreadable(frame)
    except (ValueError, RecursionError):
        return _unreadable(frame)


def _read_head(frame: str) -> tuple[str, str, str, str]:
    found = _HEAD.match(frame[:BODY_LENGTH])
    if found is None:
        return UNREADABLE, "", "", "(too long to be shown)"
    kind = _KINDS[int(found[1])]
    return kind, found[2], found[3] or "" if kind == "Call" else "", "(too long to be shown)"


def _read_parts(parts: list[object]) -> tuple[str, str, str, str]:
    match parts:
        case [2, str(unique_id), str(action), payload, *_]:
            return _KINDS[2], unique_id, action, _json(payload)
        case [3, str(unique_id), payload, *_]:
            return _KINDS[3], unique_id, "", _json(payload)
        case [4, str(unique_id), *error]:
            return _KINDS[4], unique_id, "", _json(error)
        case _:
            return UNREADABLE, "", "", _json(parts)[:BEGINNING]


def _unreadable(frame: str) -> tuple[str, str, str, str]:
    hidden = names_secret(frame)
    return UNREADABLE, "", "", "(it speaks of a secret)" if hidden else cast("str", masked(frame[:BEGINNING]))


def _json(value: object) -> str:
    return json.dumps(masked(value), ensure_ascii=False, separators=(",", ":"))


def _shown(text: str, most: int) -> str:
    """Safe for a terminal and a log, id tags marked, and never longer than `most` and a mark of the cut."""
    whole = safe(text.encode(errors="backslashreplace").decode())  # JSON may hold halves of characters
    return whole if len(whole) <= most else f"{whole[:most]}…"
