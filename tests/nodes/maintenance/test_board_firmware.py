"""Firmware of a client board with real files, a real store and a real installer; the link is left out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace
from support.certificates import issue

from nodes.bridge import Outbox
from nodes.field import clock
from nodes.maintenance import board_firmware
from nodes.maintenance.board_firmware import FOLDER, SUFFIX, BoardFirmware, BoardWorkshop
from nodes.maintenance.certificates import CertificateStore
from nodes.maintenance.installer import Installer
from nodes.maintenance.pieces import FirmwareDesk
from nodes.store import Store
from park.exchange.messages import Outward, RestartOrdered
from park.rolling.board import FIRMWARE_TABLE, BoardEvent, BoardFacts
from park.rolling.messages import (
    BoardStage,
    FirmwareAsked,
    FirmwareOffered,
    FirmwareOrdered,
    FirmwarePiece,
    FirmwareStanding,
    FirmwareWanted,
    PieceWanted,
)

PATIENCE = 20.0
FILE = bytes(range(256)) * 40
PIECE = 1000
SHA = hashlib.sha256(FILE).hexdigest()
MAKER = issue("maker", authority=True)
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = issue("signer", MAKER, key=KEY)
SIGNATURE = base64.b64encode(KEY.sign(FILE, ec.ECDSA(hashes.SHA256()))).decode()
PLAIN = FirmwareOffered("u1", len(FILE), SHA, "", "")
SIGNED = FirmwareOffered("u1", len(FILE), SHA, SIGNER.pem, SIGNATURE)
INSTALLER = """
import shutil, sys
shutil.copy(sys.argv[-1], sys.argv[1])
print("version=2.0")
"""


class Bay:
    """A board, and the desk of its server. `heard`: standings; `offsets`: of the pieces it wanted."""

    def __init__(self, folder: Path, *, maker: bool = False) -> None:
        self.folder, self.installed = folder, folder / "installed"
        (folder / "installer.py").write_text(INSTALLER)
        (folder / "server.firmware").write_bytes(FILE)
        self.maker = MAKER.files(folder, "maker")[0] if maker else None
        self.data = folder / "data"
        self.heard: asyncio.Queue[FirmwareStanding] = asyncio.Queue()
        self.restarts: asyncio.Queue[RestartOrdered] = asyncio.Queue()
        self.offsets: list[int] = []
        self.lost = 0
        self.busy = False
        self.version = "1.0"
        self.desk = FirmwareDesk(lambda _: self, PIECE)
        self.desk.keep("u1", folder / "server.firmware")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """One run of the board's process."""
        store = Store(self.data)
        self.events: Outbox[BoardEvent] = Outbox()
        facts = BoardFacts(self.version, uuid.uuid4().hex, installer=True, most_bytes=100_000)
        shop = BoardWorkshop(
            facts,
            self.data,
            store,
            Installer((sys.executable, str(self.folder / "installer.py"), str(self.installed)), PATIENCE),
            CertificateStore(self.data / "backend", lambda: datetime.now(UTC), maker_file=self.maker),
            lambda: self.busy,
            clock.now,
            Restarts(self.restarts),
        )
        edge = BoardFirmware(shop, Answers(self), self.events, store.rows(FIRMWARE_TABLE))
        store.start()
        task = asyncio.create_task(edge.run())
        try:
            yield
        finally:
            self.events.close()
            await asyncio.wait_for(task, PATIENCE)
            await asyncio.to_thread(store.stop)

    def tell(self, message: Outward, /) -> None:
        """The link to the board, which loses the first `lost` pieces."""
        assert isinstance(message.message, FirmwarePiece)
        if self.lost:
            self.lost -= 1
            return
        self.events.tell(message.message)

    def offer(self, offered: FirmwareOffered = PLAIN) -> None:
        self.events.tell(offered)

    async def until(self, stage: BoardStage) -> FirmwareStanding:
        async with asyncio.timeout(PATIENCE):
            while True:
                standing = await self.heard.get()
                if standing.stage is stage:
                    return standing
                assert standing.stage is not BoardStage.FAILED, standing.problem

    @property
    def files(self) -> list[Path]:
        return sorted((self.data / FOLDER).glob(f"*{SUFFIX}"))


class Answers:
    def __init__(self, bay: Bay) -> None:
        self._bay = bay

    def tell(self, message: FirmwareStanding | FirmwareWanted, /) -> None:
        if isinstance(message, FirmwareWanted):
            self._bay.offsets.append(message.offset)
            self._bay.desk.tell(PieceWanted("bay-1", message))
        else:
            self._bay.heard.put_nowait(message)


class Restarts:
    def __init__(self, orders: asyncio.Queue[RestartOrdered]) -> None:
        self._orders = orders

    def tell(self, message: RestartOrdered, /) -> None:
        self._orders.put_nowait(message)


@pytest.mark.parametrize("maker", [False, True])
@pytest.mark.parametrize("offered", [PLAIN, SIGNED], ids=["plain", "signed"])
async def test_from_the_offer_to_the_first_start_of_the_new(tmp_path: Path, maker: bool, offered: FirmwareOffered):
    bay = Bay(tmp_path, maker=maker)
    async with bay.running():
        bay.offer(offered)
        await bay.until(BoardStage.CHECKED)
        assert bay.offsets == list(range(0, len(FILE), PIECE))
        assert not bay.installed.exists()
        bay.events.tell(FirmwareOrdered("u1", 1))
        await bay.until(BoardStage.INSTALLED)
        assert bay.installed.read_bytes() == FILE
        assert not (await asyncio.wait_for(bay.restarts.get(), PATIENCE)).hard
    bay.version = "2.0"
    async with bay.running():
        assert (await bay.until(BoardStage.DONE)).version == "2.0"
        assert bay.restarts.empty()
    async with bay.running():
        bay.offer(offered)
        await bay.until(BoardStage.DONE)
    assert bay.files == []


