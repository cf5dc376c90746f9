"""Lets the faults of a plan happen to a simulated park, counts them, and makes everything whole again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from nodes.simulation.backend import SimulatedBackend
from nodes.simulation.faults import WORST_DELAY, WORST_SHARE, Fault, Kind
from nodes.simulation.hardware import SimulatedHardware
from nodes.simulation.mortal import ROLES
from nodes.simulation.network import FAIR, SimulatedNetwork, Weather
from nodes.simulation.node import ServerNode, SimulatedNode
from nodes.simulation.park_eyes import ParkCheckers
from nodes.simulation.parks import SERVER
from nodes.simulation.world import SimulatedWorld
from park.physics.meters import Mode

AGAIN_SECONDS = 5.0  # what cannot happen now, to a board that is down, happens later
RESTART_SECONDS = 3.0  # until the actor that failed runs again, at the first time
SILENT = 0.5  # a kill of less strength is a power cut: nobody's connection is reset


class Happenings:
    """`counts`: what really happened. A board that is down is killed when it is up again.

    `losing`: told of a board before its database is lost.
    """

    def __init__(
        self,
        world: SimulatedWorld,
        nodes: Mapping[str, SimulatedNode],
        network: SimulatedNetwork,
        hardware: SimulatedHardware,
        backend: SimulatedBackend,
        checkers: ParkCheckers,
        losing: Callable[[SimulatedNode], None] = lambda _: None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._world, self._nodes, self._network = world, nodes, network
        self._hardware, self._backend, self._checkers = hardware, backend, checkers
        self._losing = losing
        self._full: Counter[str] = Counter()
        self._healing: dict[int, Callable[[], None]] = {}
        self._serial = 0
        self._is_over = False

    def plan(self, fault: Fault) -> None:
        self._world.after(fault.at, lambda: self._happen(fault))

    def heal(self) -> None:
        """End everything that still lasts; nothing happens any more."""
        self._is_over = True
        for number in list(self._healing):
            self._over(number)

    def _happen(self, fault: Fault) -> None:
        if self._is_over:
            return
        ending = self._begin(fault)
        if ending is None:
            self._world.after(AGAIN_SECONDS, lambda: self._happen(fault))
            return
        self._checkers.log.write((fault.kind.value, fault.nodes))
        self.counts[fault.kind.value] += 1
        self._serial += 1
        number = self._serial
        self._checkers.trouble(1)
        self._healing[number] = ending
        self._world.after(fault.seconds, lambda: self._over(number))

    def _over(self, number: int) -> None:
        ending = self._healing.pop(number, None)
        if ending is not None:
            ending()
            self._checkers.trouble(-1)

    def _begin(self, fault: Fault) -> Callable[[], None] | None:
        """Let it happen; returns how it ends, None: it could not happen."""
        match fault.kind:
            case Kind.PARTITION | Kind.ONE_WAY:
                return self._part(fault)
            case Kind.WEATHER:
                return self._worsen(fault)
            case Kind.RESET:
                self._network.reset(fault.nodes[0])
                return _nothing
            case Kind.BOARD_KILL | Kind.SERVER_KILL:
                return self._kill(self._nodes[fault.nodes[0]], noticed=fault.strength >= SILENT)
            case Kind.PAUSE:
                return self._pause(self._nodes[fault.nodes[0]])
            case Kind.CLOCK:
                self._nodes[fault.nodes[0]].clock.jump_wall(fault.strength)
                return _nothing
            case Kind.BACKEND:
                self._backend.go_away(fault.seconds)
                return _nothing
            case Kind.METER:
                return self._silence(fault.nodes[0])
            case Kind.DISK:
                return self._fill(self._nodes[fault.nodes[0]])
            case Kind.DATABASE:
                return self._lose(self._nodes[fault.nodes[0]])
            case Kind.ACTOR:
                return self._doom(self._nodes[fault.nodes[0]], fault.strength)

    def _part(self, fault: Fault) -> Callable[[], None]:
        ways = list(_ways(fault))
        self._network.cut(ways)
        return lambda: self._network.mend(ways)

    def _worsen(self, fault: Fault) -> Callable[[], None]:
        worst = fault.strength
        weather = Weather((0.001, 0.02 + worst * WORST_DELAY), worst * WORST_SHARE, worst * WORST_SHARE)
        for node in fault.nodes:
            self._network.weather(node, weather)

        def clear() -> None:
            for node in fault.nodes:
                self._network.weather(node, FAIR)

        return clear

    def _kill(self, node: SimulatedNode, *, noticed: bool) -> Callable[[], None] | None:
        if not node.is_up:
            return None
        leads = isinstance(node, ServerNode)
        if leads:
            self._checkers.restarting()
        node.kill(noticed=noticed)

        def boot() -> None:
            node.boot()
            if leads:
                self._checkers.restarted()

        return boot

    def _fill(self, node: SimulatedNode) -> Callable[[], None]:
        """Fillings of one disk may overlap."""
        self._full[node.name] += 1
        node.store.is_full = True

        def empty() -> None:
            self._full[node.name] -= 1
            node.store.is_full = self._full[node.name] > 0

        return empty

    def _lose(self, node: SimulatedNode) -> Callable[[], None] | None:
        ending = self._kill(node, noticed=False)
        if ending is not None:
            self._losing(node)
            node.lose_database()
        return ending

    def _doom(self, node: SimulatedNode, strength: float) -> Callable[[], None] | None:
        """One of its actors fails at the next message; if it is the coordinator, the park begins anew."""
        role = ROLES[int(strength * len(ROLES))]
        if node.run is None:
            return None
        node.run.world.doomed = role
        if role != "coordinator" or not isinstance(node, ServerNode):
            return _nothing
        self._checkers.restarting()
        self._world.after(RESTART_SECONDS, self._checkers.restarted)
        return _nothing

    def _pause(self, node: SimulatedNode) -> Callable[[], None] | None:
        if not node.is_up or node.is_paused:
            return None
        node.pause()
        return node.go_on

    def _silence(self, meter: str) -> Callable[[], None]:
        self._switch(meter, Mode.SILENT)
        return lambda: self._switch(meter, Mode.LIVE)

    def _switch(self, meter: str, mode: Mode) -> None:
        self._hardware.site.switch(meter, mode, self._world.now().mono)
        self._hardware.changed()


def _ways(fault: Fault) -> Iterable[tuple[str, str]]:
    """(sender, receiver) pairs that are cut off from each other."""
    for node in fault.nodes:
        if fault.kind is Kind.PARTITION:
            yield (node, SERVER)
            yield (SERVER, node)
        else:
            yield (node, SERVER) if fault.strength < SILENT else (SERVER, node)


def _nothing() -> None:
    """It is over at once."""
