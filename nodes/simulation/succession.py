"""A second server takes a park over while the first one stands still; the first comes back and knows nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from msgspec import Struct

from nodes.simulation.network import SimulatedNetwork
from nodes.simulation.node import ServerNode
from nodes.simulation.park_eyes import ParkCheckers
from nodes.simulation.world import SimulatedWorld

SHARE = 0.3  # of the parks that can have it
SETTLE_SECONDS = 30.0  # until boards that went astray are back


class Takeover(Struct, frozen=True):
    """Seconds: when the first server stops, and after that when what happens. `astray`: boards that go back to it.

    They do for less than a lease: then its certificate is no longer taken.
    """

    at: float
    boots_after: float = 10.0
    returns_after: float = 60.0
    mistaken_after: float = 80.0
    mistaken_for: float = 8.0
    astray: tuple[str, ...] = ()


def takeover_plan(random: Random, seconds: float, clients: Sequence[str]) -> Takeover | None:
    """One for some of the parks, in the middle of the run."""
    if random.random() >= SHARE:
        return None
    return Takeover(
        at=random.uniform(0.2, 0.5) * seconds,
        boots_after=random.uniform(1.0, 60.0),
        returns_after=random.uniform(5.0, 120.0),
        mistaken_after=random.uniform(60.0, 200.0),
        astray=tuple(sorted(random.sample(clients, (len(clients) + 1) // 2))),
    )


class Succession:
    """`leads`: told when the second server is the one."""

    def __init__(
        self,
        world: SimulatedWorld,
        network: SimulatedNetwork,
        checkers: ParkCheckers,
        first: ServerNode,
        second: ServerNode,
        leads: Callable[[], None],
    ) -> None:
        self._world, self._network, self._checkers = world, network, checkers
        self._first, self._second, self._leads = first, second, leads

    def plan(self, takeover: Takeover) -> None:
        self._world.after(takeover.at, lambda: self._begin(takeover))

    def _begin(self, takeover: Takeover) -> None:
        if not self._first.is_up or self._first.is_paused:
            return
        self._checkers.takeovers["takeover by another server"] += 1
        self._checkers.restarting()
        self._first.pause()
        self._leads()
        after = self._world.after
        after(takeover.boots_after, self._take_over)
        after(takeover.returns_after, self._first.go_on)
        if takeover.astray and takeover.mistaken_after > max(takeover.boots_after, takeover.returns_after):
            after(takeover.mistaken_after, lambda: self._lead_astray(takeover))
        else:
            after(takeover.mistaken_after + max(takeover.boots_after, takeover.returns_after), self._send_away)

    def _take_over(self) -> None:
        self._second.boot()
        self._checkers.restarted()

    def _lead_astray(self, takeover: Takeover) -> None:
        """Some boards lose their link, and find the first server."""
        if not self._second.is_up or self._first.listening is None:
            self._world.after(takeover.mistaken_for, self._send_away)
            return
        self._checkers.trouble(1)
        self._network.listen(self._first.listening)
        for name in takeover.astray:
            self._network.reset(name)
        self._world.after(takeover.mistaken_for, self._correct)

    def _send_away(self) -> None:
        """Boards that found the first server again before the second was there would stay with it for ever."""
        self._checkers.trouble(1)
        self._correct()

    def _correct(self) -> None:
        if self._second.listening is not None:
            self._network.listen(self._second.listening)
        if self._first.run is not None:
            self._network.expel(self._first.run.world)
        self._world.after(SETTLE_SECONDS, lambda: self._checkers.trouble(-1))
