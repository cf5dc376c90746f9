"""What a group asks the coordinator above for: on each phase, what its charge points could use (B-084)."""

from __future__ import annotations

from collections.abc import Mapping

from park.load.budget import PHASES
from park.load.group import load_on
from park.load.limits import smallest
from park.load.standing import Point
from park.load.state import CircuitState, CoordinatorState
from park.model.demand import DemandChanged
from park.model.electric import PerPhase
from park.model.limit import LimitKind

STEP_MA = 1_000  # ours: wishes are rounded up to it, so that a noisy meter does not ask for another plan every second


class Wishes:
    """The wishes of a group that were told. Mutable, owned by the group's state."""

    __slots__ = ("_group", "_since", "_told")

    def __init__(self, group: str) -> None:
        self._group = group
        self._told: dict[int, DemandChanged] = {}
        self._since: dict[int, float] = {}  # mono since somebody has wanted current there, by phase

    def forget(self) -> None:
        """Whoever listens began anew."""
        self._told.clear()

    def changed(
        self, state: CoordinatorState, root: CircuitState, committed: Mapping[Point, PerPhase], now: float
    ) -> list[DemandChanged]:
        """The wishes that are not what was told last. `committed`: of each charge point, mA per phase."""
        most = _most(state, root)
        found = [self._on(phase, state, root, committed, most[phase], now) for phase in PHASES]
        changed = [(phase, wish) for phase, wish in enumerate(found) if wish != self._told.get(phase)]
        self._told.update(changed)
        return [wish for _, wish in changed]

    def _on(
        self,
        phase: int,
        state: CoordinatorState,
        root: CircuitState,
        committed: Mapping[Point, PerPhase],
        most_ma: int,
        now: float,
    ) -> DemandChanged:
        wanting = [point for point in state.points if _wants(point, phase, now)]
        kept = root.external.planned.held_ma[phase] + root.circuit.headroom_ma
        others = sum(committed[point][phase] for point in state.points if point not in wanting)
        silent = sum(committed[point][phase] for point in state.points if not point.reachable(now))
        least = kept + silent + min((point.minimum_ma() for point in wanting), default=0)
        wish = kept + others + sum(point.maximum_ma() for point in wanting)
        since = self._since.setdefault(phase, now) if wanting else self._since.pop(phase, now)
        return DemandChanged(
            charge_point=load_on(self._group, phase),
            wants=bool(wanting),
            phases_used=1,
            minimum_ma=min(least, most_ma) if wanting else 0,
            maximum_ma=min(-(-wish // STEP_MA) * STEP_MA, most_ma) if wanting else 0,
            drawing=any(point.demand is not None and point.demand.drawing for point in wanting),
            since=since if wanting else 0.0,
        )


def _wants(point: Point, phase: int, now: float) -> bool:
    """It can be given current on this phase (0, 1, 2)."""
    able = point.wants and point.reachable(now) and point.maximum_ma() >= point.minimum_ma()
    return able and phase + 1 in point.phases


def _most(state: CoordinatorState, root: CircuitState) -> PerPhase:
    """What the circuit of the group may carry, whatever its budget is."""
    name = root.circuit.name
    limits = [each for each in state.limits.at(name) if each.limit.kind is not LimitKind.BUDGET]
    return smallest(limits, root.circuit.limit_ma)[0]
