"""UpdateFirmware and SignedUpdateFirmware: from the order to the first start of what was installed.

An update goes through its stages in order; each is on disk, so that a restart goes on where it was. What a restart
finds in the stage INSTALLING was interrupted by it: the version that runs now tells whether the installer was done.
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum
from typing import NotRequired, TypedDict, cast

from msgspec import Struct
from msgspec.structs import replace

from park.model.storage import Delete, Put
from park.model.time import Now
from park.ocpp.link import Payload
from park.ocpp.maintenance import (
    FetchFirmware,
    InstallFirmware,
    MaintenanceOrder,
    VerifyFirmware,
    transferable,
    tries_of,
)
from park.ocpp.rows import Rows
from park.ocpp.uploads import MAINTENANCE
from park.ocpp.wire import instant, integer_of, iso, member, text_of

FIRMWARE = "firmware"  # key of the row


class Stage(Enum):
    SCHEDULED = "scheduled"  # the date of the download has not come, or the next try of it
    FETCHING = "fetching"
    VERIFYING = "verifying"
    READY = "ready"  # the date of the installation has not come
    ROLLING = "rolling"  # the other boards of the park get it first
    INSTALLING = "installing"
    INSTALLED = "installed"  # waits for the sessions to end, then for its restart
    REBOOTING = "rebooting"


BEFORE_INSTALLATION = frozenset({Stage.SCHEDULED, Stage.FETCHING, Stage.VERIFYING, Stage.READY})


class Update(Struct, frozen=True):
    """`request`, `certificate`, `signature`: of a signed one. `running`: the version that ordered the installation.

    `expected`: what the installer says will run, empty when it does not say. `boot`: of the process that installs it.
    `size`: bytes. `kept`: of the file for boards that are away.
    `retry_at`: mono of the next try, and until when the restart waits for answers. `leaves_at`: mono before which it is
    not ordered (B-387). `leaving`: it is.
    """

    url: str
    fetch_at: datetime
    install_at: datetime | None
    tries_left: int
    interval: float
    running: str
    request: int | None = None
    certificate: str = ""
    signature: str = ""
    stage: Stage = Stage.SCHEDULED
    path: str = ""
    sha256: str = ""
    expected: str = ""
    boot: str = ""
    job: int = 0
    size: int = 0
    kept: bool = False
    retry_at: float = 0.0
    leaves_at: float = 0.0
    leaving: bool = False

    @property
    def signed(self) -> bool:
        return self.request is not None

    def status(self, word: str) -> tuple[str, Payload] | None:
        """The notification; None: only signed updates know this word."""
        if self.request is not None:
            return "SignedFirmwareStatusNotification", {"status": word, "requestId": self.request}
        return ("FirmwareStatusNotification", {"status": word}) if word in UNSIGNED_WORDS else None

    def due(self, now: Now) -> bool:
        """Whether the next step waits for nothing but the clock, which has come."""
        match self.stage:
            case Stage.SCHEDULED:
                return now.wall >= self.fetch_at and now.mono >= self.retry_at
            case Stage.READY:
                return self.install_at is None or now.wall >= self.install_at
            case _:
                return False

    def next_look(self, now: Now) -> float | None:
        """Mono of the moment at which `due` may change; wall clocks jump, so it is looked again once a minute."""
        match self.stage:
            case Stage.SCHEDULED:
                at = self.fetch_at
            case Stage.READY if self.install_at is not None:
                at = self.install_at
            case Stage.REBOOTING if not self.leaving:
                return self.leaves_at if now.mono < self.leaves_at else self.retry_at
            case _:
                return None
        by_wall = now.mono + min(max((at - now.wall).total_seconds(), 0.0), LOOK_SECONDS)
        return max(by_wall, self.retry_at if self.stage is Stage.SCHEDULED else 0.0)

    def order(self) -> MaintenanceOrder | None:
        """What the stage needs done outside."""
        match self.stage:
            case Stage.FETCHING:
                return FetchFirmware(self.job, self.url)
            case Stage.VERIFYING:
                return VerifyFirmware(self.job, self.path, self.certificate, self.signature)
            case Stage.INSTALLING:
                return InstallFirmware(self.job, self.path, self.sha256, self.kept)
            case _:
                return None


LOOK_SECONDS = 60.0
UNSIGNED_WORDS = frozenset(  # OCPP 1.6 §7.25
    {"Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"}
)


def of_order(payload: Payload, running: str) -> Update | None:
    """UpdateFirmware.req, OCPP 1.6 §6.55; None: nothing can be fetched from that location."""
    tries, interval = tries_of(payload)
    url, at = text_of(payload, "location") or "", instant(payload.get("retrieveDate"))
    if not transferable(url) or at is None:
        return None
    return Update(url, at, None, tries, interval, running)


def of_signed_order(payload: Payload, running: str) -> Update | None:
    """SignedUpdateFirmware.req, white paper §5.11; None as above."""
    tries, interval = tries_of(payload)
    firmware, request = member(payload, "firmware"), integer_of(payload, "requestId")
    url, at = text_of(firmware, "location") or "", instant(firmware.get("retrieveDateTime"))
    certificate, signature = text_of(firmware, "signingCertificate"), text_of(firmware, "signature")
    if not transferable(url) or at is None or request is None or not certificate or not signature:
        return None
    install_at = instant(firmware.get("installDateTime"))
    return Update(url, at, install_at, tries, interval, running, request, certificate, signature)


def failed_fetch(update: Update, mono: float) -> Update | None:
    """After a try that failed; None: it was the last."""
    if update.tries_left <= 1:
        return None
    again = mono + update.interval
    return replace(update, stage=Stage.SCHEDULED, tries_left=update.tries_left - 1, retry_at=again)


def restored(update: Update, running: str, boot: str) -> tuple[Update | None, str]:
    """What a restart makes of an update: the update as it goes on, or None and how it ended.

    When only the actor began anew, the installer is still at it, and its job is known by the same number.
    """
    if update.stage in BEFORE_INSTALLATION:
        return replace(update, stage=Stage.SCHEDULED), ""
    if update.stage is Stage.ROLLING or (boot and update.boot == boot):
        return update, ""
    if update.stage is Stage.INSTALLING:
        return None, "Installed" if running != update.running else "InstallationFailed"
    if update.expected and running != update.expected:
        return None, "InstallationFailed"
    return None, "Installed"


class _UpdateRow(TypedDict):
    url: str
    fetch_at: str
    install_at: str | None
    tries_left: int
    interval: float
    running: str
    request: int | None
    certificate: str
    signature: str
    stage: str
    path: str
    sha256: str
    expected: str
    boot: str
    job: int
    size: NotRequired[int]  # absent, as the next: written before other boards got firmware
    kept: NotRequired[bool]


def put(rows: Rows, update: Update) -> Put:
    row: _UpdateRow = {
        "url": update.url,
        "fetch_at": iso(update.fetch_at),
        "install_at": None if update.install_at is None else iso(update.install_at),
        "tries_left": update.tries_left,
        "interval": update.interval,
        "running": update.running,
        "request": update.request,
        "certificate": update.certificate,
        "signature": update.signature,
        "stage": update.stage.value,
        "path": update.path,
        "sha256": update.sha256,
        "expected": update.expected,
        "boot": update.boot,
        "job": update.job,
        "size": update.size,
        "kept": update.kept,
    }
    return rows.put(MAINTENANCE, FIRMWARE, json.dumps(row, separators=(",", ":")))


def delete(rows: Rows) -> Delete:
    return rows.delete(MAINTENANCE, FIRMWARE)


def update_of(body: str) -> Update | None:
    """None when the row cannot be read: the update is forgotten, the backend may order it again."""
    try:
        row = cast("_UpdateRow", json.loads(body))
        fetch_at = instant(row["fetch_at"])
        if fetch_at is None:
            return None
        return Update(
            str(row["url"]),
            fetch_at,
            instant(row["install_at"]),
            int(row["tries_left"]),
            float(row["interval"]),
            str(row["running"]),
            row["request"],
            str(row["certificate"]),
            str(row["signature"]),
            Stage(row["stage"]),
            str(row["path"]),
            str(row["sha256"]),
            str(row["expected"]),
            str(row["boot"]),
            int(row["job"]),
            int(row.get("size", 0)),
            bool(row.get("kept", False)),
        )
    except (ValueError, KeyError, TypeError):
        return None
