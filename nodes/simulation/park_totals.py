"""Many simulated parks added up: faults, figures, the worst of all, and the seeds that failed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct, field

from nodes.simulation.park_outcome import ParkOutcome, text

HOUR = 3600.0
CHECKED = "S1 S2 S3 S4 S5 S11 S12 D1 D2 D4"
"""S11 is checked by the clocks of the boards: each has a rate of its own, and every run has a jump."""


class ParkTotals(Struct):
    """`failed`: seeds with a broken promise or a crash. `incomplete`: without a partition, a crash or a clock jump."""

    runs: int = 0
    hours: float = 0.0
    real_seconds: float = 0.0
    boards: int = 0
    points: int = 0
    sessions: int = 0
    grants: int = 0
    readings: int = 0
    energy_wh: int = 0
    peak_load: float = 0.0
    longest_over: float = 0.0
    faults: Counter[str] = field(default_factory=Counter[str])
    network: Counter[str] = field(default_factory=Counter[str])
    orders: Counter[str] = field(default_factory=Counter[str])
    broken: Counter[str] = field(default_factory=Counter[str])
    failed: list[int] = field(default_factory=list[int])
    incomplete: list[int] = field(default_factory=list[int])

    def add(self, outcome: ParkOutcome) -> None:
        self.runs += 1
        self.hours += outcome.seconds / HOUR
        self.real_seconds += outcome.real_seconds
        self.boards += outcome.boards
        self.points += outcome.points
        self.sessions += outcome.sessions
        self.grants += outcome.grants
        self.readings += outcome.readings
        self.energy_wh += outcome.energy_wh
        self.peak_load = max(self.peak_load, outcome.peak_load)
        self.longest_over = max(self.longest_over, outcome.longest_over)
        self.faults.update(outcome.faults)
        self.network.update(outcome.network)
        self.orders.update(outcome.orders)
        self.broken.update(each.invariant for each in outcome.violations)
        if outcome.crashes:
            self.broken["crash"] += 1
        if not outcome.is_fine:
            self.failed.append(outcome.seed)
        if not outcome.has_all:
            self.incomplete.append(outcome.seed)

    @property
    def is_fine(self) -> bool:
        return not self.failed and not self.incomplete

    def as_json(self) -> str:
        shown: dict[str, object] = {name: getattr(self, name) for name in self.__struct_fields__}
        return json.dumps(shown)

    def lines(self) -> Iterable[str]:
        """For people."""
        yield (
            f"{self.runs} parks, {self.boards} boards, {self.points} charge points, {self.hours:.1f} h, "
            f"{self.real_seconds:.0f} s of a processor"
        )
        energy = f"{self.energy_wh / 1000:.0f} kWh"
        yield f"{self.sessions} sessions, {energy}, {self.grants} grants, {self.readings} readings"
        yield f"highest load {100 * self.peak_load:.0f} % of a limit, longest above one {self.longest_over:.1f} s"
        yield "faults: " + ", ".join(f"{count} × {name}" for name, count in sorted(self.faults.items()))
        yield "network: " + ", ".join(f"{count} {name}" for name, count in sorted(self.network.items()))
        yield "orders of the backend: " + ", ".join(f"{count} × {name}" for name, count in sorted(self.orders.items()))
        if self.incomplete:
            yield f"without a partition, a crash or a clock jump: seeds {self.incomplete}"
        if self.failed:
            broken = ", ".join(f"{count} × {name}" for name, count in sorted(self.broken.items()))
            yield f"BROKEN: {broken}; seeds {self.failed}"
        else:
            yield f"no promise broken: {CHECKED}"


def failure(outcome: ParkOutcome, minutes: float) -> Iterable[str]:
    """What was broken, and the command that shows it again."""
    for violation in outcome.violations:
        yield f"  {text(violation)}"
    for crash in outcome.crashes:
        yield f"  crash: {crash}"
    yield f"  again: chargepark simulate --park --seeds {outcome.seed} --minutes {minutes:g}"
