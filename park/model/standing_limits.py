"""Limits of one kind as a whole, told by who works them out."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.limit import Limit, LimitKind


class HoldLimits(Struct, frozen=True):
    """Who works out limits of a kind → coordinator: these hold, and no others of that kind, until told otherwise.

    `source`: no others of that kind and source; None: of that kind, whatever they are called.

    Told on every change and once after each start, so that one that was lost, or outlived its cause, heals.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    kind: LimitKind
    limits: tuple[Limit, ...]
    source: str | None = None

    def is_about(self, limit: Limit) -> bool:
        return limit.kind is self.kind and self.source in {None, limit.source}
