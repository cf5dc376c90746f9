"""One simulated board: its disk outlives its runs, its electronics go on without it, its process can be killed."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from actors.address import Address, Nowhere
from actors.messages import (
    Alarm,
    ChargePointMessage,
    DriverMessage,
    MeterMessage,
    ReaderMessage,
    Report,
    StoreMessage,
)
from actors.supervisor import SupervisionReport, Supervisor
from nodes import epochs, told
from nodes.board import Identities, client_board, leading_board
from nodes.simulation.backend import SimulatedBackend
from nodes.simulation.clocks import BoardClock, BoardWorld
from nodes.simulation.hardware import SimulatedHardware
from nodes.simulation.network import Orders, Port, SimulatedNetwork
from nodes.simulation.park_eyes import ParkCheckers
from nodes.simulation.store import SimulatedStore
from nodes.simulation.world import SimulatedWorld
from nodes.wiring import Board, ClientEdges, Edges, Park, Roles, wire, wire_client
from park.config.mapping import full_name
from park.config.node_config import NodeConfig
from park.exchange.placing import PLACED_TABLE
from park.model.evse import Signal
from park.physics.hardware import TRAITS

VERSION = "simulated"
START_AGAIN_SECONDS = 1.0  # by the init system of the board
ANSWER_SECONDS = 0.0005  # from the disk to the actor that asked
GATEWAY_METERS = 4  # behind one gateway: read within milliseconds of each other, here in one instant
GATEWAY_SECONDS = 0.21  # from the polls of one gateway to those of the next


class Surroundings(Struct, frozen=True):
    """What all boards of a simulated park share. `points`, `readers`: how the electronics reach whoever runs now."""

    world: SimulatedWorld
    hardware: SimulatedHardware
    network: SimulatedNetwork
    checkers: ParkCheckers
    points: MutableMapping[str, Address[ChargePointMessage]]
    readers: MutableMapping[str, Address[ReaderMessage]]
    crashes: Address[SupervisionReport]
    alarms: Address[Alarm]
    view: Address[Report]


class _StoreDoor:
    """The disk as one run sees it: its answers reach that run only."""

    def __init__(self, store: SimulatedStore, world: BoardWorld) -> None:
        self._store, self._world = store, world

    def tell(self, message: StoreMessage, /) -> None:
        self._store.tell(replace(message, reply_to=self._world.entry(message.reply_to)))


class _DriverDoor:
    """The driver of one run: it knows when, by the electronics' clock, a signal ends."""

    def __init__(self, hardware: SimulatedHardware, world: BoardWorld) -> None:
        self._hardware, self._world = hardware, world

    def tell(self, message: DriverMessage, /) -> None:
        if isinstance(message, Signal):
            message = replace(message, until=self._world.true_time(message.until))
        self._hardware.tell(message)


class Run(Struct, frozen=True):
    """One run of a board, from boot to end."""

    world: BoardWorld
    supervisor: Supervisor


