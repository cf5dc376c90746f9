"""What boards may still fall to: a lower current of a new file counts only when its board has kept it (safety §3).

A board keeps on its disk what it was told last, and while it is away nobody can lower that. So the higher of then and
now counts; and where both together do not fit, what others are given more waits for the next start.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from park.load.circuit import Circuit, Placement
from park.load.startup import excesses
from park.model.delivery import Delivery
from park.model.storage import Put, Row

TABLE = "told"


class Told(Struct, frozen=True):
    """mA: highest lapse current of a grant, and what holds after a boot."""

    fallback_ma: int
    boot_ma: int

    @property
    def highest_ma(self) -> int:
        return max(self.fallback_ma, self.boot_ma)


class LapseKept(Struct, frozen=True):
    """Coordinator → disk: board and electronics of this charge point have nothing higher any more."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    told: Told


class Telling(Struct, frozen=True):
    """Of one life of a server. `placements`: with what boards are told now. `counted`: until they have confirmed it.

    `counted` is to be on disk before any board is told. `notes`: what an operator should know.
    """

    placements: tuple[Placement, ...]
    counted: Mapping[str, Told]
    notes: tuple[str, ...] = ()

    def told(self, charge_point: str) -> Told | None:
        """What this charge point is told; None: it is not placed."""
        return next((told_by(each) for each in self.placements if each.charge_point == charge_point), None)


def told_by(placement: Placement) -> Told:
    return Told(placement.fallback_ma, placement.boot_ma)


def telling(circuits: Sequence[Circuit], placements: Sequence[Placement], before: Mapping[str, Told]) -> Telling:
    """What to tell now, after `before` was told. Where then and now together do not fit, nothing is raised yet.

    A park that was never told anything (`before` empty) has what its file says.
    """
    highest = {each.charge_point: _higher(told_by(each), before.get(each.charge_point)) for each in placements}
    problems = excesses(circuits, [_with(each, highest[each.charge_point]) for each in placements])
    if not problems:
        return Telling(tuple(placements), highest, tuple(_notes(placements, highest)))
    then = {each.charge_point: before.get(each.charge_point, Told(0, 0)) for each in placements}
    now = tuple(_with(each, _lower(told_by(each), then[each.charge_point])) for each in placements)
    waiting = [each.charge_point for each, told in zip(placements, now, strict=True) if told_by(each) != told_by(told)]
    notes = [*_notes(now, then), *problems]
    if waiting:
        text = "higher lapse and boot currents wait until the boards named above were connected and this server started"
        notes.append(f"{text} again: {', '.join(waiting)}")
    return Telling(now, then, tuple(notes))


def row_of(charge_point: str, told: Told) -> Put:
    return Put(TABLE, charge_point, json.dumps(asdict(told), separators=(",", ":")))


def told_of(rows: Iterable[Row]) -> dict[str, Told]:
    """By charge point. A row that cannot be read is as if it were not there."""
    found: dict[str, Told] = {}
    for row in rows:
        try:
            body = json.loads(row.body)
            found[row.key] = Told(int(body["fallback_ma"]), int(body["boot_ma"]))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _with(placement: Placement, told: Told) -> Placement:
    return replace(placement, fallback_ma=told.fallback_ma, boot_ma=told.boot_ma)


def _higher(one: Told, other: Told | None) -> Told:
    if other is None:
        return one
    return Told(max(one.fallback_ma, other.fallback_ma), max(one.boot_ma, other.boot_ma))


def _lower(one: Told, other: Told) -> Told:
    return Told(min(one.fallback_ma, other.fallback_ma), min(one.boot_ma, other.boot_ma))


def _notes(placements: Sequence[Placement], counted: Mapping[str, Told]) -> Iterable[str]:
    for placement in placements:
        before, now = counted[placement.charge_point], told_by(placement)
        if before != now:
            yield (
                f"charge point {placement.charge_point}: board {placement.node} was told {_words(before)} before; the "
                f"higher ones count until it was connected and has confirmed {_words(now)}"
            )


def _words(told: Told) -> str:
    return f"fallback {told.fallback_ma / 1000:g} A and boot {told.boot_ma / 1000:g} A"
