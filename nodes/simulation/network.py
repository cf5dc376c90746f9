"""The network between simulated boards: connections whose frames are late, lost, doubled, out of order, or cut off.

A frame belongs to its connection: when that is over on one side, its frames do not arrive there any more.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

from msgspec import Struct

from actors.address import Address
from actors.messages import ExchangeMessage
from nodes.exchange.client import CONNECT_SECONDS, SERVER_BACKOFF
from nodes.simulation.clocks import BoardWorld
from nodes.simulation.world import SimulatedWorld
from park.exchange.messages import EndLink, EndLinks, FrameArrived, LinkDown, LinkUp, SendFrame
from park.exchange.session import Frame

LinkMessage = LinkUp | LinkDown | FrameArrived


class Weather(Struct, frozen=True):
    """How frames travel to and from a board. `delay`: seconds, least and most. Shares of frames: `loss`, `double`."""

    delay: tuple[float, float] = (0.001, 0.02)
    loss: float = 0.0
    double: float = 0.0


FAIR = Weather()


class End(Struct, eq=False):
    """One side of a connection: a process on a board, and the link in it that hears of it."""

    node: str
    world: BoardWorld
    link: Address[LinkMessage]
    ended: Callable[[], None]
    open: bool = True


class Wire(Struct, eq=False):
    """One connection. `client`, `server`: its ends."""

    name: str
    client: End
    server: End

    def end_of(self, world: BoardWorld) -> tuple[End, End]:
        """(the end in this process, the other one)."""
        return (self.client, self.server) if self.client.world is world else (self.server, self.client)


class Port(Struct, frozen=True):
    """Where a server listens."""

    node: str
    world: BoardWorld
    link_of: Callable[[str], Address[LinkMessage]]


class SimulatedNetwork:
    """Who reaches whom, and how well. All times are true ones."""

    def __init__(self, world: SimulatedWorld, random: Random) -> None:
        self.counts: Counter[str] = Counter()
        self._world, self._random = world, random
        self._weather: dict[str, Weather] = {}
        self._cut: Counter[tuple[str, str]] = Counter()
        self._wires: dict[str, Wire] = {}
        self._port: Port | None = None
        self._serial = itertools.count(1)

    # ------------------------------------------------------------ conditions

    def weather(self, node: str, weather: Weather = FAIR) -> None:
        """From now on, of all frames to and from a client board."""
        self._weather[node] = weather

    def cut(self, ways: Iterable[tuple[str, str]]) -> None:
        """Nothing gets from one to the other; nobody is told. Cuts add up."""
        self._cut.update(ways)

    def mend(self, ways: Iterable[tuple[str, str]]) -> None:
        self._cut.subtract(ways)

    def reset(self, node: str) -> None:
        """The connections of a client board break, and both sides notice."""
        for wire in [wire for wire in self._wires.values() if wire.client.node == node]:
            self._close(wire.client, wire.name, "connection reset")
            self._close(wire.server, wire.name, "connection reset")

    def expel(self, server: BoardWorld) -> None:
        """The certificate of a server is no longer taken: its connections break."""
        for wire in [wire for wire in self._wires.values() if wire.server.world is server]:
            self._close(wire.client, wire.name, "certificate revoked")
            self._close(wire.server, wire.name, "certificate revoked")

    def _passes(self, sender: str, receiver: str) -> bool:
        return self._cut[(sender, receiver)] <= 0

    # ------------------------------------------------------------ nodes

    def listen(self, port: Port) -> None:
        """The server that boards find from now on."""
        self._port = port

    def dialer(self, node: str, world: BoardWorld, link: Address[LinkMessage]) -> Dialer:
        """What connects a client board to whoever listens, again and again."""
        return Dialer(self, self._world, self._random, End(node, world, link, lambda: None))

    def gone(self, world: BoardWorld, *, noticed: bool) -> None:
        """A process has ended. `noticed`: its kernel still tells the other sides; else they wait in vain."""
        for wire in list(self._wires.values()):
            if world in (wire.client.world, wire.server.world):
                mine, other = wire.end_of(world)
                mine.open = False
                if not other.open or not other.world.alive:
                    del self._wires[wire.name]
                elif noticed:
                    self._tell_end(mine, other, wire.name, "the peer is gone")

    # ------------------------------------------------------------ connections

    def connect(self, client: End) -> Wire | None:
        """Shake hands: the new connection, or None if nobody answers."""
        port = self._port
        if port is None or not port.world.alive or port.world.paused:
            return None
        if not (self._passes(client.node, port.node) and self._passes(port.node, client.node)):
            return None
        name = f"{client.node}-{next(self._serial)}"
        server = End(port.node, port.world, port.link_of(client.node), lambda: None)
        wire = Wire(name, End(client.node, client.world, client.link, client.ended), server)
        self._wires[name] = wire
        self.counts["connections"] += 1
        server.link.tell(LinkUp(name, client.node))
        wire.client.link.tell(LinkUp(name, port.node))
        return wire

    def obey(self, world: BoardWorld, order: ExchangeMessage) -> None:
        """An order of a link in this process."""
        if isinstance(order, EndLinks):
            for wire in [each for each in self._wires.values() if world in (each.client.world, each.server.world)]:
                self._obey(wire, world, EndLink(wire.name, order.reason))
            return
        wire = self._wires.get(order.connection)
        if wire is not None:
            self._obey(wire, world, order)

    def _obey(self, wire: Wire, world: BoardWorld, order: SendFrame | EndLink) -> None:
        mine, other = wire.end_of(world)
        if not mine.open:
            return
        match order:
            case SendFrame(_, frame):
                self._send(wire, mine, other, frame)
            case EndLink(_, reason):
                self._close(mine, wire.name, reason)
                self._tell_end(mine, other, wire.name, reason)

    def _send(self, wire: Wire, sender: End, receiver: End, frame: Frame) -> None:
        self.counts["frames"] += 1
        weather = self._weather.get(wire.client.node, FAIR)
        if not self._passes(sender.node, receiver.node) or self._random.random() < weather.loss:
            self.counts["frames lost"] += 1
            return
        copies = 1
        if self._random.random() < weather.double:
            copies = 2
            self.counts["frames doubled"] += 1
        for _ in range(copies):
            self._world.after(self._random.uniform(*weather.delay), lambda: self._arrive(wire, sender, receiver, frame))

    def _arrive(self, wire: Wire, sender: End, receiver: End, frame: Frame) -> None:
        if not receiver.open or not self._passes(sender.node, receiver.node):
            self.counts["frames lost"] += 1
            return
        receiver.link.tell(FrameArrived(wire.name, frame))

    def _tell_end(self, sender: End, receiver: End, name: str, reason: str) -> None:
        """The end of a connection travels like a frame; where it does not arrive, silence has to do."""
        if self._passes(sender.node, receiver.node):
            delay = self._random.uniform(*self._weather.get(receiver.node, FAIR).delay)
            self._world.after(delay, lambda: self._close(receiver, name, reason))

    def _close(self, end: End, name: str, reason: str) -> None:
        if not end.open:
            return
        end.open = False
        wire = self._wires.get(name)
        if wire is not None and not wire.client.open and not wire.server.open:
            del self._wires[name]
        end.link.tell(LinkDown(name, reason))
        end.ended()


class Orders:
    """The exchange edge of a process: what its links order goes to the network."""

    def __init__(self, network: SimulatedNetwork, world: BoardWorld) -> None:
        self._network, self._world = network, world

    def tell(self, order: ExchangeMessage, /) -> None:
        self._network.obey(self._world, order)


class Dialer:
    """Connects a client board: one connection after the other, with the backoff of the field's."""

    def __init__(self, network: SimulatedNetwork, world: SimulatedWorld, random: Random, end: End) -> None:
        self._network, self._world, self._random, self._end = network, world, random, end
        self._end.ended = self._again
        self._tries = 0

    def dial(self) -> None:
        """Try to connect now, later again."""
        if not self._end.world.alive:
            return
        if self._end.world.paused:
            self._end.world.enter(self.dial)
            return
        wire = self._network.connect(self._end)
        if wire is None:
            self._network.counts["failed attempts"] += 1
            self._world.after(self._random.uniform(0.1, CONNECT_SECONDS), self._again)
        else:
            self._tries = 0

    def _again(self) -> None:
        self._tries += 1
        self._world.after(SERVER_BACKOFF.delay(self._tries, self._random.random()), self.dial)
