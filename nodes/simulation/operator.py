"""Somebody at the backend who starts and stops charging from afar, in a simulated park."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from nodes.simulation.backend import SimulatedBackend
from nodes.simulation.world import SimulatedWorld

HOUR = 3600.0
STARTS_PER_HOUR, STOPS_PER_HOUR = 40.0, 20.0


class Operator:
    """`tags`: of drivers who may charge. `connectors`: how many there are; some orders are for one more."""

    def __init__(
        self, world: SimulatedWorld, backend: SimulatedBackend, connectors: int, tags: Sequence[str], random: Random
    ) -> None:
        self._world, self._backend, self._random = world, backend, random
        self._connectors, self._tags = connectors, sorted(tags)

    def begin(self, seconds: float) -> None:
        """Draw all orders of so many seconds."""
        for rate, order in ((STARTS_PER_HOUR, self._start), (STOPS_PER_HOUR, self._stop)):
            at = self._random.expovariate(rate / HOUR)
            while at < seconds:
                self._world.after(at, order)
                at += self._random.expovariate(rate / HOUR)

    def _start(self) -> None:
        connector = self._random.randint(1, self._connectors + 1)
        payload = {"idTag": self._random.choice(self._tags), "connectorId": connector}
        if self._random.random() < 0.1:  # noqa: PLR2004 - the park has to choose
            del payload["connectorId"]
        self._backend.order("RemoteStartTransaction", payload)

    def _stop(self) -> None:
        running = [each.transaction_id for each in self._backend.ledger.transactions() if not each.stops]
        number = self._random.choice(running) if running else 0
        self._backend.order("RemoteStopTransaction", {"transactionId": number})
