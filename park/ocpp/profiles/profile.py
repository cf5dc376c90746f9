"""A charging profile (OCPP 1.6 §7.8), read from a payload that satisfies its schema, or why it makes no sense.

Instants are whole milliseconds since 1970 UTC, lengths of time milliseconds, so that no date of a backend overflows.
Limits are thousandths of their unit: mA on each phase, or mW in all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from itertools import pairwise
from typing import TypeVar, cast

from msgspec import Struct

from park.model.time import milliseconds
from park.ocpp.link import Payload
from park.ocpp.wire import instant, integer_of, member, text_of

MOST_STACK_LEVEL = 6  # B-140: ChargeProfileMaxStackLevel
MOST_PERIODS = 255  # ChargingScheduleMaxPeriods, as GreenFlux has it
MOST_PHASES = 3
SECOND, DAY, WEEK = 1_000, 86_400_000, 604_800_000
LARGEST_LIMIT = 10_000_000_000  # thousandths: 10 MA or 10 MW; above it is no limit of any park


E = TypeVar("E", bound=Enum)


class Purpose(Enum):
    """OCPP 1.6 §7.10; values are the wire names."""

    CHARGE_POINT_MAX = "ChargePointMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class Kind(Enum):
    """OCPP 1.6 §7.9; values are the wire names."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Unit(Enum):
    """OCPP 1.6 §7.12; values are the wire names."""

    AMPERES = "A"
    WATTS = "W"


class Period(Struct, frozen=True):
    """`start`: milliseconds after the schedule's own. `phases`: None: three are meant (OCPP 1.6 §7.14)."""

    start: int
    limit: int
    phases: int | None = None


class Profile(Struct, frozen=True):
    """`recurs`: length of a recurrence, None: none. `start`: None: with the charging (§7.13, startSchedule).

    `periods` ascend and begin with 0. `minimum`: below it charging is not worth it (minChargingRate), thousandths.
    """

    id: int
    purpose: Purpose
    kind: Kind
    stack_level: int
    unit: Unit
    periods: tuple[Period, ...]
    transaction: int | None = None
    recurs: int | None = None
    start: int | None = None
    duration: int | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    minimum: int | None = None


class Nonsense(ValueError):
    """A profile that satisfies the schema and still means nothing; the text names the member."""


def read(payload: Payload) -> Profile:
    """The profile of `csChargingProfiles` or `chargingProfile`. Raises Nonsense."""
    schedule = member(payload, "chargingSchedule")
    kind = _named(Kind, payload, "chargingProfileKind")
    profile = Profile(
        id=_integer(payload, "chargingProfileId"),
        purpose=_named(Purpose, payload, "chargingProfilePurpose"),
        kind=kind,
        stack_level=_integer(payload, "stackLevel"),
        unit=_named(Unit, schedule, "chargingRateUnit"),
        periods=_periods(schedule),
        transaction=integer_of(payload, "transactionId"),
        recurs=_recurrence(payload) if kind is Kind.RECURRING else None,
        start=None if kind is Kind.RELATIVE else _instant(schedule, "startSchedule"),
        duration=_duration(schedule),
        valid_from=_instant(payload, "validFrom"),
        valid_to=_instant(payload, "validTo"),
        minimum=_thousandths(schedule, "minChargingRate") if "minChargingRate" in schedule else None,
    )
    _check(profile)
    return profile


def _check(profile: Profile) -> None:
    if not 0 <= profile.stack_level <= MOST_STACK_LEVEL:
        raise Nonsense(f"stackLevel {profile.stack_level}: 0 to {MOST_STACK_LEVEL} are offered")
    if profile.kind is Kind.RECURRING and profile.start is None:
        raise Nonsense("startSchedule is missing: a recurring schedule repeats from it on")
    if profile.transaction is not None and profile.purpose is not Purpose.TX:
        raise Nonsense("transactionId belongs to a TxProfile alone")
    if profile.valid_from is not None and profile.valid_to is not None and profile.valid_to <= profile.valid_from:
        raise Nonsense("validTo is not after validFrom")


def _periods(schedule: Payload) -> tuple[Period, ...]:
    listed = cast("list[Mapping[str, object]]", schedule.get("chargingSchedulePeriod") or [])
    if not 0 < len(listed) <= MOST_PERIODS:
        raise Nonsense(f"{len(listed)} periods: 1 to {MOST_PERIODS} are offered")
    periods = tuple(_period(each) for each in listed)
    if periods[0].start != 0:
        raise Nonsense("the first period does not start at 0")
    if any(one.start >= next_one.start for one, next_one in pairwise(periods)):
        raise Nonsense("the periods do not start one after the other")
    return periods


def _period(listed: Payload) -> Period:
    phases = integer_of(listed, "numberPhases")
    if "numberPhases" in listed and (phases is None or not 1 <= phases <= MOST_PHASES):
        raise Nonsense(f"numberPhases {listed['numberPhases']}: 1 to {MOST_PHASES}")
    return Period(_integer(listed, "startPeriod") * SECOND, _thousandths(listed, "limit"), phases)


def _recurrence(payload: Payload) -> int:
    match text_of(payload, "recurrencyKind"):
        case "Daily":
            return DAY
        case "Weekly":
            return WEEK
        case other:
            raise Nonsense(f"recurrencyKind {other}: a recurring profile is Daily or Weekly")


def _duration(schedule: Payload) -> int | None:
    if "duration" not in schedule:
        return None
    seconds = _integer(schedule, "duration")
    if seconds <= 0:
        raise Nonsense(f"duration {seconds}: it is at least 1 s")
    return seconds * SECOND


def _integer(payload: Payload, name: str) -> int:
    value = integer_of(payload, name)
    if value is None:
        raise Nonsense(f"{name} is no whole number")
    return value


def _thousandths(payload: Payload, name: str) -> int:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Nonsense(f"{name} is no number")
    if not 0 <= value <= LARGEST_LIMIT // 1_000:
        raise Nonsense(f"{name} {value}: 0 to {LARGEST_LIMIT // 1_000}")
    return round(value * 1_000)


def _instant(payload: Payload, name: str) -> int | None:
    if name not in payload:
        return None
    at: datetime | None = instant(payload[name])
    if at is None:
        raise Nonsense(f"{name} is no time")
    return milliseconds(at)


def _named(kind: type[E], payload: Payload, name: str) -> E:
    try:
        return kind(payload.get(name))
    except ValueError:
        raise Nonsense(f"{name} {payload.get(name)!r} is unknown") from None
