"""What the central system asks of the maintenance edge (files, certificates, the installer), and what that tells back.

A `job` numbers the tries of one upload or update; the answer to an older job is of no interest any more.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

from park.model.delivery import Delivery
from park.ocpp.link import Payload
from park.ocpp.wire import iso

SCHEMES = ("http", "https", "ftp", "ftps")
EVERY_JOB = 0  # jobs count from 1
MOST_ROOTS = 20  # ours: of each kind
DEFAULT_TRIES = 3  # OCPP 1.6 §6.25, §6.55: without `retries` the station decides
DEFAULT_INTERVAL_SECONDS = 60.0
LONGEST_INTERVAL_SECONDS = 86_400.0
TECH_INFO_LENGTH = 255  # white paper §5.10


class LogKind(Enum):
    """White paper §5.5 LogEnumType; values are the wire names."""

    DIAGNOSTICS = "DiagnosticsLog"
    SECURITY = "SecurityLog"


# ------------------------------------------------------------ orders


class Order:
    """What the maintenance edge is told."""

    __slots__ = ()


class SecurityEvent(Struct, Order, frozen=True):
    """`type`: of the white paper's list. `info`: for people, without secrets."""

    type: str
    at: datetime
    info: str = ""

    def payload(self) -> Payload:
        """SecurityEventNotification.req."""
        payload = {"type": self.type[:50], "timestamp": iso(self.at)}
        return {**payload, "techInfo": self.info[:TECH_INFO_LENGTH]} if self.info else payload


class UploadLog(Struct, Order, frozen=True):
    """One try: pack the log of that time into a file of that name and bring it to the URL."""

    job: int
    kind: LogKind
    url: str
    file_name: str
    since: datetime | None
    until: datetime | None


class FetchFirmware(Struct, Order, frozen=True):
    """One try; what an earlier one of this URL brought is gone on with."""

    job: int
    url: str


class VerifyFirmware(Struct, Order, frozen=True):
    """`certificate`: PEM of the signer; `signature`: base64, over the whole file with SHA-256 (white paper §5.11)."""

    job: int
    path: str
    certificate: str
    signature: str


class CheckSigner(Struct, Order, frozen=True):
    """Whether this PEM certificate may sign firmware; answered by `SignerChecked` with the same id."""

    request_id: str
    certificate: str


class InstallFirmware(Struct, Order, frozen=True):
    """Give the file to the installer. `sha256`: of what was verified; other bytes are not installed.

    `keep`: boards that are away get the file later.
    """

    job: int
    path: str
    sha256: str
    keep: bool = False


class KeepFirmware(Struct, Order, frozen=True):
    """Boards may fetch the pieces of this file, by the name of the update."""

    update: str
    path: str


class DropFirmware(Struct, Order, frozen=True):
    """No board gets this file any more."""

    path: str


class AbandonJob(Struct, Order, frozen=True):
    """Nobody waits for this job any more; `EVERY_JOB`: for none of those before."""

    job: int


class AskCertificates(Struct, Order, frozen=True):
    """A certificate message of the backend; answered by `CertificatesAnswered`. `v2g`: of Plug & Charge."""

    unique_id: str
    action: str
    payload: Payload
    link: int
    v2g: bool = False


class MakeSigningRequest(Struct, Order, frozen=True):
    """A new key and a PKCS #10 request for it, in this name; answered by `SigningRequestMade`.

    `v2g`: for the certificate that vehicles are shown, not the backend.
    """

    name: str
    organization: str
    v2g: bool = False


MaintenanceOrder: TypeAlias = (
    SecurityEvent
    | UploadLog
    | FetchFirmware
    | VerifyFirmware
    | CheckSigner
    | InstallFirmware
    | KeepFirmware
    | DropFirmware
    | AbandonJob
    | AskCertificates
    | MakeSigningRequest
)


# ------------------------------------------------------------ events; an empty `problem`: it went well


class LogUploaded(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    job: int
    problem: str = ""


class FirmwareFetched(Struct, frozen=True):
    """`size`: bytes."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    job: int
    path: str
    sha256: str
    problem: str = ""
    size: int = 0


class FirmwareVerified(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    job: int
    problem: str = ""


class SignerChecked(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    request_id: str
    problem: str = ""


class FirmwareInstalled(Struct, frozen=True):
    """`version`: what the installer says will run after the restart, empty: it does not say."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    job: int
    version: str = ""
    problem: str = ""


class CertificatesAnswered(Struct, frozen=True):
    """`reconfigured`: what changed, for the security log; `refused`: why a station certificate was not taken.

    `certificate`: file of a new one of the station, which is shown from now on.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    unique_id: str
    action: str
    payload: Payload
    link: int
    reconfigured: str = ""
    refused: str = ""
    certificate: str = ""
    v2g: bool = False


class CertificateExpires(Struct, frozen=True):
    """The station's certificate ends within a month; `v2g`: the one that vehicles are shown."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    v2g: bool = False


class SigningRequestMade(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    csr: str
    v2g: bool = False


class TrustKnown(Struct, frozen=True):
    """What this station can prove and check: told at the start, and when it changes."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    roots: int
    station_certificate: bool
    installer: bool


MaintenanceEvent: TypeAlias = (
    LogUploaded
    | FirmwareFetched
    | FirmwareVerified
    | SignerChecked
    | FirmwareInstalled
    | CertificatesAnswered
    | CertificateExpires
    | SigningRequestMade
    | TrustKnown
)


def transferable(url: str) -> bool:
    """Whether files can be brought to or from there: a URL with a host, of a scheme that is served."""
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def tries_of(payload: Payload) -> tuple[int, float]:
    """How often, and seconds between: `retries` below 1 counts as 1, an interval below 0 as 0 (B-305)."""
    retries, interval = payload.get("retries"), payload.get("retryInterval")
    tries = DEFAULT_TRIES if not isinstance(retries, int) else max(retries, 1)
    if not isinstance(interval, int | float):
        return tries, DEFAULT_INTERVAL_SECONDS
    return tries, float(min(max(interval, 0.0), LONGEST_INTERVAL_SECONDS))
