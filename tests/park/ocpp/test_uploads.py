"""GetDiagnostics and GetLog: one upload at a time, its tries, and what the backend hears."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from park.ocpp.maintenance import LONGEST_INTERVAL_SECONDS, AbandonJob, LogKind, LogUploaded, UploadLog
from tests.support.station import Station

AT = "ftp://files.example/logs"
LOG = {"logType": "SecurityLog", "requestId": 7, "log": {"remoteLocation": "https://files.example/logs"}}


def order(station: Station) -> UploadLog:
    return station.of(UploadLog)[-1]


def said(station: Station, action: str) -> list[dict[str, Any]]:
    """The notices of this action, answered one by one."""
    while station.state.flight is not None:
        station.answer({})
    return [dict(call.payload) for call in station.sent if call.action == action]


def statuses(station: Station, action: str = "DiagnosticsStatusNotification") -> list[str]:
    return [payload["status"] for payload in said(station, action)]


def test_diagnostics_are_named_brought_and_told():
    station = Station().online()
    answer = station.ask("GetDiagnostics", {"location": AT})
    assert answer == {"fileName": "GARAGE-20260105T093000Z-DiagnosticsLog.tar.gz"}
    assert (order(station).kind, order(station).url, order(station).file_name) == (
        LogKind.DIAGNOSTICS,
        AT,
        answer["fileName"],
    )
    assert statuses(station) == ["Uploading"]
    station.tell(LogUploaded(order(station).job))
    assert statuses(station) == ["Uploading", "Uploaded"]
    station.restart()
    station.clear()
    assert station.of(UploadLog) == []


@pytest.mark.rule("B-186")
def test_the_wanted_time_is_honoured():
    station = Station().online()
    times = {"startTime": "2026-01-04T00:00:00Z", "stopTime": "2026-01-05T00:00:00+01:00"}
    station.ask("GetDiagnostics", {"location": AT, **times})
    assert order(station).since == datetime(2026, 1, 4, tzinfo=UTC)
    assert order(station).until == datetime(2026, 1, 4, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("retries", "tries"), [(None, 3), (1, 1), (0, 1), (-5, 1), (2, 2)], ids=["default", "one", "zero", "minus", "two"]
)
@pytest.mark.rule("B-305")
def test_it_is_tried_as_often_as_wanted(retries: int | None, tries: int):
    station = Station().online()
    wish = {} if retries is None else {"retries": retries}
    station.ask("GetDiagnostics", {"location": AT, "retryInterval": 10, **wish})
    assert statuses(station) == ["Uploading"]
    for count in range(1, tries + 1):
        assert len(station.of(UploadLog)) == count
        station.tell(LogUploaded(order(station).job, "no route"))
        station.pass_time(9.0)
        assert len(station.of(UploadLog)) == count
        station.pass_time(1.0)
    assert len(station.of(UploadLog)) == tries
    assert statuses(station) == ["Uploading", "UploadFailed"]


@pytest.mark.parametrize("interval", [10**400, -(10**400), 1e308], ids=["huge", "minus", "float"])
def test_an_interval_beyond_all_reason_is_the_longest_or_none(interval: float):
    station = Station().online()
    station.ask("GetDiagnostics", {"location": AT, "retryInterval": interval})
    station.tell(LogUploaded(order(station).job, "no route"))
    station.pass_time(LONGEST_INTERVAL_SECONDS)
    assert len(station.of(UploadLog)) == 2


@pytest.mark.parametrize("location", ["file:///etc/passwd", "sftp://x/y", "nonsense", "http://", "ftp://x:0/"])
def test_what_cannot_be_brought_anywhere_fails_at_once(location: str):
    station = Station().online()
    assert station.ask("GetDiagnostics", {"location": location}) == {}
    assert station.of(UploadLog) == []
    assert statuses(station) == ["UploadFailed"]
    log = {**LOG, "log": {"remoteLocation": location}}
    assert station.ask("GetLog", log) == {"status": "Rejected"}


def test_a_log_of_the_white_paper_has_its_own_words():
    station = Station().online()
    answer = station.ask("GetLog", LOG)
    assert answer["status"] == "Accepted"
    assert order(station).kind is LogKind.SECURITY
    station.tell(LogUploaded(order(station).job))
    assert said(station, "LogStatusNotification") == [
        {"status": "Uploading", "requestId": 7},
        {"status": "Uploaded", "requestId": 7},
    ]
    station.ask("GetLog", {**LOG, "requestId": 8, "retries": 1})
    station.tell(LogUploaded(order(station).job, "no route"))
    assert said(station, "LogStatusNotification")[-1] == {"status": "UploadFailure", "requestId": 8}


def test_a_new_order_takes_the_place_of_the_one_that_runs():
    station = Station().online()
    station.ask("GetDiagnostics", {"location": AT})
    first = order(station)
    assert station.ask("GetLog", LOG)["status"] == "AcceptedCanceled"
    assert station.of(AbandonJob)[1:] == [AbandonJob(first.job)]
    station.tell(LogUploaded(first.job))  # too late: nobody waits for it
    assert "Uploaded" not in statuses(station)
    assert statuses(station, "LogStatusNotification") == ["Uploading"]


def test_an_upload_goes_on_after_a_restart():
    station = Station().online()
    station.ask("GetDiagnostics", {"location": AT, "retries": 2, "startTime": "2026-01-04T00:00:00Z"})
    before = order(station)
    station.tell(LogUploaded(before.job, "no route"))
    station.clear()
    station.restart()
    again = order(station)
    assert (again.url, again.file_name, again.since) == (before.url, before.file_name, before.since)
    station.tell(LogUploaded(again.job, "no route"))  # the second of two
    station.connect()
    station.answer({"status": "Accepted", "interval": 300, "currentTime": "2026-01-05T09:30:00Z"})
    assert statuses(station)[-1] == "UploadFailed"


def test_a_triggered_status_says_what_runs():
    station = Station().online()
    station.ask("GetLog", LOG)
    station.answer({})
    station.ask("ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"})
    assert said(station, "LogStatusNotification") == [{"status": "Uploading", "requestId": 7}] * 2
