"""What a technician has to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from park.model.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Alarm:
    """`code` is stable, `text` says what, where and what to do."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    code: str
    text: str
