"""Firmware of a client board: obeys what `park.rolling.board` decides, on the disk and with the board's installer."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import structlog
from msgspec import Struct

from actors.address import Address
from actors.messages import StoreMessage
from nodes.bridge import Outbox
from nodes.maintenance import transfer
from nodes.maintenance.certificates import CertificateStore
from nodes.maintenance.checking import check_signature, check_signer
from nodes.maintenance.installer import Installer
from nodes.maintenance.threads import in_thread
from park.exchange.messages import RestartOrdered
from park.model.storage import Commit, CommitFailed, Committed, Row, RowsLoaded, Write
from park.model.time import Now
from park.rolling import board
from park.rolling.board import (
    BeginFile,
    BoardEffect,
    BoardEvent,
    BoardFacts,
    CheckFile,
    FileChecked,
    FileInstalled,
    ForgetFile,
    Held,
    InstallFile,
    KeepPiece,
    Looked,
    PieceKept,
    RestartBoard,
)
from park.rolling.messages import (
    FirmwareAsked,
    FirmwareOffered,
    FirmwareOrdered,
    FirmwareStanding,
    FirmwareWanted,
)

FOLDER = "maintenance"
SUFFIX = ".board-firmware"
SPARE_BYTES = 64 * 1024 * 1024  # ours: of the disk, for facts of sessions and logs
LOOK_SECONDS = 1.0  # ours: how soon it is seen that vehicles charge, or none does any more
CHANGED = "the file is not the one that was offered"
Work: TypeAlias = BeginFile | KeepPiece | CheckFile | InstallFile | ForgetFile
_log = structlog.get_logger("firmware")


class BoardWorkshop(Struct, frozen=True):
    """What a board installs with. `certificates`: the maker's, whose signers are checked here too where there are some.

    `busy`: whether vehicles charge.
    """

    facts: BoardFacts
    data_dir: Path
    store: Address[StoreMessage]
    installer: Installer
    certificates: CertificateStore
    busy: Callable[[], bool]
    now: Callable[[], Now]
    restarts: Address[RestartOrdered]


class _Written(Struct, frozen=True):
    """Where the store's answers go."""

    events: Address[BoardEvent]

    def tell(self, message: RowsLoaded | Committed | CommitFailed, /) -> None:
        if not isinstance(message, RowsLoaded):
            self.events.tell(message)


