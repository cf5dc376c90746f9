"""The composition root of a board that is a park by itself: store, actors, edges, and the order they end in."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import structlog

from actors.messages import BackendLinkMessage, DriverMessage
from nodes import epochs, log_lines
from nodes.board import Identities, leading_board, owned_names
from nodes.bridge import Backoff, Outbox, keep_running, on_loop
from nodes.checked_config import read_checked
from nodes.drivers import virtual
from nodes.energy.server import EnergyServer
from nodes.field import ThreadWorld, clock
from nodes.meters.polling import PolledMeter, poll_meters
from nodes.metrics.server import MetricsServer
from nodes.ocpp.edge import BackendEdge
from nodes.ocpp.endpoint import BackendBackoff, Endpoint
from nodes.store import Store
from nodes.view import ViewStore
from nodes.wiring import Edges, Park, wire
from park.config.node_config import NodeConfig
from park.config.quantities import tcp_endpoint
from park.errors import ConfigurationInvalid, NodeUnusable
from park.load.report import EpochTaken
from park.metering.maps import register_map
from park.physics.hardware import TRAITS
from park.view.configured import as_configured

LOCAL_BACKOFF = Backoff(first=0.2, most=2.0)  # bench and meters are on the same board: they are back soon or not at all
CANCEL_SECONDS = 5.0  # the slowest edge, a backend that does not answer the closing handshake, takes two
INDISPENSABLE = frozenset({"coordinator", "journal"})  # without grants or durable facts the node has to end
_log = structlog.get_logger("node")


async def run(path: Path) -> None:
    """Run the node of a configuration file until SIGTERM or SIGINT; raises ChargeparkError when it cannot start."""
    checked = read_checked(path, lambda _: TRAITS)
    for warning in checked.warnings:
        _log.warning(warning)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    password = _password(checked.config, path)
    ended: list[str] = []

    def gave_up(name: str) -> None:
        """Called on the failing actor's thread."""
        if name in INDISPENSABLE:
            ended.append(name)
            on_loop(loop, stop.set)

    async with running(checked.config, password, gave_up):
        await stop.wait()
        _log.info("stopping")
    for name in (signal.SIGTERM, signal.SIGINT):  # it has ended well: another signal must not spoil the exit code
        loop.remove_signal_handler(name)
        signal.signal(name, signal.SIG_IGN)
    if ended:
        raise NodeUnusable(
            f"{checked.config.node.name}: the {ended[0]} failed too often and was stopped, and no node works without "
            "it; read the crashes in the log, report them, and start the node again"
        )


@asynccontextmanager
async def running(
    config: NodeConfig, password: str = "", gave_up: Callable[[str], None] = lambda _: None
) -> AsyncGenerator[Park]:
    """A node that runs within the block. Raises ChargeparkError when store or ports cannot be used."""
    loop = asyncio.get_running_loop()
    store = Store(Path(config.node.data_dir))
    world = ThreadWorld()
    program = version("chargepark")
    try:
        identities = Identities(
            uuid.uuid4().hex, store.journal_id, store.server_id, epochs.take_next(store), lambda: uuid.uuid4().hex
        )
        board = leading_board(config, identities, program)
        driver: Outbox[DriverMessage] = Outbox(loop)
        backend: Outbox[BackendLinkMessage] = Outbox(loop)
        park: Park
        view = ViewStore(
            config.node.name,
            as_configured(config, clock.now(), program, restarts=0),
            lambda: tuple(each.figures() for each in actors()),
        )
        view.tell(EpochTaken(identities.epoch))
        alarms, changes = log_lines.Alarms(time.monotonic), log_lines.Changes(view)
        edges = Edges(store, driver, backend, changes, epochs.Keeper(store, view), alarms, log_lines.Clock())
        park = wire(world, board, edges, log_lines.Supervision(view), gave_up)
        actors = park.supervisor.children
        energy = EnergyServer(config.listeners["energy"], view, clock.now) if "energy" in config.listeners else None
        metrics = (
            MetricsServer(config.listeners["metrics"], program, lambda: view.snapshot(clock.now()))
            if "metrics" in config.listeners
            else None
        )
    except BaseException:
        world.close()
        store.stop()
        raise
    store.start()
    park.supervisor.start()
    outer = _backend_tasks(config, password, park, backend)
    inner = [*_driver_tasks(config, park, driver), *_meter_tasks(config, park)]
    try:
        if metrics is not None:
            metrics.start()
        if energy is not None:
            await energy.start()
        _log.info("running", node=config.node.name, role=config.node.role, epoch=identities.epoch)
        yield park
    finally:
        # Intake first, so that nothing new begins; then the actors, off the loop; then what they talk to.
        await _cancel(outer)
        if energy is not None:
            await energy.stop()
        await asyncio.to_thread(park.supervisor.stop)
        await _cancel(inner)
        if metrics is not None:
            await asyncio.to_thread(metrics.close)
        await asyncio.to_thread(store.stop)
        world.close()


Tasks = list[asyncio.Task[None]]


def _backend_tasks(config: NodeConfig, password: str, park: Park, orders: Outbox[BackendLinkMessage]) -> Tasks:
    if config.backend is None:
        return []
    endpoint = Endpoint(config.backend.url, config.backend.identity, password)
    edge = BackendEdge(endpoint, park.central, orders)
    return [_kept("backend", edge.run, BackendBackoff(), orders.close)]


def _driver_tasks(config: NodeConfig, park: Park, commands: Outbox[DriverMessage]) -> Tasks:
    if config.bench is None:
        return []
    address = config.bench.address
    points, readers = owned_names(config), [reader.name for reader in config.reader]

    def drive() -> Coroutine[object, object, None]:
        return virtual.run(address, points, readers, commands, park.charge_points, park.readers, node=config.node.name)

    return [_kept("bench", drive, LOCAL_BACKOFF, commands.close)]


def _meter_tasks(config: NodeConfig, park: Park) -> Tasks:
    polled = [
        PolledMeter(
            meter.name,
            register_map(meter.map),
            tcp_endpoint(meter.address),
            meter.unit,
            meter.poll_seconds,
            meter.timeout_seconds,
            park.meters[meter.name],
        )
        for meter in config.meter
    ]
    return [_kept("meters", lambda: poll_meters(polled, clock.now), LOCAL_BACKOFF)] if polled else []


def _kept(
    name: str,
    edge: Callable[[], Coroutine[object, object, None]],
    backoff: Backoff,
    close: Callable[[], None] = lambda: None,
) -> asyncio.Task[None]:
    """`close`: the outbox of the edge; given up, nobody empties it any more."""
    kept = keep_running(name, edge, backoff=backoff, report=log_lines.Edges(), close=close)
    return asyncio.create_task(kept, name=name)


async def _cancel(tasks: Tasks) -> None:
    """End these edges. One that does not heed it keeps nobody: the end of the loop cancels whatever it is made of."""
    for task in tasks:
        task.cancel()
    late = (await asyncio.wait(tasks, timeout=CANCEL_SECONDS))[1] if tasks else ()
    for task in late:
        _log.error("edge does not end", edge=task.get_name())


def _password(config: NodeConfig, path: Path) -> str:
    """The AuthorizationKey: first line of the password file, which lies beside the configuration."""
    if config.backend is None or not config.backend.password_file:
        return ""
    file = path.parent / config.backend.password_file
    try:
        return file.read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, UnicodeDecodeError, IndexError) as error:
        finding = f"{path}: backend.password_file: {file} cannot be read ({error}); give the file the AuthorizationKey"
        raise ConfigurationInvalid((finding,)) from error
