"""What the electronics of a charge point learn of the car that was plugged in, and when: SLAC of ISO 15118-3."""

from __future__ import annotations

from msgspec import Struct

from park.physics.evse import Evse

MATCH_SECONDS = 1.0  # design: cars that answer do so within about a second
SLAC_SECONDS = 20.0  # B-293: a car that has answered nothing by then cannot


class Found(Struct, frozen=True):
    """`plugged_at`: mono, which tells one car from the next. `mac` None: it answered nothing."""

    plugged_at: float
    mac: str | None


def found(evse: Evse, since: float, mono: float) -> Found | None:
    """None: no car is there, or nothing is known of it yet. `since`: mono from which somebody has looked."""
    if evse.vehicle is None:
        return None
    plugged_at, mac = evse.visits[-1].plugged_at, evse.vehicle.spec.mac
    known_at = max(plugged_at, since) + (MATCH_SECONDS if mac else SLAC_SECONDS)
    return Found(plugged_at, mac or None) if known_at <= mono else None
