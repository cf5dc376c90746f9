"""Where a client board tries to reach its server: an order, never a judgement."""

from __future__ import annotations

from collections.abc import Iterable

from park.config.quantities import Endpoint, endpoint
from park.discovery.sighting import Sighting


def server_candidates(sightings: Iterable[Sighting], park: str, pinned: str = "") -> tuple[Sighting, ...]:
    """Boards that say they lead `park` and listen: the pinned fingerprint first, then by name.

    Who is trusted is decided by the certificate that is shown after dialling: a forged announcement is merely tried,
    and last where a server is pinned.
    """
    leading = (each for each in sightings if each.park == park and each.role == "server" and each.port)
    return tuple(sorted(leading, key=lambda each: (not pinned or each.fingerprint != pinned, each.node, each.instance)))


def server_endpoints(
    sightings: Iterable[Sighting], park: str, pinned: str = "", fixed: str = ""
) -> tuple[Endpoint, ...]:
    """What to dial, in this order; `fixed` (`server.address`, HOST:PORT) stands for all that was seen."""
    if fixed:
        return (endpoint(fixed),)
    places = (place for each in server_candidates(sightings, park, pinned) for place in each.endpoints)
    return tuple(dict.fromkeys(places))