class SimulatedNode:
    """A board of the park. `run`: None while it is down. `label`: what its boot ids begin with.

    Raises nothing: what cannot be done now is not done.
    """

    def __init__(
        self, config: NodeConfig, around: Surroundings, clock: BoardClock, random: Random, roles: Roles = Roles()
    ) -> None:
        self.name = self.label = config.node.name
        self.config = config
        self.clock = clock
        self.store = SimulatedStore(around.world, ANSWER_SECONDS)
        self.run: Run | None = None
        self.boots = self.disks = 0
        self._around, self._random, self._roles = around, random, roles

    @property
    def is_up(self) -> bool:
        return self.run is not None

    @property
    def is_paused(self) -> bool:
        return self.run is not None and self.run.world.paused

    def boot(self) -> None:
        """Start the process, with what is on disk; one that cannot start is started again and again."""
        if self.run is not None:
            return
        if not self._may_start():
            self._around.world.after(START_AGAIN_SECONDS, self.boot)
            return
        self.boots += 1
        world = BoardWorld(self._around.world, self.clock, began_at=self._random.uniform(0.0, 1e6))
        boot_id = f"{self.label}-{self.boots}"
        self._around.checkers.booted(self.name, boot_id, world)
        self.run = Run(world, self._compose(world, boot_id))

    def lose_database(self) -> None:
        """A new board in the place of one that is down: its keys are the old ones, its disk is empty."""
        self.disks += 1
        self.store.wipe()

    def kill(self, *, noticed: bool = True) -> None:
        """Kill -9, or (not `noticed` by those connected) a power cut of the board alone."""
        if self.run is None:
            return
        world, self.run = self.run.world, None
        world.kill()
        self.store.cut_power()
        self._around.network.gone(world, noticed=noticed)
        self._around.checkers.killed(self.name)
        self._ended()

    def pause(self) -> None:
        if self.run is not None:
            self.run.world.stop()

    def go_on(self) -> None:
        if self.run is not None:
            self.run.world.go_on()

    def _compose(self, world: BoardWorld, boot_id: str) -> Supervisor:
        raise NotImplementedError

    def _ended(self) -> None:
        """The process is gone."""

    def _may_start(self) -> bool:
        return True

    def _new_id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def _attach(
        self,
        world: BoardWorld,
        points: Mapping[str, Address[ChargePointMessage]],
        meters: Mapping[str, Address[MeterMessage]],
        readers: Mapping[str, Address[ReaderMessage]],
    ) -> None:
        """The edges of the electronics."""
        around = self._around
        for point in self.config.charge_point:
            name = full_name(self.name, point.name)
            around.points[name] = world.entry(points[name])
        for reader in self.config.reader:
            around.readers[reader.name] = world.entry(readers[reader.name])
        for place, meter in enumerate(self.config.meter):
            first = (place // GATEWAY_METERS * GATEWAY_SECONDS) % meter.poll_seconds
            around.hardware.poll(meter.name, meters[meter.name], meter.poll_seconds, first, world)


class ServerNode(SimulatedNode):
    """The board that leads the park. `server_id`: of its store, as everything on disk."""

    def __init__(
        self,
        config: NodeConfig,
        around: Surroundings,
        clock: BoardClock,
        random: Random,
        backend: SimulatedBackend,
        roles: Roles = Roles(),
        server_id: str = "server-1",
    ) -> None:
        super().__init__(config, around, clock, random, roles)
        self.server_id = self.label = server_id
        self.listening: Port | None = None
        self._backend = backend

    def _compose(self, world: BoardWorld, boot_id: str) -> Supervisor:
        around, store = self._around, _StoreDoor(self.store, world)
        life = epochs.begin_life(self.store, self.server_id, self._new_id)
        ids = Identities(
            boot_id,
            f"journal-{self.server_id}",
            self.server_id,
            life.epoch,
            self._new_id,
            life.server_id,
            life.earlier,
            life.suspects,
        )
        telling = told.begin_telling(self.store, self.config, lambda _: TRAITS)
        keeper = epochs.Keeper(store, Nowhere())
        orders = Orders(around.network, world)
        driver = _DriverDoor(around.hardware, world)
        lapses = told.Keeper(store)
        standing = epochs.StandingKeeper(store, Nowhere())
        edges = Edges(
            store, driver, self._backend, around.view, keeper, around.alarms, Nowhere(), orders, standing, lapses
        )
        eyes = around.checkers.of_server(self.name, world, boot_id)
        park = wire(
            world,
            self._led(leading_board(self.config, ids, VERSION, told=telling)),
            self._reaching(edges, world),
            around.crashes,
            eyes=eyes,
            roles=self._roles,
        )
        park.supervisor.start()
        self._attach(world, park.charge_points, park.meters, park.readers)
        self.listening = Port(self.name, world, lambda node: world.entry(park.link_of(node)))
        around.network.listen(self.listening)
        if self.config.backend is not None:
            self._backend.connect(self.config.backend.identity, world.entry(park.central))
        self._connect(world, park)
        return park.supervisor

    def _led(self, board: Board) -> Board:
        """What it leads, beyond its configuration."""
        return board

    def _reaching(self, edges: Edges, world: BoardWorld) -> Edges:  # noqa: ARG002
        """What it reaches, beyond its own park."""
        return edges

    def _connect(self, world: BoardWorld, park: Park) -> None:
        """It runs: whoever it is a board of may be called."""

    def _ended(self) -> None:
        self._backend.disconnect()

    def _may_start(self) -> bool:
        """A server that cannot write down its epoch ends with an error."""
        return not self.store.is_full


class ClientNode(SimulatedNode):
    """A client board."""

    def _compose(self, world: BoardWorld, boot_id: str) -> Supervisor:
        around, store = self._around, _StoreDoor(self.store, world)
        ids = Identities(boot_id, f"journal-{self.name}-{self.disks}", "", 0, self._new_id)
        orders = Orders(around.network, world)
        driver = _DriverDoor(around.hardware, world)
        edges = ClientEdges(store, driver, orders, around.checkers.links_of(self.name), around.alarms)
        eyes = around.checkers.of_client(world, boot_id)
        board = client_board(self.config, ids, VERSION, self.store.rows(PLACED_TABLE))
        client = wire_client(world, board, edges, around.crashes, eyes=eyes, roles=self._roles)
        client.supervisor.start()
        self._attach(world, client.charge_points, client.meters, client.readers)
        around.network.dialer(self.name, world, world.entry(client.link)).dial()
        return client.supervisor
