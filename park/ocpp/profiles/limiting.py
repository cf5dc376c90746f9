"""What profiles mean for the load management: limits on the identity's circuit and on charge points, with sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from park.model.limit import Limit, LimitKind
from park.ocpp.profiles.installed import Profiles
from park.ocpp.profiles.profile import Unit
from park.ocpp.profiles.ruling import Charging, Rules, Ruling, connector_ruling, station_ruling
from park.ocpp.profiles.standing import Wired
from park.ocpp.profiles.timing import earliest

HIGHEST_MA = 1_000_000_000  # far above any design limit, and within what views and wires carry


def limits(
    profiles: Profiles,
    rules: Rules,
    circuit: str,
    wired: Mapping[int, Wired],
    charging: Mapping[int, Charging],
    at: int,
    *,
    online: bool,
) -> tuple[tuple[Limit, ...], int | None]:
    """All limits in force at an instant (ms), and when they may be others; None: when something happens.

    `charging`: the running session of each connector; where none runs, what holds is what would if one began now: a
    vehicle must not have more in the moment before its session is known here.
    """
    station = station_ruling(profiles, rules, at)
    each = {
        number: connector_ruling(profiles, rules, number, charging.get(number, Charging("", at)), at, online=online)
        for number in wired
    }
    found = [*_limit(circuit, station)]
    for connector, ruling in sorted(each.items()):
        found += _limit(wired[connector].charge_point, ruling)
    return tuple(found), earliest(station.until, *(ruling.until for ruling in each.values()))


def _limit(target: str, ruling: Ruling) -> Iterable[Limit]:
    if ruling.limit is None or not target:
        return ()
    if ruling.unit is Unit.AMPERES:
        each = min(ruling.limit, HIGHEST_MA)
        return (Limit(target, LimitKind.PROFILE, ruling.source, limit_ma=(each, each, each)),)
    return (Limit(target, LimitKind.PROFILE, ruling.source, limit_w=ruling.limit // 1_000),)
