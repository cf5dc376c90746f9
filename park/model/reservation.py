"""Connectors that are kept for somebody (OCPP 1.6 §3.11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from park.model.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Reservation:
    """`charge_point` empty: any one connector, whichever is free (connector 0). `parent_tag`: so may its group."""

    number: int
    charge_point: str
    id_tag: str
    parent_tag: str | None
    expires: datetime


@dataclass(frozen=True, slots=True)
class ReservationsHeld:
    """Central system → authorizer: these are all. Told on every change and to an authorizer that began anew."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    reservations: tuple[Reservation, ...]


@dataclass(frozen=True, slots=True)
class ConnectorReserved:
    """Central system → charge point: it is kept for somebody until then; None: it is not."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    expires: datetime | None
