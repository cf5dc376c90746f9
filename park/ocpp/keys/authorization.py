"""Keys about who may charge."""

from __future__ import annotations

from park.ocpp.keys.key import Alias, Key, KeyGroup, Kind, Scope, Steers, point_switch, switch

OFFLINE = "authorization.offline"

GROUP = KeyGroup(
    "Core",
    "Authorization",
    (
        switch(
            "AuthorizeRemoteTxRequests",
            "§9.1.3, B-050",
            "A remote start is authorized first, as a card would be.",
            on=False,
        ),
        switch(
            "LocalPreAuthorize",
            "§9.1.13, B-056",
            "Cards known here start without waiting for the backend.",
            on=False,
            steers=Steers.AUTHORIZATION,
        ),
        Key(
            "LocalAuthorizeOffline",
            Kind.SWITCH,
            "true",
            "§9.1.12, B-056",
            "Cards known here start while the backend is away.",
            steers=Steers.AUTHORIZATION,
            file=OFFLINE,
        ),
        Key(
            "AllowOfflineTxForUnknownId",
            Kind.CHOICE,
            "false",
            "§9.1.1, B-051",
            "Unknown cards start while the backend is away; `ImmediatelyWhenPlugged`: every vehicle, without a card.",
            choices=("false", "true", "ImmediatelyWhenPlugged"),
            steers=Steers.AUTHORIZATION,
            file=OFFLINE,
        ),
        Key(
            "AuthorizationCacheEnabled",
            Kind.SWITCH,
            "false",
            "§9.1.2, B-055, B-114",
            "Cards the backend accepted are known here for 7 days, or until they expire.",
            steers=Steers.AUTHORIZATION,
            aliases=(Alias("AuthorisationCacheEnabled"),),
        ),
        Key(
            "FreeCharging",
            Kind.SWITCH,
            "false",
            "B-053",
            "Every vehicle that is plugged in charges.",
            steers=Steers.AUTHORIZATION,
            aliases=(Alias("TaglessCharging"), Alias("FreeMode")),
            file="authorization.mode",
        ),
        Key(
            "RfidTagFreeCharging",
            Kind.TEXT,
            "FREE",
            "B-052",
            "Id tag of sessions without a card.",
            least=1,
            most=20,
            steers=Steers.AUTHORIZATION,
            aliases=(Alias("FreeModeUID"),),
            file="authorization.free_tag",
        ),
        Key(
            "TaglessIdTag",
            Kind.TEXT,
            "",
            "B-133",
            "Id tag of sessions without a card at one connector, of each another; empty: RfidTagFreeCharging.",
            most=20,
            scope=Scope.POINT,
            steers=Steers.AUTHORIZATION,
            unique=True,
        ),
        Key(
            "idTagLetterCase",
            Kind.CHOICE,
            "AsRead",
            "Bender's table",
            "Letters of card numbers as they are told to the backend.",
            choices=("AsRead", "Upper", "Lower"),
            steers=Steers.AUTHORIZATION,
        ),
        point_switch(
            "StopTransactionOnInvalidId",
            "§9.1.24, B-120",
            "A session whose card the backend refuses ends; else it goes on without energy.",
            on=True,
        ),
        Key(
            "MaxEnergyOnInvalidId",
            Kind.NUMBER,
            "0",
            "§9.1.14, B-119",
            "Wh a session may still take whose card is refused and that is not ended.",
            most=65_535,
            scope=Scope.POINT,
            steers=Steers.POINT,
        ),
    ),
)
