"""The configuration keys of OCPP 1.6: type, range, default, access and source of each, in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from park.model.access import Refused
from park.ocpp.local_list import CAPACITY
from park.ocpp.profiles.installed import PROFILES_A_CONNECTOR
from park.ocpp.profiles.profile import MOST_PERIODS, MOST_STACK_LEVEL

MASK = "****"  # what a backend reads of a secret (B-381)
VALUE_LENGTH = 500  # CiString500Type


class Kind(Enum):
    SWITCH = "boolean"
    NUMBER = "integer"
    LIST = "comma separated list"
    TEXT = "text"


class Access(Enum):
    READ = "read"
    WRITE = "read and write"
    HIDDEN = "write only"


MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Current.Import.L1",
    "Current.Import.L2",
    "Current.Import.L3",
    "Current.Offered",
    "Voltage",
    "Voltage.L1",
    "Voltage.L2",
    "Voltage.L3",
    "Frequency",
)
FEATURE_PROFILES = "Core,LocalAuthListManagement,RemoteTrigger,Reservation,SmartCharging"
SAMPLED_DEFAULT = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Current.Offered,Voltage"


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key. `least`, `most`: bounds of a number; `or_zero`: 0 is allowed below `least` (off).

    `choices`: what a list may hold (None: anything). `restart`: a change works after a restart only.
    """

    name: str
    kind: Kind
    default: str
    source: str
    access: Access = Access.WRITE
    least: int = 0
    most: int = 2_147_483_647
    or_zero: bool = False
    choices: tuple[str, ...] | None = None
    restart: bool = False


def _switch(name: str, source: str, *, on: bool) -> Key:
    return Key(name, Kind.SWITCH, "true" if on else "false", source)


def _fixed(name: str, kind: Kind, value: str, source: str) -> Key:
    return Key(name, kind, value, source, Access.READ)


KEYS: tuple[Key, ...] = (
    # OCPP 1.6 §9.1 core profile
    _switch("AllowOfflineTxForUnknownId", "§9.1.1", on=False),
    _switch("AuthorizationCacheEnabled", "§9.1.2", on=False),
    _switch("AuthorizeRemoteTxRequests", "§9.1.3", on=False),
    Key("ClockAlignedDataInterval", Kind.NUMBER, "0", "§9.1.5, B-068", least=10, most=86_400, or_zero=True),
    Key("ConnectionTimeOut", Kind.NUMBER, "60", "§9.1.6", least=1, most=86_400),
    _fixed("ConnectorPhaseRotation", Kind.LIST, "Unknown", "§9.1.7"),
    _fixed("GetConfigurationMaxKeys", Kind.NUMBER, "100", "§9.1.9; larger than B-208, told truthfully"),
    Key("HeartbeatInterval", Kind.NUMBER, "600", "§9.1.10, B-124, B-207", most=65_234),
    _switch("LocalAuthorizeOffline", "§9.1.12", on=True),
    _switch("LocalPreAuthorize", "§9.1.13", on=False),
    Key("MeterValuesAlignedData", Kind.LIST, SAMPLED_DEFAULT, "§9.1.15", choices=MEASURANDS),
    Key("MeterValuesSampledData", Kind.LIST, SAMPLED_DEFAULT, "§9.1.17", choices=MEASURANDS),
    _fixed("MeterValuesSampledDataMaxLength", Kind.NUMBER, str(len(MEASURANDS)), "§9.1.18"),
    _fixed("MeterValuesAlignedDataMaxLength", Kind.NUMBER, str(len(MEASURANDS)), "§9.1.16"),
    Key("MeterValueSampleInterval", Kind.NUMBER, "60", "§9.1.19, B-066", least=10, most=86_400, or_zero=True),
    Key("MinimumStatusDuration", Kind.NUMBER, "0", "§9.1.20", most=3_600),
    _fixed("NumberOfConnectors", Kind.NUMBER, "0", "§9.1.21"),
    Key("ResetRetries", Kind.NUMBER, "3", "§9.1.22", most=10),
    _switch("StopTransactionOnEVSideDisconnect", "§9.1.23", on=True),
    _switch("StopTransactionOnInvalidId", "§9.1.24", on=True),
    Key("StopTxnAlignedData", Kind.LIST, "", "§9.1.25", choices=()),
    Key("StopTxnSampledData", Kind.LIST, "", "§9.1.27", choices=()),
    _fixed(
        "SupportedFeatureProfiles",
        Kind.LIST,
        "Core,FirmwareManagement,LocalAuthListManagement,RemoteTrigger,Reservation,SmartCharging",
        "§9.1.29",
    ),
    # 5 × 60 s bounds what a message the backend cannot digest holds up: 10 minutes of waiting and 5 timeouts. Unlimited
    # (0) would hold up every later transaction for ever, fewer would give a backend no time to recover.
    Key("TransactionMessageAttempts", Kind.NUMBER, "5", "§9.1.31, B-023, B-122", most=10),
    Key("TransactionMessageRetryInterval", Kind.NUMBER, "60", "§9.1.32, B-026, B-123", most=1_000),
    _switch("UnlockConnectorOnEVSideDisconnect", "§9.1.33", on=True),
    Key("WebSocketPingInterval", Kind.NUMBER, "60", "§9.1.34, B-004", most=10_000, restart=True),
    # OCPP 1.6 security white paper
    Key("AuthorizationKey", Kind.TEXT, "", "security white paper §2.3, B-381", Access.HIDDEN),
    Key("SecurityProfile", Kind.NUMBER, "0", "security white paper §3; never lowered", most=3),
    # OCPP 1.6 §9.2 local authorization list profile, §9.3 reservation profile
    _switch("LocalAuthListEnabled", "§9.2.1", on=True),
    _fixed("LocalAuthListMaxLength", Kind.NUMBER, str(CAPACITY), "§9.2.2, B-210"),
    _fixed("SendLocalListMaxLength", Kind.NUMBER, str(CAPACITY), "§9.2.3, B-111, B-210"),
    _switch("ReserveConnectorZeroSupported", "§9.3.1, B-130", on=True),
    # OCPP 1.6 §9.4 smart charging profile
    _fixed("ChargeProfileMaxStackLevel", Kind.NUMBER, str(MOST_STACK_LEVEL), "§9.4.1, B-140"),
    _fixed("ChargingScheduleAllowedChargingRateUnit", Kind.LIST, "Current,Power", "§9.4.2, B-179"),
    _fixed("ChargingScheduleMaxPeriods", Kind.NUMBER, str(MOST_PERIODS), "§9.4.3"),
    _fixed("ConnectorSwitch3to1PhaseSupported", Kind.SWITCH, "false", "§9.4.4: no pole is opened here yet"),
    _fixed("MaxChargingProfilesInstalled", Kind.NUMBER, str(PROFILES_A_CONNECTOR), "§9.4.5, B-140, B-208"),
    # keys of vendors with a meaning here
    _switch("SmartChargingEnabled", "B-139", on=True),
    Key("NominalAmperage", Kind.NUMBER, "16", "B-138, B-139", most=1_000),
    Key("NominalPeriod", Kind.NUMBER, "0", "B-138", least=30, most=300, or_zero=True),
    _switch("SmartChargingUseDisconnectedLimit", "B-079", on=False),
    Key("SmartChargingDisconnectedLimit", Kind.NUMBER, "6", "B-079", most=1_000),
    _switch("ForceHeartbeatRequestMessages", "B-013", on=False),
    Key("OCPPBackendJSONURL", Kind.TEXT, "", "B-001, B-033"),
    Key("MessageResponseTimeOut", Kind.NUMBER, "30", "B-008, B-121", least=3, most=300),
    _switch("OcppGetConfBoolIsInt", "B-043", on=False),
    _switch("RetransmitMeterValues", "B-031, B-032", on=True),
)
_BY_NAME = {key.name.lower(): key for key in KEYS}
_ON, _OFF = frozenset({"true", "1"}), frozenset({"false", "0"})  # B-043: both forms are understood


