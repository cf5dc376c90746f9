"""A contactor or a plug lock: a thing that moves when driven, takes its time, and can be stuck."""

from __future__ import annotations

from park.physics.vehicle import NEVER

ALARM_SECONDS = 1.0  # electronics call a fault when the feedback contact disagrees this long after the travel time


class Actuator:
    """`closed` is what the feedback contact says. Blocks are injected: welded = cannot open, and so on.

    `failed`: driven elsewhere, and the alarm time is over.
    """

    __slots__ = ("_arrives", "_fails", "_travel", "blocked_closed", "blocked_open", "closed", "driven", "failed")

    def __init__(self, travel_seconds: float) -> None:
        self._travel = travel_seconds
        self.closed = False
        self.driven = False
        self.blocked_closed = False  # cannot open
        self.blocked_open = False  # cannot close
        self.failed = False
        self._arrives = NEVER
        self._fails = NEVER

    def drive(self, closed: bool, mono: float) -> None:  # noqa: FBT001 - one word says it at every call
        """Power it towards a position; driving it where it already goes changes nothing."""
        if closed != self.driven:
            self.driven = closed
            self.again(mono)

    def again(self, mono: float) -> None:
        """Start the movement anew, as after an obstacle came or went."""
        if self.driven == self.closed:
            self._arrives = self._fails = NEVER
            self.failed = False
        else:
            self._arrives = mono + self._travel
            self._fails = self._arrives + ALARM_SECONDS

    def next_change(self) -> float:
        """Mono of the next movement or alarm; `NEVER` at rest."""
        return min(self._arrives, self._fails)

    def settle(self, mono: float) -> None:
        """Do what is due by `mono`."""
        if self._arrives <= mono:
            self._arrives = NEVER
            if not (self.blocked_open if self.driven else self.blocked_closed):
                self.closed = self.driven
                self._fails = NEVER
                self.failed = False
        if self._fails <= mono:
            self._fails = NEVER
            self.failed = True
