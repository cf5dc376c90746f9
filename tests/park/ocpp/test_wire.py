"""Times as the backend writes them and as this side does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from park.ocpp.wire import instant, iso

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.mark.rule("B-192")
@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("2026-01-05T12:00:00Z", 0), ("2026-01-05T12:00:00.5Z", 500), ("2026-01-05T12:00:00.250Z", 250)],
)
def test_the_fraction_of_a_time_may_be_there_or_not(text: str, milliseconds: int):
    assert instant(text) == NOON + timedelta(milliseconds=milliseconds)


@pytest.mark.rule("B-395")
@pytest.mark.parametrize("text", ["2026-01-05T12:00:00Z", "2026-01-05T12:00:00", "2026-01-05T14:00:00+02:00"])
def test_a_time_of_the_backend_is_utc_whatever_it_says(text: str):
    at = instant(text)
    assert at == NOON
    assert at is not None
    assert at.tzinfo is UTC


@pytest.mark.rule("B-192", "B-395")
def test_this_side_writes_utc_with_milliseconds():
    assert iso(NOON.astimezone(timezone(timedelta(hours=2)))) == "2026-01-05T12:00:00.000Z"


@pytest.mark.parametrize("text", ["", "noon", "2026-13-01T00:00:00Z", 5, None, "0001-01-01T00:00:00+23:00"])
def test_what_is_no_time_is_none(text: object):
    assert instant(text) is None
