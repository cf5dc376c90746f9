"""Where a simulated board's reports end: what matters to the outcome is kept, the rest is gone."""

from __future__ import annotations

from actors.messages import Alarm, Report
from actors.supervision import Crashed, GaveUp, SupervisionReport
from nodes.simulation.world import SimulatedWorld
from park.load.report import CircuitReported
from park.ocpp.effects import BackendReported

FULL_SHARE = 0.95  # of the available current promised: from here on it is the fuse that limits the cars


class KeptReports:
    """The view: how long the queue to the backend was, and how long the fuse was what limited the cars.

    `full_seconds`: a phase of some circuit had at most 5 % of its available current left to promise.
    """

    def __init__(self, world: SimulatedWorld) -> None:
        self.longest_queue = 0
        self.left_in_queue = 0
        self.dead_letters = 0
        self._world = world
        self._full_since: dict[str, float] = {}
        self._full = 0.0

    def tell(self, message: Report, /) -> None:
        if type(message) is BackendReported:
            self.left_in_queue, self.dead_letters = message.queue_depth, message.dead_letters
            self.longest_queue = max(self.longest_queue, message.queue_depth)
        elif type(message) is CircuitReported:
            self._look(message)

    @property
    def full_seconds(self) -> float:
        now = self._world.now().mono
        return self._full + sum(now - since for since in self._full_since.values())

    def _look(self, circuit: CircuitReported) -> None:
        now, phases = self._world.now().mono, zip(circuit.committed_ma, circuit.available_ma, strict=True)
        since = self._full_since.pop(circuit.circuit, None)
        if since is not None:
            self._full += now - since
        if not circuit.holding and any(promised >= FULL_SHARE * available for promised, available in phases):
            self._full_since[circuit.circuit] = now


class KeptAlarms:
    """What a technician would have been told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def tell(self, message: Alarm, /) -> None:
        self.texts.append(f"{message.code}: {message.text}")


class KeptCrashes:
    """Crashes in a simulation are findings."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def tell(self, message: SupervisionReport, /) -> None:
        match message:
            case Crashed():
                self.texts.append(f"{message.name} at {message.handling}: {message.error}\n{message.trace}")
            case GaveUp(name, error):
                self.texts.append(f"{name} gave up: {error}")
            case _:
                pass
