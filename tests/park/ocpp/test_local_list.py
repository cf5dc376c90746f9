"""SendLocalList and GetLocalListVersion: all of an update or nothing, with the answers of OCPP 1.6 §5.15."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from park.model.access import RepeatSettings, Verdict
from park.model.listed import ListedTag, LocalListHeld
from park.ocpp.link import BackendCalled, SendResult
from tests.support.station import Station


def station(**keys: str) -> Station:
    here = Station(keys).online()
    here.clear()
    return here


def entry(tag: str, status: str = "Accepted", **more: str) -> dict[str, Any]:
    return {"idTag": tag, "idTagInfo": {"status": status, **more}}


def send(here: Station, version: int, *entries: dict[str, Any], full: bool = True) -> str:
    payload: dict[str, Any] = {"listVersion": version, "updateType": "Full" if full else "Differential"}
    if entries:
        payload["localAuthorizationList"] = list(entries)
    return str(here.ask("SendLocalList", payload)["status"])


def version(here: Station) -> int:
    return int(here.ask("GetLocalListVersion", {})["listVersion"])


def tags(here: Station) -> set[str]:
    return {each.tag for each in here.of(LocalListHeld)[-1].tags}


def test_without_a_list_the_version_is_zero_and_switched_off_minus_one():
    assert version(station()) == 0
    here = station(LocalAuthListEnabled="false")
    assert version(here) == -1
    assert send(here, 1, entry("A")) == "NotSupported"


def test_a_full_list_replaces_and_survives():
    here = station()
    assert send(here, 7, entry("AA", parentIdTag="G", expiryDate="2027-01-01T00:00:00Z"), entry("BB")) == "Accepted"
    assert send(here, 3, entry("aa"), entry("CC", "Blocked")) == "Accepted"  # any version: the list is a new one
    assert version(here) == 3
    here.clear()
    here.restart()
    here.connect()
    assert set(here.of(LocalListHeld)[-1].tags) == {
        ListedTag("aa", Verdict.ACCEPTED),
        ListedTag("cc", Verdict.BLOCKED),
    }
    assert here.of(LocalListHeld)[-1].news == ()
    assert send(here, 9) == "Accepted"  # an empty full list empties it
    assert (version(here), tags(here)) == (0, set())  # OCPP 1.6 §5.10: 0 says that the list is empty
    assert send(here, 4, entry("dd"), full=False) == "Accepted"  # and a change builds upon that
    assert (version(here), tags(here)) == (4, {"dd"})


@pytest.mark.rule("B-182")
def test_a_differential_list_changes_what_it_names():
    here = station()
    send(here, 1, entry("A"), entry("B"), entry("C", "Blocked"))
    assert send(here, 2, {"idTag": "b"}, entry("C"), entry("D", expiryDate="2027-01-01T00:00:00Z"), full=False) == (
        "Accepted"
    )
    held = here.of(LocalListHeld)[-1]
    assert {each.tag: each.verdict for each in held.tags} == dict.fromkeys("acd", Verdict.ACCEPTED)
    assert set(held.news) == {"c", "d"}
    assert {each.tag: each.expires for each in held.tags}["d"] == datetime(2027, 1, 1, tzinfo=UTC)
    assert send(here, 5, full=False) == "Accepted"  # only the version changes
    assert version(here) == 5


@pytest.mark.parametrize(
    ("number", "entries", "full", "status"),
    [
        (3, [entry("X")], False, "VersionMismatch"),
        (2, [entry("X")], False, "VersionMismatch"),
        (0, [entry("X")], True, "Failed"),
        (-1, [entry("X")], True, "Failed"),
        (4, [entry("X"), entry("x")], True, "Failed"),
        (4, [{"idTag": "X"}], True, "Failed"),
        (4, [entry("")], True, "Failed"),
        (4, [entry("X", expiryDate="never")], False, "Failed"),
    ],
)
@pytest.mark.rule("B-183")
def test_a_list_that_cannot_be_taken_changes_nothing(
    number: int, entries: list[dict[str, Any]], full: bool, status: str
):
    here = station()
    send(here, 3, entry("A"))
    assert send(here, number, *entries, full=full) == status
    assert (version(here), tags(here)) == (3, {"a"})


@pytest.mark.rule("B-111", "B-210")
def test_ten_thousand_tags_and_no_more():
    here = station()
    many = [entry(f"{number:08X}") for number in range(10_000)]
    assert send(here, 1, *many) == "Accepted"
    assert send(here, 2, entry("ONE-MORE"), full=False) == "Failed"
    assert send(here, 2, {"idTag": "00000000"}, entry("ONE-MORE"), full=False) == "Accepted"
    assert send(here, 3, *many, entry("ONE-MORE")) == "Failed"
    assert len(tags(here)) == 10_000
    keys = here.ask("GetConfiguration", {"key": ["LocalAuthListMaxLength", "SendLocalListMaxLength"]})
    assert {each["value"] for each in keys["configurationKey"]} == {"10000"}


def test_it_is_on_disk_before_it_is_answered_and_two_updates_at_once_build_on_each_other():
    here = station()
    here.writes = False
    for number, tag in ((1, "A"), (2, "B")):
        payload = {"listVersion": number, "updateType": "Differential", "localAuthorizationList": [entry(tag)]}
        here.tell(BackendCalled(f"b{number}", "SendLocalList", payload))
    assert here.of(SendResult) == []
    here.commit()
    here.commit()
    assert tags(here) == {"a", "b"}
    here.tell(BackendCalled("b3", "SendLocalList", {"listVersion": 3, "updateType": "Full"}))
    here.fail_commit()
    assert here.of(SendResult)[-1].payload == {"status": "Failed"}
    here.writes = True
    assert (version(here), tags(here)) == (2, {"a", "b"})


def test_switched_off_nobody_is_known_by_it_and_on_again_they_are():
    here = station()
    send(here, 1, entry("A"))
    here.ask("ChangeConfiguration", {"key": "LocalAuthListEnabled", "value": "false"})
    assert tags(here) == set()
    here.ask("ChangeConfiguration", {"key": "LocalAuthListEnabled", "value": "true"})
    assert tags(here) == {"a"}
    here.clear()
    here.tell(RepeatSettings(RepeatSettings.AUTHORIZER))
    assert tags(here) == {"a"}


def test_a_list_that_cannot_be_read_counts_as_never_sent():
    here = station()
    send(here, 4, entry("A"))
    here.disk["local_list", "GARAGE/a"] = "{}"
    here.restart()
    here.connect()
    assert "local-list-unreadable" in here.alarms()
    assert version(here) == 0
