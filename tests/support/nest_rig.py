"""Two levels of real processes: a hall with a charge point of its own, and a deck in it that leads itself."""

from __future__ import annotations

import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from support.ports import free_ports
from support.rig import PATIENCE, Configuration, Rig, eventually

from nodes.energy.client import fetch
from nodes.pairing.orders import PATIENCE_SECONDS, pairing_admin
from nodes.pairing.token_file import write_token
from nodes.rpc import pairing_pb2
from park.errors import ChargeparkError
from park.view import ParkView

HALL, DECK = "hall", "deck"
GROUP = f"{DECK}/feed"
LEASE = 4


def _node(directory: Path, name: str, role: str, listens: dict[str, int], bench_port: int) -> str:
    opened = "".join(f'{key} = "127.0.0.1:{port}"\n' for key, port in listens.items())
    return f"""
[node]
name = "{name}"
role = "{role}"
data_dir = "{directory / name}"
[listen]
{opened}
[bench]
address = "127.0.0.1:{bench_port}"
[load]
interval_seconds = 1
lease_seconds = {LEASE}
renew_seconds = 1
[authorization]
mode = "free"
"""


def _point(name: str, connector: int, circuit: str, modbus: int, unit: int, fallback: int) -> str:
    return f"""
[[meter]]
name = "{name}-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:{modbus}"
unit = {unit}
[[charge_point]]
name = "{name}"
connector = {connector}
circuit = "{circuit}"
driver = "virtual"
outlet = "cable"
fallback_amps = {fallback}
meter = "{name}-meter"
"""


def write_files(directory: Path, limit: int, fallback: int, *, discovery: bool = False) -> dict[str, Path]:
    """The hall's grid is the one both share; the deck's feed could carry 40 A. `discovery`: no address is told."""
    seen = '[discovery]\nenabled = true\ninterfaces = ["127.0.0.1"]\n' if discovery else ""
    boards, pairing, hall_energy, hall_metrics, energy, metrics, bench_port, hall_modbus, modbus = free_ports(9)
    hall_listens = {"boards": boards, "pairing": pairing, "energy": hall_energy, "metrics": hall_metrics}
    hall = _node(directory, HALL, "server", hall_listens, bench_port)
    hall_park = f"{HALL}-{abs(hash(directory)) % 10**8}"  # parks of tests beside each other are not to meet
    hall += seen
    hall += f"""
[park]
name = "{hall_park}"
[pairing]
open = true
[[circuit]]
name = "grid"
limit_amps = [{limit}, {limit}, {limit}]
[[group]]
name = "{GROUP}"
circuit = "grid"
max_amps = [40, 40, 40]
fallback_amps = [{fallback}, {fallback}, {fallback}]
weight = 2
"""
    hall += _point("front", 1, "grid", hall_modbus, 1, 6)
    deck = _node(directory, DECK, "single", {"energy": energy, "metrics": metrics}, bench_port)
    address = f'address = "127.0.0.1:{boards}"\npairing_address = "127.0.0.1:{pairing}"\n'
    deck += seen
    deck += f"""
[park]
name = "{DECK}"
[above]
park = "{hall_park}"
{"" if discovery else address}
join_token_file = "{directory / "deck.token"}"
fallback_amps = [{fallback}, {fallback}, {fallback}]
[[meter]]
name = "feed-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:{modbus}"
unit = 9
[[circuit]]
name = "feed"
limit_amps = [40, 40, 40]
meter = "feed-meter"
external_fallback_amps = [1, 1, 1]
"""
    deck += _point("left", 1, "feed", modbus, 1, 6) + _point("right", 2, "feed", modbus, 2, 6)
    files = {HALL: directory / "hall.toml", DECK: directory / "deck.toml"}
    for node, text in ((HALL, hall), (DECK, deck)):
        files[node].write_text(text, encoding="utf-8")
    return files


class NestRig(Rig):
    """Names of nodes: `hall` and `deck`; of charge points: `front` there, `left` and `right` here."""

    files: dict[str, Path]

    def start_bench(self) -> None:
        self.start("bench", "-m", "nodes.cli", "bench", "serve", *map(str, self.files.values()))
        eventually("the bench answers", lambda: self.truth() is not None)

    def start_board(self, node: str) -> None:
        self.start(node, "-m", "nodes.cli", "run", str(self.files[node]))

    def pair(self) -> None:
        """A join token of the hall for the deck."""
        directory = self.directory / HALL
        eventually("the hall takes orders", (directory / "admin.sock").is_socket)
        with pairing_admin(directory) as admin:
            request = pairing_pb2.MakeTokenRequest(node=DECK, seconds=600.0)
            made = admin.MakeToken(request, timeout=PATIENCE_SECONDS, wait_for_ready=True)
            write_token(self.directory / "deck.token", made.token)

    def board_view(self, node: str) -> ParkView | None:
        listens = tomllib.loads(self.files[node].read_text(encoding="utf-8"))["listen"]
        try:
            return fetch(listens["energy"])
        except ChargeparkError:
            return None

    def amps(self) -> dict[str, int]:
        """What each car draws on L1, by charge point."""
        truth = self.truth()
        assert truth is not None, self.log("bench")
        return {each.charge_point.rpartition("/")[2]: each.currents.l1_ma // 1000 for each in truth.evses}


@contextmanager
def nest_rig(directory: Path, *, limit: int = 40, fallback: int = 13, discovery: bool = False) -> Generator[NestRig]:
    """Bench and hall run, and the deck has joined; whatever still runs at the end is killed."""
    files = write_files(directory, limit, fallback, discovery=discovery)
    bench_port = int(tomllib.loads(files[HALL].read_text(encoding="utf-8"))["bench"]["address"].rpartition(":")[2])
    made = NestRig(directory, Configuration(files[HALL], 0, 0, bench_port, 0, 0))
    made.files = files
    try:
        made.start_bench()
        made.start_board(HALL)
        made.pair()
        made.start_board(DECK)
        eventually("the deck has joined", lambda: "connected to the server" in made.log(DECK), PATIENCE)
        yield made
    finally:
        made.close()


__all__ = ["DECK", "GROUP", "HALL", "LEASE", "NestRig", "nest_rig"]
