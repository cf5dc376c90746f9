"""What operators and energy managers say of charging by the sun."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.limit import LimitKind, TakesLimitOutcome

OPERATOR = "operator"


class SolarMode(Enum):
    """B-085. The values are those of the configuration; the strictest comes first."""

    SURPLUS = "surplus"  # only what would be exported
    SOLAR = "solar"  # the same, and from the grid at most what is missing to everybody's minimum
    GRID = "grid"  # no limit by the sun


class SetSolarMode(Struct, frozen=True):
    """Operator or energy manager → coordinator: how the charge points of a circuit follow the sun.

    `mode` None: what this source said holds no longer. In force at once, on disk before it is answered.
    `kind`, `source`: whose word it is. `valid_seconds`: on the monotonic clock; None: until told otherwise.
    """

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    circuit: str
    mode: SolarMode | None
    reply_to: TakesLimitOutcome | None = None
    kind: LimitKind = LimitKind.OPERATOR
    source: str = OPERATOR
    valid_seconds: float | None = None
