"""The composite schedule and the limit in force, against the naive reference, for any profiles at any time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from park.model.time import milliseconds
from park.ocpp.profiles.composite import composite
from park.ocpp.profiles.installed import Installed, Profiles
from park.ocpp.profiles.profile import Nonsense, Unit, read
from park.ocpp.profiles.ruling import Charging, Rules, connector_ruling, station_ruling
from tests.support.naive_profiles import composite as naive_composite

NOON = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # the night the clocks change in Europe
SPAN = 90  # seconds looked at; days are shortened to the same scale by shifting starts by whole days


def instants(low: int = -60, high: int = 120) -> st.SearchStrategy[str]:
    """Around NOON, whole days away or not, with a fraction or none."""
    days = st.sampled_from([0, 0, 0, -1, -7, -8, 1])
    return st.builds(
        lambda seconds, tenths, day: (NOON + timedelta(days=day, seconds=seconds + tenths / 10)).isoformat(),
        st.integers(low, high),
        st.sampled_from([0, 0, 4]),
        days,
    )


limits = st.integers(0, 700).map(lambda tenths: tenths / 10)
watt_limits = st.integers(0, 300_000).map(lambda tenths: tenths / 10)


@st.composite
def schedules(draw: st.DrawFn, *, starts: bool) -> dict[str, Any]:
    unit = draw(st.sampled_from("AW"))
    offsets = sorted({0, *draw(st.lists(st.integers(1, 100), max_size=4))})
    schedule: dict[str, Any] = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": offset, "limit": draw(limits if unit == "A" else watt_limits)} for offset in offsets
        ],
    }
    if starts or draw(st.booleans()):
        schedule["startSchedule"] = draw(instants())
    if draw(st.booleans()):
        schedule["duration"] = draw(st.integers(1, 120) | st.just(86_400))
    return schedule


@st.composite
def profiles(draw: st.DrawFn, purpose: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(["Absolute", "Recurring", "Relative"]))
    made: dict[str, Any] = {
        "chargingProfileId": draw(st.integers(1, 8)),
        "stackLevel": draw(st.integers(0, 3)),
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": draw(schedules(starts=kind == "Recurring")),
    }
    if kind == "Recurring":
        made["recurrencyKind"] = draw(st.sampled_from(["Daily", "Weekly"]))
    if draw(st.integers(0, 3)) == 0:
        made["validFrom"] = draw(instants())
    if draw(st.integers(0, 3)) == 0:
        made["validTo"] = draw(instants())
    return made


Arrival = tuple[int, dict[str, Any], int]

arrivals: st.SearchStrategy[list[Arrival]] = st.lists(
    st.one_of(
        st.tuples(st.just(0), profiles("ChargePointMaxProfile"), st.integers(-50, 0)),
        st.tuples(st.sampled_from([0, 1, 2]), profiles("TxDefaultProfile"), st.integers(-50, 0)),
        st.tuples(st.just(1), profiles("TxProfile"), st.integers(-50, 0)),
    ),
    max_size=6,
)


def install(sent: list[Arrival]) -> tuple[Profiles, list[tuple[int, dict[str, Any], datetime]]]:
    """As a station takes them one after the other, and the same kept as a plain list."""
    held = Profiles()
    listed: list[tuple[int, dict[str, Any], datetime]] = []
    for connector, payload, came in sent:
        try:
            profile = read(payload)
        except Nonsense:
            continue
        at = NOON + timedelta(seconds=came)
        session = "s1" if payload["chargingProfilePurpose"] == "TxProfile" else None
        new = Installed(connector, profile, payload, milliseconds(at), session)
        held = held.changed((new,), held.replaced_by(new))
        listed = [each for each in listed if not _replaces(connector, payload, each)]
        listed.append((connector, payload, at))
    return held, listed


def _replaces(connector: int, payload: dict[str, Any], old: tuple[int, dict[str, Any], datetime]) -> bool:
    same_id = old[1]["chargingProfileId"] == payload["chargingProfileId"]
    keys = ("chargingProfilePurpose", "stackLevel")
    return same_id or (old[0] == connector and all(old[1][key] == payload[key] for key in keys))


@pytest.mark.rule("B-179", "B-111")
@settings(max_examples=250, deadline=None)
@given(
    sent=arrivals,
    connector=st.sampled_from([0, 1]),
    began=st.none() | st.integers(-300, 20).map(lambda tenths: tenths / 10),
    unit=st.sampled_from([Unit.AMPERES, Unit.WATTS]),
    phases=st.sampled_from([1, 3]),
)
def test_every_second_of_a_composite_is_what_the_standard_says(
    sent: list[Arrival], connector: int, began: float | None, unit: Unit, phases: int
):
    held, listed = install(sent)
    start = milliseconds(NOON)
    begin = None if began is None else NOON + timedelta(seconds=began)
    charging = Charging("", start) if begin is None else Charging("s1", milliseconds(begin))
    authorities = [partial(station_ruling, held, Rules())]
    if connector:
        authorities.append(partial(connector_ruling, held, Rules(), connector, charging, online=True))
    made = composite(authorities, 32_000, phases, start, SPAN, unit)
    assert made.seconds == SPAN
    assert made.stretches[0].start == 0
    seconds = [0.0] * SPAN
    ends = [*(stretch.start for stretch in made.stretches[1:]), SPAN]
    for stretch, end in zip(made.stretches, ends, strict=True):
        assert stretch.start < end
        seconds[stretch.start : end] = [stretch.limit / 1000] * (end - stretch.start)
    listed_for = [each for each in listed if begin is not None or each[1]["chargingProfilePurpose"] != "TxProfile"]
    assert seconds == naive_composite(listed_for, connector, begin or NOON, NOON, SPAN, unit.value, 32.0, phases)


@settings(max_examples=100, deadline=None)
@given(sent=arrivals, began=st.integers(-30, 20), at=st.integers(0, 900).map(lambda tenths: tenths * 100))
def test_nothing_changes_before_the_instant_it_may(sent: list[Arrival], began: int, at: int):
    """A timer set for `until` misses no change."""
    held, _ = install(sent)
    charging = Charging("s1", milliseconds(NOON + timedelta(seconds=began)))
    look = partial(connector_ruling, held, Rules(), 1, charging, online=True)
    ruling = look(milliseconds(NOON) + at)
    end = milliseconds(NOON) + 90_000 if ruling.until is None else ruling.until
    assert end > milliseconds(NOON) + at or ruling.until is None
    for later in range(milliseconds(NOON) + at, min(end, milliseconds(NOON) + 90_000), 500):
        assert (look(later).limit, look(later).source) == (ruling.limit, ruling.source)


def test_a_backend_that_asks_for_seventy_years_is_told_the_first_part():
    periods = [{"startPeriod": number * 60, "limit": 10.0} for number in range(255)]
    payload = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
        "chargingSchedule": {
            "startSchedule": NOON.isoformat(),
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": periods,
        },
    }
    held = Profiles().changed((Installed(0, read(payload), payload, 0),), ())
    look = partial(connector_ruling, held, Rules(), 1, Charging("s", 0), online=True)
    made = composite([look], 32_000, 3, milliseconds(NOON), 2**31 - 1, Unit.AMPERES)
    assert 86_400 < made.seconds < 2**31 - 1
    assert [stretch.limit for stretch in made.stretches] == [10_000]


def test_more_changes_than_may_be_told_shorten_the_answer():
    periods = [{"startPeriod": number, "limit": 6.0 + number % 2} for number in range(255)]
    payload = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
        "chargingSchedule": {
            "startSchedule": NOON.isoformat(),
            "duration": 254,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": periods,
        },
    }
    held = Profiles().changed((Installed(0, read(payload), payload, 0),), ())
    look = partial(connector_ruling, held, Rules(), 1, Charging("s", 0), online=True)
    made = composite([look], 32_000, 3, milliseconds(NOON), 200_000, Unit.AMPERES)
    assert len(made.stretches) == 255
    assert made.seconds == 86_400
