"""A park of real processes on free loopback ports: bench, backend, a server and client boards that pair once.

Every node may be killed and started again. Charge points have the same names on every board, so people at the bench
say NODE/CHARGE_POINT; connector ids are unique in the park.
"""

from __future__ import annotations

import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.ports import free_ports
from support.rig import PATIENCE, Configuration, Rig, eventually

from nodes.demo.settlement import Settled, settle
from nodes.demo.sightings import Visit
from nodes.energy.client import fetch
from nodes.pairing.orders import PATIENCE_SECONDS, pairing_admin
from nodes.pairing.token_file import write_token
from nodes.rpc import pairing_pb2
from park.errors import ChargeparkError
from park.model.evse import PilotState
from park.model.metering import Quality
from park.view import ChargePointRow, ParkView

SERVER, DOOR, PILLAR = "server", "door", "pillar"
TAGS = tuple(
    f"04A1B2{number:02X}" for number in range(64)
)  # known to the park, so that they start sessions offline too
TOKEN_SECONDS = 600.0
FRESH = Quality.FRESH


def configurations(directory: Path, clients: int, points: int, lease: int, limit: int) -> tuple[Configuration, Files]:
    """The server's file and those of its boards `bay-1`, `bay-2`, …; the reader `door` is the server's."""
    energy, metrics, bench, modbus, ocpp, boards, pairing, *more = free_ports(7 + 3 * clients)
    whitelist = ", ".join(f'{{ tag = "{tag}" }}' for tag in TAGS)
    server = f"""
[node]
name = "{SERVER}"
role = "server"
data_dir = "{directory / SERVER}"
[listen]
boards = "127.0.0.1:{boards}"
pairing = "127.0.0.1:{pairing}"
energy = "127.0.0.1:{energy}"
metrics = "127.0.0.1:{metrics}"
[bench]
address = "127.0.0.1:{bench}"
[discovery]
enabled = true
interfaces = ["127.0.0.1"]
[park]
name = "{_park(directory)}"
[pairing]
open = false
[load]
interval_seconds = 1
lease_seconds = {lease}
renew_seconds = {min(3, lease / 2)}
[maintenance]
hosts = ["localhost"]
[authorization]
mode = "backend"
offline = "whitelist"
whitelist = [{whitelist}]
[backend]
url = "ws://127.0.0.1:{ocpp}/ocpp"
identity = "RIG"
[[circuit]]
name = "grid"
limit_amps = [{limit}, {limit}, {limit}]
headroom_amps = 1
meter = "grid-meter"
external_fallback_amps = [20, 20, 20]
[[meter]]
name = "grid-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:{modbus}"
unit = 1
[[reader]]
name = "{DOOR}"
driver = "virtual"
serves = ["*"]
"""
    texts = {SERVER: server}
    for number in range(1, clients + 1):
        node, (status, metrics, modbus) = f"bay-{number}", more[3 * number - 3 : 3 * number]
        texts[node] = _client(directory, node, points, bench, (status, metrics, modbus))
        for point in range(1, points + 1):
            texts[SERVER] += _placement(f"{node}/cp{point}", (number - 1) * points + point)
    files = {node: directory / f"{node}.toml" for node in texts}
    for node, text in texts.items():
        files[node].write_text(text, encoding="utf-8")
    return Configuration(files[SERVER], energy, metrics, bench, modbus, ocpp), files


Files = dict[str, Path]
"""Configuration files by node, the server's first."""


def _park(directory: Path) -> str:
    """Parks of tests that run beside each other must not find each other's boards."""
    return f"rig-{abs(hash(directory)) % 10**8}"


def _placement(name: str, connector: int) -> str:
    return f"""
[[placement]]
charge_point = "{name}"
connector = {connector}
circuit = "grid"
fallback_amps = 6
"""


def _client(directory: Path, node: str, points: int, bench: int, ports: tuple[int, int, int]) -> str:
    energy, metrics, modbus = ports
    text = f"""
[node]
name = "{node}"
role = "client"
data_dir = "{directory / node}"
[listen]
energy = "127.0.0.1:{energy}"
metrics = "127.0.0.1:{metrics}"
[bench]
address = "127.0.0.1:{bench}"
[discovery]
enabled = true
interfaces = ["127.0.0.1"]
[server]
park = "{_park(directory)}"
join_token_file = "{directory / f"{node}.token"}"
[[reader]]
name = "{PILLAR}"
driver = "virtual"
serves = [{", ".join(f'"cp{number}"' for number in range(1, points + 1))}]
"""
    for number in range(1, points + 1):
        text += f"""
[[meter]]
name = "cp{number}-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:{modbus}"
unit = {number}
[[charge_point]]
name = "cp{number}"
driver = "virtual"
fallback_amps = 6
outlet = "{"socket" if number % 2 else "cable"}"
meter = "cp{number}-meter"
[[reader]]
name = "cp{number}-reader"
driver = "virtual"
serves = ["cp{number}"]
"""
    return text


