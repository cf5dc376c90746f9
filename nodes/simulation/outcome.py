"""What a simulated day showed: figures, broken promises, crashes."""

from __future__ import annotations

import json

from msgspec import Struct

from park.load.invariants import Violation
from park.model.electric import PerPhase


class Outcome(Struct, frozen=True):
    """`digest`: hash of the event log, of `events` lines; `digests`: after each hour.

    `seconds`: virtual, without the drain after the end.
    `peak_load`: largest current / limit on any phase; `full_seconds`: how long the fuse was what limited the cars.
    `longest_queue`, `left_in_queue`: facts that waited for the backend, at most and at the end.
    """

    scenario: str
    seed: int
    seconds: float
    digest: str
    digests: tuple[str, ...]
    events: int
    violations: tuple[Violation, ...]
    crashes: tuple[str, ...]
    alarms: tuple[str, ...]
    readings: int
    messages: int
    commits: int
    visits: int
    turned_away: int
    sessions: int
    energy_wh: int
    calls: int
    outages: int
    lost_answers: int
    wire_repeats: int
    longest_queue: int
    left_in_queue: int
    dead_letters: int
    peak_load: float
    full_seconds: float
    real_seconds: float

    @property
    def speed(self) -> float:
        """Virtual seconds a real second."""
        return self.seconds / self.real_seconds if self.real_seconds else 0.0

    @property
    def is_fine(self) -> bool:
        """No promise was broken and nothing crashed."""
        return not self.violations and not self.crashes

    def as_json(self) -> str:
        """One line; keys as the attributes, violations as texts."""
        shown: dict[str, object] = {name: getattr(self, name) for name in self.__struct_fields__}
        shown["violations"] = [
            f"{each.invariant} {each.at:.2f} s {each.what}: {each.detail}" for each in self.violations
        ]
        shown["speed"] = round(self.speed, 1)
        return json.dumps(shown)


class Sampled(Struct, frozen=True):
    """Currents of a circuit at a moment, mA per phase, for the plot. `own_ma`: what the charge points draw."""

    mono: float
    total_ma: PerPhase
    own_ma: PerPhase
    limit_ma: PerPhase
