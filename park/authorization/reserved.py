"""Whom a reserved connector is for: the tag, or its group (OCPP 1.6 §3.11, §5.13).

| the charge point                         | the card                                                            |
|------------------------------------------|---------------------------------------------------------------------|
| is reserved for it, or for its group     | may, and uses the reservation up                                    |
| is reserved for another one              | may not                                                             |
| is reserved for a group it may belong to | may not before its group is known: the backend is asked             |
| is not reserved                          | may, while enough others are free for those who reserved any one    |
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from park.authorization import routing
from park.authorization.id_tags import same_tag
from park.authorization.state import Authorizer, Stepped
from park.model.access import OccupancyChanged
from park.model.reservation import Reservation, ReservationsHeld


class Access(Struct, frozen=True):
    """`reservation`: number of the one it uses up. `asks`: it may after all, if its group is the right one."""

    allowed: bool
    reservation: int | None = None
    asks: bool = False


def held(state: Authorizer, told: ReservationsHeld) -> Stepped:
    """All there are, by the central system."""
    if told.reservations == state.reservations:
        return state, ()
    return replace(state, reservations=told.reservations), ()


def claimed(state: Authorizer, charge_point: str, reservation: int | None) -> Authorizer:
    """A tag may charge here by its reservation, which goes when its session has begun."""
    if reservation is None:
        return state
    return replace(state, used={**state.used, charge_point: reservation})


def used_up(state: Authorizer, point: OccupancyChanged) -> Authorizer:
    """The session has begun, or its vehicle did not come: a board alone has nobody else to tell it."""
    number = state.used.get(point.charge_point)
    if number is None or not (point.charging or routing.is_free(point)):
        return state
    used = {name: each for name, each in state.used.items() if name != point.charge_point}
    left = tuple(each for each in state.reservations if each.number != number or not point.charging)
    return replace(state, used=used, reservations=left)


def access(state: Authorizer, charge_point: str, id_tag: str, parent: str | None, wall: datetime) -> Access:
    """Whether a tag may charge here now, as far as reservations go. `parent`: its group, None: not known or none."""
    in_force = [each for each in state.reservations if each.expires > wall]
    here = [each for each in in_force if each.charge_point == charge_point]
    anywhere = [each for each in in_force if not each.charge_point]
    for each in (*here, *anywhere):
        if _is_for(each, id_tag, parent):
            return Access(allowed=True, reservation=each.number)
    if here:
        return Access(allowed=False, asks=_may_be_of_group(here, parent))
    if len(anywhere) > _spare(state, charge_point, in_force):
        return Access(allowed=False, asks=_may_be_of_group(anywhere, parent))
    return Access(allowed=True)


def _is_for(reservation: Reservation, id_tag: str, parent: str | None) -> bool:
    group = reservation.parent_tag
    return same_tag(reservation.id_tag, id_tag) or (parent is not None and same_tag(parent, group))


def _may_be_of_group(reservations: Iterable[Reservation], parent: str | None) -> bool:
    return parent is None and any(each.parent_tag is not None for each in reservations)


def _spare(state: Authorizer, charge_point: str, in_force: Iterable[Reservation]) -> int:
    """Charge points that stay free for whoever reserved any one, should this one be taken."""
    kept = {each.charge_point for each in in_force}
    return sum(
        1
        for name, point in state.occupancies.items()
        if name != charge_point and name not in kept and routing.is_free(point) and point.plugged_since is None
    )
