"""What every composition root needs: edges that are kept running, the end of a node, and the edges all roles have."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from msgspec import Struct
from msgspec.structs import replace

from actors.address import Address, Nowhere
from actors.messages import ChargePointMessage, DriverMessage, MeterMessage, ReaderMessage
from nodes import log_lines
from nodes.board import owned_names
from nodes.bridge import Backoff, Outbox, keep_running, on_loop
from nodes.drivers import virtual
from nodes.field import clock
from nodes.meters.polling import PolledMeter, poll_meters
from nodes.ocpp.endpoint import CERTIFICATE_PROFILE
from nodes.ocpp.trust import Trust, TrustUnusable
from park.config.node_config import NodeConfig
from park.config.quantities import tcp_endpoint
from park.errors import ConfigurationInvalid, NodeUnusable
from park.exchange.messages import RestartOrdered
from park.metering.maps import register_map
from park.model.autocharge import VehicleIdentified
from park.model.limit import InputChanged

LOCAL_BACKOFF = Backoff(first=0.2, most=2.0)  # bench and meters are on the same board: they are back soon or not at all
NETWORK_BACKOFF = Backoff(first=1.0, most=10.0)  # an interface that is not there yet at power-on comes within seconds
CERTIFICATES = "backend"  # folder of the data directory, of what backends install
CANCEL_SECONDS = 5.0  # the slowest edge, a backend that does not answer the closing handshake, takes two
_log = structlog.get_logger("node")

Tasks = list[asyncio.Task[None]]


class Ending:
    """When a node has to end: SIGTERM, SIGINT, an order to start again, or a part no node can do without gave up.

    Made on the event loop. `again`: whoever ran the node is to start it anew.
    """

    def __init__(self, node: str, indispensable: Iterable[str]) -> None:
        self._node, self._indispensable = node, frozenset(indispensable)
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._lost: list[str] = []
        self.again = False
        for name in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(name, self._stop.set)

    def gave_up(self, name: str) -> None:
        """Called on the failing actor's thread."""
        if name in self._indispensable:
            self._lost.append(name)
            on_loop(self._loop, self._stop.set)

    def restart(self, why: str) -> None:
        """End well, to be started anew."""
        _log.warning("restart ordered", why=why)
        self.again = True
        self._stop.set()

    async def wait(self) -> None:
        await self._stop.wait()
        _log.info("stopping")

    def close(self) -> None:
        """The node has ended; raises NodeUnusable when that was because of itself."""
        for name in (signal.SIGTERM, signal.SIGINT):  # it has ended well: another signal must not spoil the exit code
            self._loop.remove_signal_handler(name)
            signal.signal(name, signal.SIG_IGN)
        if self._lost:
            raise NodeUnusable(
                f"{self._node}: the {self._lost[0]} failed too often and was stopped, and no node works without "
                "it; read the crashes in the log, report them, and start the node again"
            )


class Restarts:
    """Orders to start again, from any thread. Made on the event loop."""

    def __init__(self, restart: Callable[[str], None]) -> None:
        self._restart, self._loop = restart, asyncio.get_running_loop()

    def tell(self, message: RestartOrdered, /) -> None:
        on_loop(self._loop, partial(self._restart, "hard reset" if message.hard else "reset"))


def driver_tasks(
    config: NodeConfig,
    commands: Outbox[DriverMessage],
    charge_points: Mapping[str, Address[ChargePointMessage]],
    readers: Mapping[str, Address[ReaderMessage]],
    inputs: Address[InputChanged] = Nowhere(),
    vehicles: Address[VehicleIdentified] = Nowhere(),
) -> Tasks:
    if config.bench is None:
        return []
    address, node = config.bench.address, config.node.name
    points, names = owned_names(config), [reader.name for reader in config.reader]

    aside = virtual.Aside(virtual.Inputs(node, own_inputs(config), inputs), vehicles)

    def drive() -> Coroutine[object, object, None]:
        return virtual.run(address, points, names, commands, charge_points, readers, node, aside)

    return [kept("bench", drive, LOCAL_BACKOFF, commands.close)]


def own_inputs(config: NodeConfig) -> list[int]:
    """Digital inputs of this board that somebody wants to know of: its own limits, its cards, or its server."""
    own = {each.number for each in config.input if each.node in {None, config.node.name}}
    own.update(each.number for each in config.authorization_input)
    return sorted(own.union(config.server.inputs if config.server is not None else ()))


def meter_tasks(config: NodeConfig, meters: Mapping[str, Address[MeterMessage]]) -> Tasks:
    polled = [
        PolledMeter(
            meter.name,
            register_map(meter.map),
            tcp_endpoint(meter.address),
            meter.unit,
            meter.poll_seconds,
            meter.timeout_seconds,
            meters[meter.name],
        )
        for meter in config.meter
    ]
    return [kept("meters", lambda: poll_meters(polled, clock.now), LOCAL_BACKOFF)] if polled else []


def kept(
    name: str,
    edge: Callable[[], Coroutine[object, object, None]],
    backoff: Backoff,
    close: Callable[[], None] = lambda: None,
    report: Address[log_lines.EdgeReport] | None = None,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> asyncio.Task[None]:
    """`close`: the outbox of the edge; given up, nobody empties it any more. `pause`: between two runs."""
    running = keep_running(name, edge, backoff=backoff, report=report or log_lines.Edges(), close=close, sleep=pause)
    return asyncio.create_task(running, name=name)


async def cancel(tasks: Tasks) -> None:
    """End these edges. One that does not heed it keeps nobody: the end of the loop cancels whatever it is made of."""
    for task in tasks:
        task.cancel()
    late = (await asyncio.wait(tasks, timeout=CANCEL_SECONDS))[1] if tasks else ()
    for task in late:
        _log.error("edge does not end", edge=task.get_name())


class BackendAccess(Struct, frozen=True):
    """What the files beside the configuration hold: the AuthorizationKey, and whom to trust.

    `transfer_ca`: for https and ftps; `maker_file`: authorities of signers of firmware.
    """

    password: str = ""
    trust: Trust = Trust()
    transfer_ca: Path | None = None
    maker_file: Path | None = None


def backend_access(config: NodeConfig, path: Path) -> BackendAccess:
    """Read what `[backend]` names; files are relative to the configuration. Raises ConfigurationInvalid."""
    backend = config.backend
    if backend is None:
        return BackendAccess()

    def beside(name: str) -> Path | None:
        return path.parent / name if name else None

    trust = Trust(
        beside(backend.ca_file),
        beside(backend.certificate_file),
        beside(backend.key_file),
        installed=Path(config.node.data_dir) / CERTIFICATES,
        any_cipher=backend.tls == "any",
        check_name=backend.check_host_name,
        server_name=backend.server_name,
    )
    try:
        if urlsplit(backend.url).scheme == "wss":  # what a backend installed may be damaged, and the node starts
            replace(trust, installed=None).context(with_certificate=backend.security_profile >= CERTIFICATE_PROFILE)
    except TrustUnusable as error:
        raise ConfigurationInvalid((f"{path}: backend: {error}",)) from error
    return BackendAccess(
        _password(beside(backend.password_file), path),
        trust,
        beside(config.maintenance.ca_file),
        beside(config.maintenance.maker_file),
    )


def _password(file: Path | None, path: Path) -> str:
    """The AuthorizationKey: first line of its file."""
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, UnicodeDecodeError, IndexError) as error:
        finding = f"{path}: backend.password_file: {file} cannot be read ({error}); give the file the AuthorizationKey"
        raise ConfigurationInvalid((finding,)) from error
