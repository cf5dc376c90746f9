"""Where the time tables of a park are: the machine's own collection of time zones."""

from __future__ import annotations

from datetime import UTC, tzinfo
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from park.config.node_config import NodeConfig
from park.errors import ConfigurationInvalid


def time_zone(config: NodeConfig, source: str = "") -> tzinfo:
    """The zone of `park.time_zone`, UTC where none is given. Raises ConfigurationInvalid; `source` names the file."""
    name = "" if config.park is None else config.park.time_zone
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "on this machine none is known: install the package tzdata"
        where = f"{source}: " if source else ""
        finding = f"{where}park.time_zone: there is no time zone {name!r}; {hint}"
        raise ConfigurationInvalid((finding,)) from None
