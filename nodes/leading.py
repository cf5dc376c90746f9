"""A board that leads a park, alone or with client boards: store, actors, edges, and the order they end in."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path

import grpc.aio
import structlog
from msgspec import Struct

from actors.address import Address
from actors.messages import (
    Alarm,
    BackendLinkMessage,
    DriverMessage,
    ExchangeMessage,
    MaintenanceMessage,
)
from nodes import epochs, interpreter, log_lines, time_floor, told
from nodes.above import below_another
from nodes.administration.configuration import configuration_service
from nodes.administration.limits import limit_service
from nodes.administration.managers import manager_service
from nodes.administration.whitelist import whitelist_service
from nodes.board import Identities, leading_board, park_name
from nodes.bridge import Outbox
from nodes.checked_config import read_checked
from nodes.energy.desk import LimitDesk
from nodes.energy.managers import TABLE as MANAGERS
from nodes.energy.managers import EnergyManagers
from nodes.energy.server import EnergyServer
from nodes.energy.service import Writing
from nodes.field import ThreadWorld, clock
from nodes.maintenance.collecting import Collector
from nodes.maintenance.parts import maintenance_edge
from nodes.maintenance.pieces import FirmwareDesk
from nodes.metrics.server import MetricsServer
from nodes.ocpp.edge import BackendEdge
from nodes.ocpp.endpoint import BackendBackoff, Endpoint
from nodes.ocpp.recent import RecentMessages
from nodes.pairing.authority import Authority, open_authority
from nodes.pairing.credentials import server_credentials
from nodes.parts import (
    LOCAL_BACKOFF,
    BackendAccess,
    Ending,
    Restarts,
    Tasks,
    backend_access,
    cancel,
    driver_tasks,
    kept,
    meter_tasks,
)
from nodes.services.edge import LocalServices
from nodes.store import Store
from nodes.view import ViewStore
from nodes.wiring import Edges, Park, wire
from park.config.node_config import NodeConfig
from park.load.report import EpochTaken
from park.load.rivalry import StandingReported
from park.model.time import Now
from park.ocpp.connection import CONNECTION, ConnectionSettings
from park.ocpp.services import OWN_VENDOR
from park.physics.hardware import TRAITS
from park.view.configured import as_configured

INDISPENSABLE = frozenset({"coordinator", "journal"})  # without grants or durable facts the node has to end
_log = structlog.get_logger("node")


class Built(Struct, frozen=True):
    """A node whose actors are complete, with what its edges need. `orders`: what people may order of any park."""

    config: NodeConfig
    world: ThreadWorld
    store: Store
    park: Park
    view: ViewStore
    alarms: Address[Alarm]
    driver: Outbox[DriverMessage]
    backend: Outbox[BackendLinkMessage]
    exchange: Outbox[ExchangeMessage]
    standing: Outbox[StandingReported]
    life: epochs.Life
    connection: ConnectionSettings | None
    maintenance: Outbox[MaintenanceMessage]
    desk: LimitDesk
    managers: EnergyManagers
    orders: tuple[Callable[[grpc.aio.Server], None], ...]
    collector: Collector
    firmware: FirmwareDesk
    recent: RecentMessages
    above: Outbox[ExchangeMessage]


Boards = Callable[[Built], AbstractAsyncContextManager[object]]
"""What opens a park to client boards while its actors run."""


def _alone(_: Built) -> AbstractAsyncContextManager[object]:
    return nullcontext()


async def lead(path: Path, boards: Boards) -> bool:
    """Run the node of a configuration file until it is to end; whether it is to run anew. Raises ChargeparkError."""
    checked = read_checked(path, lambda _: TRAITS)
    for warning in checked.warnings:
        _log.warning(warning)
    access = backend_access(checked.config, path)
    ending = Ending(checked.config.node.name, INDISPENSABLE)
    async with leading(checked.config, access, ending.gave_up, boards, ending.restart, path.parent):
        await ending.wait()
    ending.close()
    return ending.again


@asynccontextmanager
async def leading(
    config: NodeConfig,
    access: BackendAccess = BackendAccess(),
    gave_up: Callable[[str], None] = lambda _: None,
    boards: Boards = _alone,
    restart: Callable[[str], None] = lambda _: None,
    beside: Path = Path(),
) -> AsyncGenerator[Park]:
    """A node that runs within the block. Raises ChargeparkError when store or ports cannot be used.

    `beside`: the folder of its file, where a join token for the park above lies.

    It ends in the reverse of this order: intake first, so that nothing new begins; then the actors, off the loop; then
    what they talk to.
    """
    async with AsyncExitStack() as end:
        store = Store(Path(config.node.data_dir))
        end.push_async_callback(asyncio.to_thread, store.stop)
        board_clock = clock.BoardClock(time_floor.read(store), boot=clock.machine_boot())
        world = ThreadWorld(board_clock.now)
        end.callback(world.close)
        built = _build(config, store, world, board_clock, gave_up, access.password, restart)
        park, listeners = built.park, config.listeners
        energies = _energy_servers(built, board_clock.now)
        metrics = (
            MetricsServer(listeners["metrics"], version("chargepark"), lambda: built.view.snapshot(board_clock.now()))
            if "metrics" in listeners
            else None
        )
        store.start()
        park.supervisor.start()
        end.push_async_callback(asyncio.to_thread, park.supervisor.stop)
        if metrics is not None:
            metrics.start()
            end.push_async_callback(asyncio.to_thread, metrics.close)
        devices = driver_tasks(config, built.driver, park.charge_points, park.readers, park.inputs, park.authorizer)
        end.push_async_callback(cancel, [*devices, *meter_tasks(config, park.meters), *_time_kept(store, board_clock)])
        await end.enter_async_context(boards(built))
        await end.enter_async_context(below_another(config, beside, park.above, built.above, built.alarms))
        end.push_async_callback(asyncio.to_thread, park.supervisor.stop)
        for energy in energies:
            await energy.start()
            end.push_async_callback(energy.stop)
        maintenance = maintenance_edge(
            config,
            access,
            park.central,
            built.maintenance,
            board_clock.now,
            lambda: built.view.snapshot(board_clock.now()),
            built.collector,
            built.firmware,
        )
        maintained = [kept("maintenance", maintenance.run, LOCAL_BACKOFF, built.maintenance.close)]
        backend = _backend_tasks(config, access, built)
        end.push_async_callback(cancel, [*backend, *maintained])
        interpreter.settle()
        _log.info("running", node=config.node.name, role=config.node.role, epoch=built.life.epoch)
        yield park


def _energy_servers(built: Built, now: Callable[[], Now]) -> list[EnergyServer]:
    """Where energy managers ask: plain on this machine, behind mutual TLS elsewhere. Raises AddressUnusable."""
    listeners, writing = built.config.listeners, Writing(built.desk, built.managers)
    servers: list[EnergyServer] = []
    if "energy" in listeners:
        servers.append(EnergyServer(listeners["energy"], built.view, now, writing=writing, recent=built.recent))
    if "energy_tls" in listeners:
        credentials = server_credentials(Path(built.config.node.data_dir))
        servers.append(EnergyServer(listeners["energy_tls"], built.view, now, writing=writing, credentials=credentials))
    return servers


def _authority(config: NodeConfig, now: Now) -> Authority | None:
    """The park's own CA, for the certificates of energy managers. Raises KeysUnusable."""
    if "energy_tls" not in config.listeners:
        return None
    return open_authority(Path(config.node.data_dir), park_name(config), config.node.name, now.wall)


