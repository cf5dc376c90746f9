"""The checkers of the park above a group: what the group may draw by truth is what it was granted or said (S1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.messages import CoordinatorMessage
from nodes.simulation.park_eyes import ParkCheckers
from nodes.simulation.world import SimulatedWorld
from park.config.electrical import LoadSection
from park.load.circuit import Circuit, Placement
from park.load.group import GroupPlacement, loads
from park.load.invariants import DEADMAN_SECONDS, PromiseWatch, Violation
from park.load.lease import REACTION_SECONDS, lease_and_guard
from park.model.demand import CurrentSignalled
from park.model.electric import ZERO, PerPhase, add, highest
from park.model.grant import Grant
from park.physics.site import Site

Fence = tuple[int, int]
FOLLOWED_SECONDS = DEADMAN_SECONDS + REACTION_SECONDS
"""After the end of a budget: by then watchdogs have acted, and vehicles have followed."""

SILENCE_SECONDS = lease_and_guard(LoadSection().lease_seconds) + REACTION_SECONDS
"""After that what was said counts no more: every budget has ended since, and vehicles have followed."""


class GroupCheckers(ParkCheckers):
    """Of the group's own boards: as those of any park."""

    def worst_ma(self) -> PerPhase:
        """What all charge points may draw now: by grants that are on their way or held, by their pilots, by lapse."""
        now, total = self._moment(), ZERO
        for name in self._placed:
            total = add(total, self._promises.worst_ma(now, name))
        return total


class AboveCheckers(ParkCheckers):
    """Of the park above. A budget counts from its sending to its end, by true time, whoever of the group is dead."""

    def __init__(
        self,
        world: SimulatedWorld,
        circuits: Sequence[Circuit],
        placements: Sequence[Placement],
        site: Site,
        full_names: Mapping[str, str],
        group: GroupPlacement,
        below: GroupCheckers,
    ) -> None:
        budgets = loads(group)
        super().__init__(world, circuits, (*placements, *budgets), site, full_names)
        self._budgets = {budget.charge_point: phase for phase, budget in enumerate(budgets)}
        self._fallback_ma, self._below = group.fallback_ma, below
        self._said = PromiseWatch(circuits, budgets)  # by what the park above knows, silence included
        self._said_at: dict[str, float] = {}
        self._fences: dict[str, Fence] = dict.fromkeys(self._budgets, (0, 0))
        self._lapses = {name: group.fallback_ma[phase] for name, phase in self._budgets.items()}
        self._excess: set[str] = set()
        self.most_ma = ZERO  # of the group, by its worst

    def sent(self, grant: Grant) -> None:
        """A grant leaves. What the group may draw is what its charge points may, and its budgets."""
        now, worst = self._moment(), self._below.worst_ma()
        for name, phase in self._budgets.items():
            self._promises.signalled(now, name, worst[phase], self._lapses[name], self._fences[name], open_=True)
        if grant.charge_point in self._budgets:
            self._said.sent(now, grant, self._until(grant, now) + FOLLOWED_SECONDS)
        super().sent(grant)

    def heard(self, message: CoordinatorMessage) -> None:
        if isinstance(message, CurrentSignalled) and message.charge_point in self._budgets:
            name, now = message.charge_point, self._moment()
            fence = (message.epoch, message.sequence)
            self._fences[name], self._said_at[name] = fence, now
            self._lapses[name] = min(message.lapse_ma, self._fallback_ma[self._budgets[name]])
            self._said.signalled(now, name, message.amps_ma, message.lapse_ma, fence, open_=False)
        super().heard(message)

    def look(self, now: float) -> None:
        super().look(now)
        worst = self._below.worst_ma()
        self.most_ma = highest(self.most_ma, worst)
        for name, phase in self._budgets.items():
            if now > self._said_at.get(name, now) + SILENCE_SECONDS:
                self._said.signalled(now, name, 0, self._fallback_ma[phase], self._fences[name], open_=False)
            allowed = self._said.worst_ma(now, name)[phase]
            if worst[phase] <= max(allowed, self._fallback_ma[phase]):
                self._excess.discard(name)
            elif name not in self._excess:
                self._excess.add(name)
                detail = f"{worst[phase]} mA may flow, {allowed} mA granted, said or set aside"
                self.violations.append(Violation("S1", now, name, detail))
