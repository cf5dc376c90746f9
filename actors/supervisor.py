"""One-for-one supervision: declares the actors of a node as a tree, starts them in order, restarts them one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from actors.address import Nowhere
from actors.child import Child
from actors.supervision import (
    ChildFigures,
    ChildState,
    Crashed,
    GaveUp,
    Quarantined,
    Restarted,
    RestartPolicy,
    SupervisionReport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors.address import Address
    from actors.worker import Worker
    from actors.world import World

__all__ = [
    "Child",
    "ChildFigures",
    "ChildState",
    "Crashed",
    "GaveUp",
    "Quarantined",
    "RestartPolicy",
    "Restarted",
    "SupervisionReport",
    "Supervisor",
]

M = TypeVar("M")


class Supervisor:
    """The root of a node's actors, or, made by `supervisor()`, those of one physical thing.

    A child of the root that gives up is alone in that. In a sub-supervisor the others are stopped with it: a charge
    point without its meter is no charge point. Neither goes further up; `on_give_up(name)`, called on the failing
    actor's thread, lets the composition root put the thing in its safe state or end the process.
    """

    def __init__(
        self,
        world: World,
        name: str,
        policy: RestartPolicy = RestartPolicy(),
        report: Address[SupervisionReport] = Nowhere(),
        on_give_up: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.gave_up = False
        self._world = world
        self._policy = policy
        self._report = report
        self._on_give_up = on_give_up
        self._prefix = ""
        self._branches: list[Child[object] | Supervisor] = []
        self._ends_together = False

    def child(self, name: str, make: Callable[[Address[M]], Worker[M]]) -> Child[M]:
        """Declare an actor; `make` constructs an incarnation, given the stable address of itself."""
        child = Child(self._world, self._prefix + name, make, self._policy, self._report, self._child_gave_up)
        self._branches.append(child)  # pyright: ignore[reportArgumentType] - here it is only started and stopped
        return child

    def supervisor(self, name: str, policy: RestartPolicy | None = None) -> Supervisor:
        """Declare a sub-supervisor; its children are named `name/child`."""
        branch = Supervisor(self._world, self._prefix + name, policy or self._policy, self._report, self._on_give_up)
        branch._prefix = f"{self._prefix}{name}/"
        branch._ends_together = True
        self._branches.append(branch)
        return branch

    def start(self) -> None:
        """Construct all, then let them run in the order declared, so that the first can already be told by the last.

        Called again, it starts what was declared since.
        """
        declared = [child for child in self.children() if child.declared]
        for child in declared:
            child.build()
        for child in declared:
            child.launch()

    def stop(self) -> None:
        """Stop all in reverse order, each after the messages it was told before; waits, so call it off the loop."""
        for child in reversed(list(self.children())):
            ending = child.retire()
            if ending is not None and not ending.ended.is_set():
                self._world.halt(ending)

    def children(self) -> Iterator[Child[object]]:
        """Walk over the actors of the whole tree in the order declared."""
        for branch in self._branches:
            if isinstance(branch, Supervisor):
                yield from branch.children()
            else:
                yield branch

    def _child_gave_up(self, given_up: GaveUp) -> None:
        units = [given_up]
        if self._ends_together and not self.gave_up:
            self.gave_up = True
            units.append(GaveUp(self.name, given_up.error))
            for child in reversed(list(self.children())):
                child.retire()
        for unit in units:
            self._report.tell(unit)
            self._on_give_up(unit.name)
