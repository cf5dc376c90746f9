"""What a technician has to look at."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery


class Alarm(Struct, frozen=True):
    """`code` is stable, `text` says what, where and what to do."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    code: str
    text: str
