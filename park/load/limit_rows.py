"""A limit on disk: it holds on after a restart, and never allows more than it did before (S11).

The monotonic clock goes on while the machine runs, so a restart of the process changes no validity. After a restart of
the machine nobody knows how long it was off: the whole validity counts anew, and until then the smaller of the limit
and what follows it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

from msgspec.structs import replace

from park.load.limits import HeldLimit, Validity
from park.model.alarm import Alarm
from park.model.electric import PerPhase
from park.model.limit import Limit, LimitKind
from park.model.storage import Row

LIMIT_TABLE = "limit"


def row_key(target: str, kind: LimitKind, source: str) -> str:
    return json.dumps([target, kind.value, source], ensure_ascii=False)


def row_body(held: HeldLimit, boot: str) -> str:
    """`boot`: of the machine whose monotonic clock `until` is on."""
    limit = held.limit
    body = {
        "limit_ma": limit.limit_ma,
        "limit_w": limit.limit_w,
        "priority": limit.priority,
        "minimum_ma": limit.minimum_ma,
        "seconds": held.seconds,
        "until": held.until,
        "expired": held.validity is Validity.EXPIRED,
        "boot": boot,
    }
    return json.dumps(body, separators=(",", ":"))


def limits_of(rows: Iterable[Row], boot: str, now: float) -> tuple[tuple[HeldLimit, ...], tuple[Alarm, ...]]:
    """The limits of the rows, and an alarm for each row that cannot be read."""
    found: list[HeldLimit] = []
    alarms: list[Alarm] = []
    for row in rows:
        try:
            found.append(_held(row, boot, now))
        except (ValueError, KeyError, TypeError) as error:
            text = f"limit {row.key} cannot be read ({error}) and does not hold: set it again"
            alarms.append(Alarm("limit-unreadable", text))
    return tuple(found), tuple(alarms)


def _held(row: Row, boot: str, now: float) -> HeldLimit:
    target, kind, source = cast("list[str]", json.loads(row.key))
    body = json.loads(row.body)
    currents, watts, seconds = body["limit_ma"], body["limit_w"], body["seconds"]
    limit = Limit(target, LimitKind(kind), source, _per_phase(currents), _whole(watts), _whole(body["priority"]) or 0)
    limit = replace(limit, minimum_ma=_whole(body.get("minimum_ma")) or 0)
    if limit.limit_ma is None and limit.limit_w is None:
        raise ValueError("it limits nothing")
    if body["expired"]:
        return HeldLimit(limit, now, seconds, validity=Validity.EXPIRED)
    if seconds is None:
        return HeldLimit(limit)
    if boot and body["boot"] == boot:
        return HeldLimit(limit, min(float(body["until"]), now + float(seconds)), float(seconds))
    return HeldLimit(limit, now + float(seconds), float(seconds), validity=Validity.UNSURE)


def _per_phase(currents: list[int] | None) -> PerPhase | None:
    if currents is None:
        return None
    l1, l2, l3 = (_whole(each) or 0 for each in currents)
    return (l1, l2, l3)


def _whole(number: object) -> int | None:
    if number is None:
        return None
    if not isinstance(number, int) or number < 0:
        raise ValueError(f"{number!r} is no whole number")
    return number
