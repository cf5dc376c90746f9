"""What charging electronics learn of the vehicle itself, so that it needs no card (Autocharge)."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery


class VehicleIdentified(Struct, frozen=True):
    """Who does SLAC (ISO 15118-3) at a charge point → authorizer, once a vehicle.

    Answered by `ShowFeedback` to `reader`: its own name, as if it were a reader of that charge point. `charge_point`:
    full name. `mac`: as the vehicle gave it, in whatever shape; None: it answered nothing in the time for SLAC, so it
    cannot.
    """

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    reader: str
    charge_point: str
    mac: str | None
