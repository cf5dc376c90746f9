"""Keys of charging profiles (OCPP 1.6 §9.4)."""

from __future__ import annotations

from park.ocpp.keys.key import Alias, Key, KeyGroup, Kind, fact, switch
from park.ocpp.profiles.installed import PROFILES_A_CONNECTOR
from park.ocpp.profiles.profile import MOST_PERIODS, MOST_STACK_LEVEL

GROUP = KeyGroup(
    "SmartCharging",
    "Smart charging",
    (
        fact(
            "ChargeProfileMaxStackLevel",
            Kind.NUMBER,
            str(MOST_STACK_LEVEL),
            "§9.4.1, B-140",
            "Highest stack level.",
            (Alias("ChargingProfileMaxStackLevel"),),
        ),
        fact(
            "ChargingScheduleAllowedChargingRateUnit",
            Kind.LIST,
            "Current,Power",
            "§9.4.2, B-179",
            "Units of a schedule.",
        ),
        fact(
            "ChargingScheduleMaxPeriods",
            Kind.NUMBER,
            str(MOST_PERIODS),
            "§9.4.3",
            "Most periods of a schedule.",
            (Alias("ChargingSchedulesMaxPeriods"),),
        ),
        fact(
            "ConnectorSwitch3to1PhaseSupported",
            Kind.SWITCH,
            "false",
            "§9.4.4: no pole is opened here yet",
            "Whether a profile may switch phases.",
        ),
        fact(
            "MaxChargingProfilesInstalled",
            Kind.NUMBER,
            str(PROFILES_A_CONNECTOR),
            "§9.4.5, B-140, B-208",
            "Most profiles at once.",
        ),
        switch("SmartChargingEnabled", "B-139", "Profiles limit what vehicles get.", on=True),
        Key(
            "NominalAmperage",
            Kind.NUMBER,
            "16",
            "B-138, B-139",
            "Amperes while profiles are off, and in the nominal period.",
            most=1_000,
        ),
        Key(
            "NominalPeriod",
            Kind.NUMBER,
            "0",
            "B-138",
            "Seconds at the begin of a session in which profiles do not count; 0: none.",
            least=30,
            most=300,
            or_zero=True,
        ),
        switch(
            "SmartChargingUseDisconnectedLimit",
            "B-079",
            "Without the backend the limit below holds instead of profiles.",
            on=False,
        ),
        Key(
            "SmartChargingDisconnectedLimit",
            Kind.NUMBER,
            "6",
            "B-079",
            "Amperes while the backend is away.",
            most=1_000,
        ),
    ),
)
