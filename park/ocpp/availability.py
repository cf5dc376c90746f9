"""Whether a connector is in service: the backend and people on site must agree, unless somebody forces it.

| override (B-041) | backend | on site | connector (B-211) |
|---|---|---|---|
| none | operative | operative | operative |
| none | any of the two inoperative || inoperative |
| operative, inoperative | any | any | as forced |

While something else withholds the station (`park.ocpp.features.withholding`) that counts as inoperative.
"""

from __future__ import annotations

from park.model.access import PILOT_OFF, ConnectorStatus, ConnectorStatusChanged, SettingChanged
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect, SettingsRepeated
from park.ocpp.state import CentralSystem
from park.ocpp.statuses import NO_ERROR

SETTING = "Operative"
STATION = 0  # OCPP 1.6 §4.9: connector 0 stands for the whole station


def operative(state: CentralSystem, connector: int) -> bool:
    """What a connector has to be."""
    places = state.settings.places(connector)
    forced = state.values.text_at("ConnectorStateOverride", *places)
    if forced != "None":
        return forced == "Operative"
    on_site = state.values.text_at("LocalAvailability", *places) == "Operative"
    return on_site and not state.withheld.service and state.availability.get(connector, True)


def for_point(state: CentralSystem, point: str) -> tuple[CentralSystemEffect, ...]:
    """What one charge point has to hear."""
    return tuple(
        SettingsRepeated(point, _settings(state, connector))
        for connector, name in state.settings.points.items()
        if name == point
    )


def _settings(state: CentralSystem, connector: int) -> tuple[SettingChanged, ...]:
    mine = state.settings.points.get(connector, "").partition("/")[0] == state.settings.node
    return (
        SettingChanged(SETTING, operative(state, connector)),
        SettingChanged(PILOT_OFF, value=mine and state.withheld.pilot),  # only this board begins anew
    )


def for_all(state: CentralSystem) -> tuple[CentralSystemEffect, ...]:
    return tuple(effect for point in state.settings.points.values() for effect in for_point(state, point))


def station(state: CentralSystem, now: Now) -> ConnectorStatusChanged:
    """The status of the station as a whole."""
    status = ConnectorStatus.AVAILABLE if state.availability.get(STATION, True) else ConnectorStatus.UNAVAILABLE
    return ConnectorStatusChanged(STATION, status, NO_ERROR, "", now.wall)
