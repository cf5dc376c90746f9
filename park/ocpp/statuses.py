"""Which StatusNotifications are due: the latest status of each connector, told once, and again after a boot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from park.model.access import ConnectorStatus, ConnectorStatusChanged

NO_ERROR = "NoError"


class Line(Struct, frozen=True):
    """One connector: what holds, since when (mono), what the backend was told last, and when (mono)."""

    current: ConnectorStatusChanged
    since: float
    told: ConnectorStatusChanged | None = None
    told_at: float = -math.inf

    @property
    def news(self) -> bool:
        return self.told is None or _said(self.told) != _said(self.current)


def _said(changed: ConnectorStatusChanged) -> tuple[ConnectorStatus, str, str, str]:
    return (changed.status, changed.error_code, changed.info, changed.vendor_code)


class Pace(Struct, frozen=True):
    """`lasting`: seconds a status has to hold before it is told, unless nothing was told yet (OCPP 1.6 §9.1.20).

    `apart`: seconds between two of one connector; what changed meanwhile is told as it is then (B-203).
    """

    lasting: float = 0.0
    apart: float = 0.0

    def due(self, line: Line) -> float:
        """When, on the monotonic clock, news of a connector may be told."""
        held = line.since if line.told is None else line.since + self.lasting
        return max(held, line.told_at + self.apart)


class StatusBoard(Struct, frozen=True):
    """By connector; 0 stands for the station as a whole (OCPP 1.6 §4.9)."""

    lines: Mapping[int, Line] = field(default_factory=dict[int, Line])

    def changed(self, changed: ConnectorStatusChanged, mono: float) -> StatusBoard:
        """Only the latest counts; a repeat of the same status does not restart its duration."""
        line = self.lines.get(changed.connector)
        if line is not None and _said(line.current) == _said(changed):
            return self
        line = Line(changed, mono) if line is None else replace(line, current=changed, since=mono)
        return self._with(changed.connector, line)

    def with_station(self, at: datetime, mono: float) -> StatusBoard:
        """Connector 0 is available unless somebody said otherwise."""
        if 0 in self.lines:
            return self
        return self.changed(ConnectorStatusChanged(0, ConnectorStatus.AVAILABLE, NO_ERROR, "", at), mono)

    def untold(self) -> StatusBoard:
        """After a boot the backend knows nothing."""
        return StatusBoard({number: Line(line.current, line.since) for number, line in self.lines.items()})

    def due(self, mono: float, pace: Pace) -> ConnectorStatusChanged | None:
        """The next one to send, lowest connector first: news that is due by `pace`."""
        ready = [line.current for line in self.lines.values() if line.news and pace.due(line) <= mono]
        return min(ready, key=lambda changed: changed.connector, default=None)

    def next_due(self, pace: Pace) -> float | None:
        """When, on the monotonic clock, `due` has something."""
        return min((pace.due(line) for line in self.lines.values() if line.news), default=None)

    def told(self, changed: ConnectorStatusChanged, mono: float) -> StatusBoard:
        line = self.lines.get(changed.connector)
        return self if line is None else self._with(changed.connector, replace(line, told=changed, told_at=mono))

    def lost(self, connector: int) -> StatusBoard:
        """The connection went while it was told: nobody knows whether it arrived."""
        line = self.lines.get(connector)
        return self if line is None else self._with(connector, replace(line, told=None))

    def _with(self, connector: int, line: Line) -> StatusBoard:
        return StatusBoard({**self.lines, connector: line})
