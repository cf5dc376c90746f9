"""ReserveNow and CancelReservation: which connector is kept for whom, on disk before it is answered.

A reservation ends with the session it was for, at its time, when it is cancelled, and when its connector fails
(OCPP 1.6 §5.13). Authorizer and charge point are told what holds, and keep it while this side is away.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from park.model.access import ConnectorStatus, ConnectorStatusChanged, RepeatSettings, is_unreachable
from park.model.alarm import Alarm
from park.model.reservation import ConnectorReserved, Reservation, ReservationsHeld
from park.model.session import SessionStarted
from park.model.storage import Row
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect, Write
from park.ocpp.features.charging_now import NO_TOKEN
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer, deferred, link_of, result
from park.ocpp.link import BackendCalled, Payload
from park.ocpp.reservation_rows import TABLE, delete, put, reservation_of
from park.ocpp.state import CentralSystem
from park.ocpp.wire import ID_TAG_LENGTH, instant, integer_of, text_of

STATION = 0
LARGEST_NUMBER = 2**31 - 1  # what a backend counts with; larger ones cross no wire here
LOOK_SECONDS = 60.0  # ours: a wall clock that is set is noticed within it


class ReservationCommit(Struct, frozen=True):
    """A change of the reservations, in force and answered when it is on disk. `removed`: numbers."""

    unique_id: str
    action: str
    link: int
    added: tuple[Reservation, ...] = ()
    removed: tuple[int, ...] = ()

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:  # noqa: ARG002 - the protocol's
        told: tuple[CentralSystemEffect, ...] = ()
        if on_disk:
            state, told = _changed(state, self.added, self.removed)
        status = {"status": "Accepted" if on_disk else "Rejected"}
        return state, (*result(self.unique_id, self.action, status, self.link), *told)


# ------------------------------------------------------------ what the backend asks


def _reserve(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """The same number replaces its reservation; another one does not displace it (OCPP 1.6 §5.13)."""
    wanted = _wanted(state, call.payload)
    if wanted is None or wanted.expires <= now.wall:
        return state, answer(state, call, "Rejected")
    status = _free(state, wanted)
    if status != "Accepted":
        return state, answer(state, call, status)
    before = tuple(number for number in state.reservations if number == wanted.number)
    change = ReservationCommit(call.unique_id, call.action, link_of(state), (wanted,), before)
    return deferred(state, (put(state.queue.rows, wanted),), change)


def _wanted(state: CentralSystem, payload: Payload) -> Reservation | None:
    """The reservation asked for; None: it makes no sense here."""
    connector, number = integer_of(payload, "connectorId"), integer_of(payload, "reservationId")
    expires, tag = instant(payload.get("expiryDate")), text_of(payload, "idTag") or ""
    wired = state.settings.wired.get(-1 if connector is None else connector)
    any_one = connector == STATION and state.values.switch("ReserveConnectorZeroSupported")
    if (
        number is None
        or abs(number) > LARGEST_NUMBER
        or expires is None
        or not 0 < len(tag) <= ID_TAG_LENGTH
        or (wired is None and not any_one)
    ):
        return None
    point = "" if wired is None else wired.charge_point
    return Reservation(number, point, tag, text_of(payload, "parentIdTag"), expires)


def _free(state: CentralSystem, wanted: Reservation) -> str:
    """The answer by what the connectors are now (OCPP 1.6 §7.38 ReservationStatus)."""
    others = [held for number, held in state.reservations.items() if number != wanted.number]
    taken = {held.charge_point for held in others}
    if wanted.charge_point:
        return _of_connector(state, wanted.charge_point, taken)
    each = [_of_connector(state, wired.charge_point, taken) for wired in state.settings.wired.values()]
    kept = sum(1 for held in others if not held.charge_point)
    if each.count("Accepted") > kept:
        return "Accepted"
    found = [status for status in each if status != "Accepted"]
    return "Occupied" if not found or kept else min(found, key=_NEAREST.index)


_NEAREST = ("Occupied", "Unavailable", "Faulted", "Rejected")


def _of_connector(state: CentralSystem, point: str, taken: set[str]) -> str:
    connector = next(number for number, wired in state.settings.wired.items() if wired.charge_point == point)
    line = state.statuses.lines.get(connector)
    if line is None or is_unreachable(line.current):
        return "Rejected"
    if point in taken:
        return "Occupied"
    match line.current.status:
        case ConnectorStatus.AVAILABLE | ConnectorStatus.RESERVED:  # reserved: by the one that is replaced
            return "Accepted"
        case ConnectorStatus.FAULTED:
            return "Faulted"
        case ConnectorStatus.UNAVAILABLE:
            return "Unavailable"
        case _:
            return "Occupied"


def _cancel(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    number = integer_of(call.payload, "reservationId")
    if number is None or number not in state.reservations:
        return state, answer(state, call, "Rejected")
    change = ReservationCommit(call.unique_id, call.action, link_of(state), removed=(number,))
    return deferred(state, (delete(state.queue.rows, number),), change)


# ------------------------------------------------------------ what ends one


def used(state: CentralSystem, fact: SessionStarted) -> Turn:
    """A session has begun that one of them was for."""
    return _ended(
        state,
        (
            number
            for number, held in state.reservations.items()
            if number == fact.reservation
            or (held.charge_point == fact.charge_point and held.id_tag.casefold() == fact.id_tag.casefold())
        ),
    )


def failed(state: CentralSystem, before: ConnectorStatus | None, changed: ConnectorStatusChanged) -> Turn:
    """A reserved connector is faulted or out of service. One whose board is away is neither."""
    out = changed.status in {ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE} and not is_unreachable(changed)
    wired = state.settings.wired.get(changed.connector)
    if before is not ConnectorStatus.RESERVED or not out or wired is None:
        return state, ()
    point = wired.charge_point
    return _ended(state, (number for number, held in state.reservations.items() if held.charge_point == point))


def _settle(state: CentralSystem, now: Now) -> Turn:
    """Those that are over by the clock on the wall, which may have been set."""
    if not state.reservations:
        return state, ()
    state, told = _ended(state, (number for number, held in state.reservations.items() if held.expires <= now.wall))
    left = [(held.expires - now.wall).total_seconds() for held in state.reservations.values()]
    return replace(state, reservations_look_at=now.mono + min([LOOK_SECONDS, *left])), told


def _ended(state: CentralSystem, numbers: Iterable[int]) -> Turn:
    """In force at once: on a disk that refuses the row stays, and ends again after a restart."""
    gone = tuple(numbers)
    if not gone:
        return state, ()
    state, told = _changed(state, (), gone)
    return state, (Write(tuple(delete(state.queue.rows, number) for number in gone), NO_TOKEN), *told)


def _deadline(state: CentralSystem) -> float | None:
    return state.reservations_look_at if state.reservations else None


# ------------------------------------------------------------ telling, and the disk


def _changed(state: CentralSystem, added: tuple[Reservation, ...], removed: tuple[int, ...]) -> Turn:
    """Change them and tell whom it concerns."""
    before = state.reservations
    left = {number: held for number, held in before.items() if number not in removed}
    state = replace(state, reservations={**left, **{held.number: held for held in added}})
    points = dict.fromkeys(before[number].charge_point for number in removed if number in before)
    points |= dict.fromkeys(held.charge_point for held in added)
    told = tuple(_of_point(state, point) for point in points if point)
    return state, (ReservationsHeld(tuple(state.reservations.values())), *told)


def _of_point(state: CentralSystem, point: str) -> ConnectorReserved:
    found = [held.expires for held in state.reservations.values() if held.charge_point == point]
    return ConnectorReserved(point, max(found, default=None))


def _repeat(state: CentralSystem, point: str) -> tuple[CentralSystemEffect, ...]:
    if point == RepeatSettings.AUTHORIZER:
        return (ReservationsHeld(tuple(state.reservations.values())),)
    return (_of_point(state, point),)


def _load(state: CentralSystem, rows: tuple[Row, ...], now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    found: list[Reservation] = []
    alarms: list[Alarm] = []
    for key, body in state.queue.rows.mine(rows, TABLE):
        try:
            found.append(reservation_of(key, body))
        except (ValueError, KeyError, TypeError) as error:
            text = f"reservation {key} cannot be read ({error}) and does not hold: have the backend make it again"
            alarms.append(Alarm("reservation-unreadable", text))
    state, told = _changed(state, tuple(found), ())
    return state, (*alarms, *told)


FEATURE = Feature(
    {"ReserveNow": _reserve, "CancelReservation": _cancel},
    tables=(TABLE,),
    load=_load,
    settle=_settle,
    deadline=_deadline,
    repeat=_repeat,
)
