"""The three worlds behind one handle, so that one test shows the same behaviour in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from nodes.field import PoolWorld, ThreadWorld
from nodes.simulation.world import SimulatedWorld

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.probe import Probe

M = TypeVar("M")

WORLDS = ("threads", "pool", "simulation")


@dataclass
class Stage:
    """A world and how to wait in it."""

    world: ThreadWorld | PoolWorld | SimulatedWorld

    def expect(self, probe: Probe[M], wanted: M | Callable[[M], bool], count: int = 1) -> M:
        """Let the world run until the probe was told `wanted` `count` times; ten virtual seconds in the simulation."""
        if isinstance(self.world, SimulatedWorld):
            self.world.run_for(10.0)
        return probe.expect(wanted, count)

    def close(self) -> None:
        if not isinstance(self.world, SimulatedWorld):
            self.world.close()


def stage(name: str, seed: int = 7) -> Stage:
    """Set up a world by its name."""
    match name:
        case "threads":
            return Stage(ThreadWorld())
        case "pool":
            return Stage(PoolWorld(2))
        case _:
            return Stage(SimulatedWorld(seed))
