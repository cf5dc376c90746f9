"""A park of boards that is measured: a server as a process of its own, client boards here and in one more process.

Client boards are wired as their node wires them, with a disk and hardware that answer at once; each has its own key,
certificate and connection. Rows of two charge points on two boards: when a car comes to one, the other has to give way.
Two boards are measured; the others are what else a server has to do, and their work is none of the measured boards'.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from actors.address import Nowhere
from actors.messages import ExchangeMessage, Report
from actors.world import World
from benchmarks.garage import InstantDisk
from benchmarks.hardware import After, Hardware
from nodes.board import Identities, client_board
from nodes.bridge import Outbox, keep_running
from nodes.exchange.client import SERVER_BACKOFF, Dial, ServerEdge
from nodes.field import clock
from nodes.pairing.client import join
from nodes.pairing.credentials import CHANNEL_OPTIONS, channel_credentials
from nodes.pairing.identity import BoardKeys
from nodes.wiring import Client, ClientEdges, wire_client
from park.config.mapping import full_name
from park.config.node_config import NodeConfig
from park.config.quantities import Endpoint
from park.exchange.messages import SendFrame
from park.exchange.server_link import LinkReported
from park.model.demand import DemandChanged

PARK = "measured"
MAX_AMPS = 10
ROW_AMPS = 12.5  # one car has its ten, two share
GRID_AMPS = 6300  # the largest a configuration may name
START_SECONDS = 60.0
HERE = 2  # boards in the measuring process


@dataclass(frozen=True, slots=True)
class Place:
    """A charge point and the board it is on."""

    board: int
    name: str


@dataclass
class MeasuredBoard:
    """One client board. `demands`: when its demands went onto the wire, (perf_counter, charge point), oldest first."""

    node: str
    keys: BoardKeys
    hardware: Hardware
    client: Client
    edge: ServerEdge
    shown: Shown
    demands: list[tuple[float, str]]


class Shown:
    """What the board shows of itself: whether its link is up."""

    def __init__(self) -> None:
        self.up = False

    def tell(self, message: Report, /) -> None:
        if isinstance(message, LinkReported):
            self.up = message.state == "up"


class Tapped:
    """The wire of a board; notes when demands leave."""

    def __init__(self, onwards: Outbox[ExchangeMessage], demands: list[tuple[float, str]]) -> None:
        self._onwards, self._demands = onwards, demands

    def tell(self, message: ExchangeMessage, /) -> None:
        if isinstance(message, SendFrame):
            for entry in message.frame.entries:
                if isinstance(entry.message, DemandChanged):
                    self._demands.append((time.perf_counter(), entry.message.charge_point))
        self._onwards.tell(message)


def places(points: int, boards: int) -> list[Place]:
    """The charge points, in rows of two: 0 and 1, 2 and 3 …; neighbours are on different boards."""
    return [Place(number % boards, full_name(f"bay-{number % boards}", f"cp{number}")) for number in range(points)]


@dataclass(frozen=True, slots=True)
class Site:
    """A park on this machine: charge points, boards, the ports its server listens on. `folder`: keys, files, logs."""

    folder: Path
    points: int
    boards: int
    listens: int
    pairing: int

    def keys(self, number: int) -> BoardKeys:
        return BoardKeys(self.folder / f"bay-{number}")


@asynccontextmanager
async def park_of_boards(
    folder: Path, world: World, after: After, points: int, boards: int
) -> AsyncGenerator[list[MeasuredBoard]]:
    """Two boards that are connected to their server within the block, while the others go about their own work."""
    site = Site(folder, points, boards, *_free_ports(2))
    file = folder / "server.toml"
    file.write_text(_server(site))
    serve = ["-c", "from nodes.cli import main; main()", "run", str(file)]
    stand_by = ["-m", "benchmarks.bystanders", *map(str, (folder, points, boards, site.listens, site.pairing))]
    async with _process(folder / "server.log", *serve), running(site, range(HERE), world, after) as made:
        if boards == HERE:
            yield made
            return
        async with _process(folder / "bystanders.log", *stand_by, tells=True) as others:
            if others.stdout is None or not await others.stdout.readline():
                raise RuntimeError(f"the other boards ended: {(folder / 'bystanders.log').read_text()}")
            yield made


@asynccontextmanager
async def _process(log: Path, *arguments: str, tells: bool = False) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A Python process within the block; what it prints goes to the log, but for what it `tells`."""
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE if tells else errors, stderr=errors
        )
        try:
            yield process
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def running(site: Site, numbers: range, world: World, after: After) -> AsyncGenerator[list[MeasuredBoard]]:
    """Boards of a park whose server runs; they are paired and connected."""
    made = [_board(site, number, world, after) for number in numbers]
    tasks = [asyncio.create_task(_run(each, Endpoint("127.0.0.1", site.pairing))) for each in made]
    try:
        await wait_for("all boards to be connected", lambda: all(board.shown.up for board in made))
        yield made
    finally:
        for board in made:
            await asyncio.to_thread(board.client.supervisor.stop)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(board: MeasuredBoard, pairing: Endpoint) -> None:
    await join(board.keys, board.node, PARK, lambda: pairing, lambda: None, lambda _: None, sleep=_soon)
    board.client.supervisor.start()
    board.hardware.start()
    async with asyncio.TaskGroup() as both:
        both.create_task(board.edge.obey())
        both.create_task(keep_running(board.node, board.edge.run, backoff=SERVER_BACKOFF))


