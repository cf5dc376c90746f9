"""What the electronics of a charge point learn of the car that was plugged in, and when: SLAC of ISO 15118-3."""

from __future__ import annotations

from msgspec import Struct

from park.physics.evse import Evse

SLAC_SECONDS = 20.0  # B-293: a car that has answered nothing by then cannot


class Found(Struct, frozen=True):
    """`plugged_at`: mono, which tells one car from the next. `mac` None: it answered nothing."""

    plugged_at: float
    mac: str | None


def found(evse: Evse, since: float, mono: float) -> Found | None:
    """None: no car is there, or nothing is known of it yet. `since`: mono from which somebody has looked."""
    if evse.vehicle is None:
        return None
    plugged_at = evse.visits[-1].plugged_at
    if evse.matched:
        return Found(plugged_at, evse.vehicle.spec.mac) if max(evse.matched_at, since) <= mono else None
    return Found(plugged_at, None) if max(plugged_at, since) + SLAC_SECONDS <= mono else None
