"""What charge points and boards tell the coordinator."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.grant import Stamp


class DemandChanged(Struct, frozen=True):
    """A charge point's wish. `phases_used`: 1, 2, 3 of the connector's phases the vehicle may load.

    `maximum_ma` is the smallest of cable, station and temperature limits now. `fault` points take nothing.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    wants: bool
    phases_used: int
    minimum_ma: int
    maximum_ma: int
    drawing: bool  # in state C or D: the contactor may carry current
    since: float  # mono of the charge point when this wish began


class CurrentSignalled(Struct, frozen=True):
    """The EVSE read back what its control pilot offers: the only proof that a grant holds (safety: Confirmed).

    `epoch`, `sequence`: the newest grant this signal obeys (0, 0: none since boot). `lapse_ma`: what the device's
    deadman falls to. `drawing` False with `contactor_open` True proves 0 A. `phases`: of a charge point that switches
    phases 1 or 3, those that may carry current now or by the grant it obeys; 0: it does not switch, all may.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    amps_ma: int
    lapse_ma: int
    epoch: int
    sequence: int
    contactor_open: bool
    mono: float  # when the device reported it, on the board's clock
    phases: int = 0


class BoardHeartbeat(Struct, frozen=True):
    """Once a second from every board; the coordinator echoes the newest stamp in its grants."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    stamp: Stamp
    charge_points: tuple[str, ...]
    epoch: int = 0
    server_id: str = ""
