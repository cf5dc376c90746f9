"""Notifications: in order, gone once answered, kept over restarts, no burden to a backend that knows none."""

from __future__ import annotations

from msgspec.structs import replace

from park.ocpp.connection import ConnectionSettings
from park.ocpp.link import LinkLost, LossCause
from park.ocpp.notifications import MOST_NOTIFICATIONS, TRIES, Notifications
from park.ocpp.rows import Rows
from park.ocpp.state import initial
from tests.support.station import ACCEPTED, Station

ACTION = "SecurityEventNotification"


def guarded(profile: int = 1) -> Station:
    station = Station()
    settings = ConnectionSettings("ws://csms", "GARAGE", profile, "password-of-file-1")
    station.settings = replace(station.settings, connection=settings)
    station.state = initial(station.settings)
    station.start()
    return station


def registered(station: Station) -> Station:
    station.connect()
    station.answer(ACCEPTED)
    station.answer({})
    return station


def types(station: Station) -> list[object]:
    return [call.payload["type"] for call in station.sent if call.action == ACTION]


def kept(station: Station) -> int:
    return sum(table == "notifications" for table, _ in station.disk)


def test_events_of_an_outage_are_told_afterwards_in_order_and_once():
    station = guarded()
    station.tell(LinkLost("401", LossCause.CREDENTIALS))
    station.tell(LinkLost("certificate", LossCause.CERTIFICATE))
    assert kept(station) == 3
    station.restart()
    registered(station)
    while station.sent[-1].action == ACTION:
        before = len(station.sent)
        station.answer({})
        if len(station.sent) == before:
            break
    assert types(station) == [
        "StartupOfTheDevice",
        "FailedToAuthenticateAtCentralSystem",
        "InvalidCentralSystemCertificate",
        "StartupOfTheDevice",
    ]
    assert kept(station) == 0
    station.restart()
    station.clear()
    registered(station)
    assert types(station) == ["StartupOfTheDevice"]


def test_without_a_security_profile_they_go_to_the_log_only():
    station = registered(guarded(profile=0))
    assert types(station) == []
    assert kept(station) == 0


def test_a_lost_connection_is_no_answer():
    station = registered(guarded())
    assert types(station) == ["StartupOfTheDevice"]
    station.lose()
    assert kept(station) == 1
    station.connect()
    assert types(station) == ["StartupOfTheDevice"] * 2
    station.answer({})
    assert kept(station) == 0


def test_a_backend_that_does_not_know_them_is_left_alone():
    station = registered(guarded())
    station.refuse("NotImplemented")
    assert kept(station) == 0
    station.tell(LinkLost("401", LossCause.CREDENTIALS))
    station.connect()
    assert types(station) == ["StartupOfTheDevice"]


def test_another_error_ends_one_notice_only():
    station = registered(guarded())
    station.refuse("InternalError")
    assert kept(station) == 0
    station.tell(LinkLost("401", LossCause.CREDENTIALS))
    station.connect()
    assert types(station)[-1] == "FailedToAuthenticateAtCentralSystem"


def test_a_notice_the_backend_passes_over_in_silence_is_given_up():
    station = registered(guarded())
    for _ in range(TRIES):
        station.pass_time(30)  # no answer: a heartbeat proves that the backend lives
        assert station.sent[-1].action == "Heartbeat"
        station.answer({"currentTime": "2026-01-05T09:30:00Z"})
        station.pass_time(60)
    assert types(station) == ["StartupOfTheDevice"] * TRIES
    assert kept(station) == 0


def test_the_oldest_make_room():
    notifications = Notifications(Rows("GARAGE"))
    writes: tuple[object, ...] = ()
    for number in range(MOST_NOTIFICATIONS + 2):
        notifications, writes = notifications.offer(ACTION, {"number": number})
    assert len(notifications.waiting) == MOST_NOTIFICATIONS
    assert notifications.waiting[0].payload == {"number": 2}
    assert notifications.dropped == 2
    assert len(writes) == 2
