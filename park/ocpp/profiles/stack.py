"""Which profiles lead at an instant: the highest stack level of each purpose, a TxProfile before all defaults.

| purpose               | set on      | limits                                                        |
|-----------------------|-------------|---------------------------------------------------------------|
| ChargePointMaxProfile | connector 0 | the sum of all charge points                                  |
| TxDefaultProfile      | connector 0 | each connector that has none in force of its own              |
| TxDefaultProfile      | connector n | its transactions                                              |
| TxProfile             | connector n | its running transaction, while it says something, alone       |
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from park.ocpp.profiles.installed import Installed, Profiles
from park.ocpp.profiles.profile import Period, Purpose
from park.ocpp.profiles.timing import earliest, look

STATION = 0  # the connector that stands for the whole identity


class Leading(Struct, frozen=True):
    """The profile that leads and its period; `until`: the next instant (ms) at which another may; None: never."""

    installed: Installed | None
    period: Period | None
    until: int | None


def of_station(profiles: Profiles, at: int) -> Leading:
    """The ChargePointMaxProfile in force. A relative one began when it was installed: the station always charges."""
    return _leading([(each, each.at) for each in profiles.of(STATION, Purpose.CHARGE_POINT_MAX)], at)


def of_connector(profiles: Profiles, connector: int, session: str, begin: int, at: int) -> Leading:
    """The TxProfile or TxDefaultProfile in force. `begin`: of `session`, for schedules relative to it."""
    candidates = [each for each in profiles.of(connector, Purpose.TX) if each.session == session]
    candidates += profiles.of(connector, Purpose.TX_DEFAULT)
    candidates += profiles.of(STATION, Purpose.TX_DEFAULT)
    return _leading([(each, begin) for each in candidates], at)


def _leading(candidates: Iterable[tuple[Installed, int | None]], at: int) -> Leading:
    """The first that says something."""
    until: int | None = None
    for installed, begin in candidates:
        period, then = look(installed.profile, begin, at)
        until = earliest(until, then)
        if period is not None:
            return Leading(installed, period, until)
    return Leading(None, None, until)
