"""The composition root of a client board: it finds its server, pairs once, and belongs to the park from then on."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import structlog

from actors.address import Address, Nowhere
from actors.messages import Alarm, DriverMessage, ExchangeMessage
from nodes import interpreter, log_lines, time_floor
from nodes.board import Identities, client_board
from nodes.bridge import Outbox
from nodes.checked_config import read_checked
from nodes.discovery.edge import DiscoveryEdge
from nodes.energy.server import EnergyServer
from nodes.exchange.client import SERVER_BACKOFF, ServerEdge
from nodes.field import ThreadWorld, clock
from nodes.maintenance.board_firmware import BoardFirmware
from nodes.maintenance.board_logs import BoardLogs
from nodes.maintenance.parts import about, board_workshop
from nodes.membership import ServerPlaces, joined
from nodes.metrics.server import MetricsServer
from nodes.pairing.identity import BoardKeys
from nodes.parts import LOCAL_BACKOFF, NETWORK_BACKOFF, Ending, Restarts, cancel, driver_tasks, kept, meter_tasks
from nodes.store import Store
from nodes.view import ViewStore
from nodes.wiring import Client, ClientEdges, wire_client
from park.config.board import ServerSection
from park.config.node_config import NodeConfig
from park.discovery.announcement import Announcement
from park.discovery.settings import DiscoverySettings, discovery_settings
from park.errors import AddressUnusable
from park.exchange.messages import PROTOCOL, LogWanted, RestartOrdered
from park.exchange.placing import PLACED_TABLE
from park.model.time import Now
from park.physics.hardware import TRAITS
from park.rolling.board import FIRMWARE_TABLE, BoardEvent
from park.view.configured import as_configured

INDISPENSABLE = frozenset({"server-link", "journal"})  # without grants or durable facts the node has to end
_log = structlog.get_logger("node")


async def run(path: Path) -> bool:
    """Run the node of a configuration file until it is to end; whether it is to run anew. Raises ChargeparkError."""
    config = read_checked(path, lambda _: TRAITS).config
    ending = Ending(config.node.name, INDISPENSABLE)
    async with client(config, path.parent, ending.gave_up, Restarts(ending.restart)):
        await ending.wait()
    ending.close()
    return ending.again


@asynccontextmanager
async def client(
    config: NodeConfig,
    beside: Path,
    gave_up: Callable[[str], None] = lambda _: None,
    restarts: Address[RestartOrdered] = Nowhere(),
) -> AsyncGenerator[Client]:
    """A client board that runs within the block. `beside`: the folder of its file, where the join token lies.

    Raises ChargeparkError when store, keys or ports cannot be used.
    """
    loop, program = asyncio.get_running_loop(), version("chargepark")
    async with AsyncExitStack() as end:
        store = Store(Path(config.node.data_dir))
        end.push_async_callback(asyncio.to_thread, store.stop)
        keys = BoardKeys(Path(config.node.data_dir))
        board_clock = clock.BoardClock(time_floor.read(store), boot=clock.machine_boot())
        world = ThreadWorld(board_clock.now)
        end.callback(world.close)
        identities = Identities(uuid.uuid4().hex, store.journal_id, store.server_id, 0, lambda: uuid.uuid4().hex)
        driver: Outbox[DriverMessage] = Outbox(loop)
        exchange: Outbox[ExchangeMessage] = Outbox(loop)
        logs: Outbox[LogWanted] = Outbox(loop)
        firmware: Outbox[BoardEvent] = Outbox(loop)
        board: Client
        view = ViewStore(
            config.node.name,
            as_configured(config, board_clock.now(), program, restarts=0),
            lambda: tuple(each.figures() for each in board.supervisor.children()),
        )
        alarms = log_lines.Alarms(time.monotonic)
        follower = log_lines.Clock(board_clock, always=True)
        edges = ClientEdges(
            store, driver, exchange, log_lines.Changes(view), alarms, follower, restarts, logs, firmware
        )
        described = client_board(config, identities, program, store.rows(PLACED_TABLE))
        board = wire_client(world, described, edges, log_lines.Supervision(view), gave_up)
        metrics = (
            MetricsServer(config.listeners["metrics"], program, lambda: view.snapshot(board_clock.now()))
            if "metrics" in config.listeners
            else None
        )
        energy = _energy_server(config, view, board_clock.now)
        firmware_edge = BoardFirmware(
            board_workshop(
                config,
                beside / config.maintenance.maker_file if config.maintenance.maker_file else None,
                identities.boot_id,
                store,
                restarts,
                board_clock.now,
                lambda: view.snapshot(board_clock.now()),
            ),
            board.link,
            firmware,
            store.rows(FIRMWARE_TABLE),
        )
        store.start()
        board.supervisor.start()
        if metrics is not None:
            metrics.start()
            end.push_async_callback(asyncio.to_thread, metrics.close)
        if energy is not None:
            await energy.start()
            end.push_async_callback(energy.stop)
        devices = driver_tasks(config, driver, board.charge_points, board.readers, board.link, board.link)
        end.push_async_callback(cancel, [*devices, *meter_tasks(config, board.meters)])
        section = config.server or ServerSection(park="")
        server = ServerPlaces(section, keys)
        edge = ServerEdge(server.dials, board.link, exchange)

        def connect() -> Coroutine[object, object, None]:
            return joined(config.node.name, section, keys, server, edge, beside)

        tasks = [
            asyncio.create_task(edge.obey(), name="exchange orders"),
            asyncio.create_task(time_floor.keep(store, board_clock), name="keep the time"),
            kept("server", connect, SERVER_BACKOFF, report=log_lines.ServerEdge()),
        ]
        logs_edge = BoardLogs(
            config.node.name,
            Path(config.node.data_dir),
            board.link,
            logs,
            lambda: about(view.snapshot(board_clock.now())),
        )
        tasks.append(kept("logs", logs_edge.run, LOCAL_BACKOFF, logs.close))
        tasks.append(kept("firmware", firmware_edge.run, LOCAL_BACKOFF, firmware.close))
        discovery = discovery_settings(config)
        if discovery is not None:
            tasks.append(_discovery(discovery, keys, server, alarms))
        end.push_async_callback(cancel, tasks)
        end.push_async_callback(asyncio.to_thread, board.supervisor.stop)
        interpreter.settle()
        _log.info("running", node=config.node.name, role=config.node.role, words=keys.words)
        yield board


def _energy_server(config: NodeConfig, view: ViewStore, now: Callable[[], Now]) -> EnergyServer | None:
    """Where `chargepark status` asks this board; one that cannot listen for it charges all the same."""
    where = config.listeners.get("energy")
    if where is None:
        return None
    try:
        return EnergyServer(where, view, now)
    except AddressUnusable as error:
        _log.warning("chargepark status cannot reach this node", reason=str(error))
        return None


def _discovery(
    settings: DiscoverySettings, keys: BoardKeys, server: ServerPlaces, alarms: Address[Alarm]
) -> asyncio.Task[None]:
    announcements: Outbox[Announcement] = Outbox(key=type)
    announcements.tell(settings.announcement(PROTOCOL, keys.fingerprint))
    edge = DiscoveryEdge(settings, announcements, server, alarms, clock.now, pinned=keys.known_authority() or "")
    return kept("discovery", edge.run, NETWORK_BACKOFF, announcements.close)
