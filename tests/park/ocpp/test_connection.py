"""Connection settings: what the backend may change, how a change is tried, and the way back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nodes.ocpp.endpoint import Endpoint
from park.model.access import BACKEND_REGISTERED, Answer, Done, Refused, RepeatSettings
from park.model.storage import Row
from park.ocpp.connection import CONNECTION, ConnectionSettings, restore
from park.ocpp.effects import TellAuthorizer
from park.ocpp.link import BackendCalled, LinkLost, LossCause, SendResult, UseConnection
from park.ocpp.maintenance import SecurityEvent, TrustKnown
from park.ocpp.orders import ChangeSetting
from park.ocpp.state import initial
from tests.support.station import ACCEPTED, Station

FILE = ConnectionSettings("ws://csms.example/ocpp", "GARAGE", 1, "password-of-file-1")
FALLBACK = 300.0


def linked(station: Station | None = None, settings: ConnectionSettings = FILE) -> Station:
    """A station that looks after its connection, online at profile 1."""
    station = station or Station()
    station.settings = replace(station.settings, connection=settings, fallback_seconds=FALLBACK)
    station.state = initial(station.settings)
    return station.online()


def change(station: Station, key: str, value: str) -> list[object]:
    """The statuses answered to a ChangeConfiguration."""
    found = station.tell(BackendCalled("b1", "ChangeConfiguration", {"key": key, "value": value}))
    return [effect.payload["status"] for effect in found if isinstance(effect, SendResult)]


def used(station: Station) -> ConnectionSettings:
    return station.of(UseConnection)[-1].settings


def kinds(station: Station) -> list[str]:
    return [event.type for event in station.of(SecurityEvent)]


def test_the_files_settings_are_used_and_proved_by_a_registration():
    station = linked()
    assert used(station) == FILE
    assert station.state.upkeep.connection is not None
    assert station.state.upkeep.connection.good == FILE
    assert "password-of-file-1" not in repr(station.told)
    station.restart()
    assert used(station) == FILE


@pytest.mark.rule("B-008")
def test_the_time_for_an_answer_bounds_the_making_of_a_connection_too():
    station = linked(Station({"MessageResponseTimeOut": "45"}))
    order = station.of(UseConnection)[-1]
    assert order.answer_seconds == 45.0
    assert Endpoint("ws://elsewhere", "GARAGE").using(order).open_timeout == 45.0


def test_a_new_authorization_key_is_answered_then_used_and_kept():
    station = linked()
    station.clear()
    assert change(station, "AuthorizationKey", "another-password-02") == ["Accepted"]
    order = [type(effect) for effect in station.told if isinstance(effect, SendResult | UseConnection)]
    assert order == [SendResult, UseConnection]
    assert used(station).password == "another-password-02"
    assert kinds(station) == ["ReconfigurationOfSecurityParameters"]
    station.connect()
    assert station.sent[-1].action == "BootNotification"
    station.answer(ACCEPTED)
    station.restart()
    assert used(station).password == "another-password-02"


@pytest.mark.rule("B-380")
def test_the_user_is_a_key_too_tried_kept_and_told():
    station = linked()
    assert station.ask("GetConfiguration", {"key": ["AuthorizationUser"]})["configurationKey"][0]["value"] == "GARAGE"
    assert change(station, "AuthorizationUser", "fleet-17") == ["Accepted"]
    assert used(station).user == "fleet-17"
    station.connect()
    station.answer(ACCEPTED)
    station.restart()
    assert used(station).user == "fleet-17"
    for wrong in ("a:b", "with space", "x" * 49):
        assert change(linked(), "AuthorizationUser", wrong) == ["Rejected"]


def test_a_key_that_is_not_on_disk_is_not_used():
    station = linked()
    station.clear()
    station.writes = False
    change(station, "AuthorizationKey", "another-password-02")
    assert station.of(SendResult) == []
    station.fail_commit()
    assert [result.payload["status"] for result in station.of(SendResult)] == ["Rejected"]
    assert station.of(UseConnection) == []


@pytest.mark.parametrize("value", ["", "fifteen-letters", "x" * 41, "with a space in it", "ümlaute-ümlaute-ü"])
def test_a_key_of_another_shape_is_rejected(value: str):
    assert change(linked(), "AuthorizationKey", value) == ["Rejected"]


def test_people_on_site_may_change_the_connection_too_and_are_told_why_not():
    station = linked()

    class Person:
        def tell(self, message: object, /) -> None:
            pass

    def on_site(key: str, value: str) -> object:
        found = station.tell(ChangeSetting("r", key, value, "command line", Person()))
        return next(effect.answer for effect in found if isinstance(effect, Answer))

    assert on_site("AuthorizationKey", "another-password-02") == Done("r")
    assert used(station).password == "another-password-02"
    refused = on_site("SecurityProfile", "2")
    assert isinstance(refused, Refused)
    assert "install a CentralSystemRootCertificate first" in refused.reason


def test_the_same_key_again_changes_nothing():
    station = linked()
    station.clear()
    assert change(station, "AuthorizationKey", FILE.password) == ["Accepted"]
    assert station.of(UseConnection) == []


@pytest.mark.rule("B-033")
@pytest.mark.parametrize("ends", ["unreachable", "pending"])
def test_settings_that_do_not_work_are_given_up_for_the_last_good_ones(ends: str):
    station = linked()
    change(station, "CentralSystemURI", "ws://elsewhere.example/ocpp")
    assert used(station).url == "ws://elsewhere.example/ocpp"
    if ends == "pending":
        station.connect()
        station.answer({**ACCEPTED, "status": "Pending"})
    else:
        station.lose()
    station.pass_time(FALLBACK - 1)
    assert used(station).url == "ws://elsewhere.example/ocpp"
    station.pass_time(1)
    assert used(station) == FILE
    assert station.alarms() == ["backend-settings-fallback"]
    station.connect()
    station.answer(ACCEPTED)
    station.restart()
    assert used(station) == FILE


@pytest.mark.rule("B-033")
def test_a_file_edited_since_is_tried_and_falls_back_too():
    station = linked()
    edited = replace(FILE, url="ws://new.example/ocpp")
    station.settings = replace(station.settings, connection=edited)
    station.restart()
    assert used(station) == edited
    station.lose()
    station.pass_time(FALLBACK)
    assert used(station) == FILE
    station.restart()
    assert used(station) == edited  # the file is what people want: it is tried again


def test_a_file_edited_since_wins_over_what_a_backend_set():
    station = linked()
    change(station, "AuthorizationKey", "another-password-02")
    edited = replace(FILE, password="a-third-password-3")
    station.settings = replace(station.settings, connection=edited)
    station.restart()
    assert used(station) == edited


def test_without_a_fallback_new_settings_are_tried_for_ever():
    station = Station()
    station.settings = replace(station.settings, connection=FILE)
    station.state = initial(station.settings)
    station.online()
    change(station, "CentralSystemURI", "ws://elsewhere.example/ocpp")
    station.lose()
    station.pass_time(1_000_000)
    assert used(station).url == "ws://elsewhere.example/ocpp"


# ------------------------------------------------------------ security profiles


def trusted(station: Station, *, roots: int = 1, certificate: bool = True) -> Station:
    station.tell(TrustKnown(roots, station_certificate=certificate, installer=False))
    return station


def test_a_profile_is_raised_and_never_lowered():
    station = trusted(linked())
    assert change(station, "SecurityProfile", "2") == ["Accepted"]
    assert (used(station).profile, used(station).secure_url) == (2, "wss://csms.example/ocpp")
    station.connect()
    station.answer(ACCEPTED)
    for lower in ("1", "0", "-1", "4", "two", ""):
        assert change(station, "SecurityProfile", lower) == ["Rejected"], lower
    assert change(station, "SecurityProfile", "3") == ["Accepted"]


@pytest.mark.rule("B-033")
def test_an_upgrade_that_fails_does_not_lock_out():
    station = trusted(linked())
    change(station, "SecurityProfile", "2")
    station.tell(LinkLost("certificate verify failed", LossCause.CERTIFICATE))
    station.pass_time(FALLBACK)
    assert used(station) == FILE
    assert "InvalidCentralSystemCertificate" in kinds(station)


@pytest.mark.parametrize(
    ("roots", "certificate", "password", "profile"),
    [(0, True, "password-of-file-1", "2"), (1, False, "password-of-file-1", "3"), (1, True, "", "2")],
)
def test_an_upgrade_that_could_not_work_is_rejected(roots: int, certificate: bool, password: str, profile: str):
    station = linked(settings=replace(FILE, password=password))
    trusted(station, roots=roots, certificate=certificate)
    assert change(station, "SecurityProfile", profile) == ["Rejected"]


@pytest.mark.parametrize(
    "url",
    [
        "http://x/ocpp",
        "ws://user:secret@x/ocpp",
        "ws:///ocpp",
        "ws://x:0/ocpp",
        "ws://x:port/ocpp",
        "ws://x/GARAGE",
        "ws://x/?a=b",
        "",
        "ws://" + "x" * 600,
    ],
)
def test_a_url_that_is_none_is_rejected(url: str):
    assert change(linked(), "CentralSystemURI", url) == ["Rejected"]


def test_what_may_be_read_is_shown():
    answer = linked().ask("GetConfiguration", {"key": ["SecurityProfile", "CentralSystemURI", "AuthorizationKey"]})
    values = {each["key"]: each["value"] for each in answer["configurationKey"]}
    assert values == {"SecurityProfile": "1", "CentralSystemURI": FILE.url, "AuthorizationKey": "****"}


# ------------------------------------------------------------ refusals, and damaged rows


def test_a_refusal_is_one_security_event_however_often_it_comes():
    station = linked()
    station.clear()
    for _ in range(3):
        station.tell(LinkLost("HTTP 401", LossCause.CREDENTIALS))
    assert kinds(station) == ["FailedToAuthenticateAtCentralSystem"]
    station.connect()
    station.answer({}, station.sent[-1])
    station.tell(LinkLost("HTTP 401", LossCause.CREDENTIALS))
    assert kinds(station) == ["FailedToAuthenticateAtCentralSystem"] * 2


def test_a_link_that_just_does_not_come_about_is_no_security_event():
    station = linked()
    station.clear()
    station.lose()
    assert kinds(station) == []


@pytest.mark.parametrize("body", ["", "{}", "[]", "null", '{"file": "x", "chosen": {}, "good": null}', '{"good": 7}'])
def test_a_damaged_row_leaves_the_files_settings(body: str):
    found = restore(FILE, FALLBACK, [Row(CONNECTION, "backend", body)])
    assert (found.used, found.good) == (FILE, None)


@pytest.mark.rule("B-200")
def test_settings_of_another_identity_are_no_way_back():
    good = restore(FILE, FALLBACK, ()).registered()
    other = replace(FILE, identity="OTHER")
    found = restore(other, FALLBACK, [Row(CONNECTION, "backend", good.row().body)])
    assert (found.used, found.good) == (other, None)


@pytest.mark.rule("B-195")
def test_the_authorizer_hears_whether_this_address_ever_registered_the_park():
    def heard(station: Station) -> list[object]:
        changes = [told.change for told in station.of(TellAuthorizer)]
        return [change.value for change in changes if change.name == BACKEND_REGISTERED]

    station = linked()
    assert heard(station) == [True]
    station.clear()
    station.restart()
    assert heard(station) == [True]
    station.connect()
    station.answer(ACCEPTED)
    change(station, "CentralSystemURI", "wss://other.example/ocpp")
    assert heard(station) == [True, False]
    station.connect()
    station.answer(ACCEPTED)
    assert heard(station) == [True, False, True]
    station.clear()
    station.tell(RepeatSettings(RepeatSettings.AUTHORIZER))
    assert heard(station) == [True]
