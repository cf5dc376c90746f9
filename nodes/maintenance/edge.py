"""The maintenance edge: obeys orders about logs, firmware and certificates, and tells how they ended.

Each job runs by itself; transfers block, so each has a thread that ends with its job, or when its peer stalls.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import datetime
from pathlib import Path

import structlog
from msgspec import Struct

from actors.address import Address
from actors.messages import MaintenanceMessage
from nodes.maintenance import archive, transfer
from nodes.maintenance.certificates import CertificateStore
from nodes.maintenance.checking import FAILED, Answer, check_signature, check_signer
from nodes.maintenance.installer import Installer
from nodes.maintenance.logs import SECURITY
from nodes.maintenance.partial import Stop
from nodes.maintenance.pieces import FirmwareDesk
from nodes.maintenance.places import Rules
from nodes.maintenance.threads import in_thread
from park.errors import KeysUnusable
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
    MakeSigningRequest,
    SecurityEvent,
    SignerChecked,
    SigningRequestMade,
    TrustKnown,
    UploadLog,
    VerifyFirmware,
)

RENEWAL_LOOK_SECONDS = 86_400.0  # a month is left when it begins
FOLDER = "maintenance"  # of the data directory: what is on its way
_log = structlog.get_logger("maintenance")
_security = structlog.get_logger(SECURITY)


class Workshop(Struct, frozen=True):
    """What the edge works with. `contents`: what diagnostics hold beside the logs. `desk`: gives boards firmware."""

    node: str
    data_dir: Path
    rules: Callable[[], Rules]
    certificates: CertificateStore
    installer: Installer
    most_bytes: int
    now: Callable[[], datetime]
    contents: Callable[[datetime | None, datetime | None], Awaitable[archive.Contents]]
    desk: FirmwareDesk | None = None


class MaintenanceEdge:
    """`orders`: the outbox the central system tells; `central_system` hears how each ended."""

    def __init__(
        self,
        workshop: Workshop,
        central_system: Address[MaintenanceEvent],
        orders: AsyncIterator[MaintenanceMessage],
    ) -> None:
        self._shop, self._central_system, self._orders = workshop, central_system, orders
        self._jobs: dict[int, tuple[asyncio.Task[None], Stop]] = {}
        self._others: set[asyncio.Task[None]] = set()
        self._fetching = asyncio.Lock()

    async def run(self) -> None:
        """Until the orders are closed; what runs then is given up."""
        renewing = asyncio.create_task(self._renew(), name="maintenance renewal")
        try:
            self._tell_trust()
            async for order in self._orders:
                self._obey(order)
        finally:
            renewing.cancel()
            for task, stop in self._jobs.values():
                stop.stop()
                task.cancel()
            for task in self._others:
                task.cancel()

    def _obey(self, order: MaintenanceMessage) -> None:
        match order:
            case SecurityEvent():
                _security.warning(order.type, of=order.at.isoformat(), info=order.info)
            case UploadLog(job):
                self._begin(job, lambda stop: self._upload(order, stop), lambda why: LogUploaded(job, why))
            case FetchFirmware(job):
                self._begin(job, lambda stop: self._fetch(order, stop), lambda why: FirmwareFetched(job, "", "", why))
            case VerifyFirmware(job):
                self._begin(job, lambda _: self._verify(order), lambda why: FirmwareVerified(job, why))
            case InstallFirmware(job):
                self._begin(job, lambda _: self._install(order), lambda why: FirmwareInstalled(job, problem=why))
            case AbandonJob(job):
                self._abandon(job)
            case KeepFirmware(update, path):
                self._keep(update, path)
            case DropFirmware(path):
                self._keep("", "")
                Path(path).unlink(missing_ok=True)
            case CheckSigner() | AskCertificates() | MakeSigningRequest():
                task = asyncio.create_task(self._ask(order), name="maintenance certificates")
                self._others.add(task)
                task.add_done_callback(self._others.discard)

    def _begin(
        self,
        job: int,
        work: Callable[[Stop], Coroutine[object, object, None]],
        failed: Callable[[str], MaintenanceEvent],
    ) -> None:
        stop = Stop()

        async def guarded() -> None:
            try:
                await work(stop)
            except Exception as error:  # noqa: BLE001 - a defect of ours: the backend must not wait for ever
                _log.exception("maintenance job failed", job=job)
                self._central_system.tell(failed(f"{type(error).__name__}: {error}"))

        task = asyncio.create_task(guarded(), name=f"maintenance job {job}")
        self._jobs[job] = (task, stop)
        task.add_done_callback(lambda _: self._jobs.pop(job, None))

    def _abandon(self, job: int) -> None:
        """Its thread ends at the next look; what it brought until then may be gone on with."""
        for number, (_, stop) in self._jobs.items():
            if job in {number, EVERY_JOB}:
                stop.stop()

    # ------------------------------------------------------------ logs

    async def _upload(self, order: UploadLog, stop: Stop) -> None:
        file = self._place(order.file_name)
        try:
            contents = archive.Contents(self._shop.node)
            if order.kind is LogKind.DIAGNOSTICS:
                contents = await self._shop.contents(order.since, order.until)
            await in_thread(
                lambda: archive.pack(file, order.kind, contents, self._shop.data_dir, order.since, order.until)
            )
            await in_thread(lambda: transfer.upload(self._shop.rules(), order.url, file, order.file_name, stop))
        except OSError as error:
            _log.warning("log not uploaded", reason=str(error))
            self._central_system.tell(LogUploaded(order.job, _text(error)))
        else:
            _log.info("log uploaded", file=order.file_name)
            self._central_system.tell(LogUploaded(order.job))
        finally:
            file.unlink(missing_ok=True)

    # ------------------------------------------------------------ firmware

    async def _fetch(self, order: FetchFirmware, stop: Stop) -> None:
        file = self._place(f"{hashlib.sha256(order.url.encode()).hexdigest()[:32]}.firmware")
        try:
            async with self._fetching:  # two that write one file would spoil it; one that is given up ends soon
                await in_thread(lambda: self._forget_others(file))
                digest = await in_thread(
                    lambda: transfer.download(self._shop.rules(), order.url, file, self._shop.most_bytes, stop)
                )
        except OSError as error:
            _log.warning("firmware not fetched", reason=str(error))
            self._central_system.tell(FirmwareFetched(order.job, "", "", _text(error)))
            return
        _log.info("firmware fetched", bytes=file.stat().st_size, sha256=digest)
        size = file.stat().st_size
        self._central_system.tell(FirmwareFetched(order.job, str(file), digest, size=size))

    def _keep(self, update: str, path: str) -> None:
        if self._shop.desk is not None:
            self._shop.desk.keep(update, Path(path))

    def _forget_others(self, file: Path) -> None:
        """One firmware at a time takes space on this board."""
        for path in file.parent.glob("*"):
            if path.suffix in {".firmware", ".version"} and path.stem != file.stem:
                path.unlink(missing_ok=True)

    async def _verify(self, order: VerifyFirmware) -> None:
        problem = await in_thread(lambda: self._wrong(order))
        if problem:
            _log.error("firmware refused", reason=problem)
            await in_thread(lambda: Path(order.path).unlink(missing_ok=True))
        self._central_system.tell(FirmwareVerified(order.job, problem))

    def _wrong(self, order: VerifyFirmware) -> str:
        try:
            signature = base64.b64decode(order.signature, validate=True)
            digest = bytes.fromhex(transfer.digest(Path(order.path)))
        except (OSError, binascii.Error, ValueError) as error:
            return f"file or signature cannot be read: {error}"
        signer = check_signer(order.certificate, self._shop.certificates.makers(), self._shop.now())
        return signer or check_signature(order.certificate, signature, digest)

    async def _install(self, order: InstallFirmware) -> None:
        """What is installed are the bytes that were checked."""
        file = Path(order.path)
        try:
            unchanged = await in_thread(lambda: transfer.digest(file)) == order.sha256
        except OSError as error:
            self._central_system.tell(FirmwareInstalled(order.job, problem=_text(error)))
            return
        if not unchanged:
            self._central_system.tell(FirmwareInstalled(order.job, problem="the file was changed after it was checked"))
            return
        _log.info("installing firmware", sha256=order.sha256)
        version, problem = await self._shop.installer.install(file)
        if problem:
            _log.error("firmware not installed", reason=problem)
        if problem or not order.keep:
            await in_thread(lambda: file.unlink(missing_ok=True))
        self._central_system.tell(FirmwareInstalled(order.job, version, problem))

    # ------------------------------------------------------------ certificates

    async def _ask(self, order: CheckSigner | AskCertificates | MakeSigningRequest) -> None:
        store = self._shop.certificates
        match order:
            case CheckSigner(request_id, certificate):
                problem = await in_thread(lambda: check_signer(certificate, store.makers(), self._shop.now()))
                self._central_system.tell(SignerChecked(request_id, problem))
            case AskCertificates():
                await self._answer(order)
            case MakeSigningRequest(name, organization, v2g):
                making = store.v2g.signing_request if v2g else store.signing_request
                try:
                    csr = await in_thread(lambda: making(name, organization))
                except KeysUnusable as error:
                    _log.error("no signing request", reason=str(error))
                else:
                    self._central_system.tell(SigningRequestMade(csr, v2g))

    async def _answer(self, order: AskCertificates) -> None:
        store = self._shop.certificates
        answering = store.v2g.answer if order.v2g else store.answer
        try:
            found = await in_thread(lambda: answering(order.action, order.payload))
        except Exception:  # noqa: BLE001 - the same
            _log.exception("certificate message failed", action=order.action)
            found = Answer({"status": FAILED[order.action]})
        self._tell_trust()
        told = (found.payload, order.link, found.reconfigured, found.refused, found.certificate, order.v2g)
        self._central_system.tell(CertificatesAnswered(order.unique_id, order.action, *told))

    async def _renew(self) -> None:
        """A certificate that ends soon is asked for anew, once a day until it is there."""
        while True:
            if await in_thread(self._shop.certificates.expires_soon):
                self._central_system.tell(CertificateExpires())
            if await in_thread(self._shop.certificates.v2g.expires_soon):
                self._central_system.tell(CertificateExpires(v2g=True))
            await asyncio.sleep(RENEWAL_LOOK_SECONDS)

    def _tell_trust(self) -> None:
        store = self._shop.certificates
        installer = bool(self._shop.installer.command)
        self._central_system.tell(
            TrustKnown(store.root_count, station_certificate=store.has_station_certificate, installer=installer)
        )

    def _place(self, name: str) -> Path:
        folder = self._shop.data_dir / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / name


def _text(error: OSError) -> str:
    return str(error) or type(error).__name__
