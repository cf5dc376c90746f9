"""What rules a connector or the whole station at an instant: a profile, or a setting that stands above profiles."""

from __future__ import annotations

from msgspec import Struct

from park.model.electric import NOMINAL_VOLTAGE_MV
from park.ocpp.profiles.installed import Profiles
from park.ocpp.profiles.profile import Unit
from park.ocpp.profiles.stack import Leading, of_connector, of_station


class Rules(Struct, frozen=True):
    """Settings above profiles (B-079, B-138, B-139). Currents in mA, `nominal_period` ms, 0: profiles rule at once.

    `disconnected_ma`: rules while the backend is away, None: profiles do.
    """

    enabled: bool = True
    nominal_ma: int = 16_000
    nominal_period: int = 0
    disconnected_ma: int | None = None


class Ruling(Struct, frozen=True):
    """`limit`, `minimum`: thousandths of the unit, None: nothing limits. `until`: ms, None: until told otherwise.

    `source`: for people.
    """

    limit: int | None
    unit: Unit = Unit.AMPERES
    minimum: int | None = None
    source: str = ""
    until: int | None = None


class Charging(Struct, frozen=True):
    """A running session. `begin`: ms. Session "": the one that would run if it began now."""

    session: str
    begin: int


def station_ruling(profiles: Profiles, rules: Rules, at: int) -> Ruling:
    """What limits the sum of all."""
    return _by_profile(of_station(profiles, at)) if rules.enabled else Ruling(None)


def connector_ruling(
    profiles: Profiles, rules: Rules, connector: int, charging: Charging, at: int, *, online: bool
) -> Ruling:
    """What limits the current of this connector, beside all that limits the station."""
    if not rules.enabled:
        return Ruling(rules.nominal_ma, source="SmartChargingEnabled is off: NominalAmperage")
    if rules.disconnected_ma is not None and not online:
        return Ruling(rules.disconnected_ma, source="SmartChargingDisconnectedLimit: the backend is away")
    if charging.begin <= at < charging.begin + rules.nominal_period:
        until = charging.begin + rules.nominal_period
        return Ruling(rules.nominal_ma, source="NominalAmperage: the session has just begun", until=until)
    return _by_profile(of_connector(profiles, connector, charging.session, charging.begin, at))


def _by_profile(leading: Leading) -> Ruling:
    if leading.installed is None or leading.period is None:
        return Ruling(None, until=leading.until)
    profile = leading.installed.profile
    return Ruling(leading.period.limit, profile.unit, profile.minimum, leading.installed.name, leading.until)


def amperes_ma(limit: int, unit: Unit, phases: int, voltage_mv: int = NOMINAL_VOLTAGE_MV) -> int:
    """A limit as mA on each of the phases it is used on. Watts are meant in all (OCPP 1.6 §7.12); rounded down."""
    return limit if unit is Unit.AMPERES else limit * 1_000 // (phases * voltage_mv)


def watts_mw(limit: int, unit: Unit, phases: int, voltage_mv: int = NOMINAL_VOLTAGE_MV) -> int:
    """A limit as mW in all; rounded down."""
    return limit if unit is Unit.WATTS else limit * phases * voltage_mv // 1_000
