"""The composition root of a client board: it finds its server, pairs once, and belongs to the park from then on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import grpc
import structlog

from actors.address import Address, Nowhere
from actors.messages import Alarm, DriverMessage, ExchangeMessage
from nodes import interpreter, log_lines, time_floor
from nodes.board import Identities, client_board
from nodes.bridge import Outbox
from nodes.checked_config import read_checked
from nodes.discovery.edge import DiscoveryEdge
from nodes.energy.server import EnergyServer
from nodes.exchange.client import MOST_DIALLED, SERVER_BACKOFF, Dial, ServerEdge, ServerUnknown
from nodes.field import ThreadWorld, clock
from nodes.maintenance.board_firmware import BoardFirmware
from nodes.maintenance.board_logs import BoardLogs
from nodes.maintenance.parts import about, board_workshop
from nodes.metrics.server import MetricsServer
from nodes.pairing.client import join, log_progress, pairing_endpoint, renew_if_due
from nodes.pairing.credentials import CHANNEL_OPTIONS, channel_credentials
from nodes.pairing.identity import BoardKeys
from nodes.pairing.token_file import read_token
from nodes.parts import LOCAL_BACKOFF, Ending, Restarts, cancel, driver_tasks, kept, meter_tasks
from nodes.server import NETWORK_BACKOFF
from nodes.store import Store
from nodes.view import ViewStore
from nodes.wiring import Client, ClientEdges, wire_client
from park.config.board import ServerSection
from park.config.node_config import NodeConfig
from park.config.quantities import Endpoint
from park.discovery.announcement import Announcement
from park.discovery.candidates import server_candidates, server_endpoints
from park.discovery.settings import DiscoverySettings, discovery_settings
from park.discovery.sightings import SightingsChanged
from park.errors import AddressUnusable, ChargeparkError, KeysUnusable
from park.exchange.messages import PROTOCOL, LogWanted, RestartOrdered
from park.exchange.placing import PLACED_TABLE
from park.model.time import Now
from park.pairing.token import JoinToken
from park.physics.hardware import TRAITS
from park.rolling.board import FIRMWARE_TABLE, BoardEvent
from park.view.configured import as_configured

INDISPENSABLE = frozenset({"server-link", "journal"})  # without grants or durable facts the node has to end
RENEWAL_LOOK_SECONDS = 3600.0  # certificates last a year and are renewed with a third of it left
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
        server = _Server(config, keys)
        token_file = beside / (config.server.join_token_file if config.server else "")
        edge = ServerEdge(server.dials, board.link, exchange)

        def connect() -> Coroutine[object, object, None]:
            return _joined(config, keys, server, edge, token_file)

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


class _Server:
    """Where the server may be: the fixed address, or what discovery sees, one after the other."""

    def __init__(self, config: NodeConfig, keys: BoardKeys) -> None:
        self._section: ServerSection = config.server or ServerSection(park="")
        self._keys, self._seen = keys, SightingsChanged(())
        self._round, self._asked = itertools.count(), 0
        self._elsewhere = asyncio.Event()

    def tell(self, message: SightingsChanged, /) -> None:
        before = self._pairing_places()
        self._seen = message
        if self._pairing_places() != before:
            self._elsewhere.set()

    def dials(self) -> list[Dial]:
        """The next places to try at once; raises ServerUnknown when there is none, KeysUnusable before pairing."""
        section, pinned = self._section, self._keys.known_authority() or ""
        places = server_endpoints(self._seen.sightings, section.park, pinned, section.address)
        if not places:
            raise ServerUnknown(f"no server of park {section.park} is announced in this network")
        rounds = -(-len(places) // MOST_DIALLED)
        first = next(self._round) % rounds * MOST_DIALLED
        return [self.dial(str(place)) for place in places[first : first + MOST_DIALLED]]

    def dial(self, target: str) -> Dial:
        """With the certificate this board has now; raises KeysUnusable."""
        return Dial(target, channel_credentials(self._keys.directory), CHANNEL_OPTIONS)

    def pairing_place(self) -> Endpoint | None:
        """The next place to ask for pairing, as far as that is known: who announces one may be no server of ours."""
        self._elsewhere.clear()
        places = self._pairing_places()
        self._asked += 1
        return places[self._asked % len(places)] if places else None

    async def pause(self, seconds: float) -> None:
        """Sleep, at most until pairing is at another place, and just a moment while there are more places to ask."""
        shortest = min(seconds, SERVER_BACKOFF.first)  # whatever is announced how often
        await asyncio.sleep(shortest)
        if self._asked % max(1, len(self._pairing_places())):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds - shortest):
                await self._elsewhere.wait()

    def _pairing_places(self) -> list[Endpoint]:
        named = pairing_endpoint(self._section, None)
        if named is not None:
            return [named]
        pinned = self._keys.known_authority() or ""
        seen = server_candidates(self._seen.sightings, self._section.park, pinned)
        return [Endpoint(each.addresses[0], each.pairing_port) for each in seen if each.pairing_port]


async def _joined(config: NodeConfig, keys: BoardKeys, server: _Server, edge: ServerEdge, token_file: Path) -> None:
    """Pair once, then one connection after the other: each ends as an OSError."""
    name, section = config.node.name, config.server
    if section is None:
        return
    if keys.needs_pairing(name, clock.now().wall):

        def token() -> JoinToken | None:
            return read_token(token_file) if section.join_token_file else None

        report = log_progress(keys, name)
        await join(keys, name, section.park, server.pairing_place, token, report, sleep=server.pause)
    renewing = asyncio.create_task(_renewed(name, keys, server, edge), name="renew certificate")
    try:
        await edge.run()
    except KeysUnusable as error:
        raise ConnectionError(str(error)) from error
    finally:
        renewing.cancel()


async def _renewed(node: str, keys: BoardKeys, server: _Server, edge: ServerEdge) -> None:
    """While connected: a new certificate before the old one expires."""
    while True:
        try:
            dial = server.dial(await edge.connected())
            async with grpc.aio.secure_channel(dial.target, dial.credentials, options=dial.options) as channel:
                await renew_if_due(keys, node, channel, clock.now().wall)
        except (OSError, ChargeparkError, grpc.aio.AioRpcError) as error:
            _log.warning("certificate not renewed; tried again in an hour", reason=str(error))
        await asyncio.sleep(RENEWAL_LOOK_SECONDS)


def _discovery(
    settings: DiscoverySettings, keys: BoardKeys, server: _Server, alarms: Address[Alarm]
) -> asyncio.Task[None]:
    announcements: Outbox[Announcement] = Outbox(key=type)
    announcements.tell(settings.announcement(PROTOCOL, keys.fingerprint))
    edge = DiscoveryEdge(settings, announcements, server, alarms, clock.now, pinned=keys.known_authority() or "")
    return kept("discovery", edge.run, NETWORK_BACKOFF, announcements.close)
