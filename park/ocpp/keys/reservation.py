"""Keys about reservations (OCPP 1.6 §9.3)."""

from __future__ import annotations

from park.ocpp.keys.key import KeyGroup, switch

GROUP = KeyGroup(
    "Reservation",
    "Reservations",
    (
        switch(
            "ReserveConnectorZeroSupported",
            "§9.3.1, B-130",
            "Connector 0 may be reserved: any one that is free.",
            on=True,
        ),
    ),
)
