"""Keys about how the station presents itself."""

from __future__ import annotations

from park.ocpp.keys.key import Alias, Key, KeyGroup, Kind, Scope, Steers, fact, switch
from park.ocpp.services import OWN_VENDOR

_NAME_PLATE = "the makers' tables, B-048"


def _plate(name: str, most: int, about: str, *aliases: str) -> Key:
    return Key(
        name,
        Kind.TEXT,
        "",
        _NAME_PLATE,
        about,
        most=most,
        restart=True,
        aliases=tuple(Alias(alias) for alias in aliases),
    )


GROUP = KeyGroup(
    "Core",
    "Name plate and notifications",
    (
        _plate("ChargePointVendor", 20, "Vendor in BootNotification."),
        _plate("ChargePointModel", 20, "Model in BootNotification.", "Model"),
        _plate(
            "ChargePointSerialNumber",
            25,
            "Serial number in BootNotification; empty: the identity.",
            "SerialNumber",
        ),
        Key(
            "ChargeBoxSerialNumber",
            Kind.TEXT,
            "",
            "B-047",
            "Serial number of the board in BootNotification; written once, while it is empty.",
            most=25,
            restart=True,
            once=True,
        ),
        fact("FirmwareVersion", Kind.TEXT, "", "Bender's table", "Version of this program."),
        fact(
            "ConnectorPhaseRotation",
            Kind.LIST,
            "Unknown",
            "§9.1.7",
            "Grid phases on each connector's L1, L2, L3.",
            file="charge_point.wiring",
        ),
        fact("ConnectorPhaseRotationMaxLength", Kind.NUMBER, "0", "§9.1.8", "Items of that list."),
        fact("vendorId", Kind.TEXT, OWN_VENDOR, "chargebyte's table", "Vendor id of our own DataTransfer."),
        switch(
            "AvailabilityOnlyWhenTimeSynchronized",
            "B-391",
            "Connectors are out of service while the time is not known.",
            on=False,
        ),
        switch(
            "InfoStatusNotifications",
            "B-034, B-035",
            "Notifications without an error say whether energy flows.",
            on=False,
        ),
        switch(
            "InputOutputBackendControlledMode",
            "B-036",
            "The digital inputs of this node are the backend's business.",
            on=False,
        ),
        switch(
            "InputChangeNotifyBackend",
            "B-036",
            "They are told when they change, in that mode and with InfoStatusNotifications, at most every 10 s.",
            on=False,
        ),
        Key(
            "TempDelta",
            Kind.NUMBER,
            "0",
            "B-038",
            "Degrees Celsius by which a charge point's temperature has to change to be told, with "
            "InfoStatusNotifications; 0: it is not.",
            most=100,
            scope=Scope.POINT,
            steers=Steers.POINT,
        ),
        Key(
            "RCMBDelta",
            Kind.NUMBER,
            "0",
            "B-037",
            "Tenths of a milliampere by which a charge point's residual current has to change to be told, with "
            "InfoStatusNotifications; 0: it is not.",
            most=10_000,
            scope=Scope.POINT,
            steers=Steers.POINT,
        ),
        switch(
            "ReportResolvedFaults",
            "B-198",
            "Faults that came and went while the backend was away are told afterwards, with their times.",
            on=False,
        ),
        switch(
            "ErrorStatusNotifications",
            "B-035",
            "Errors that leave a connector in use are told; Faulted always is.",
            on=True,
        ),
    ),
)
