"""Security events of the white paper (edition 3, §4): written to the security log, and told to the backend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from park.ocpp.link import LossCause, Payload
from park.ocpp.wire import iso

TECH_INFO_LENGTH = 255  # white paper §5.10


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """`type`: of the white paper's list. `info`: for people, without secrets."""

    type: str
    at: datetime
    info: str = ""

    def payload(self) -> Payload:
        """SecurityEventNotification.req."""
        payload = {"type": self.type[:50], "timestamp": iso(self.at)}
        return {**payload, "techInfo": self.info[:TECH_INFO_LENGTH]} if self.info else payload


STARTUP = "StartupOfTheDevice"
RECONFIGURED = "ReconfigurationOfSecurityParameters"
FIRMWARE_UPDATED = "FirmwareUpdated"
INVALID_FIRMWARE_SIGNATURE = "InvalidFirmwareSignature"
INVALID_SIGNING_CERTIFICATE = "InvalidFirmwareSigningCertificate"
INVALID_STATION_CERTIFICATE = "InvalidChargePointCertificate"
RESET = "ResetOrReboot"

OF_LOSS = {
    LossCause.CREDENTIALS: "FailedToAuthenticateAtCentralSystem",
    LossCause.CERTIFICATE: "InvalidCentralSystemCertificate",
    LossCause.TLS_VERSION: "InvalidTLSVersion",
    LossCause.CIPHER: "InvalidTLSCipherSuite",
}
"""What a refused connection is called; one that just does not come about is no matter of security."""