async def test_a_board_goes_on_with_what_it_had_before_it_died(tmp_path: Path):
    bay = Bay(tmp_path)
    bay.lost = 10_000
    async with bay.running():
        bay.offer()
        await bay.until(BoardStage.FETCHING)
    file = tmp_path / "data" / FOLDER / f"{SHA}{SUFFIX}"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(FILE[:4321])
    (file.parent / f"old{SUFFIX}").write_bytes(b"of an update before")
    bay.lost, bay.offsets = 0, []
    async with bay.running():
        bay.events.tell(FirmwareAsked("u1"))
        await bay.until(BoardStage.FETCHING)
        assert bay.offsets == []  # nobody has offered it in this run
        bay.offer()
        await bay.until(BoardStage.CHECKED)
        assert bay.offsets[0] == 4321
        assert bay.files == [file]


async def test_a_piece_that_is_lost_is_asked_for_again(tmp_path: Path):
    bay = Bay(tmp_path)
    bay.lost = 1
    async with bay.running():
        bay.offer()
        await bay.until(BoardStage.CHECKED)
    assert bay.offsets[:3] == [0, 0, PIECE]


async def test_what_a_power_cut_spoilt_is_fetched_anew(tmp_path: Path):
    bay = Bay(tmp_path)
    file = tmp_path / "data" / FOLDER / f"{SHA}{SUFFIX}"
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(5000))
    async with bay.running():
        bay.offer()
        await bay.until(BoardStage.CHECKED)
    assert bay.offsets == [*range(5000, len(FILE), PIECE), *range(0, len(FILE), PIECE)]


FOREIGN = replace(SIGNED, certificate=issue("nobody", key=KEY).pem)


@pytest.mark.parametrize(
    ("offered", "maker", "why"),
    [
        (replace(SIGNED, signature=base64.b64encode(b"x" * 70).decode()), False, "does not fit"),
        (FOREIGN, True, "does not come from an installed ManufacturerRootCertificate"),
        (replace(SIGNED, signature="§"), False, "cannot be read"),
        (replace(PLAIN, sha256="cd" * 32), False, "not the one that was offered"),
        (replace(PLAIN, size=100_001), False, "firmware_mb"),
        (replace(PLAIN, size=0), False, "firmware_mb"),
    ],
)
async def test_what_is_not_as_it_should_be_is_not_installed(
    tmp_path: Path, offered: FirmwareOffered, maker: bool, why: str
):
    bay = Bay(tmp_path, maker=maker)
    async with bay.running():
        bay.offer(offered)
        with pytest.raises(AssertionError, match=why):
            await bay.until(BoardStage.CHECKED)
        bay.events.tell(FirmwareOrdered("u1", 1))
        assert (await asyncio.wait_for(bay.heard.get(), PATIENCE)).stage is BoardStage.FAILED
    assert not bay.installed.exists()
    assert bay.files == []


async def test_a_signer_the_board_cannot_judge_is_the_servers_to_judge(tmp_path: Path):
    bay = Bay(tmp_path)
    async with bay.running():
        bay.offer(FOREIGN)
        await bay.until(BoardStage.CHECKED)


async def test_a_file_that_changed_after_it_was_checked_is_not_installed(tmp_path: Path):
    bay = Bay(tmp_path)
    async with bay.running():
        bay.offer()
        await bay.until(BoardStage.CHECKED)
        bay.files[0].write_bytes(b"something else")
        bay.events.tell(FirmwareOrdered("u1", 1))
        with pytest.raises(AssertionError, match="not the one that was offered"):
            await bay.until(BoardStage.INSTALLED)
    assert not bay.installed.exists()


async def test_where_there_is_no_room_the_server_hears_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bay = Bay(tmp_path)
    monkeypatch.setattr(board_firmware, "SPARE_BYTES", 2**62)
    async with bay.running():
        bay.offer()
        with pytest.raises(AssertionError, match="bytes free"):
            await bay.until(BoardStage.CHECKED)


async def test_a_server_without_the_file_says_so(tmp_path: Path):
    bay = Bay(tmp_path)
    (tmp_path / "server.firmware").unlink()
    async with bay.running():
        bay.offer()
        with pytest.raises(AssertionError, match="No such file"):
            await bay.until(BoardStage.CHECKED)


async def test_a_board_where_a_vehicle_charges_says_so_and_waits(tmp_path: Path):
    bay = Bay(tmp_path)
    bay.busy = True
    async with bay.running():
        bay.offer()
        assert (await bay.until(BoardStage.CHECKED)).busy
        bay.events.tell(FirmwareOrdered("u1", 1))
        standing = await bay.until(BoardStage.CHECKED)
        assert (standing.turn, standing.busy) == (1, True)
        bay.events.tell(FirmwareOrdered("u1", 1))  # the same turn again
        bay.busy = False
        await bay.until(BoardStage.CHECKED)
        assert not (await bay.until(BoardStage.CHECKED)).busy
        bay.events.tell(FirmwareOrdered("u1", 2))
        await bay.until(BoardStage.INSTALLED)