def find(name: str) -> Key | None:
    """Key names are CiString50: case does not matter."""
    return _BY_NAME.get(name.strip().lower())


@dataclass(frozen=True, slots=True)
class KeyValues:
    """The values in force: what was set, else the default of this station, else of the table."""

    changed: Mapping[str, str]
    station: Mapping[str, str]

    def text(self, name: str) -> str:
        if name in self.changed:
            return self.changed[name]
        return self.station.get(name, _BY_NAME[name.lower()].default)

    def number(self, name: str) -> int:
        return int(self.text(name))

    def switch(self, name: str) -> bool:
        return self.text(name) == "true"

    def items(self, name: str) -> tuple[str, ...]:
        return split(self.text(name))

    def with_value(self, name: str, value: str) -> KeyValues:
        return replace(self, changed={**self.changed, name: value})


def split(text: str) -> tuple[str, ...]:
    return tuple(item for item in (part.strip() for part in text.split(",")) if item)


def accept(key: Key, text: str) -> str | Refused:
    """The value as it is stored, or why it is refused (B-113, B-382); `Refused` here has no request id."""
    if key.access is not Access.WRITE:
        return _refused(key, "cannot be changed by the backend")
    if len(text) > VALUE_LENGTH:
        return _refused(key, f"takes at most {VALUE_LENGTH} characters")
    match key.kind:
        case Kind.SWITCH:
            word = text.strip().lower()
            return "true" if word in _ON else "false" if word in _OFF else _refused(key, "is true or false")
        case Kind.NUMBER:
            return _accept_number(key, text.strip())
        case Kind.LIST:
            return _accept_list(key, split(text))
        case Kind.TEXT:
            return text


def _accept_number(key: Key, text: str) -> str | Refused:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(key.most))):
        return _refused(key, f"is a whole number up to {key.most}")
    value = int(text)
    if not (key.least <= value <= key.most or (key.or_zero and value == 0)):
        off = "0 (off) or " if key.or_zero else ""
        return _refused(key, f"is {off}{key.least} to {key.most}")
    return str(value)


def _accept_list(key: Key, items: Iterable[str]) -> str | Refused:
    if key.choices is None:
        return ",".join(items)
    spelling = {choice.lower(): choice for choice in key.choices}
    accepted: list[str] = []
    for item in items:
        if item.lower() not in spelling:
            return _refused(key, f"knows {', '.join(key.choices) or 'no item yet'}; not {item}")
        accepted.append(spelling[item.lower()])
    return ",".join(dict.fromkeys(accepted))


def _refused(key: Key, why: str) -> Refused:
    return Refused("", f"{key.name} {why}")


def shown(key: Key, values: KeyValues) -> str:
    """What GetConfiguration answers: secrets masked (B-381), booleans as 0/1 on wish (B-043), at most 500 letters."""
    if key.access is Access.HIDDEN:
        return MASK
    text = values.text(key.name)
    if key.kind is Kind.SWITCH and values.switch("OcppGetConfBoolIsInt"):
        return "1" if text == "true" else "0"
    return text[:VALUE_LENGTH]
