"""The world of one run of a board within the simulated one: its own clocks, and what kill -9 and SIGSTOP do to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic, TypeVar

from actors.address import Address
from actors.worker import Worker
from nodes.simulation.world import SimulatedWorld
from park.model.time import Now

M = TypeVar("M")


class BoardClock:
    """How a board's clocks differ from true time. `rate`: its seconds in a true second.

    Of each run the monotonic clock is another; the wall clock keeps what was done to it.
    """

    def __init__(self, rate: float = 1.0, wall_error: float = 0.0) -> None:
        self.rate = rate
        self.wall_error = timedelta(seconds=wall_error)

    def jump_wall(self, seconds: float) -> None:
        self.wall_error += timedelta(seconds=seconds)


class BoardWorld:
    """`World` of one run, from boot to end. `began_at`: mono at the boot, whatever it is then."""

    def __init__(self, world: SimulatedWorld, clock: BoardClock, began_at: float) -> None:
        self.alive = True
        self.paused = False
        self.doomed: str | None = None  # the role of the actor that fails at its next message
        self._world, self._clock, self._began_at = world, clock, began_at
        self._booted = world.now().mono
        self._seen = world.now()
        self._error = clock.wall_error
        self._now = self._translated()
        self._actors: list[Worker[Any]] = []
        self._late: list[Callable[[], None]] = []

    # ------------------------------------------------------------ World

    def now(self) -> Now:
        true = self._world.now()
        if true is not self._seen or self._error is not self._clock.wall_error:
            self._seen, self._error = true, self._clock.wall_error
            self._now = self._translated()
        return self._now

    def after(self, seconds: float, deliver: Callable[[], None]) -> None:
        due = self.now().mono + max(seconds, 0.0)
        true = self.true_time(due)
        while self._mono(true) < due:  # rounded down: whoever wakes too early asks again, for ever
            true = math.nextafter(true, math.inf)
        delay = true - self._seen.mono
        while self._seen.mono + delay < true:
            delay = math.nextafter(delay, math.inf)
        self._world.after(delay, lambda: self.enter(deliver))

    def launch(self, actor: Worker[Any]) -> None:
        self._actors.append(actor)
        self._world.launch(actor)

    def halt(self, actor: Worker[Any]) -> None:
        self._world.halt(actor)

    # ------------------------------------------------------------ from outside

    def enter(self, deliver: Callable[[], None]) -> None:
        """Let something reach the process: now, when it goes on, or never."""
        if self.paused:
            self._late.append(deliver)
        elif self.alive:
            deliver()

    def entry(self, address: Address[M]) -> Address[M]:
        """The address as it is reached from outside the process."""
        return _Entry(self, address)

    def true_time(self, mono: float) -> float:
        """When this board's clock shows `mono`."""
        return self._booted + (mono - self._began_at) / self._clock.rate

    def kill(self) -> None:
        """End all actors where they stand; their mail is gone."""
        self.alive = self.paused = False
        self._late.clear()
        for actor in self._actors:
            actor.bury()
        self._actors.clear()

    def stop(self) -> None:
        """SIGSTOP: clocks run on, nothing else does."""
        self.paused = True

    def go_on(self) -> None:
        """SIGCONT: what came meanwhile is there at once, in its order."""
        self.paused = False
        late, self._late = self._late, []
        for deliver in late:
            self.enter(deliver)

    def _translated(self) -> Now:
        return Now(self._mono(self._seen.mono), self._seen.wall + self._error)

    def _mono(self, true: float) -> float:
        return self._began_at + (true - self._booted) * self._clock.rate


class _Entry(Generic[M]):
    """What is told from outside the process comes in by its door."""

    def __init__(self, world: BoardWorld, address: Address[M]) -> None:
        self._world, self._address = world, address

    def tell(self, message: M, /) -> None:
        world = self._world
        if world.alive and not world.paused:
            self._address.tell(message)
        elif world.paused:
            world.enter(lambda: self._address.tell(message))
