"""All keys by all their names. A feature registers its keys by adding its group to `GROUPS`."""

from __future__ import annotations

import re

from msgspec import Struct

from park.ocpp.keys import (
    authorization,
    charging,
    core,
    link,
    load,
    local_list,
    metering,
    reservation,
    smart_charging,
    station,
    upkeep,
)
from park.ocpp.keys.key import Alias, Key, KeyGroup, Kind, fact

_BASE: tuple[KeyGroup, ...] = (
    core.GROUP,
    authorization.GROUP,
    charging.GROUP,
    metering.GROUP,
    load.GROUP,
    link.GROUP,
    station.GROUP,
    upkeep.GROUP,
    local_list.GROUP,
    KeyGroup("RemoteTrigger", "Triggered messages"),
    reservation.GROUP,
    smart_charging.GROUP,
)
_PROFILES = ",".join(dict.fromkeys(group.profile for group in _BASE))
_TOLD = KeyGroup(
    "Core",
    "Features",
    (
        fact("SupportedFeatureProfiles", Kind.LIST, _PROFILES, "§9.1.29", "Feature profiles of this station."),
        fact(
            "SupportedFeatureProfilesMaxLength",
            Kind.NUMBER,
            str(len(_PROFILES.split(","))),
            "§9.1.30",
            "Their number.",
        ),
    ),
)
GROUPS: tuple[KeyGroup, ...] = (*_BASE, _TOLD)
KEYS: tuple[Key, ...] = tuple(key for group in GROUPS for key in group.keys)

_BY_NAME: dict[str, tuple[Key, Alias | None]] = {
    **{alias.name.lower(): (key, alias) for key in KEYS for alias in key.aliases},
    **{key.name.lower(): (key, None) for key in KEYS},
}
_PLACED = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")


class Named(Struct, frozen=True):
    """What a name means: a key, by which of its names, and at which place (None: in the whole park)."""

    key: Key
    alias: Alias | None
    place: str | None

    @property
    def stored(self) -> str:
        """The name it is kept by."""
        return self.key.name if self.place is None else f"{self.key.name}[{self.place}]"

    @property
    def said(self) -> str:
        """The name it is told by."""
        name = self.key.name if self.alias is None else self.alias.name
        return name if self.place is None else f"{name}[{self.place}]"


def named(text: str) -> Named | None:
    """Key names are CiString50: case does not matter. `Key[7]`, `Key[NODE]`: one connector's, one board's."""
    placed = _PLACED.fullmatch(text.strip())
    name, place = (text.strip(), None) if placed is None else (placed[1].strip(), placed[2].strip())
    found = _BY_NAME.get(name.lower())
    return None if found is None else Named(found[0], found[1], place)


def find(name: str) -> Key | None:
    """The key of this name, as a whole."""
    found = _BY_NAME.get(name.strip().lower())
    return None if found is None else found[0]
