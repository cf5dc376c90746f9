"""Keys about charging profiles (OCPP 1.6 §9.4), and the vendors' settings that stand above profiles."""

from __future__ import annotations

from park.ocpp.keys.key import Access, Alias, Key, KeyGroup, Kind, Scope, Steers, fact
from park.ocpp.profiles.installed import PROFILES_A_CONNECTOR
from park.ocpp.profiles.profile import MOST_PERIODS, MOST_STACK_LEVEL

GROUP = KeyGroup(
    "SmartCharging",
    "Charging profiles",
    (
        fact(
            "ChargeProfileMaxStackLevel",
            Kind.NUMBER,
            str(MOST_STACK_LEVEL),
            "§9.4.1, B-140",
            "Highest stack level of a profile.",
            aliases=(Alias("ChargingProfileMaxStackLevel"),),
        ),
        fact(
            "ChargingScheduleAllowedChargingRateUnit",
            Kind.LIST,
            "Current,Power",
            "§9.4.2, B-179",
            "Units a schedule may be in.",
        ),
        fact(
            "ChargingScheduleMaxPeriods",
            Kind.NUMBER,
            str(MOST_PERIODS),
            "§9.4.3, B-208",
            "Periods of a schedule.",
            aliases=(Alias("ChargingSchedulesMaxPeriods"),),
        ),
        Key(
            "ConnectorSwitch3to1PhaseSupported",
            Kind.SWITCH,
            "false",
            "§9.4.4, B-285",
            "Whether it goes from three phases to one and back in a transaction, when load management finds that "
            "better; no profile orders it. Of the park: whether all do.",
            Access.READ,
            scope=Scope.POINT,
            steers=Steers.FACT,
            file="charge_point.phase_switching",
        ),
        fact(
            "MaxChargingProfilesInstalled",
            Kind.NUMBER,
            str(PROFILES_A_CONNECTOR),
            "§9.4.5, B-140, B-208",
            "Profiles held at once: eight for each connector, 0 counted.",
        ),
        Key(
            "SmartChargingEnabled",
            Kind.SWITCH,
            "true",
            "B-139",
            "Profiles are followed; else each charge point has the nominal current.",
            scope=Scope.POINT,
        ),
        Key(
            "NominalAmperage",
            Kind.NUMBER,
            "16",
            "B-138, B-139",
            "Amperes of a charge point while profiles are ignored.",
            most=1_000,
            scope=Scope.POINT,
        ),
        Key(
            "NominalPeriod",
            Kind.NUMBER,
            "0",
            "B-138",
            "Seconds a session has the nominal current before its profiles are followed; 0: at once.",
            least=30,
            most=300,
            or_zero=True,
            scope=Scope.POINT,
        ),
        Key(
            "SmartChargingUseDisconnectedLimit",
            Kind.SWITCH,
            "false",
            "B-079",
            "Without the backend the disconnected limit stands above profiles of charge points.",
            scope=Scope.POINT,
        ),
        Key(
            "SmartChargingDisconnectedLimit",
            Kind.NUMBER,
            "6",
            "B-079",
            "Amperes of a charge point then.",
            most=1_000,
            scope=Scope.POINT,
        ),
    ),
)
