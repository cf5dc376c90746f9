"""Where a charge point of a client board hangs in the park."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery

NO_CONNECTOR = 10_000  # ours: above the highest number a connector can have (`config.electrical.ConnectorId`)
"""Of a load that is placed but that no vehicle is plugged into: a group."""


class Placed(Struct, frozen=True):
    """Server → charge point: where it hangs and within what it may be granted current; the board keeps it on disk.

    `fallback_ma`: highest lapse current, `boot_ma`: before the first grant after a start. `connector` 0: not placed, it
    signals nothing and takes no card (safety §3, Nobody uncounted).
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    connector: int
    circuit: str
    wiring: str
    phases: int
    minimum_ma: int
    maximum_ma: int
    fallback_ma: int
    boot_ma: int


class PlacementKept(Struct, frozen=True):
    """Charge point's board → coordinator: such a placement is on its disk, and nothing higher is in force by it."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    fallback_ma: int
    boot_ma: int
