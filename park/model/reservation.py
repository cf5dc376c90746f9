"""Connectors that are kept for somebody (OCPP 1.6 §3.11)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery


class Reservation(Struct, frozen=True):
    """`charge_point` empty: any one connector, whichever is free (connector 0). `parent_tag`: so may its group."""

    number: int
    charge_point: str
    id_tag: str
    parent_tag: str | None
    expires: datetime


class ReservationsHeld(Struct, frozen=True):
    """Central system → authorizer: these are all. Told on every change and to an authorizer that began anew."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    reservations: tuple[Reservation, ...]


class ConnectorReserved(Struct, frozen=True):
    """Central system → charge point: it is kept for somebody until then; None: it is not."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    expires: datetime | None
