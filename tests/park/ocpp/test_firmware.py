"""UpdateFirmware and SignedUpdateFirmware: dates, tries, signatures, sessions, and the restart in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from park.model.access import PILOT_OFF, ConnectorStatus, ConnectorStatusChanged
from park.model.session import SessionFact
from park.ocpp.effects import RestartBoards, SettingsRepeated
from park.ocpp.link import BackendCalled, SendResult
from park.ocpp.maintenance import (
    EVERY_JOB,
    AbandonJob,
    CheckSigner,
    FetchFirmware,
    FirmwareFetched,
    FirmwareInstalled,
    FirmwareVerified,
    InstallFirmware,
    SecurityEvent,
    SignerChecked,
    TrustKnown,
    VerifyFirmware,
)
from park.ocpp.messages import Station as Plate
from park.ocpp.state import initial
from park.ocpp.updating import CHECK_SECONDS
from park.ocpp.wire import iso
from tests.support.facts import ended, started
from tests.support.station import ACCEPTED, WALL, Station, started_answer

URL = "https://maker.example/firmware.bin"
SHA = "ab" * 32
PLAIN, SIGNED = "FirmwareStatusNotification", "SignedFirmwareStatusNotification"


def ready(*facts: SessionFact, boot: str = "") -> Station:
    """A station online with an installer."""
    station = Station()
    station.settings = replace(station.settings, boot=boot)
    station.state = initial(station.settings)
    station.online()
    station.tell(TrustKnown(1, station_certificate=False, installer=True))
    station.offer(*facts)
    return station


def ask(station: Station, **wishes: object) -> None:
    assert station.ask("UpdateFirmware", {"location": URL, "retrieveDate": iso(WALL), **wishes}) == {}


def fetched(station: Station, problem: str = "") -> None:
    job = station.of(FetchFirmware)[-1].job
    station.tell(FirmwareFetched(job, "" if problem else "/data/f", "" if problem else SHA, problem))


def installed(station: Station, version: str = "", problem: str = "") -> None:
    station.tell(FirmwareInstalled(station.of(InstallFirmware)[-1].job, version, problem))


def words(station: Station, action: str = PLAIN) -> list[str]:
    while station.state.flight is not None:
        station.answer(started_answer() if station.state.flight.purpose.__class__.__name__ == "TransactionCall" else {})
    return [str(call.payload["status"]) for call in station.sent if call.action == action]


def reborn(station: Station, version: str) -> None:
    """The process begins anew, with this version."""
    station.settings = replace(station.settings, station=Plate("ACME", "Garage 12", firmware=version))
    station.clear()
    station.restart()
    station.tell(TrustKnown(1, station_certificate=False, installer=True))
    station.connect()
    station.answer(ACCEPTED)


@pytest.mark.rule("B-309")
def test_an_update_from_the_order_to_the_first_start_of_the_new():
    station = ready()
    ask(station)
    assert station.of(FetchFirmware)[-1].url == URL
    fetched(station)
    assert station.of(InstallFirmware)[-1].sha256 == SHA
    installed(station)
    assert words(station) == ["Downloading", "Downloaded", "Installing"]
    assert len(station.of(RestartBoards)) == 1
    reborn(station, "2.0")
    assert words(station) == ["Installed"]
    assert "FirmwareUpdated" in [event.type for event in station.of(SecurityEvent)]
    reborn(station, "2.0")
    assert words(station) == []


@pytest.mark.rule("B-309")
def test_the_restart_waits_for_the_sessions_to_end():
    station = ready(started("s1"))
    ask(station)
    fetched(station)
    installed(station)
    assert station.of(RestartBoards) == []
    station.offer(ended("s1", 1))
    assert station.of(RestartBoards) == []  # the backend has not answered yet
    words(station)
    assert len(station.of(RestartBoards)) == 1


def standing(station: Station, name: str, point: str = "board/cp1") -> object:
    """What a charge point was told last of this setting."""
    told = [message for each in station.of(SettingsRepeated) if each.charge_point == point for message in each.messages]
    return [message.value for message in told if message.name == name][-1]


@pytest.mark.rule("B-040")
@pytest.mark.parametrize(("wish", "while_fetching"), [("true", False), ("false", True)])
def test_connectors_are_out_of_service_during_the_download_on_wish(wish: str, while_fetching: bool):
    station = ready()
    station.ask("ChangeConfiguration", {"key": "UnavailableDuringDownload", "value": wish})
    ask(station)
    assert standing(station, "Operative") is while_fetching
    fetched(station)
    assert standing(station, "Operative") is True


@pytest.mark.rule("B-387")
def test_vehicles_are_shown_state_f_for_a_while_before_the_restart():
    station = ready()
    station.ask("ChangeConfiguration", {"key": "PreUnavailabilityForUpdate", "value": "20"})
    ask(station)
    fetched(station)
    assert standing(station, PILOT_OFF) is False
    installed(station)
    words(station)
    assert (standing(station, PILOT_OFF), standing(station, "Operative")) == (True, False)
    station.pass_time(19.9)
    assert station.of(RestartBoards) == []
    station.pass_time(0.1)
    assert len(station.of(RestartBoards)) == 1
    reborn(station, "2.0")
    assert (standing(station, PILOT_OFF), standing(station, "Operative")) == (False, True)


def test_boards_that_do_not_restart_show_no_state_f():
    station = ready()
    station.settings = replace(station.settings, points={1: "board/cp1", 2: "elsewhere/cp1", 3: "board/cp3"})
    station.state = replace(station.state, settings=station.settings)
    station.ask("ChangeConfiguration", {"key": "PreUnavailabilityForUpdate", "value": "20"})
    ask(station)
    fetched(station)
    installed(station)
    assert standing(station, PILOT_OFF, "board/cp3") is True
    assert standing(station, PILOT_OFF, "elsewhere/cp1") is False


def test_a_backend_that_does_not_answer_keeps_no_restart():
    station = ready()
    ask(station)
    fetched(station)
    installed(station)
    station.pass_time(29)
    assert station.of(RestartBoards) == []
    station.pass_time(1)
    assert len(station.of(RestartBoards)) == 1
    station.pass_time(60)
    assert len(station.of(RestartBoards)) == 1


def test_without_a_backend_the_restart_is_at_once():
    station = ready()
    ask(station)
    fetched(station)
    station.lose()
    installed(station)
    assert len(station.of(RestartBoards)) == 1


@pytest.mark.rule("B-386")
def test_the_restart_does_not_wait_when_told_so():
    station = ready(started("s1"))
    station.settings = replace(station.settings, restart_with_sessions=True)
    station.state = replace(station.state, settings=station.settings)
    ask(station)
    fetched(station)
    installed(station)
    words(station)
    assert len(station.of(RestartBoards)) == 1


def test_the_date_of_the_download_is_waited_for():
    station = ready()
    ask(station, retrieveDate=iso(WALL + timedelta(hours=1)))
    assert station.of(FetchFirmware) == []
    for _ in range(59):
        station.pass_time(60)
    assert station.of(FetchFirmware) == []
    station.pass_time(60)
    assert len(station.of(FetchFirmware)) == 1


@pytest.mark.rule("B-305")
@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (2, 2)])
def test_a_download_is_tried_as_often_as_wanted(retries: int, tries: int):
    station = ready()
    ask(station, retries=retries, retryInterval=30)
    for count in range(1, tries + 1):
        assert len(station.of(FetchFirmware)) == count
        assert words(station)[-1] == "Downloading"
        fetched(station, "no route")
        station.pass_time(29)
        assert len(station.of(FetchFirmware)) == count
        station.pass_time(1)
    assert len(station.of(FetchFirmware)) == tries
    assert words(station)[-1] == "DownloadFailed"
    assert set(words(station)) == {"Downloading", "DownloadFailed"}


@pytest.mark.rule("B-312")
def test_a_newer_order_takes_the_place_of_one_that_is_not_installing():
    station = ready()
    ask(station)
    first = station.of(FetchFirmware)[-1]
    ask(station, location="https://maker.example/other.bin")
    assert station.of(AbandonJob)[1:] == [AbandonJob(first.job)]
    assert station.of(FetchFirmware)[-1].url.endswith("other.bin")
    station.tell(FirmwareFetched(first.job, "/data/old", SHA))
    assert station.of(InstallFirmware) == []


@pytest.mark.rule("B-311")
def test_an_order_during_an_installation_is_confirmed_and_ignored():
    station = ready()
    ask(station)
    fetched(station)
    ask(station, location="https://maker.example/other.bin")
    assert len(station.of(FetchFirmware)) == 1
    assert signed(station) == []
    assert answers(station) == ["Rejected"]
    installed(station)
    words(station)
    assert len(station.of(RestartBoards)) == 1


@pytest.mark.rule("B-310")
def test_a_reset_during_an_installation_is_rejected():
    station = ready()
    ask(station)
    fetched(station)
    for kind in ("Soft", "Hard"):
        assert station.ask("Reset", {"type": kind}) == {"status": "Rejected"}
    installed(station, problem="code 1")
    assert station.ask("Reset", {"type": "Soft"}) == {"status": "Accepted"}


@pytest.mark.rule("B-176")
def test_a_reset_is_rejected_until_new_firmware_has_heard_of_every_charge_point():
    station = ready()
    ask(station)
    fetched(station)
    reborn(station, "2.0")
    for connector in (1, 2):
        station.tell(ConnectorStatusChanged(connector, ConnectorStatus.AVAILABLE, "NoError", "", station.wall))
    assert station.ask("Reset", {"type": "Hard"}) == {"status": "Rejected"}
    station.tell(ConnectorStatusChanged(3, ConnectorStatus.FAULTED, "OtherError", "", station.wall))
    assert station.ask("Reset", {"type": "Hard"}) == {"status": "Accepted"}


@pytest.mark.rule("B-176")
def test_the_self_check_of_new_firmware_has_an_end_and_the_old_one_makes_none():
    station = ready()
    ask(station)
    fetched(station)
    reborn(station, "2.0")
    station.pass_time(CHECK_SECONDS)
    assert station.ask("Reset", {"type": "Soft"}) == {"status": "Accepted"}
    failed = ready()
    ask(failed)
    fetched(failed)
    reborn(failed, "1.0")
    assert failed.ask("Reset", {"type": "Soft"}) == {"status": "Accepted"}


def test_without_an_installer_nothing_is_installed():
    station = Station().online()
    ask(station)
    fetched(station)
    assert station.of(InstallFirmware) == []
    assert words(station) == ["Downloading", "Downloaded", "InstallationFailed"]


def test_an_installer_that_fails_is_told_and_nothing_restarts():
    station = ready()
    ask(station)
    fetched(station)
    installed(station, problem="code 1")
    assert words(station)[-1] == "InstallationFailed"
    station.pass_time(3600)
    assert station.of(RestartBoards) == []


def test_nothing_is_installed_that_is_not_on_disk_first():
    station = ready()
    ask(station)
    station.writes = False
    fetched(station)
    assert station.of(InstallFirmware) == []
    station.writes = True
    while station.pending:
        station.fail_commit()
    assert station.of(InstallFirmware) == []
    assert words(station)[-1] == "InstallationFailed"


@pytest.mark.parametrize(("after", "word"), [("2.0", "Installed"), ("1.0", "InstallationFailed")])
def test_an_installer_that_ends_this_process_is_judged_by_what_runs_then(after: str, word: str):
    station = ready()
    ask(station)
    fetched(station)
    reborn(station, after)
    assert words(station)[-1] == word


@pytest.mark.parametrize(("after", "word"), [("2.0", "Installed"), ("1.0", "InstallationFailed")])
def test_what_the_installer_announced_must_run_after_the_restart(after: str, word: str):
    station = ready()
    ask(station)
    fetched(station)
    installed(station, version="2.0")
    reborn(station, after)
    assert words(station)[-1] == word


def test_an_actor_that_begins_anew_waits_for_the_installer_that_runs():
    station = ready(boot="this run")
    ask(station)
    fetched(station)
    order = station.of(InstallFirmware)[-1]
    words(station)
    station.pass_time(1)
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    assert words(station) == ["Downloading", "Downloaded", "Installing"]
    station.tell(FirmwareInstalled(order.job))
    assert words(station)[-1] == "Installing"
    assert len(station.of(RestartBoards)) == 1
    assert len(station.of(InstallFirmware)) == 1


def test_a_fetch_of_before_is_given_up_by_an_actor_that_begins_anew():
    station = ready(boot="this run")
    ask(station)
    first = station.of(FetchFirmware)[-1]
    station.pass_time(1)
    station.clear()
    station.restart()
    assert AbandonJob(EVERY_JOB) in station.told
    assert station.of(FetchFirmware)[-1].job > first.job
    station.tell(FirmwareFetched(first.job, "/data/f", SHA))
    assert station.of(InstallFirmware) == []
    types = [event.type for event in station.of(SecurityEvent)]
    assert types == []  # the process did not start


@pytest.mark.rule("B-197")
@pytest.mark.parametrize("step", ["scheduled", "fetching", "failed"])
def test_an_update_goes_on_after_a_restart(step: str):
    station = ready()
    ask(station, **({"retrieveDate": iso(WALL + timedelta(seconds=10))} if step == "scheduled" else {}))
    if step == "failed":
        fetched(station, "no route")
    reborn(station, "1.0")
    station.pass_time(100)
    assert len(station.of(FetchFirmware)) == 1
    fetched(station)
    assert len(station.of(InstallFirmware)) == 1


@pytest.mark.parametrize("location", ["file:///bin/sh", "nonsense", "sftp://x/y"])
def test_what_cannot_be_fetched_fails_at_once(location: str):
    station = ready()
    ask(station, location=location)
    assert station.of(FetchFirmware) == []
    assert words(station) == ["DownloadFailed"]


# ------------------------------------------------------------ signed


def signed(station: Station, **wishes: object) -> list[CheckSigner]:
    """Order a signed update; what is to be checked before it is answered."""
    before = len(station.of(CheckSigner))
    firmware: dict[str, Any] = {
        "location": URL,
        "retrieveDateTime": iso(WALL),
        "signingCertificate": "PEM",
        "signature": "c2lnbmF0dXJl",
        **wishes,
    }
    station.tell(BackendCalled("b7", "SignedUpdateFirmware", {"requestId": 9, "firmware": firmware}))
    return station.of(CheckSigner)[before:]


def answers(station: Station) -> list[str]:
    found = [each for each in station.of(SendResult) if each.action == "SignedUpdateFirmware"]
    return [str(each.payload["status"]) for each in found]


def verified(station: Station, problem: str = "") -> None:
    station.tell(FirmwareVerified(station.of(VerifyFirmware)[-1].job, problem))


def test_a_signed_update_says_every_step():
    station = ready()
    (check,) = signed(station)
    assert answers(station) == []
    station.tell(SignerChecked(check.request_id))
    assert answers(station) == ["Accepted"]
    fetched(station)
    assert station.of(InstallFirmware) == []
    assert station.of(VerifyFirmware)[-1].signature == "c2lnbmF0dXJl"
    verified(station)
    installed(station)
    steps = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting"]
    assert words(station, SIGNED) == steps
    assert all(call.payload["requestId"] == 9 for call in station.sent if call.action == SIGNED)
    reborn(station, "2.0")
    assert words(station, SIGNED) == ["Installed"]


def test_a_signer_that_is_not_known_is_refused_before_anything_is_fetched():
    station = ready()
    (check,) = signed(station)
    station.tell(SignerChecked(check.request_id, "not from the maker"))
    assert answers(station) == ["InvalidCertificate"]
    assert station.of(FetchFirmware) == []
    assert station.of(SecurityEvent)[-1].type == "InvalidFirmwareSigningCertificate"


def test_a_signature_that_does_not_fit_ends_the_update():
    station = ready()
    (check,) = signed(station)
    station.tell(SignerChecked(check.request_id))
    fetched(station)
    verified(station, "does not fit")
    assert words(station, SIGNED)[-1] == "InvalidSignature"
    assert station.of(InstallFirmware) == []
    assert station.of(SecurityEvent)[-1].type == "InvalidFirmwareSignature"


def test_a_later_date_of_installation_is_told_and_waited_for():
    station = ready()
    (check,) = signed(station, installDateTime=iso(WALL + timedelta(seconds=50)))
    station.tell(SignerChecked(check.request_id))
    fetched(station)
    verified(station)
    assert words(station, SIGNED)[-2:] == ["SignatureVerified", "InstallScheduled"]
    assert station.of(InstallFirmware) == []
    station.pass_time(50)
    assert len(station.of(InstallFirmware)) == 1


def test_a_second_signed_order_cancels_the_first():
    station = ready()
    (check,) = signed(station, retrieveDateTime=iso(WALL + timedelta(hours=1)))
    station.tell(SignerChecked(check.request_id))
    (check,) = signed(station)
    station.tell(SignerChecked(check.request_id))
    assert answers(station) == ["Accepted", "AcceptedCanceled"]


@pytest.mark.parametrize("wish", [{"location": "file:///x"}, {"retrieveDateTime": "soon"}, {"signature": ""}])
def test_an_order_that_makes_no_sense_is_rejected(wish: dict[str, object]):
    station = ready()
    assert signed(station, **wish) == []
    assert answers(station) == ["Rejected"]


def test_a_triggered_status_says_the_last_word():
    station = ready()
    ask(station)
    words(station)
    station.ask("TriggerMessage", {"requestedMessage": PLAIN})
    assert words(station)[-1] == "Downloading"
