"""A load that is believed at once when it rises and only after a while when it falls: jitter moves no grant (S8)."""

from __future__ import annotations

import math

from park.model.electric import ZERO, PerPhase, highest

TURN_SECONDS = 5.0  # a fall is believed after one to two of these: raises may wait, and are there within S10's 30 s
STEP_MA = 250  # a load is held rounded up to this: a slow rise does not cause new grants at every reading …
DEADBAND_MA = 500  # … and a smaller fall, below 1 % of a 63 A connection, is not worth any


class PeakHold:
    """`held_ma` per phase. `rise` acts at once; `follow` lets it fall to the peak of the last 5 to 10 s.

    `last_turns`: its last step is given up after so many turns without anything only.
    """

    __slots__ = ("_last_turns", "_newer", "_nothing_for", "_older", "_turn_at", "deadband_ma", "held_ma", "step_ma")

    def __init__(
        self, held_ma: PerPhase = ZERO, deadband_ma: int = DEADBAND_MA, step_ma: int = STEP_MA, last_turns: int = 1
    ) -> None:
        self.held_ma = held_ma
        self._last_turns = last_turns
        self._nothing_for = [0, 0, 0]  # turns in a row
        self.step_ma = step_ma
        self.deadband_ma = deadband_ma
        self._older = held_ma
        self._newer = held_ma
        self._turn_at: float | None = None

    @property
    def turn_at(self) -> float:
        """Mono at which it may fall next; −∞: it follows nothing yet."""
        return -math.inf if self._turn_at is None else self._turn_at

    def rise(self, to_ma: PerPhase) -> bool:
        """Raise where `to_ma` is above. True: something changed."""
        held = self.held_ma
        if to_ma[0] <= held[0] and to_ma[1] <= held[1] and to_ma[2] <= held[2]:
            return False
        self.held_ma = highest(held, (self._rounded(to_ma[0]), self._rounded(to_ma[1]), self._rounded(to_ma[2])))
        return True

    def _rounded(self, load_ma: int) -> int:
        return -(-load_ma // self.step_ma) * self.step_ma

    def follow(self, load_ma: PerPhase, mono: float) -> bool:
        """Take note of the load; fall when it stayed lower by the deadband. True: something changed."""
        self._newer = highest(self._newer, load_ma)
        if self._turn_at is None:
            self._turn_at = mono + TURN_SECONDS
        if mono < self._turn_at:
            return False
        peak = highest(self._older, self._newer)
        self._older, self._newer = self._newer, load_ma
        self._turn_at = mono + TURN_SECONDS
        before = self.held_ma
        self.held_ma = (self._fallen(0, peak), self._fallen(1, peak), self._fallen(2, peak))
        return self.held_ma != before

    def _fallen(self, phase: int, peak: PerPhase) -> int:
        held, lower = self.held_ma[phase], self._rounded(peak[phase])
        self._nothing_for[phase] = 0 if lower else self._nothing_for[phase] + 1
        if self._nothing_for[phase] < self._last_turns:
            lower = max(lower, self.step_ma)
        return lower if lower <= held - self.deadband_ma else held
