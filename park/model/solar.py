"""What an operator says of charging by the sun."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from park.model.delivery import Delivery
from park.model.limit import TakesLimitOutcome


class SolarMode(Enum):
    """B-085. The values are those of the configuration."""

    SURPLUS = "surplus"  # only what would be exported
    SOLAR = "solar"  # the same, and from the grid at most what is missing to everybody's minimum
    GRID = "grid"  # no limit by the sun


@dataclass(frozen=True, slots=True)
class SetSolarMode:
    """Operator → coordinator: how the charge points of a circuit follow the sun, until told otherwise.

    `mode` None: as the configuration says. In force at once, on disk before it is answered.
    """

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    circuit: str
    mode: SolarMode | None
    reply_to: TakesLimitOutcome | None = None
