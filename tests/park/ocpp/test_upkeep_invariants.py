"""Whatever is ordered and whatever fails: nothing unchecked is installed, nothing lost, nobody locked out."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from park.ocpp.connection import ConnectionSettings
from park.ocpp.effects import RestartBoards
from park.ocpp.link import BackendCalled, LinkLost, LossCause, UseConnection
from park.ocpp.maintenance import (
    CheckSigner,
    FetchFirmware,
    FirmwareFetched,
    FirmwareInstalled,
    FirmwareVerified,
    InstallFirmware,
    LogUploaded,
    SignerChecked,
    TrustKnown,
    UploadLog,
    VerifyFirmware,
)
from park.ocpp.state import initial
from park.ocpp.wire import iso
from tests.support.facts import ended, started
from tests.support.station import ACCEPTED, WALL, Station

FILE = ConnectionSettings("ws://csms.example/ocpp", "GARAGE", 1, "password-of-file-1")
STEPS = (
    *(
        "whole-update",
        "update",
        "signed-update",
        "check-good",
        "check-bad",
        "fetch-good",
        "fetch-bad",
        "verify-good",
        "verify-bad",
    ),
    *(
        "install-good",
        "install-bad",
        "log",
        "uploaded",
        "upload-failed",
        "key",
        "profile-0",
        "profile-2",
        "url",
        "session",
        "end",
    ),
    *("pass-time", "lose", "connect", "answer", "refuse", "reborn", "disk-full", "disk-free"),
)


class World:
    """A station, and what was proved about the files it has."""

    def __init__(self) -> None:
        self.station = Station()
        self.station.settings = replace(self.station.settings, connection=FILE, fallback_seconds=300.0)
        self.station.state = initial(self.station.settings)
        self.station.online()
        self.trust()
        self.number = 0
        self.verified: set[str] = set()
        self.signed = False
        self.sessions = 0

    def trust(self) -> None:
        self.station.tell(TrustKnown(1, station_certificate=True, installer=True))

    def last(self, kind: type) -> int | None:
        found = self.station.of(kind)
        return found[-1].job if found else None

    def do(self, step: str) -> None:  # noqa: C901, PLR0915 - all that may happen
        station = self.station
        self.number += 1
        before, restarts = len(station.of(InstallFirmware)), len(station.of(RestartBoards))
        match step:
            case "whole-update":
                for each in ("update", "fetch-good", "install-good"):
                    self.do(each)
                return
            case "update":
                wish = {"location": "https://x.example/f", "retrieveDate": iso(WALL)}
                station.tell(BackendCalled(f"b{self.number}", "UpdateFirmware", wish))
            case "signed-update":
                firmware = {
                    "location": "https://x.example/s",
                    "retrieveDateTime": iso(WALL + timedelta(seconds=5)),
                    "signingCertificate": "PEM",
                    "signature": "c2ln",
                }
                wish = {"requestId": self.number, "firmware": firmware}
                station.tell(BackendCalled(f"b{self.number}", "SignedUpdateFirmware", wish))
            case "check-good" | "check-bad":
                for check in station.of(CheckSigner)[-1:]:
                    station.tell(SignerChecked(check.request_id, "" if step == "check-good" else "unknown"))
            case "fetch-good" | "fetch-bad":
                job = self.last(FetchFirmware)
                if job is not None:
                    good = step == "fetch-good"
                    path = f"/f{self.number}" if good else ""
                    station.tell(FirmwareFetched(job, path, "ab", "" if good else "gone"))
            case "verify-good" | "verify-bad":
                for order in station.of(VerifyFirmware)[-1:]:
                    good = step == "verify-good"
                    self.verified |= {order.path} if good else set()
                    station.tell(FirmwareVerified(order.job, "" if good else "wrong"))
            case "install-good" | "install-bad":
                job = self.last(InstallFirmware)
                if job is not None:
                    station.tell(FirmwareInstalled(job, "", "" if step == "install-good" else "code 1"))
            case "log":
                station.tell(BackendCalled(f"b{self.number}", "GetDiagnostics", {"location": "ftp://x.example/"}))
            case "uploaded" | "upload-failed":
                job = self.last(UploadLog)
                if job is not None:
                    station.tell(LogUploaded(job, "" if step == "uploaded" else "gone"))
            case "pass-time":
                station.pass_time(40)
            case "lose":
                station.tell(LinkLost("gone", LossCause.CERTIFICATE))
            case "connect":
                station.connect()
            case "answer" if station.state.flight is not None:
                is_boot = station.sent[-1].action == "BootNotification"
                station.answer(ACCEPTED if is_boot else {"transactionId": 1, "idTagInfo": {"status": "Accepted"}})
            case "refuse" if station.state.flight is not None:
                station.refuse()
            case "reborn":
                station.restart()
                self.trust()
            case "disk-full":
                station.writes = False
            case "disk-free":
                station.writes = True
                while station.pending:
                    station.fail_commit()
            case "key":
                change = {"key": "AuthorizationKey", "value": f"password-number-{self.number:04d}"}
                station.tell(BackendCalled(f"b{self.number}", "ChangeConfiguration", change))
            case "profile-0" | "profile-2" | "url":
                key, value = ("CentralSystemURI", "ws://e") if step == "url" else ("SecurityProfile", step[-1])
                change = {"key": key, "value": value}
                station.tell(BackendCalled(f"b{self.number}", "ChangeConfiguration", change))
            case "session":
                self.sessions += 1
                station.offer(started(f"s{self.sessions}"))
            case "end" if self.sessions:
                station.offer(ended(f"s{self.sessions}", 1))
            case _:
                pass
        self._check(before, restarts)

    def _check(self, before: int, restarts: int) -> None:
        station = self.station
        for install in station.of(InstallFirmware)[before:]:
            update = station.state.upkeep.update
            assert update is not None
            assert not update.signed or install.path in self.verified
            assert ("maintenance", "GARAGE/firmware") in station.disk
        if len(station.of(RestartBoards)) > restarts:
            assert not station.state.queue.transactions.all_running()
        profiles = [order.settings.profile for order in station.of(UseConnection)]
        good = station.state.upkeep.connection
        assert good is not None
        assert min(profiles) >= FILE.profile
        waiting = [each.number for each in station.state.upkeep.notifications.waiting]
        assert waiting == sorted(set(waiting))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=15, max_size=60))
def test_any_order_of_events(steps: list[str]):
    world = World()
    for step in steps:
        world.do(step)
    # The backend lives and answers: everything that waits is told, and the settings in use are ones that work.
    station = world.station
    world.do("disk-free")
    for _ in range(400):
        if station.state.link is None:
            station.connect()
        if station.state.flight is None and not station.state.upkeep.notifications.waiting:
            break
        world.do("answer")
        if station.state.flight is None:
            world.do("pass-time")
    assert station.state.upkeep.notifications.waiting == ()
    assert station.state.registration.accepted
