"""The maintenance edge at work: archives, firmware, the installer, and orders to end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
import os
import sys
import tarfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace
from support.certificates import issue
from support.file_server import FileServer, file_server

from nodes import log
from nodes.bridge import Outbox
from nodes.maintenance import logs
from nodes.maintenance.archive import Contents
from nodes.maintenance.certificates import CertificateStore
from nodes.maintenance.edge import MaintenanceEdge, Workshop
from nodes.maintenance.installer import Installer
from nodes.maintenance.pieces import FirmwareDesk
from nodes.maintenance.places import Rules
from park.exchange.messages import Outward
from park.ocpp.maintenance import (
    EVERY_JOB,
    AbandonJob,
    AskCertificates,
    CertificateExpires,
    CertificatesAnswered,
    CheckSigner,
    DropFirmware,
    FetchFirmware,
    FirmwareFetched,
    FirmwareInstalled,
    FirmwareVerified,
    InstallFirmware,
    KeepFirmware,
    LogKind,
    LogUploaded,
    MaintenanceEvent,
    MaintenanceOrder,
    MakeSigningRequest,
    SecurityEvent,
    SignerChecked,
    SigningRequestMade,
    TrustKnown,
    UploadLog,
    VerifyFirmware,
)
from park.rolling.messages import FirmwarePiece, FirmwareWanted, PieceWanted

PATIENCE = 20.0
MAKER = issue("maker", authority=True)
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = issue("signer", MAKER, key=KEY)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
INSTALLER = """
import os, sys
body = open(sys.argv[-1], "rb").read()
assert os.environ["CHARGEPARK_FIRMWARE"] == sys.argv[-1]
open(sys.argv[1], "wb").write(body)
print("version=2.0")
sys.exit(int(body[:1] == b"!"))
"""


class Bay:
    """An edge with its files, and what it tells."""

    def __init__(self, folder: Path, seconds: float = PATIENCE) -> None:
        self.folder = folder / "data"
        self.folder.mkdir()
        (folder / "installer.py").write_text(INSTALLER)
        self.installed = folder / "installed"
        self.told: asyncio.Queue[MaintenanceEvent] = asyncio.Queue()
        self.orders: Outbox[MaintenanceOrder] = Outbox()
        maker, _ = MAKER.files(folder, "maker")
        self.store = CertificateStore(self.folder / "backend", lambda: datetime.now(UTC), maker_file=maker)
        self.pieces: Outbox[Outward] = Outbox()
        self.desk = FirmwareDesk(lambda _: self.pieces)
        shop = Workshop(
            "board",
            self.folder,
            lambda: Rules(frozenset({"localhost"})),
            self.store,
            Installer((sys.executable, str(folder / "installer.py"), str(self.installed)), seconds),
            1_000_000,
            lambda: datetime.now(UTC),
            self.contents,
            self.desk,
        )
        self.edge = MaintenanceEdge(shop, self, self.orders)

    def tell(self, event: MaintenanceEvent, /) -> None:
        self.told.put_nowait(event)

    async def contents(self, *_: datetime | None) -> Contents:
        return Contents("board", {"status.json": b"{}"}, {"client-1": b"part"}, {"client-2": "away"})

    def kept(self) -> list[str]:
        """Kinds of files on their way."""
        return sorted(path.suffix for path in (self.folder / "maintenance").iterdir())

    def only_file(self) -> Path:
        (file,) = (self.folder / "maintenance").glob("*.firmware")
        return file

    async def next(self) -> MaintenanceEvent:
        return await asyncio.wait_for(self.told.get(), PATIENCE)

    async def do(self, order: MaintenanceOrder) -> MaintenanceEvent:
        self.orders.tell(order)
        return await self.next()


@pytest.fixture
async def bay(tmp_path: Path) -> AsyncIterator[Bay]:
    bay = Bay(tmp_path)
    task = asyncio.create_task(bay.edge.run())
    assert await bay.next() == TrustKnown(0, station_certificate=False, installer=True)
    yield bay
    bay.orders.close()
    await asyncio.wait_for(task, PATIENCE)


@pytest.fixture
def server(tmp_path: Path):
    with file_server(tmp_path) as made:
        yield made


@contextlib.contextmanager
def kept_logs(folder: Path, megabytes: float = 1.0):
    """What a node logs goes to its folder."""
    root, security = logging.getLogger(), logging.getLogger(logs.SECURITY)
    before = (list(root.handlers), root.level, list(security.handlers))
    log.configure()
    logs.keep(folder, megabytes)
    try:
        yield
    finally:
        for handler in {*root.handlers, *security.handlers} - {*before[0], *before[2]}:
            handler.close()
        root.handlers[:], security.handlers[:] = before[0], before[2]
        root.setLevel(before[1])


def unpacked(body: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=BytesIO(body)) as archive:
        members = [(each.name, archive.extractfile(each)) for each in archive.getmembers()]
        return {name: file.read().decode() for name, file in members if file is not None}


# ------------------------------------------------------------ logs


async def test_diagnostics_hold_a_part_for_each_board_and_name_the_missing(bay: Bay, server: FileServer):
    with kept_logs(bay.folder):
        logging.getLogger("node").warning("a lock sticks id_tag=04A1B2C3")
        bay.orders.tell(SecurityEvent("StartupOfTheDevice", NOW))
        url = f"http://localhost:{server.port}/logs"
        told = await bay.do(UploadLog(1, LogKind.DIAGNOSTICS, url, "d.tar.gz", None, None))
        assert told == LogUploaded(1)
        parts = unpacked(server.uploads["/logs/d.tar.gz"])
        assert set(parts) == {
            "board/node.log",
            "board/security.log",
            "board/status.json",
            "client-1.tar.gz",
            "missing-boards.txt",
        }
        assert parts["missing-boards.txt"] == "client-2: away\n"
        assert "a lock sticks" in parts["board/node.log"]
        assert "04A1B2C3" not in parts["board/node.log"]
        assert "StartupOfTheDevice" in parts["board/security.log"]
        told = await bay.do(UploadLog(2, LogKind.SECURITY, url, "s.tar.gz", None, None))
        assert set(unpacked(server.uploads["/logs/s.tar.gz"])) == {"board/security.log"}
        assert list((bay.folder / "maintenance").iterdir()) == []


async def test_an_upload_that_fails_says_why_and_leaves_nothing(bay: Bay, server: FileServer):
    server.refuse = 2
    url = f"http://user:s3cret@localhost:{server.port}/logs"
    told = await bay.do(UploadLog(1, LogKind.DIAGNOSTICS, url, "d.tar.gz", None, None))
    assert isinstance(told, LogUploaded)
    assert "503" in told.problem
    assert "s3cret" not in told.problem
    assert list((bay.folder / "maintenance").iterdir()) == []


@pytest.mark.rule("B-186")
def test_a_time_span_of_a_log_over_all_its_files(tmp_path: Path):
    folder = tmp_path / logs.FOLDER
    folder.mkdir()
    at = [NOW + timedelta(hours=hour) for hour in range(4)]
    (folder / "node.log.2").write_text(f"at={at[0].isoformat()} level=info event=zero\n")
    (folder / "node.log.1").write_text(f'{{"at": "{at[1].isoformat()}", "event": "one"}}\n  a trace of it\n')
    (folder / "node.log").write_text(f"at={at[2].isoformat()} event=two\nat={at[3].isoformat()} event=three\n")
    everything = "".join(logs.lines(tmp_path, "node.log", None, None))
    assert [everything.index(word) for word in ("zero", "one", "two", "three")] == sorted(
        everything.index(word) for word in ("zero", "one", "two", "three")
    )
    some = "".join(logs.lines(tmp_path, "node.log", at[1], at[2]))
    assert "one" in some
    assert "a trace of it" in some
    assert "two" in some
    assert "zero" not in some
    assert "three" not in some


def test_kept_logs_have_an_end_and_a_full_disk_is_no_noise(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with kept_logs(tmp_path, megabytes=0.05):
        for number in range(2000):
            logging.getLogger("node").warning("line %d of many", number)
        files = list((tmp_path / logs.FOLDER).iterdir())
        assert sum(file.stat().st_size for file in files) <= 55_000
        assert "line 1999" in "".join(logs.lines(tmp_path, "node.log", None, None))
        capsys.readouterr()
        for file in files:
            file.unlink()
        (tmp_path / logs.FOLDER).rmdir()
        for handler in logging.getLogger().handlers[1:]:
            handler.close()
        logging.getLogger("node").warning("onto nothing")
        said = capsys.readouterr().err
        assert said.count("\n") == 1


# ------------------------------------------------------------ firmware


async def test_firmware_is_fetched_checked_and_given_to_the_installer(bay: Bay, server: FileServer, tmp_path: Path):
    (tmp_path / "f.bin").write_bytes(b"new firmware")
    url = f"http://localhost:{server.port}/f.bin"
    fetched = await bay.do(FetchFirmware(1, url))
    assert isinstance(fetched, FirmwareFetched)
    assert fetched.sha256 == hashlib.sha256(b"new firmware").hexdigest()
    signature = base64.b64encode(KEY.sign(b"new firmware", ec.ECDSA(hashes.SHA256()))).decode()
    assert await bay.do(VerifyFirmware(2, fetched.path, SIGNER.pem, signature)) == FirmwareVerified(2)
    assert await bay.do(InstallFirmware(3, fetched.path, fetched.sha256)) == FirmwareInstalled(3, "2.0")
    assert bay.installed.read_bytes() == b"new firmware"
    assert bay.kept() == [".version"]


async def test_a_file_that_boards_wait_for_is_kept_until_none_does(bay: Bay, server: FileServer, tmp_path: Path):
    (tmp_path / "f.bin").write_bytes(b"new firmware")
    fetched = await bay.do(FetchFirmware(1, f"http://localhost:{server.port}/f.bin"))
    assert isinstance(fetched, FirmwareFetched)
    assert fetched.size == len(b"new firmware")
    bay.orders.tell(KeepFirmware("u1", fetched.path))
    told = await bay.do(InstallFirmware(2, fetched.path, fetched.sha256, keep=True))
    assert told == FirmwareInstalled(2, "2.0")
    bay.desk.tell(PieceWanted("bay-1", FirmwareWanted("u1", 4)))
    piece = await asyncio.wait_for(bay.pieces.get(), PATIENCE)
    assert piece == Outward("", FirmwarePiece("u1", 4, b"firmware", ""))
    bay.orders.tell(DropFirmware(fetched.path))
    await bay.do(CheckSigner("after", SIGNER.pem))
    assert bay.kept() == [".version"]
    bay.orders.tell(KeepFirmware("u2", str(tmp_path / "f.bin")))
    await bay.do(CheckSigner("again", SIGNER.pem))
    bay.desk.tell(PieceWanted("bay-1", FirmwareWanted("u1", 0)))
    bay.desk.tell(PieceWanted("bay-2", FirmwareWanted("u2", 0)))
    piece = await asyncio.wait_for(bay.pieces.get(), PATIENCE)
    assert piece == Outward("", FirmwarePiece("u2", 0, b"new firmware", ""))


async def test_a_wrong_signature_is_not_kept(bay: Bay, server: FileServer, tmp_path: Path):
    (tmp_path / "f.bin").write_bytes(b"new firmware")
    for job, signature in enumerate(("", "no base64!", base64.b64encode(b"x" * 70).decode()), start=1):
        fetched = await bay.do(FetchFirmware(job, f"http://localhost:{server.port}/f.bin"))
        assert isinstance(fetched, FirmwareFetched)
        told = await bay.do(VerifyFirmware(job, fetched.path, SIGNER.pem, signature))
        assert isinstance(told, FirmwareVerified)
        assert told.problem
        assert bay.kept() == [".version"]


async def test_a_file_that_was_changed_after_the_check_is_not_installed(bay: Bay, server: FileServer, tmp_path: Path):
    (tmp_path / "f.bin").write_bytes(b"new firmware")
    fetched = await bay.do(FetchFirmware(1, f"http://localhost:{server.port}/f.bin"))
    assert isinstance(fetched, FirmwareFetched)
    bay.only_file().write_bytes(b"another one")
    told = await bay.do(InstallFirmware(2, fetched.path, fetched.sha256))
    assert isinstance(told, FirmwareInstalled)
    assert "changed" in told.problem
    assert not bay.installed.exists()


@pytest.mark.parametrize(("body", "says"), [(b"!broken", "ended with code 1")])
async def test_an_installer_that_fails_says_so(bay: Bay, server: FileServer, tmp_path: Path, body: bytes, says: str):
    (tmp_path / "f.bin").write_bytes(body)
    fetched = await bay.do(FetchFirmware(1, f"http://localhost:{server.port}/f.bin"))
    assert isinstance(fetched, FirmwareFetched)
    told = await bay.do(InstallFirmware(2, fetched.path, fetched.sha256))
    assert isinstance(told, FirmwareInstalled)
    assert says in told.problem


async def test_an_installer_that_hangs_or_is_not_there(tmp_path: Path):
    (tmp_path / "f").write_bytes(b"")
    hangs = Installer((sys.executable, "-c", "import signal; signal.pause()"), 0.3)
    assert "did not end" in (await hangs.install(tmp_path / "f"))[1]
    absent = Installer((str(tmp_path / "nothing"),), PATIENCE)
    assert "cannot be started" in (await absent.install(tmp_path / "f"))[1]


async def test_a_fetch_that_takes_the_place_of_another_spoils_nothing(bay: Bay, server: FileServer, tmp_path: Path):
    body = os.urandom(900_000)
    (tmp_path / "f.bin").write_bytes(body)
    url = f"http://localhost:{server.port}/f.bin"
    for job in range(1, 6):
        bay.orders.tell(FetchFirmware(job, url))
        bay.orders.tell(AbandonJob(job if job % 2 else EVERY_JOB))
    fetched = await bay.do(FetchFirmware(6, url))
    while not (isinstance(fetched, FirmwareFetched) and fetched.job == 6):
        fetched = await bay.next()
    assert fetched.sha256 == hashlib.sha256(body).hexdigest()


async def test_one_firmware_at_a_time_takes_space(bay: Bay, server: FileServer, tmp_path: Path):
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(name.encode())
    for job, name in enumerate(("a.bin", "b.bin"), start=1):
        await bay.do(FetchFirmware(job, f"http://localhost:{server.port}/{name}"))
    assert bay.kept() == [".firmware", ".version"]


async def test_too_large_and_absent_firmware(bay: Bay, server: FileServer, tmp_path: Path):
    (tmp_path / "large.bin").write_bytes(bytes(1_000_001))
    for job, (name, says) in enumerate((("large.bin", "1000000 are allowed"), ("none.bin", "HTTP 404")), start=1):
        told = await bay.do(FetchFirmware(job, f"http://localhost:{server.port}/{name}"))
        assert isinstance(told, FirmwareFetched)
        assert says in told.problem


async def test_an_abandoned_job_ends(bay: Bay):
    silent, ended = asyncio.Event(), asyncio.Event()

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        silent.set()
        await reader.read()
        writer.close()
        ended.set()

    async with await asyncio.start_server(stall, "127.0.0.1", 0) as slow:
        port = slow.sockets[0].getsockname()[1]
        bay.orders.tell(FetchFirmware(1, f"http://localhost:{port}/f.bin"))
        await asyncio.wait_for(silent.wait(), PATIENCE)
        bay.orders.tell(AbandonJob(1))
        bay.orders.tell(AbandonJob(99))
        told = await bay.next()
        assert isinstance(told, FirmwareFetched)
        assert told.problem
        await asyncio.wait_for(ended.wait(), PATIENCE)
    assert await bay.do(CheckSigner("r", SIGNER.pem)) == SignerChecked("r")


async def test_an_unforeseen_failure_is_told_too(bay: Bay):
    async def broken(*_: object) -> Contents:
        raise RuntimeError("a defect")

    bay.edge._shop = replace(bay.edge._shop, contents=broken)
    told = await bay.do(UploadLog(1, LogKind.DIAGNOSTICS, "http://localhost:1/", "d.tar.gz", None, None))
    assert told == LogUploaded(1, "RuntimeError: a defect")


# ------------------------------------------------------------ certificates and the end


async def test_certificates_are_answered_and_the_trust_told(bay: Bay):
    root = issue("csms", authority=True)
    payload: dict[str, Any] = {"certificateType": "CentralSystemRootCertificate", "certificate": root.pem}
    assert await bay.do(AskCertificates("u1", "InstallCertificate", payload, 3)) == TrustKnown(
        1, station_certificate=False, installer=True
    )
    answered = await bay.next()
    assert isinstance(answered, CertificatesAnswered)
    assert (answered.payload, answered.link) == ({"status": "Accepted"}, 3)
    made = await bay.do(MakeSigningRequest("GARAGE", "Example Power"))
    assert isinstance(made, SigningRequestMade)
    assert "BEGIN CERTIFICATE REQUEST" in made.csr


async def test_a_certificate_that_ends_soon_is_told_at_the_start(tmp_path: Path):
    bay = Bay(tmp_path)
    bay.store.folder.mkdir()
    station = issue("GARAGE", days=10)
    (bay.store.folder / "station-1.pem").write_text(station.key_pem + station.pem)
    task = asyncio.create_task(bay.edge.run())
    told = {await bay.next(), await bay.next()}
    assert told == {TrustKnown(0, station_certificate=True, installer=True), CertificateExpires()}
    bay.orders.close()
    await asyncio.wait_for(task, PATIENCE)


def test_the_kept_logs_are_for_their_owner(tmp_path: Path):
    with kept_logs(tmp_path):
        logging.getLogger("node").warning("one")
    assert (tmp_path / logs.FOLDER).stat().st_mode & 0o077 == 0
    assert os.access(tmp_path / logs.FOLDER / logs.NODE_LOG, os.R_OK)


async def test_without_a_command_the_firmware_itself_is_not_run(tmp_path: Path):
    file, ran = tmp_path / "firmware", tmp_path / "ran"
    file.write_text(f"#!/bin/sh\ntouch {ran}\n")
    file.chmod(0o700)
    version, problem = await Installer((), PATIENCE).install(file)
    assert (version, ran.exists()) == ("", False)
    assert "installer" in problem
