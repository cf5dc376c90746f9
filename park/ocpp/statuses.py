"""Which StatusNotifications are due: the latest status of each connector, told once, and again after a boot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from park.model.access import ConnectorStatus, ConnectorStatusChanged

NO_ERROR = "NoError"


@dataclass(frozen=True, slots=True)
class Line:
    """One connector: what holds, since when (mono), and what the backend was told last."""

    current: ConnectorStatusChanged
    since: float
    told: ConnectorStatusChanged | None = None

    @property
    def news(self) -> bool:
        return self.told is None or _said(self.told) != _said(self.current)


def _said(changed: ConnectorStatusChanged) -> tuple[ConnectorStatus, str, str]:
    return (changed.status, changed.error_code, changed.info)


@dataclass(frozen=True, slots=True)
class StatusBoard:
    """By connector; 0 stands for the station as a whole (OCPP 1.6 §4.9)."""

    lines: Mapping[int, Line] = field(default_factory=dict[int, Line])

    def changed(self, changed: ConnectorStatusChanged, mono: float) -> StatusBoard:
        """Only the latest counts; a repeat of the same status does not restart its duration."""
        line = self.lines.get(changed.connector)
        if line is not None and _said(line.current) == _said(changed):
            return self
        told = None if line is None else line.told
        return self._with(changed.connector, Line(changed, mono, told))

    def with_station(self, at: datetime, mono: float) -> StatusBoard:
        """Connector 0 is available unless somebody said otherwise."""
        if 0 in self.lines:
            return self
        return self.changed(ConnectorStatusChanged(0, ConnectorStatus.AVAILABLE, NO_ERROR, "", at), mono)

    def untold(self) -> StatusBoard:
        """After a boot the backend knows nothing."""
        return StatusBoard({connector: replace(line, told=None) for connector, line in self.lines.items()})

    def due(self, mono: float, minimum_duration: float) -> ConnectorStatusChanged | None:
        """The next one to send, lowest connector first: news that has held for the minimum (OCPP 1.6 §9.1.20)."""
        ready = [line.current for line in self.lines.values() if line.news and _at(line, minimum_duration) <= mono]
        return min(ready, key=lambda changed: changed.connector, default=None)

    def next_due(self, minimum_duration: float) -> float | None:
        """When, on the monotonic clock, `due` has something."""
        return min((_at(line, minimum_duration) for line in self.lines.values() if line.news), default=None)

    def told(self, changed: ConnectorStatusChanged) -> StatusBoard:
        line = self.lines.get(changed.connector)
        return self if line is None else self._with(changed.connector, replace(line, told=changed))

    def lost(self, connector: int) -> StatusBoard:
        """The connection went while it was told: nobody knows whether it arrived."""
        line = self.lines.get(connector)
        return self if line is None else self._with(connector, replace(line, told=None))

    def _with(self, connector: int, line: Line) -> StatusBoard:
        return StatusBoard({**self.lines, connector: line})


def _at(line: Line, minimum_duration: float) -> float:
    return line.since if line.told is None else line.since + minimum_duration
