"""Session facts for tests: a short session told by its numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from park.model.metering import Sample
from park.model.session import ReadingContext, SessionEnded, SessionMetered, SessionStarted, StopReason

BEGAN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def started(session: str = "s1", point: str = "cp1", connector: int = 1, energy_wh: int = 1000) -> SessionStarted:
    return SessionStarted(session, 0, point, connector, "04A1B2C3", "whitelist", BEGAN, energy_wh)


def metered(session: str = "s1", ordinal: int = 1, point: str = "cp1", energy_wh: int = 1500) -> SessionMetered:
    sample = Sample((16_000, 16_000, 15_900), 11_000, energy_wh, (230_000, 230_000, 230_000), 50_000)
    at = BEGAN + timedelta(minutes=ordinal)
    return SessionMetered(session, ordinal, point, 1, at, sample, 16_000, ReadingContext.SAMPLE_PERIODIC)


def ended(session: str = "s1", ordinal: int = 2, point: str = "cp1", energy_wh: int = 2000) -> SessionEnded:
    at = BEGAN + timedelta(hours=1)
    return SessionEnded(session, ordinal, point, 1, at, energy_wh, StopReason.EV_DISCONNECTED, None)
