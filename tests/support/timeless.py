"""A station whose clock was lost with the power (B-196)."""

from __future__ import annotations

import json
from datetime import timedelta

from msgspec.structs import replace

from park.model.session import SessionFact
from park.model.time import BootTime, Now
from tests.support.facts import BEGAN
from tests.support.station import Station

BOOT = "boot-2"
FLOOR = BEGAN - timedelta(days=90)  # the last time that board knew of


class Timeless(Station):
    """A station whose clock was lost: its wall goes on from `FLOOR`. `boot`: of the machine."""

    def __init__(self, keys: dict[str, str] | None = None) -> None:
        super().__init__(keys)
        self.wall, self.known, self.boot = FLOOR, False, BOOT

    def now(self) -> Now:
        return Now(self.mono, self.wall + timedelta(seconds=self.mono), self.known, self.boot)

    def at(self, mono: float, fact: SessionFact, boot: str = "") -> SessionFact:
        """A fact as a charge point of this board made it then."""
        return replace(fact, at=FLOOR + timedelta(seconds=mono), undated=BootTime(boot or self.boot, mono))

    def times(self, action: str) -> list[str]:
        """The timestamps of the calls."""
        found: list[str] = []
        for call in self.sent:
            if call.action == action:
                payload = json.loads(json.dumps(call.payload))
                found.append(payload.get("timestamp") or payload["meterValue"][0]["timestamp"])
        return found
