"""What the standard says of charging profiles, second by second, without any thought of speed: the tests' reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

VOLTS = 230


def limit_at(profile: Mapping[str, Any], began: datetime | None, at: datetime) -> float | None:
    """The limit one profile sets at an instant, in its own unit; None: it sets none then."""
    if "validFrom" in profile and at < datetime.fromisoformat(profile["validFrom"]):
        return None
    if "validTo" in profile and at >= datetime.fromisoformat(profile["validTo"]):
        return None
    schedule = profile["chargingSchedule"]
    start = began
    if profile["chargingProfileKind"] != "Relative" and "startSchedule" in schedule:
        start = datetime.fromisoformat(schedule["startSchedule"])
    if start is None or at < start:
        return None
    if profile["chargingProfileKind"] == "Recurring":
        length = timedelta(days=1) if profile["recurrencyKind"] == "Daily" else timedelta(days=7)
        while at >= start + length:
            start += length
    if "duration" in schedule and at >= start + timedelta(seconds=schedule["duration"]):
        return None
    limit = None
    for period in schedule["chargingSchedulePeriod"]:
        if at >= start + timedelta(seconds=period["startPeriod"]):
            limit = period["limit"]
    return limit


def highest(profiles: list[tuple[Mapping[str, Any], datetime | None]], at: datetime) -> tuple[float, str] | None:
    """Of one purpose: the limit of the highest stack level that sets one, with its unit."""
    for profile, began in sorted(profiles, key=lambda each: -each[0]["stackLevel"]):
        limit = limit_at(profile, began, at)
        if limit is not None:
            return limit, profile["chargingSchedule"]["chargingRateUnit"]
    return None


def connector_limit(
    installed: Sequence[tuple[int, Mapping[str, Any], datetime]], connector: int, began: datetime | None, at: datetime
) -> tuple[float, str] | None:
    """`installed`: connector, profile, when it came. A TxProfile before the connector's defaults before those of 0."""

    def of(number: int, purpose: str) -> list[tuple[Mapping[str, Any], datetime | None]]:
        return [(p, began) for c, p, _ in installed if (c, p["chargingProfilePurpose"]) == (number, purpose)]

    groups = [of(connector, "TxProfile"), of(connector, "TxDefaultProfile"), of(0, "TxDefaultProfile")]
    for group in groups:
        found = highest(group, at)
        if found is not None:
            return found
    return None


def station_limit(
    installed: Sequence[tuple[int, Mapping[str, Any], datetime]], at: datetime
) -> tuple[float, str] | None:
    return highest(
        [(p, came) for _, p, came in installed if p["chargingProfilePurpose"] == "ChargePointMaxProfile"], at
    )


def converted(limit: float, of: str, unit: str, phases: int) -> float:
    """In the other unit, down to a tenth."""
    thousandths = round(limit * 1000)
    if of == "A" and unit == "W":
        thousandths = thousandths * phases * VOLTS
    elif of == "W" and unit == "A":
        thousandths = thousandths // (phases * VOLTS)
    return thousandths // 100 / 10


def composite(
    installed: Sequence[tuple[int, Mapping[str, Any], datetime]],
    connector: int,
    began: datetime | None,
    start: datetime,
    seconds: int,
    unit: str,
    local: float,
    phases: int,
) -> list[float]:
    """The limit of each second."""
    found: list[float] = []
    for second in range(seconds):
        at = start + timedelta(seconds=second)
        limits = [converted(local, "A", unit, phases)]
        rulings = [station_limit(installed, at)]
        if connector:
            rulings.append(connector_limit(installed, connector, began, at))
        limits += [converted(ruling[0], ruling[1], unit, phases) for ruling in rulings if ruling is not None]
        found.append(min(limits))
    return found
