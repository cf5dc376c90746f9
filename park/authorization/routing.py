"""Which charge point a card is meant for, when a reader serves several (B-274 to B-280).

| the reader's charge points                              | the card                                          |
|---------------------------------------------------------|---------------------------------------------------|
| one of them has a session of this card, vehicle plugged | ends it, if cards may (B-280, B-393)              |
| no vehicle waits, several points                        | is ignored (B-274, B-279)                         |
| no vehicle waits, its only point is free                | is taken; the vehicle must follow                 |
| one vehicle waits                                       | is for it (B-275, B-276)                          |
| several wait, the last was plugged up to 60 s ago       | is for the last one (B-277)                       |
| several wait, all longer than 60 s                      | is ignored, and the reader says so (B-278)        |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from park.authorization.id_tags import same_tag
from park.model.access import OccupancyChanged

LAST_PLUGGED_SECONDS = 60.0  # B-277


@dataclass(frozen=True, slots=True)
class Start:
    """The card asks for a session here."""

    occupancy: OccupancyChanged


@dataclass(frozen=True, slots=True)
class Stop:
    """The card ends its session here."""

    occupancy: OccupancyChanged


@dataclass(frozen=True, slots=True)
class AlreadyTaken:
    """The card was accepted here a moment ago; the vehicle has not come yet."""

    occupancy: OccupancyChanged


Route = Start | Stop | AlreadyTaken | None


def route(
    served: Sequence[OccupancyChanged], id_tag: str, mono: float, *, spoken_for: Iterable[str], stop_with_card: bool
) -> Route:
    """Where a card goes; None: ignored. `spoken_for`: charge points with a question about another card under way."""
    own = [point for point in served if same_tag(id_tag, point.session_tag)]
    plugged = [point for point in own if point.plugged_since is not None]
    if plugged and stop_with_card:
        return Stop(max(plugged, key=_newest))
    if own and not plugged:
        return AlreadyTaken(own[0])
    taken = frozenset(spoken_for)
    chosen = last_plugged((point for point in served if point.charge_point not in taken), mono)
    if chosen is not None:
        return Start(chosen)
    if len(served) == 1 and is_free(served[0]) and served[0].charge_point not in taken:
        return Start(served[0]) if served[0].plugged_since is None else None
    return None


def last_plugged(points: Iterable[OccupancyChanged], mono: float) -> OccupancyChanged | None:
    """The one vehicle that waits, or of several the last, when it was plugged within the last 60 s (B-275 to B-278)."""
    waiting = sorted((point for point in points if _waits(point)), key=_newest)
    if not waiting:
        return None
    since = waiting[-1].plugged_since
    if len(waiting) == 1 or (since is not None and mono - since <= LAST_PLUGGED_SECONDS):
        return waiting[-1]
    return None


def is_free(point: OccupancyChanged) -> bool:
    """May take an authorization now, with or without a vehicle."""
    return point.available and point.waiting_for_card and point.session_tag is None


def _waits(point: OccupancyChanged) -> bool:
    return is_free(point) and point.plugged_since is not None


def _newest(point: OccupancyChanged) -> tuple[float, int]:
    """Of two plugged at the same moment the lower connector is the newer: any fixed order, so that runs repeat."""
    return (float("-inf") if point.plugged_since is None else point.plugged_since, -point.connector)
