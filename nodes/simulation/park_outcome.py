"""What a simulated park showed: faults, figures, broken promises, and how to see it again."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct

from nodes.simulation.faults import ALWAYS
from park.load.invariants import Violation


class ParkOutcome(Struct, frozen=True):
    """`seconds`: of the faults, `lived_seconds` with what came after. `peak_load`: largest current / limit anywhere.

    `longest_over`: seconds. `real_seconds`: of a processor. `faults`, `network`: how often what happened.
    `orders`: of the backend, by what was answered.
    `digest`: hash of the event log.
    """

    seed: int
    boards: int
    points: int
    circuits: int
    seconds: float
    digest: str
    events: int
    violations: tuple[Violation, ...]
    crashes: tuple[str, ...]
    alarms: int
    faults: Mapping[str, int]
    network: Mapping[str, int]
    orders: Mapping[str, int]
    grants: int
    readings: int
    visits: int
    sessions: int
    energy_wh: int
    peak_load: float
    longest_over: float
    full_seconds: float
    lived_seconds: float
    real_seconds: float

    @property
    def is_fine(self) -> bool:
        return not self.violations and not self.crashes

    @property
    def has_all(self) -> bool:
        """Of each kind of fault that no run may be without there was one."""
        return all(any(self.faults.get(kind.value) for kind in group) for group in ALWAYS)

    @property
    def speed(self) -> float:
        """Virtual seconds a real second."""
        return self.lived_seconds / self.real_seconds if self.real_seconds else 0.0

    def as_json(self) -> str:
        """One line; keys as the attributes, violations as texts."""
        shown: dict[str, object] = {name: getattr(self, name) for name in self.__struct_fields__}
        shown["violations"] = [text(each) for each in self.violations]
        shown["speed"] = round(self.speed, 1)
        return json.dumps(shown)

    def line(self) -> str:
        """For people."""
        verdict = "fine" if self.is_fine else f"{len(self.violations)} violations, {len(self.crashes)} crashes"
        return (
            f"seed {self.seed}: {self.boards} boards, {self.points} points, {self.circuits} circuits, "
            f"{sum(self.faults.values())} faults, {self.sessions} sessions, {self.grants} grants, "
            f"peak {100 * self.peak_load:.0f} %, {self.longest_over:.1f} s above a limit, "
            f"{self.speed:.0f} × real time, {verdict}"
        )


def text(violation: Violation) -> str:
    return f"{violation.invariant} {violation.at:.2f} s {violation.what}: {violation.detail}"
