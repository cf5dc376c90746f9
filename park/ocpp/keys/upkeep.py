"""Keys about files and certificates."""

from __future__ import annotations

from park.ocpp.keys.key import Key, KeyGroup, Kind, fact, switch
from park.ocpp.maintenance import MOST_ROOTS, SCHEMES

CHAIN_LENGTH = 10_000  # security white paper §5.1: longest certificateChain of CertificateSigned

GROUP = KeyGroup(
    "FirmwareManagement",
    "Firmware, logs and certificates",
    (
        fact(
            "SupportedFileTransferProtocols",
            Kind.LIST,
            ",".join(scheme.upper() for scheme in SCHEMES),
            "OCPP 1.6 §9.1",
            "How logs may be brought and firmware be fetched.",
        ),
        fact(
            "CertificateStoreMaxLength",
            Kind.NUMBER,
            str(MOST_ROOTS),
            "security white paper §3",
            "How many roots of a kind can be installed.",
        ),
        fact(
            "CertificateSignedMaxChainSize",
            Kind.NUMBER,
            str(CHAIN_LENGTH),
            "security white paper §3",
            "Characters of a certificate chain.",
        ),
        switch(
            "UnavailableDuringDownload",
            "B-040",
            "Connectors are out of service while firmware is being fetched; running sessions go on.",
            on=False,
        ),
        Key(
            "PreUnavailabilityForUpdate",
            Kind.NUMBER,
            "0",
            "B-387",
            "Seconds before the restart into new firmware in which charge points show vehicles state F; 0: none.",
            most=3_600,
        ),
        Key(
            "CpoName",
            Kind.TEXT,
            "",
            "security white paper §3",
            "Organisation in the station's next signing request.",
            most=64,
        ),
    ),
)
