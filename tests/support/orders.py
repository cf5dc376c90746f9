"""Every order a backend can give, with the most extreme values its schema lets through, and beyond."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from park.ocpp.keys.registry import KEYS

HUGE, SMALL = 2**31 - 1, -(2**31)
LATE, EARLY = "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"
CONNECTORS = (-1, 0, 1, 2, 99, HUGE)
LIMITS = (0, 0.1, 32, 1e6, 1e12, -1.0)
VALUES = ("", "0", "-1", "1", "true", "6300", "999999999999999999999", "NaN", "x" * 500)
REDIRECTING = {"CentralSystemURI", "AuthorizationKey", "AuthorizationUser"}  # another connection: not this one's game
URLS = ("file:///etc/passwd", "http://127.0.0.1:1/x", "ftp://127.0.0.1:1/../../x", "gopher://x", "", "'; reboot; '")
Order = tuple[str, dict[str, Any]]


def orders() -> Iterator[Order]:
    """What takes no session away; a reset is for the test to order."""
    yield from _settings()
    yield from _profiles()
    yield from _sessions()
    yield from _lists()
    yield from _upkeep()
    yield from _questions()


def _settings() -> Iterator[Order]:
    for key in KEYS:
        if key.name not in REDIRECTING:
            for value in VALUES:
                yield "ChangeConfiguration", {"key": key.name, "value": value}
    yield "ChangeConfiguration", {"key": "NoSuchKey", "value": "1"}


def _profiles() -> Iterator[Order]:
    for purpose in ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"):
        for connector in CONNECTORS:
            for limit in LIMITS:
                for stack in (1, SMALL, HUGE):
                    wild = profile(purpose, limit, stack)
                    yield "SetChargingProfile", {"connectorId": connector, "csChargingProfiles": wild}
    many = [{"startPeriod": second, "limit": 1e6} for second in range(1_000)]
    yield (
        "SetChargingProfile",
        {
            "connectorId": 1,
            "csChargingProfiles": {
                **profile("TxDefaultProfile", 1e6),
                "chargingSchedule": {"chargingRateUnit": "W", "chargingSchedulePeriod": many, "duration": HUGE},
            },
        },
    )
    yield "ClearChargingProfile", {"id": HUGE}
    yield "ClearChargingProfile", {}


def profile(purpose: str, limit: float, stack: int = 1) -> dict[str, Any]:
    schedule = {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit, "numberPhases": 3}],
        "startSchedule": EARLY,
    }
    return {
        "chargingProfileId": stack,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "validFrom": EARLY,
        "validTo": LATE,
        "chargingSchedule": schedule,
    }


def _sessions() -> Iterator[Order]:
    for connector in CONNECTORS:
        wild = profile("TxProfile", 1e6)
        yield "RemoteStartTransaction", {"connectorId": connector, "idTag": "EVIL", "chargingProfile": wild}
        yield "UnlockConnector", {"connectorId": connector}
        reservation = {"connectorId": connector, "expiryDate": LATE, "idTag": "EVIL", "reservationId": HUGE}
        yield "ReserveNow", reservation
        yield "CancelReservation", {"reservationId": HUGE}
    for transaction in (-1, 0, 9_999, HUGE, SMALL):
        yield "RemoteStopTransaction", {"transactionId": transaction}


def _lists() -> Iterator[Order]:
    tags = [{"idTag": f"T{number}", "idTagInfo": {"status": "Accepted", "expiryDate": LATE}} for number in range(3_000)]
    yield "SendLocalList", {"listVersion": HUGE, "updateType": "Full", "localAuthorizationList": tags}
    yield "SendLocalList", {"listVersion": SMALL, "updateType": "Differential", "localAuthorizationList": tags[:1] * 50}
    yield "SendLocalList", {"listVersion": 0, "updateType": "Full"}
    yield "ClearCache", {}


def _upkeep() -> Iterator[Order]:
    for url in URLS:
        yield "GetDiagnostics", {"location": url, "retries": HUGE, "retryInterval": HUGE, "startTime": LATE}
        yield "UpdateFirmware", {"location": url, "retrieveDate": LATE, "retries": HUGE}
        log = {"remoteLocation": url, "oldestTimestamp": LATE, "latestTimestamp": EARLY}
        yield "GetLog", {"log": log, "logType": "SecurityLog", "requestId": HUGE}
        firmware = {"location": url, "retrieveDateTime": LATE, "signingCertificate": "none", "signature": "none"}
        yield "SignedUpdateFirmware", {"requestId": HUGE, "firmware": firmware}
    yield "InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "x" * 5_500}
    yield "CertificateSigned", {"certificateChain": "x" * 10_000}
    serial = {"hashAlgorithm": "SHA256", "issuerNameHash": "0", "issuerKeyHash": "0", "serialNumber": "../../x"}
    yield "DeleteCertificate", {"certificateHashData": serial}
    yield "GetInstalledCertificateIds", {"certificateType": "ManufacturerRootCertificate"}


def _questions() -> Iterator[Order]:
    for connector in CONNECTORS:
        yield "GetCompositeSchedule", {"connectorId": connector, "duration": HUGE, "chargingRateUnit": "W"}
        yield "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": connector}
    yield "GetConfiguration", {"key": ["x" * 50] * 500}
    yield "GetConfiguration", {}
    yield "GetLocalListVersion", {}
    yield "DataTransfer", {"vendorId": "x" * 255, "messageId": "x" * 50, "data": "x" * 900_000}
    yield "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}
