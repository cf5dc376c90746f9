"""The composite schedule of a connector (OCPP 1.6 §3.13, §5.7): the least of all that limits it, second by second."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec import Struct

from park.model.electric import NOMINAL_VOLTAGE_MV
from park.ocpp.profiles.profile import MOST_PERIODS, SECOND, Unit
from park.ocpp.profiles.ruling import Ruling, amperes_ma, watts_mw
from park.ocpp.profiles.timing import earliest

MOST_LOOKS = 5_000  # instants looked at for one answer: a backend that asks for 70 years is told the first part
TENTH = 100  # thousandths: a limit on the wire has one digit behind the point (OCPP 1.6 §7.14)

RulingAt: TypeAlias = Callable[[int], Ruling]
"""What one authority says at an instant (ms)."""


class Stretch(Struct, frozen=True):
    """`start`: seconds after the composite's own. `limit`: thousandths of the asked unit, whole tenths."""

    start: int
    limit: int


class Composite(Struct, frozen=True):
    """`seconds`: what is covered, less than was asked for when that has more periods than may be told."""

    seconds: int
    stretches: tuple[Stretch, ...]


def composite(
    authorities: Iterable[RulingAt],
    local_ma: int,
    phases: int,
    start: int,
    seconds: int,
    unit: Unit,
    voltage_mv: int = NOMINAL_VOLTAGE_MV,
) -> Composite:
    """What may be drawn in each of the `seconds` from `start` (ms) on, by the state at the second's beginning.

    `local_ma`: what the installation allows on each of the `phases`; it stands where no profile says less.
    """
    every = tuple(authorities)
    local = _in_unit(local_ma, Unit.AMPERES, phases, unit, voltage_mv)
    found: list[Stretch] = []
    second = looks = 0
    while second < seconds and looks < MOST_LOOKS:
        looks += 1
        rulings = [authority(start + second * SECOND) for authority in every]
        limits = [
            _in_unit(ruling.limit, ruling.unit, phases, unit, voltage_mv)
            for ruling in rulings
            if ruling.limit is not None
        ]
        limit = min([local, *limits])
        if not found or found[-1].limit != limit:
            if len(found) == MOST_PERIODS:
                break
            found.append(Stretch(second, limit))
        until = earliest(*(ruling.until for ruling in rulings))
        second = seconds if until is None else max(second + 1, -((start - until) // SECOND))
    return Composite(min(second, seconds), tuple(found))


def _in_unit(limit: int, of: Unit, phases: int, unit: Unit, voltage_mv: int) -> int:
    convert = amperes_ma if unit is Unit.AMPERES else watts_mw
    converted = convert(limit, of, phases, voltage_mv)
    return converted - converted % TENTH
