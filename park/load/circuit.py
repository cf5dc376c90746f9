"""Circuits and the charge points on them: which conductor carries what (safety §1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct

from park.model.electric import HIGHEST_VOLTAGE_MV, MINIMUM_CURRENT_MA, PHASE_NAMES, PerPhase, Phases, Wiring

Lines: TypeAlias = tuple[int, ...]
"""What a load flows through: circuit index × 4 + phase − 1 is a conductor, + 3 the circuit's power."""

WIRES = len(PHASE_NAMES)
LIMITS = WIRES + 1
FREE_MA = 10**12  # no limit


def is_power(line: int) -> bool:
    """It is the power of a circuit: a load counts there once for each of its phases."""
    return line % LIMITS == WIRES


class Circuit(Struct, frozen=True):
    """A conductor protected by a fuse. `parent` None: the grid connection.

    `limit_watts`: design power of the sum of the phases, None: not limited.
    `imbalance_ma`: largest difference between two phases, None: not limited; of what charge points draw, or of all that
    flows with `imbalance_counts_external`.

    `limit_ma`: design current per phase, at most the fuse. `headroom_ma`: kept free on every phase (B-088).
    `meter_sees_charging`: the meter is in line (own charge points included); else a branch meter sees only the others.
    `external_fallback_ma`: foreign load assumed while the meter cannot be trusted, or always without a meter (B-092).
    `external_window_seconds`: averaging of the foreign load, which may delay raises, never reductions (B-089).
    """

    name: str
    limit_ma: PerPhase
    parent: str | None = None
    limit_watts: int | None = None
    imbalance_ma: int | None = None
    imbalance_counts_external: bool = False
    headroom_ma: int = 0
    meter: str | None = None
    meter_sees_charging: bool = True
    external_fallback_ma: PerPhase = (0, 0, 0)
    external_window_seconds: float = 0.0
    meter_period_seconds: float = 1.0  # of this meter and of the charge points' own ones
    meter_stale_seconds: float = 5.0
    expired_limit_ma: PerPhase | None = None  # holds once an energy manager's limit ran out; None: nothing


class Placement(Struct, frozen=True):
    """Where a charge point hangs and within what it may be granted current (mA per phase).

    `charge_point`: NODE/CHARGE_POINT. `node`: the board whose heartbeats speak for it. `phases`: 1, 2, 3 wired.
    `fallback_ma`: highest lapse current. `boot_ma`: what holds after a boot. `resolution_ma`: step of the pilot.
    `priority`: a higher class is served first. `weight`: shares within a class. `meter`: the point's own one.
    `reports_most`: its reports say what may flow at most, which may be more than it was told: it is a group.
    """

    charge_point: str
    node: str
    circuit: str
    wiring: Wiring = Wiring.RST
    phases: int = 3
    minimum_ma: int = MINIMUM_CURRENT_MA
    maximum_ma: int = 32_000
    fallback_ma: int = MINIMUM_CURRENT_MA
    boot_ma: int = 0
    priority: int = 0
    weight: int = 1
    has_deadman: bool = True
    meter: str | None = None
    resolution_ma: int = 100
    expired_limit_ma: int | None = None  # holds once an energy manager's limit ran out; None: nothing
    reports_most: bool = False

    def grid_phases(self, used: int) -> Phases:
        """Grid phases a vehicle on the connector's first `used` phases may load; none for `used` 0."""
        return self.wiring.grid_phases(min(used, self.phases)) if used > 0 else ()


def as_sum_ma(watts: int) -> int:
    """The sum of the currents of all phases that surely is no more than so many watts, rounded down."""
    return watts * 1_000_000 // HIGHEST_VOLTAGE_MV


def path_to_root(circuit: str, parents: dict[str, str | None]) -> tuple[str, ...]:
    """The circuit and all above it. Ends at an unknown circuit or where a cycle closes (startup refuses both)."""
    path: list[str] = []
    here: str | None = circuit
    while here is not None and here in parents and here not in path:
        path.append(here)
        here = parents[here]
    return tuple(path)


class Network:
    """The tree as lines: index arithmetic done once, at start."""

    __slots__ = ("_lines", "circuits", "index", "paths")

    def __init__(self, circuits: Iterable[Circuit]) -> None:
        self.circuits = tuple(sorted(circuits, key=lambda circuit: circuit.name))
        self.index = {circuit.name: number for number, circuit in enumerate(self.circuits)}
        parents = {circuit.name: circuit.parent for circuit in self.circuits}
        self.paths = {name: path_to_root(name, parents) for name in parents}
        self._lines: dict[tuple[str, Phases], Lines] = {}

    def lines(self, circuit: str, phases: Phases) -> Lines:
        """What a load on these phases of the circuit flows through, up to the grid: conductors and powers."""
        known = self._lines.get((circuit, phases))
        if known is None:
            places = [phase - 1 for phase in phases] + ([WIRES] if phases else [])
            known = tuple(self.index[name] * LIMITS + place for name in self.paths[circuit] for place in places)
            self._lines[circuit, phases] = known
        return known

    def below(self, circuit: str, placements: Sequence[Placement]) -> tuple[Placement, ...]:
        """The charge points whose current flows through this circuit."""
        return tuple(placement for placement in placements if circuit in self.paths[placement.circuit])