class BoardFirmware:
    """`events`: what the server, and the edge itself, says; `link`: hears the answers. `rows`: of the last run."""

    def __init__(
        self,
        shop: BoardWorkshop,
        link: Address[FirmwareStanding | FirmwareWanted],
        events: Outbox[BoardEvent],
        rows: Iterable[Row],
    ) -> None:
        self._shop, self._link, self._events = shop, link, events
        self._state, self._first = board.restore(shop.facts, rows)
        self._under_way: set[asyncio.Task[None]] = set()
        self._disk = asyncio.Lock()  # a file that is given up must not be written beside the next

    async def run(self) -> None:
        """Until the events are closed."""
        looking = asyncio.create_task(self._look(), name="firmware looks for vehicles")
        first, self._first = self._first, ()
        try:
            for effect in first:
                self._perform(effect)
            async for event in self._events:
                if isinstance(event, FirmwareAsked | FirmwareOffered | FirmwareOrdered):
                    self._take(Looked(self._shop.busy()))
                self._take(event)
        finally:
            looking.cancel()

    def _take(self, event: BoardEvent) -> None:
        self._state, effects = board.step(self._state, event, self._shop.now())
        for effect in effects:
            self._perform(effect)

    async def _look(self) -> None:
        while True:
            held = self._state.held
            if held is not None and held.is_open:
                self._events.tell(Looked(self._shop.busy()))
            await asyncio.sleep(LOOK_SECONDS)

    def _perform(self, effect: BoardEffect) -> None:
        match effect:
            case FirmwareStanding() | FirmwareWanted():
                self._link.tell(effect)
            case Write(writes, token):
                self._shop.store.tell(Commit(writes, token, _Written(self._events)))
            case RestartBoard():
                self._shop.restarts.tell(RestartOrdered(hard=False))
            case BeginFile() | KeepPiece() | CheckFile() | InstallFile() | ForgetFile():
                task = asyncio.create_task(self._work(effect), name="board firmware")
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def _work(self, effect: Work) -> None:
        async with self._disk:
            try:
                done = await self._done(effect)
            except OSError as error:
                done = _failed(effect, str(error) or type(error).__name__)
            except Exception as error:  # noqa: BLE001 - a defect of ours: the server must not wait for ever
                _log.exception("firmware not handled", step=type(effect).__name__)
                done = _failed(effect, f"{type(error).__name__}: {error}")
        if done is not None:
            self._events.tell(done)

    async def _done(self, effect: Work) -> BoardEvent | None:
        held, file = effect.held, self._file(effect.held)
        match effect:
            case BeginFile():
                have = await in_thread(lambda: begin(file, held, anew=effect.anew))
                _log.info("fetching firmware", bytes=held.size, have=have, sha256=held.sha256)
                return PieceKept(held.update, have)
            case KeepPiece():
                return PieceKept(held.update, await in_thread(lambda: _write(file, effect.offset, effect.body)))
            case CheckFile():
                return await in_thread(lambda: self._checked(file, held))
            case InstallFile():
                return await self._installed(file, held)
            case ForgetFile():
                if held.problem:
                    _log.error("firmware not installed", reason=held.problem)
                await in_thread(lambda: file.unlink(missing_ok=True))
                return None

    def _checked(self, file: Path, held: Held) -> FileChecked:
        _sync(file)
        digest = transfer.digest(file)
        if digest != held.sha256:
            return FileChecked(held.update, CHANGED, spoilt=True)
        return FileChecked(held.update, self._wrong(held, bytes.fromhex(digest)))

    def _wrong(self, held: Held, digest: bytes) -> str:
        """A board without authorities of its own takes the server's word for the signer, and checks the signature."""
        if not held.certificate:
            return ""
        makers = self._shop.certificates.makers()
        signer = check_signer(held.certificate, makers, self._shop.now().wall) if makers else ""
        try:
            signature = base64.b64decode(held.signature, validate=True)
        except ValueError as error:
            return f"the signature cannot be read: {error}"
        return signer or check_signature(held.certificate, signature, digest)

    async def _installed(self, file: Path, held: Held) -> FileInstalled:
        """What is installed are the bytes that were checked."""
        if await in_thread(lambda: transfer.digest(file)) != held.sha256:
            return FileInstalled(held.update, problem=CHANGED)
        _log.info("installing firmware", sha256=held.sha256)
        version, problem = await self._shop.installer.install(file)
        return FileInstalled(held.update, version, problem)

    def _file(self, held: Held) -> Path:
        return self._shop.data_dir / FOLDER / f"{held.sha256}{SUFFIX}"


def begin(file: Path, held: Held, *, anew: bool) -> int:
    """What is there of the file, in bytes; one firmware at a time takes space. OSError: there is none for it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for other in file.parent.glob(f"*{SUFFIX}"):
        if anew or other != file:
            other.unlink()
    have = file.stat().st_size if file.exists() else 0
    free = shutil.disk_usage(file.parent).free
    if free - (held.size - have) < SPARE_BYTES:
        raise OSError(f"its disk has {free} bytes free, the file has {held.size}, and {SPARE_BYTES} are kept free")
    return have


def _write(file: Path, offset: int, body: bytes) -> int:
    with file.open("r+b" if file.exists() else "wb") as target:
        target.seek(offset)
        target.truncate()
        target.write(body)
        return target.tell()


def _sync(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())


def _failed(effect: Work, problem: str) -> BoardEvent | None:
    update = effect.held.update
    match effect:
        case BeginFile() | KeepPiece():
            return PieceKept(update, 0, problem)
        case CheckFile():
            return FileChecked(update, problem)
        case InstallFile():
            return FileInstalled(update, problem=problem)
        case ForgetFile():
            return None
