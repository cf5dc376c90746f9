"""Security events of the white paper (edition 3, §4): written to the security log, and told to the backend."""

from __future__ import annotations

from park.ocpp.link import LossCause

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