@dataclass
class ParkRig(Rig):
    """`starts` counts those of the server. Names of nodes: `server`, `bay-1`, `bay-2`, ….

    `mortal`: nodes look into files whether to die at a crash point.
    """

    files: Files = field(default_factory=dict[str, Path])
    points: int = 0
    mortal: bool = False

    @property
    def clients(self) -> tuple[str, ...]:
        return tuple(node for node in self.files if node != SERVER)

    @property
    def charge_points(self) -> tuple[str, ...]:
        """NODE/CHARGE_POINT in the order of their connectors, which begin with 1."""
        return tuple(f"{node}/cp{number}" for node in self.clients for number in range(1, self.points + 1))

    def connector(self, charge_point: str) -> int:
        return self.charge_points.index(charge_point) + 1

    def start_bench(self) -> None:
        self.start("bench", "-m", "nodes.cli", "bench", "serve", *map(str, self.files.values()))
        eventually("the bench answers", lambda: self.truth() is not None)

    def start_board(self, node: str, crash: str = "") -> None:
        """The server or a client board; returns at once."""
        self.starts += node == SERVER
        if self.mortal:
            crash = f"@{self.wish(node)}"
        self.start(node, "-m", "nodes.cli", "run", str(self.files[node]), crash=crash)

    def wish(self, node: str) -> Path:
        """Where a mortal node finds the point to die at."""
        return self.directory / f"{node}.death"

    def runs(self, node: str) -> bool:
        return node in self.processes and not self.died(node)

    def start_boards(self, patience: float = 2 * PATIENCE) -> None:
        """Those that do not run; returns when all know each other."""
        for node in self.files:
            if not self.runs(node):
                self.start_board(node)
        try:
            eventually("all boards are in the park", self.online, patience)
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.missing()}") from late

    def pair(self) -> None:
        """A token for each client board; once, whatever is killed later. The server has to run."""
        directory = self.directory / SERVER
        eventually("the server takes orders", (directory / "admin.sock").is_socket)
        with pairing_admin(directory) as admin:
            for node in self.clients:
                request = pairing_pb2.MakeTokenRequest(node=node, seconds=TOKEN_SECONDS)
                made = admin.MakeToken(request, timeout=PATIENCE_SECONDS, wait_for_ready=True)
                write_token(self.directory / f"{node}.token", made.token)

    def online(self) -> bool:
        return not self.missing()

    def missing(self) -> list[str]:
        """What keeps the park from being whole; empty: nothing."""
        view = self.view()
        if view is None or view.backend is None:
            return ["the server does not answer"]
        alive = {node.name for node in view.nodes if node.state == "alive"}
        return [
            *(f"{node} is not alive" for node in self.files if node not in alive),
            *(f"{row.name} has no state" for row in view.charge_points if row.state is None),
            *(f"{row.name} is {row.quality.value}: {row.problem}" for row in view.meters if row.quality != FRESH),
            *(f"{row.name} holds" for row in view.circuits if row.holding),
            *([] if view.backend.state == "online" else [f"the backend is {view.backend.state}"]),
        ]

    def row_of(self, charge_point: str) -> ChargePointRow | None:
        """What the server shows of a charge point; None: the server does not answer."""
        view = self.view()
        return next((row for row in view.charge_points if row.name == charge_point), None) if view else None

    def board_view(self, node: str) -> ParkView | None:
        """What a board shows of itself; None: it does not answer."""
        listens = tomllib.loads(self.files[node].read_text(encoding="utf-8"))["listen"]
        try:
            return fetch(listens["energy"])
        except ChargeparkError:
            return None

    def sees_vehicle(self, charge_point: str) -> bool:
        """The server knows of a vehicle there: a card at a reader of its own starts a session."""
        row = self.row_of(charge_point)
        return row is not None and row.state is PilotState.B

    def settled(self) -> list[Settled]:
        """Every car's visit at the bench beside what the backend has of it."""
        truth = self.truth()
        assert truth is not None, self.log("bench")
        visits = [
            Visit(
                f"cp{self.connector(self._full(evse.charge_point))}",
                visit.plugged_at,
                visit.start_wh,
                visit.end_wh if visit.HasField("end_wh") else None,
            )
            for evse in truth.evses
            for visit in evse.visits
        ]
        ledger = self.ledger()
        try:
            return settle(visits, ledger.transactions())
        finally:
            ledger.close()

    def problems(self) -> list[str]:
        """Where bench and backend disagree, and what the backend should not have got."""
        ledger = self.ledger()
        try:
            wrong = [f"a stranger: {each}" for each in ledger.strangers()] + ledger.violations()
        finally:
            ledger.close()
        return [problem for each in self.settled() for problem in each.disagreements()] + wrong

    def _full(self, name: str) -> str:
        return name if "/" in name else f"{self.clients[0]}/{name}"


@contextmanager
def park_rig(
    directory: Path, *, clients: int = 2, points: int = 3, lease: int = 10, limit: int = 63, mortal: bool = False
) -> Generator[ParkRig]:
    """Everything runs and is paired; whatever still runs at the end is killed."""
    config, files = configurations(directory, clients, points, lease, limit)
    made = ParkRig(directory, config, files=files, points=points, mortal=mortal)
    try:
        made.start_bench()
        made.start_backend()
        made.start_board(SERVER)
        made.pair()
        made.start_boards()
        yield made
    finally:
        made.close()
