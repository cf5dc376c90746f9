"""The sun over one circuit: its surplus by the meter, who charges with it, and the limit that comes of both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from park.load.circuit import Circuit
from park.load.external import PERIOD_SHARE
from park.load.solar.ceiling import Ceiling
from park.load.solar.modes import Modes
from park.load.solar.settings import Solar
from park.load.solar.surplus import Amounts, Surplus
from park.load.standing import Point
from park.model.electric import HIGHEST_VOLTAGE_MV, ZERO, PerPhase, add, highest, on_phases, subtract
from park.model.limit import Limit, LimitKind
from park.model.metering import Quality, ReadingTaken


class Sun:
    """Mutable, owned by the coordinator's state.

    `circuit`: the one the meter belongs to. `points`: the charge points that follow the sun; others are load of the
    house.
    """

    __slots__ = ("_circuit", "_newest", "_points", "ceiling", "modes", "solar", "surplus")

    def __init__(self, solar: Solar, circuit: Circuit, points: Sequence[Point]) -> None:
        self.solar = solar
        self.surplus = Surplus(
            each_phase=solar.each_phase, average_seconds=solar.average_seconds, start_seconds=solar.start_seconds
        )
        self.ceiling = Ceiling(solar)
        self.modes = Modes(solar.mode)
        self._circuit = circuit
        self._points = tuple(points)
        self._newest: tuple[float, PerPhase] | None = None  # (mono, mA) of its meter

    def follow(self) -> None:
        """Take the mode that holds now."""
        self.ceiling.mode, _ = self.modes.holds()

    def read(self, reading: ReadingTaken, now: float) -> None:
        """A reading of its meter. The one before is counted now: the own meters were read before and after it."""
        sample, before = reading.sample, self._newest
        if reading.quality is not Quality.FRESH or sample is None:
            self._lost()
            return
        at = min(reading.mono, now)
        if before is not None and at > before[0]:
            self.surplus.read(subtract(self._own_ma(before[0]), before[1]), before[0])
        if before is None or at > before[0]:
            self._newest = (at, sample.currents_ma)

    def limit(self, now: float) -> Limit | None:
        """What the charge points may take now; None: any current."""
        if self._newest is not None and now - self._newest[0] >= self._circuit.meter_stale_seconds:
            self._lost()
        charging = self._minima([point for point in self._points if charges(point)])
        wanting = self._minima([point for point in self._points if point.wants])
        allowed = self.ceiling.allowed_ma(self.surplus, charging, wanting, now)
        if allowed is None:
            return None
        target, source = self.solar.circuit, self._source()
        if self.solar.each_phase:
            return Limit(target, LimitKind.SOLAR, source, (allowed[0], allowed[1], allowed[2]))
        return Limit(target, LimitKind.SOLAR, source, limit_w=as_watts(allowed[0]))

    def _source(self) -> str:
        """The mode and the meter, and who else than the configuration wants it so."""
        mode, word = self.modes.holds()
        whose = "" if word is None else f", as {word.source} says"
        return f"{mode.value} by meter {self.solar.meter}{whose}"

    def _lost(self) -> None:
        self._newest = None
        self.surplus.lost()

    def _own_ma(self, at: float) -> PerPhase:
        """What the charge points drew then at most, by their own meters; without one it looks like load of the house.

        At most: a vehicle that begins between two polls must not look like a cloud, whose end is waited for.
        """
        total, span = ZERO, PERIOD_SHARE * self._circuit.meter_period_seconds
        for point in self._points:
            near = [taken for mono, taken in point.readings if abs(mono - at) <= span]
            near = near or [taken for _, taken in point.readings][-1:]
            total = add(total, reduce(highest, near, ZERO))
        return total

    def _minima(self, points: Sequence[Point]) -> Amounts:
        total = ZERO
        for point in points:
            total = add(total, on_phases(point.minimum_ma(), point.phases))
        return total if self.solar.each_phase else (sum(total),)


def charges(point: Point) -> bool:
    """It has a share, or is found charging by a coordinator that has just started."""
    if not point.wants or point.charging_since is not None:
        return point.wants
    found = point.sent is None and point.demand is not None and point.demand.drawing
    return found and (point.commitment.signalled_ma or 0) > 0


def as_watts(sum_ma: int) -> int:
    """The power that allows just this sum of currents (see `as_sum_ma`)."""
    return -(-sum_ma * HIGHEST_VOLTAGE_MV // 1_000_000)
