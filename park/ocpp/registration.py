"""Whether the backend has accepted this station, and when to ask it again (OCPP 1.6 §4.2)."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

RETRY_SECONDS = 60.0  # ours, when the backend refused without an interval or did not answer


class Standing(Enum):
    """What the backend said last; values are the states of the park view."""

    PENDING = "pending"  # or did not answer yet
    REJECTED = "rejected"
    ACCEPTED = "online"


class Registration(Struct, frozen=True):
    """`not_before`: earliest next BootNotification (mono). `asked`: the backend triggered one."""

    standing: Standing = Standing.PENDING
    not_before: float = 0.0
    asked: bool = False

    @property
    def accepted(self) -> bool:
        return self.standing is Standing.ACCEPTED

    def due(self, mono: float) -> bool:
        return self.asked or (not self.accepted and mono >= self.not_before)

    def answered(self, status: str | None, interval: int, mono: float) -> Registration:
        """Accepted once is accepted until this process ends, whatever a triggered boot is answered."""
        if status == "Accepted" or self.accepted:
            return Registration(Standing.ACCEPTED)
        standing = Standing.REJECTED if status == "Rejected" else Standing.PENDING
        return Registration(standing, mono + (interval if interval > 0 else RETRY_SECONDS))

    def unanswered(self, mono: float) -> Registration:
        return replace(self, not_before=mono + RETRY_SECONDS, asked=False)

    def sent(self) -> Registration:
        return replace(self, asked=False)

    def triggered(self) -> Registration:
        return replace(self, asked=True)
