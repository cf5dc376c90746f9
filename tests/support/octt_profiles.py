"""Charging profiles as the compliance cases send them (OCPP 1.6 §7.8): limits in amperes, times in seconds."""

from __future__ import annotations

from typing import Any

from support.octt import in_future


def schedule(*periods: tuple[int, float], duration: int | None = None) -> dict[str, Any]:
    """`periods`: start in seconds, and limit."""
    made = [{"startPeriod": start, "limit": limit} for start, limit in periods]
    found: dict[str, Any] = {"chargingRateUnit": "A", "chargingSchedulePeriod": made}
    return found if duration is None else {**found, "duration": duration}


def profile(
    purpose: str,
    limits: dict[str, Any],
    *,
    number: int = 1,
    level: int = 0,
    kind: str = "Relative",
    transaction: int | None = None,
) -> dict[str, Any]:
    """One that begins now where it begins at a time of its own."""
    begins = {"startSchedule": in_future(0)} if kind == "Absolute" else {}
    of = {} if transaction is None else {"transactionId": transaction}
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": {**limits, **begins},
        **of,
    }