def _build(
    config: NodeConfig,
    store: Store,
    world: ThreadWorld,
    board_clock: clock.BoardClock,
    gave_up: Callable[[str], None],
    password: str,
    restart: Callable[[str], None],
) -> Built:
    loop, program = asyncio.get_running_loop(), version("chargepark")
    life = epochs.begin_life(store, store.server_id)
    identities = Identities(
        uuid.uuid4().hex,
        store.journal_id,
        store.server_id,
        life.epoch,
        lambda: uuid.uuid4().hex,
        life.server_id,
        life.earlier,
        life.suspects,
        clock.machine_boot(),
    )
    telling = told.begin_telling(store, config, lambda _: TRAITS)
    for note in telling.notes:
        _log.warning(note)
    driver: Outbox[DriverMessage] = Outbox(loop)
    backend: Outbox[BackendLinkMessage] = Outbox(loop)
    exchange: Outbox[ExchangeMessage] = Outbox(loop)
    above: Outbox[ExchangeMessage] = Outbox(loop)
    maintenance: Outbox[MaintenanceMessage] = Outbox(loop)
    park: Park
    collector = Collector(lambda node: park.link_of(node))  # noqa: PLW0108 - the park is made later
    firmware = FirmwareDesk(lambda node: park.link_of(node))  # noqa: PLW0108 - as above
    view = ViewStore(
        config.node.name,
        as_configured(config, board_clock.now(), program, restarts=0),
        lambda: tuple(each.figures() for each in park.supervisor.children()),
    )
    view.tell(EpochTaken(identities.epoch))
    follower = log_lines.Clock(board_clock)
    alarms, changes = log_lines.Alarms(time.monotonic), log_lines.Changes(view)
    standing: Outbox[StandingReported] = Outbox(loop, key=type)
    kept_standing = epochs.StandingKeeper(store, standing)
    keeper = epochs.Keeper(store, view)
    services = LocalServices(OWN_VENDOR)
    edges = Edges(
        store,
        driver,
        backend,
        changes,
        keeper,
        alarms,
        follower,
        exchange,
        kept_standing,
        told.Keeper(store),
        maintenance,
        collector,
        Restarts(restart),
        firmware,
        services,
        above,
    )
    board = leading_board(config, identities, program, lambda: board_clock.known, telling, password)
    park = wire(world, board, edges, log_lines.Supervision(view), gave_up)
    desk, managers = LimitDesk(park.coordinator), EnergyManagers(store.rows(MANAGERS), store)
    orders = (
        whitelist_service(park.authorizer),
        configuration_service(park.central),
        limit_service(desk, view, board_clock.now),
        services.connect(park.central),
        manager_service(managers, _authority(config, board_clock.now()), board_clock.now),
    )
    connection = board.ocpp.connections(store.rows(CONNECTION))
    return Built(
        config,
        world,
        store,
        park,
        view,
        alarms,
        driver,
        backend,
        exchange,
        standing,
        life,
        None if connection is None else connection.used,
        maintenance,
        desk,
        managers,
        orders,
        collector,
        firmware,
        RecentMessages(board_clock.now),
        above,
    )


def _time_kept(store: Store, board_clock: clock.BoardClock) -> Tasks:
    return [asyncio.create_task(time_floor.keep(store, board_clock), name="keep the time")]


def _backend_tasks(config: NodeConfig, access: BackendAccess, built: Built) -> Tasks:
    backend, used, orders = config.backend, built.connection, built.backend
    if backend is None or used is None:
        return []
    endpoint = Endpoint(
        used.url,
        used.identity,
        used.password,
        used.profile,
        ping_timeout=backend.ping_timeout_seconds,
        watchdog=backend.watchdog_seconds,
        via=backend.http_proxy,
        certificate=used.certificate,
        trust=access.trust,
    )
    edge = BackendEdge(endpoint, built.park.central, orders, built.recent)
    backoff = BackendBackoff(most=backend.reconnect_seconds)
    return [kept("backend", edge.run, backoff, orders.close, pause=edge.pause)]
