"""What actors are told beside their work: they began, time passed, somebody who listens began anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from park.model.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Start:
    """First message to every incarnation of an actor; devices and stores are asked for their levels on it."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed: compare every deadline of the state with now."""


@dataclass(frozen=True, slots=True)
class RepeatLevels:
    """Coordinator, authorizer, central system → charge points on `Start`: repeat what was told and still holds."""

    delivery: ClassVar[Delivery] = Delivery.STATE


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Effect: send a `Tick` at `mono` seconds or soon after."""

    mono: float
