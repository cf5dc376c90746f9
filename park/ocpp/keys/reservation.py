"""Keys of reservations (OCPP 1.6 §9.3)."""

from __future__ import annotations

from park.ocpp.keys.key import KeyGroup, switch

GROUP = KeyGroup(
    "Reservation",
    "Reservation",
    (
        switch(
            "ReserveConnectorZeroSupported", "§9.3.1, B-130", "Any connector may be reserved, as connector 0.", on=True
        ),
    ),
)
