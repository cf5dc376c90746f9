"""Which charge point a card is meant for, when a reader serves several (B-274 to B-280).

| the reader's charge points                              | the card                                          |
|---------------------------------------------------------|---------------------------------------------------|
| one of them has a session of this card, vehicle plugged | ends it, if cards may (B-280, B-393)              |
| one vehicle waits                                       | is for it (B-275, B-276)                          |
| several wait, the last was plugged up to 60 s ago       | is for the last one (B-277)                       |
| several wait, all longer than 60 s                      | is ignored, and the reader says so (B-278)        |
| no vehicle waits, the reader needs one                  | is ignored (B-272)                                |
| no vehicle waits, its only point is free                | is taken; the vehicle must follow                 |
| no vehicle waits, one of several points is free         | is remembered (B-353), or ignored (B-274)         |
| no vehicle waits, none is free                          | is ignored (B-279)                                |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from park.authorization.id_tags import same_tag
from park.authorization.settings import LAST_PLUGGED_SECONDS, ReaderSettings, Several
from park.model.access import OccupancyChanged


class Start(Struct, frozen=True):
    """The card asks for a session here."""

    occupancy: OccupancyChanged


class Stop(Struct, frozen=True):
    """The card ends its session here."""

    occupancy: OccupancyChanged


class AlreadyTaken(Struct, frozen=True):
    """The card was accepted here a moment ago; the vehicle has not come yet."""

    occupancy: OccupancyChanged


class Remember(Struct, frozen=True):
    """No vehicle yet: the card is for the first that comes."""


class Unclear(Struct, frozen=True):
    """Several vehicles wait, and which of them is meant nobody can tell."""


Route = Start | Stop | AlreadyTaken | Remember | Unclear | None


def route(
    reader: ReaderSettings,
    served: Sequence[OccupancyChanged],
    id_tag: str,
    mono: float,
    *,
    shared: bool,
    spoken_for: Iterable[str],
    may_stop: bool,
) -> Route:
    """Where a card goes; None: ignored. `spoken_for`: charge points with a question about another card under way.

    `shared`: the reader serves several charge points, reported or not.
    """
    own = sorted((point for point in served if same_tag(id_tag, point.session_tag)), key=_newest)
    plugged = [point for point in own if point.plugged_since is not None]
    if plugged and may_stop and reader.stop_with_card:
        return Stop(plugged[-1])
    if own and not plugged:
        return AlreadyTaken(own[-1])
    taken = frozenset(spoken_for)
    free = [point for point in served if is_free(point) and point.charge_point not in taken]
    waiting = [point for point in free if point.plugged_since is not None]
    if waiting:
        return _among(waiting, reader, mono)
    if not free or reader.needs_vehicle:
        return None
    if not shared:
        return Start(free[0])
    return Remember() if reader.remember_seconds > 0 else None


def _among(waiting: Sequence[OccupancyChanged], reader: ReaderSettings, mono: float) -> Start | Unclear:
    chosen = last_plugged(waiting, mono, reader.last_plugged_seconds)
    if chosen is None and reader.several is Several.LAST:
        chosen = max(waiting, key=_newest)
    return Unclear() if chosen is None else Start(chosen)


def last_plugged(
    points: Iterable[OccupancyChanged], mono: float, within: float = LAST_PLUGGED_SECONDS
) -> OccupancyChanged | None:
    """The one vehicle that waits, or of several the last, when it was plugged `within` seconds (B-275 to B-278)."""
    waiting = sorted((point for point in points if waits(point)), key=_newest)
    if not waiting:
        return None
    since = waiting[-1].plugged_since
    if len(waiting) == 1 or (since is not None and mono - since <= within):
        return waiting[-1]
    return None


def is_free(point: OccupancyChanged) -> bool:
    """May take an authorization now, with or without a vehicle."""
    return point.available and point.waiting_for_card and point.session_tag is None


def waits(point: OccupancyChanged) -> bool:
    """A vehicle is there and waits for a card."""
    return is_free(point) and point.plugged_since is not None


def _newest(point: OccupancyChanged) -> tuple[float, int]:
    """Of two plugged at the same moment the lower connector is the newer: any fixed order, so that runs repeat."""
    return (float("-inf") if point.plugged_since is None else point.plugged_since, -point.connector)
