"""Virtual meters: one on a circuit (other load, with or without the cars), one inside a charge point."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from park.model.electric import NOMINAL_VOLTAGE_MV, ZERO, PerPhase
from park.model.metering import Sample
from park.physics.evse import Evse

FREQUENCY_MHZ = 50_000
VOLTAGES_MV: PerPhase = (NOMINAL_VOLTAGE_MV, NOMINAL_VOLTAGE_MV, NOMINAL_VOLTAGE_MV)
_WH_PER_MA_SECOND = NOMINAL_VOLTAGE_MV / 1e6 / 3600


class Mode(Enum):
    LIVE = "live"
    SILENT = "silent"  # takes requests, never answers
    FROZEN = "frozen"  # answers the same values for ever


class Meter(Protocol):
    """What the bench needs of a meter. `sample` is what the meter says now; None when it is silent."""

    name: str
    mode: Mode

    @property
    def export_wh(self) -> int: ...

    def sample(self) -> Sample | None: ...

    def truth(self) -> Sample: ...

    def switch(self, mode: Mode) -> None: ...


class _Switched:
    """Fails, freezes and comes back; what it measures is the subclass's part."""

    __slots__ = ("_frozen", "mode", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.mode = Mode.LIVE
        self._frozen: Sample | None = None

    def truth(self) -> Sample:
        """Measure now, whatever the meter would answer."""
        raise NotImplementedError

    def sample(self) -> Sample | None:
        """Answer a poll; None: silent."""
        if self.mode is Mode.SILENT:
            return None
        return self._frozen or self.truth()

    def switch(self, mode: Mode) -> None:
        """Change how it behaves from now on."""
        self.mode = mode
        self._frozen = self.truth() if mode is Mode.FROZEN else None


class PointMeter(_Switched):
    """Inside a charge point: sees what its car draws. Its L1 is the grid's L1."""

    __slots__ = ("_newest", "evse")

    def __init__(self, name: str, evse: Evse) -> None:
        super().__init__(name)
        self.evse = evse
        self._newest = Sample(ZERO, 0, 0, VOLTAGES_MV, FREQUENCY_MHZ)

    @property
    def export_wh(self) -> int:
        """Nothing flows out of a car here."""
        return 0

    def truth(self) -> Sample:
        """Measure the car; the register counts whole watt-hours."""
        flow, energy_wh = self.evse.flow_ma, int(self.evse.energy_wh)
        newest = self._newest
        if energy_wh != newest.energy_wh or flow != newest.currents_ma:
            newest = self._newest = Sample(flow, power_w(flow), energy_wh, VOLTAGES_MV, FREQUENCY_MHZ)
        return newest


class CircuitMeter(_Switched):
    """On a circuit: `house_ma` is the other load (negative: generation); in line it sees the whole circuit."""

    __slots__ = ("_export_wh", "_import_wh", "house_ma", "in_line", "seen_ma")

    def __init__(self, name: str, *, in_line: bool) -> None:
        super().__init__(name)
        self.in_line = in_line
        self.house_ma: PerPhase = ZERO
        self.seen_ma: PerPhase = ZERO
        self._import_wh = 0.0
        self._export_wh = 0.0

    @property
    def export_wh(self) -> int:
        """What went back to the grid."""
        return int(self._export_wh)

    def watch(self, circuit_ma: PerPhase) -> None:
        """Learn what flows in its circuit, the house of this meter included."""
        self.seen_ma = circuit_ma if self.in_line else self.house_ma

    def count(self, seconds: float) -> None:
        """Add the energy of the seen current; each phase counts on its own, as the meter's registers do."""
        for current_ma in self.seen_ma:
            if current_ma > 0:
                self._import_wh += current_ma * _WH_PER_MA_SECOND * seconds
            elif current_ma < 0:
                self._export_wh -= current_ma * _WH_PER_MA_SECOND * seconds

    def truth(self) -> Sample:
        """Measure now; the register counts whole watt-hours."""
        return Sample(self.seen_ma, power_w(self.seen_ma), int(self._import_wh), VOLTAGES_MV, FREQUENCY_MHZ)


def power_w(currents_ma: PerPhase) -> int:
    """Power of resistive loads at nominal voltage."""
    return round(sum(currents_ma) * NOMINAL_VOLTAGE_MV / 1e6)
