"""What binds a current, in words for people; the names are those of `Reason.limit`."""

from __future__ import annotations

from park.model.grant import Reason

LIMITS = {
    "fuse": "the fuse",
    "operator": "a limit set by the operator",
    "energy_manager": "a limit set by an energy manager",
    "profile": "a charging profile of the backend",
    "timetable": "a time table",
    "input": "a digital input",
    "solar": "the sun",
    "expired": "what holds since a limit ran out",
    "external_load": "the load of others",
    "headroom": "the headroom kept free",
    "external_fallback": "the load assumed while the meter cannot be trusted",
    "power": "the limit in watts",
    "imbalance": "the largest difference between phases",
    "own_maximum": "its own maximum",
    "minimum": "the smallest current it can use",
    "share": "its share among those who charge",
    "common_current": "one current in common for all who charge",
    "lapse": "no valid grant",
    "waiting": "waiting for its turn",
}


def in_words(link: Reason) -> str:
    """One link of a reason chain, for instance `the load of others on grid L1 (meter grid-meter), 41.4 A available`."""
    text = binding(link.limit)
    where = " ".join(part for part in (link.circuit, link.phase) if part)
    if where:
        text += f" on {where}"
    if link.source and link.source not in {f"circuit {link.circuit}", link.limit}:
        text += f" ({link.source})"
    if link.available_ma is not None:
        text += f", {link.available_ma / 1000:.1f} A available"
    return text


def binding(limit: str) -> str:
    """A limit's name as words; one this version does not know as it stands."""
    return LIMITS.get(limit, limit.replace("_", " "))