async def _soon(_: float) -> None:
    await asyncio.sleep(0.5)


def _board(site: Site, number: int, world: World, after: After) -> MeasuredBoard:
    node, keys = f"bay-{number}", site.keys(number)
    config = _client(node, [f"cp{each}" for each in range(number, site.points, site.boards)])
    names = [full_name(node, point.name) for point in config.charge_point]
    hardware = Hardware(names, after, lambda: clock.now().mono)
    orders: Outbox[ExchangeMessage] = Outbox()
    demands: list[tuple[float, str]] = []
    shown, nowhere = Shown(), Nowhere()
    edges = ClientEdges(InstantDisk(), hardware, Tapped(orders, demands), shown, nowhere, nowhere)
    identities = Identities(uuid.uuid4().hex, uuid.uuid4().hex, "", 0, lambda: uuid.uuid4().hex)
    client = wire_client(world, client_board(config, identities, "measured"), edges, nowhere)
    metered = {f"{point.name}-meter": full_name(node, point.name) for point in config.charge_point}
    hardware.connect(client.charge_points, client.meters, metered)

    def dials() -> list[Dial]:
        return [Dial(f"127.0.0.1:{site.listens}", channel_credentials(keys.directory), CHANNEL_OPTIONS)]

    edge = ServerEdge(dials, client.link, orders)
    return MeasuredBoard(node, keys, hardware, client, edge, shown, demands)


def _client(node: str, points: list[str]) -> NodeConfig:
    return NodeConfig.model_validate(
        {
            "node": {"name": node, "role": "client", "data_dir": "unused"},
            "server": {"park": PARK},
            "meter": [
                {"name": f"{each}-meter", "map": "eastron-sdm630", "address": "tcp://127.0.0.1:502", "max_amps": 63}
                for each in points
            ],
            "charge_point": [
                {"name": each, "driver": "virtual", "max_amps": MAX_AMPS, "outlet": "cable", "meter": f"{each}-meter"}
                for each in points
            ],
        }
    )


def _server(site: Site) -> str:
    fingerprints = [site.keys(number).fingerprint for number in range(site.boards)]
    head = f"""
[node]
name = "server"
role = "server"
data_dir = "{site.folder / "server"}"
[listen]
boards = "127.0.0.1:{site.listens}"
pairing = "127.0.0.1:{site.pairing}"
energy = ""
metrics = ""
[park]
name = "{PARK}"
[pairing]
open = true
fingerprints = {fingerprints!r}
[authorization]
mode = "free"
[[circuit]]
name = "grid"
limit_amps = [{GRID_AMPS}, {GRID_AMPS}, {GRID_AMPS}]
"""
    rows = (
        f'[[circuit]]\nname = "row{number}"\nparent = "grid"\nlimit_amps = [{ROW_AMPS}, {ROW_AMPS}, {ROW_AMPS}]\n'
        for number in range(-(-site.points // 2))
    )
    placed = (
        f'[[placement]]\ncharge_point = "{place.name}"\nconnector = {number + 1}\ncircuit = "row{number // 2}"\n'
        f"max_amps = {MAX_AMPS}\n"
        for number, place in enumerate(places(site.points, site.boards))
    )
    return head + "".join((*rows, *placed))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


async def wait_for(what: str, true: Callable[[], bool], patience: float = START_SECONDS) -> None:
    """Look five times a second: what is waited for is measured by nobody."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while not true():  # noqa: ASYNC110 - many facts of many threads
                await asyncio.sleep(0.2)
            return
    raise TimeoutError(f"waited {patience} s for {what}")
