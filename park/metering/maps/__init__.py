"""The register maps the product knows, by the name a configuration file gives them."""

from __future__ import annotations

from park.errors import RegisterMapUnknown
from park.metering.maps.eastron_sdm630 import EASTRON_SDM630
from park.metering.maps.virtual_signing import VIRTUAL_SIGNING
from park.metering.register_map import RegisterMap

MAPS: dict[str, RegisterMap] = {each.name: each for each in (EASTRON_SDM630, VIRTUAL_SIGNING)}


def register_map(name: str) -> RegisterMap:
    """The map of that name; raises `RegisterMapUnknown` naming those that exist."""
    try:
        return MAPS[name]
    except KeyError:
        known = ", ".join(sorted(MAPS))
        raise RegisterMapUnknown(f"there is no register map {name!r}; known maps: {known}") from None
