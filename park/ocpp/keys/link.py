"""Keys about the connection to the backend."""

from __future__ import annotations

from park.ocpp.keys.key import Access, Alias, Key, KeyGroup, Kind, Steers, fact, switch

GROUP = KeyGroup(
    "Core",
    "Backend connection",
    (
        Key(
            "WebSocketPingInterval",
            Kind.NUMBER,
            "60",
            "§9.1.34, B-004, B-202",
            "Seconds between pings; 0: none.",
            most=10_000,
            steers=Steers.LINK,
        ),
        Key(
            "WebSocketPingTimeout",
            Kind.NUMBER,
            "20",
            "B-201",
            "Seconds to wait for the pong before the connection counts as lost.",
            least=1,
            most=3_600,
            steers=Steers.LINK,
        ),
        Key(
            "CentralSystemURI",
            Kind.TEXT,
            "",
            "the makers' tables, B-001, B-033",
            "Address of the backend; the identity is appended. One that does not work is given up again.",
            most=512,
            aliases=(Alias("OCPPBackendJSONURL"),),
            file="backend.url",
            steers=Steers.LINK,
        ),
        fact(
            "ChargeBoxIdentity",
            Kind.TEXT,
            "",
            "the makers' tables",
            "Identity towards the backend.",
            (Alias("NodeId"),),
            "backend.identity",
        ),
        fact("OCPPProtocolUsed", Kind.TEXT, "ocpp1.6", "GreenFlux's table", "Version spoken."),
        fact("OCPPProtocolsSupported", Kind.LIST, "ocpp1.6", "GreenFlux's table", "Versions offered."),
        Key(
            "AuthorizationKey",
            Kind.TEXT,
            "",
            "security white paper §2.3, B-381",
            "Password of the connection, used from the next one on, which is made at once; always told as `****`.",
            Access.HIDDEN,
            aliases=(Alias("HTTPBasicAuthPassword"),),
            file="backend.password_file",
        ),
        Key(
            "AuthorizationUser",
            Kind.TEXT,
            "",
            "B-380",
            "User of the connection where it is another than the identity, used as a new AuthorizationKey is.",
            most=48,
        ),
        Key(
            "SecurityProfile",
            Kind.NUMBER,
            "0",
            "security white paper §3",
            "Raised by a backend, never lowered; one that does not work is given up again.",
            most=3,
            file="backend.security_profile",
            steers=Steers.LINK,
        ),
        switch(
            "bootNotificationOnReconnect",
            "chargebyte's table",
            "A BootNotification is sent after each new connection.",
            on=False,
        ),
        switch(
            "useAsTimeSource",
            "chargebyte's table",
            "The board's clock follows the time in the backend's answers.",
            on=True,
        ),
        switch(
            "AllowTimeSyncDuringSession",
            "B-392",
            "It does so while vehicles charge too.",
            on=True,
        ),
    ),
)
