"""What actors are told beside their work: they began, time passed, somebody who listens began anew."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery


class Start(Struct, frozen=True):
    """First message to every incarnation of an actor; devices and stores are asked for their levels on it."""


class Tick(Struct, frozen=True):
    """Time passed: compare every deadline of the state with now."""


class RepeatLevels(Struct, frozen=True):
    """Coordinator, authorizer, central system → charge points on `Start`: repeat what was told and still holds."""

    delivery: ClassVar[Delivery] = Delivery.STATE


class WakeAt(Struct, frozen=True):
    """Effect: send a `Tick` at `mono` seconds or soon after."""

    mono: float
