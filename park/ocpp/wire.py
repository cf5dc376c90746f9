"""Facts of OCPP 1.6J that both directions share: actions, error codes, times, and the length of id tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

SUBPROTOCOL = "ocpp1.6"
ID_TAG_LENGTH = 20  # CiString20Type, OCPP 1.6 §7.28
UNIQUE_ID_LENGTH = 36  # OCPP-J 1.6 §4.1.4

BACKEND_ACTIONS = frozenset(
    {
        # OCPP 1.6 §5, operations initiated by the central system
        "CancelReservation",
        "ChangeAvailability",
        "ChangeConfiguration",
        "ClearCache",
        "ClearChargingProfile",
        "DataTransfer",
        "GetCompositeSchedule",
        "GetConfiguration",
        "GetDiagnostics",
        "GetLocalListVersion",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "ReserveNow",
        "Reset",
        "SendLocalList",
        "SetChargingProfile",
        "TriggerMessage",
        "UnlockConnector",
        "UpdateFirmware",
        # OCPP 1.6 security white paper
        "CertificateSigned",
        "DeleteCertificate",
        "ExtendedTriggerMessage",
        "GetInstalledCertificateIds",
        "GetLog",
        "InstallCertificate",
        "SignedUpdateFirmware",
    }
)

CHARGE_POINT_ACTIONS = frozenset(
    {
        # OCPP 1.6 §4, operations initiated by the charge point, as far as an embedded backend answers them
        "Authorize",
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        # OCPP 1.6 security white paper
        "LogStatusNotification",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
    }
)

TRANSACTION_ACTIONS = frozenset({"StartTransaction", "MeterValues", "StopTransaction"})  # OCPP 1.6 §3.7, B-027

# OCPP-J 1.6 table 7
NOT_IMPLEMENTED = "NotImplemented"  # the action is not known here
INTERNAL_ERROR = "InternalError"
FORMATION_VIOLATION = "FormationViolation"
OCCURRENCE_VIOLATION = "OccurenceConstraintViolation"  # spelt so by the standard
PROPERTY_VIOLATION = "PropertyConstraintViolation"


def iso(at: datetime) -> str:
    """`2026-11-20T08:00:00.000Z`: UTC with milliseconds, the same text for the same instant (B-192, B-395)."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def instant(text: object) -> datetime | None:
    """A time of the backend as aware UTC, fraction or none (B-192); without an offset it is UTC; None: not a time."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def member(payload: Mapping[str, object], name: str) -> Mapping[str, object]:
    """The JSON object of that name, empty when there is none."""
    found = payload.get(name)
    return cast("Mapping[str, object]", found) if isinstance(found, Mapping) else {}


def text_of(payload: Mapping[str, object], name: str) -> str | None:
    found = payload.get(name)
    return found if isinstance(found, str) else None


def integer_of(payload: Mapping[str, object], name: str) -> int | None:
    """The integer of that name; 5.0 is one too, for JSON knows no difference."""
    found = payload.get(name)
    if isinstance(found, bool):
        return None
    if isinstance(found, float) and found.is_integer():
        return int(found)
    return found if isinstance(found, int) else None
