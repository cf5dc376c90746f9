"""A change the disk does not take within a second is refused to the backend, and never holds (B-223)."""

from __future__ import annotations

import pytest

from park.model.access import CommandAnswer
from park.ocpp.features.timely import CHANGE_SECONDS
from park.ocpp.link import BackendCalled, SendResult
from park.ocpp.orders import ChangeSetting
from tests.support.probe import Probe
from tests.support.station import Station

KEY = "MeterValueSampleInterval"


def slow() -> Station:
    """A station whose disk answers by hand."""
    station = Station().online()
    station.clear()
    station.writes = False
    return station


def change(station: Station, value: str, call: str = "c1") -> None:
    station.tell(BackendCalled(call, "ChangeConfiguration", {"key": KEY, "value": value}))


def said(station: Station) -> list[object]:
    return [each.payload["status"] for each in station.of(SendResult) if each.action == "ChangeConfiguration"]


def in_force(station: Station) -> str:
    return station.state.values.text(KEY)


def after_restart(station: Station) -> str:
    station.writes = True
    while station.pending:
        station.commit()
    station.restart()
    return in_force(station)


@pytest.mark.rule("B-223")
def test_within_the_second_it_is_accepted_when_it_is_on_disk() -> None:
    station = slow()
    change(station, "30")
    station.pass_time(CHANGE_SECONDS - 0.1)
    assert said(station) == []
    station.commit()
    assert (said(station), in_force(station)) == (["Accepted"], "30")
    station.pass_time(CHANGE_SECONDS)
    assert said(station) == ["Accepted"]


@pytest.mark.rule("B-223")
def test_after_a_second_it_is_refused_and_what_the_disk_took_later_is_put_back() -> None:
    station = slow()
    change(station, "30")
    station.pass_time(CHANGE_SECONDS)
    assert said(station) == ["Rejected"]
    station.commit()
    assert (said(station), in_force(station)) == (["Rejected"], "60")
    assert after_restart(station) == "60"


@pytest.mark.rule("B-223")
def test_a_newer_change_is_not_put_back_with_an_older_one() -> None:
    station = slow()
    change(station, "30")
    station.pass_time(CHANGE_SECONDS)
    change(station, "40", "c2")
    station.commit()
    station.commit()
    assert (said(station), in_force(station)) == (["Rejected", "Accepted"], "40")
    assert after_restart(station) == "40"


def test_what_was_set_before_is_what_is_put_back() -> None:
    station = slow()
    change(station, "30")
    station.commit()
    change(station, "40", "c2")
    station.pass_time(CHANGE_SECONDS)
    station.commit()
    assert in_force(station) == "30"
    assert after_restart(station) == "30"


def test_a_row_that_cannot_be_put_back_is_alarmed() -> None:
    station = slow()
    change(station, "30")
    station.pass_time(CHANGE_SECONDS)
    station.commit()
    station.fail_commit()
    assert "ocpp-setting-not-restored" in station.alarms()


def test_people_on_site_wait_for_the_disk() -> None:
    station, answers = slow(), Probe[CommandAnswer]()
    station.tell(ChangeSetting("r1", KEY, "30", "Ada", answers))
    station.pass_time(10 * CHANGE_SECONDS)
    station.commit()
    assert in_force(station) == "30"
