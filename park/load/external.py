"""The foreign load on a circuit, from its meter: what surely is not ours, and what may not be (safety §1)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from park.load.circuit import Circuit
from park.load.hold import PeakHold
from park.model.electric import ZERO, PerPhase, add, highest, lowest, subtract
from park.model.metering import Quality, ReadingTaken

PERIOD_SHARE = 1.2  # readings within this many periods belong together: one period and the jitter of two pollers
KEPT_READINGS = 4  # own readings remembered: those within ± 1.2 periods
AGREEING = 3  # so many readings in a row are not explained by one own charge point that begins or ends to draw


class OwnLoad(Protocol):
    """A charge point as the circuit's meter sees it."""

    readings: deque[tuple[float, PerPhase]]
    """(mono, mA) of its own meter, oldest first; empty without a meter, or with one that is not fresh."""

    def may_draw_ma(self, now: float) -> PerPhase:
        """What it may be drawing by now, whatever it drew at its newest reading."""
        ...

    def unheard_ma(self, now: float) -> PerPhase:
        """The same while its board is silent, so that its meter tells nothing: as much of what flows may be its own."""
        ...


class ExternalLoad:
    """The foreign load of one circuit. Mutable, owned by the coordinator's state.

    `possible_ma`: no raise may count on less: the newest reading, the one before (whose own shares are all known; at
    the first one what was assumed until then), or the window average, whichever is most; own share at its smallest.
    `planned`: what grants are made for: rises at once to what is certainly foreign, or was seen in three readings in a
    row; falls late. A car that begins to draw between two polls is not mistaken for the house.
    `quality` None: the circuit has no meter. A meter that is stale or implausible is replaced by the fallback.
    """

    __slots__ = (
        "_ambiguous",
        "_at",
        "_awaited",
        "_before",
        "_own",
        "_steady",
        "_sum",
        "_window",
        "circuit",
        "meter_ma",
        "planned",
        "possible_ma",
        "quality",
    )

    def __init__(self, circuit: Circuit, own: Sequence[OwnLoad]) -> None:
        self.circuit = circuit
        self._own = tuple(own) if circuit.meter_sees_charging else ()
        self.quality: Quality | None = None if circuit.meter is None else Quality.STALE
        self.meter_ma: PerPhase | None = None
        self.possible_ma = circuit.external_fallback_ma
        self.planned = PeakHold(circuit.external_fallback_ma)
        self._at: float | None = None  # mono of the newest reading
        self._before: deque[PerPhase] = deque(maxlen=AGREEING - 1)  # external load by the readings before the newest
        self._ambiguous = False
        self._awaited = 0  # own meters not yet read since
        self._window: deque[tuple[float, PerPhase]] = deque()
        self._sum = ZERO
        self._steady = circuit.external_fallback_ma  # what the planned load may fall to

    @property
    def fallback_in_force(self) -> bool:
        return self.quality is not Quality.FRESH

    def stale_at(self) -> float | None:
        """Mono at which the newest reading becomes too old; None: there is none."""
        return None if self._at is None else self._at + self.circuit.meter_stale_seconds

    def read(self, reading: ReadingTaken, now: float) -> bool:
        """A reading of the circuit's meter. True: what grants are made for changed."""
        sample, at = reading.sample, min(reading.mono, now)
        if reading.quality is not Quality.FRESH or sample is None or now - at >= self.circuit.meter_stale_seconds:
            return self._distrust(Quality.STALE if reading.quality is Quality.FRESH else reading.quality, now)
        if self._at is not None and at <= self._at:
            return False  # overtaken by a newer one
        if self._at is not None:
            self._before.append(self.newest_ma())
        self.meter_ma, self._at, self.quality = sample.currents_ma, at, Quality.FRESH
        self._awaited = sum(1 for own in self._own if own.readings and own.readings[-1][0] < at)
        load = self._foreign(largest_own=False, now=now)
        self._window.append((at, load))
        self._sum = add(self._sum, load)
        return self._settle(load, now)

    def newest_ma(self) -> PerPhase:
        """External load by the newest reading."""
        return self._window[-1][1]

    def own_read(self, mono: float, now: float, *, fell: bool) -> bool:
        """A charge point's own meter was read at `mono`: it may settle what the circuit's newest reading meant."""
        if self._at is None or not self._own:
            return False
        if mono >= self._at:
            self._awaited -= 1
        if not fell and not (self._ambiguous and self._awaited == 0):
            return False
        load = self._foreign(largest_own=False, now=now)
        at, before = self._window[-1]
        self._window[-1] = (at, load)
        self._sum = add(subtract(self._sum, before), load)
        return self._settle(load, now)

    def refresh_at(self) -> float:
        """Mono before which `refresh` changes nothing: readings have told everything."""
        turn, stale = self.planned.turn_at, self.stale_at()
        return turn if stale is None else min(turn, stale)

    def refresh(self, now: float) -> bool:
        """Time passed: a silent meter becomes stale, an old peak is forgotten. True: the planned load changed."""
        stale_at = self.stale_at()
        if stale_at is not None and now >= stale_at:
            return self._distrust(Quality.STALE, now)
        return self._assume_fallback(now) if self._at is None else self.planned.follow(self._steady, now)

    def _distrust(self, quality: Quality, now: float) -> bool:
        self.quality = quality
        self._at = self.meter_ma = None
        self._before.clear()
        self._ambiguous = False
        self._window.clear()
        self._sum = ZERO
        return self._assume_fallback(now)

    def _assume_fallback(self, now: float) -> bool:
        """The fallback, and for a while what was seen last: losing a meter causes no raise."""
        fallback = self.circuit.external_fallback_ma
        rose = self.planned.rise(fallback)
        changed = self.planned.follow(fallback, now) or rose
        self.possible_ma = highest(fallback, self.planned.held_ma)
        return changed

    def _settle(self, load: PerPhase, now: float) -> bool:
        """Draw the conclusions from the newest reading, `load` being what it calls foreign at most."""
        average = self._average()
        certain_before = self._before[-1] if self._before else self.possible_ma if self._own else ZERO
        # The newest may have seen less of our own than our own meters told so far, the first after a silence too.
        self.possible_ma = highest(load, highest(average, certain_before))
        held, agreed = self.planned.held_ma, load
        for earlier in self._before if self._own else ():
            agreed = lowest(agreed, earlier)
        self._ambiguous = load[0] > held[0] or load[1] > held[1] or load[2] > held[2]
        if self._ambiguous and self._own:
            certain = self._foreign(largest_own=True, now=now)
            explained = subtract(agreed, self._unheard(now))
            agreed = highest(certain, explained) if len(self._before) == AGREEING - 1 else certain
        else:
            agreed = highest(subtract(agreed, self._unheard(now)), ZERO)
        self._steady = highest(agreed, average)
        rose = self._ambiguous and self.planned.rise(agreed)
        return self.planned.follow(self._steady, now) or rose

    def _unheard(self, now: float) -> PerPhase:
        """What is counted of silent boards is not counted once more as foreign: one that is silent stops no other."""
        a, b, c = ZERO
        for own in self._own:
            unheard = own.unheard_ma(now)
            if unheard is not ZERO:
                a, b, c = a + unheard[0], b + unheard[1], c + unheard[2]
        return (a, b, c)

    def _average(self) -> PerPhase:
        """Over the configured window (B-089); nothing without one."""
        window, length = self._window, self.circuit.external_window_seconds
        while window[0][0] < window[-1][0] - length:
            self._sum = subtract(self._sum, window.popleft()[1])
        count = len(window)
        return (self._sum[0] // count, self._sum[1] // count, self._sum[2] // count) if length else ZERO

    def _foreign(self, *, largest_own: bool, now: float) -> PerPhase:
        """The meter's value less our own share at its time: the smallest own readings near it, or the largest."""
        taken_at, meter = self._at, self.meter_ma
        if taken_at is None or meter is None:
            return self.circuit.external_fallback_ma
        first = taken_at - PERIOD_SHARE * self.circuit.meter_period_seconds
        a, b, c = meter
        for own in self._own:
            own_ma = _largest(own, first, taken_at, now) if largest_own else _smallest(own, first)
            if own_ma is not ZERO:
                a, b, c = a - own_ma[0], b - own_ma[1], c - own_ma[2]
        return (max(a, 0), max(b, 0), max(c, 0))


def _smallest(own: OwnLoad, first: float) -> PerPhase:
    """Smallest own reading since `first` (until now, which is before the circuit's next reading), ZERO without one."""
    found: PerPhase | None = None
    for at, taken in reversed(own.readings):
        if at < first:
            break
        found = taken if found is None else lowest(found, taken)
    return ZERO if found is None else found


def _largest(own: OwnLoad, first: float, taken_at: float, now: float) -> PerPhase:
    """Largest own reading since `first`; with what it may have begun to draw if it was not read since `taken_at`."""
    readings = own.readings
    found = ZERO if readings and readings[-1][0] >= taken_at else own.may_draw_ma(now)
    for at, taken in reversed(readings):
        if at < first:
            break
        found = highest(found, taken)
    return found
