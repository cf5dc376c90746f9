"""The backend's list of id tags (OCPP 1.6 §3.4.2), which decides where the backend is not asked."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from park.model.access import Verdict
from park.model.delivery import Delivery


class ListedTag(Struct, frozen=True):
    """`tag`: case-folded. `expires`: not accepted from then on; None: never."""

    tag: str
    verdict: Verdict
    expires: datetime | None = None
    parent_tag: str | None = None


class LocalListHeld(Struct, frozen=True):
    """Central system → authorizer: all entries, on every change and to an authorizer that began anew.

    `news`: those among them that the backend has accepted just now, which lifts what it refused before.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    tags: tuple[ListedTag, ...]
    news: tuple[str, ...] = ()


class ApplyLocalList(Struct, frozen=True):
    """Server's link → the board's own authorizer: the list to decide by while alone; kept on disk."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    tags: tuple[ListedTag, ...]
