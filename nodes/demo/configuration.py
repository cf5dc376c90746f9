"""The configuration files of the demo's nodes: a house on the fuse, charge points, meters behind a gateway a board."""

from __future__ import annotations

import math
from collections.abc import Iterator

from nodes.demo.layout import DOOR, GRID, GRID_METER, SERVER, Board, Park, connector, reader
from nodes.demo.ports import HOST, Ports

WIRINGS = ("RST", "STR", "TRS")  # turned from point to point, so that single-phase cars spread over the phases
GRID_UNIT = 1
STORE = "store"  # the nodes' directories, within the demo's
FALLBACK_AMPS = 6
WRITTEN_BY = "# Written by `chargepark demo`; every key: docs/configuration.md.\n"


def configurations(built: Park, ports: Ports) -> dict[str, str]:
    """TOML texts by node, the one that leads the park first."""
    if not built.clients:
        (board,) = built.boards
        parts = (_leader(board.name, "single", built, ports), *_points(board), *_meters(board, ports))
        return {board.name: "\n".join(parts)}
    server = (_leader(SERVER, "server", built, ports), _for_boards(), *_placements(built))
    clients = {
        board.name: "\n".join((_client(board, built, ports), *_points(board), *_meters(board, ports)))
        for board in built.clients
    }
    return {SERVER: "\n".join(server)} | clients


def data_dir(node: str) -> str:
    """The directory of a node, within the demo's."""
    return f"{STORE}/{node}"


def token_file(node: str) -> str:
    """The join token of a client board, within the demo's directory."""
    return f"{node}.token"


def _leader(name: str, role: str, built: Park, ports: Ports) -> str:
    fallback = math.ceil(built.house_amps * 1.5)
    return f"""\
{WRITTEN_BY}[node]
name = "{name}"
role = "{role}"
data_dir = "{data_dir(name)}"

[listen]
energy = "{ports.address("energy")}"
metrics = "{ports.address("metrics")}"
{_board_ports(ports) if built.clients else ""}
[bench]
address = "{ports.address("bench")}"

[park]
name = "{built.name}"

[authorization]
mode = "backend"

[backend]
url = "ws://{ports.address("backend")}/ocpp"
identity = "{built.identity}"

[[circuit]]
name = "{GRID}"
limit_amps = [{built.fuse_amps}, {built.fuse_amps}, {built.fuse_amps}]
headroom_amps = 1
meter = "{GRID_METER}"
external_fallback_amps = [{fallback}, {fallback}, {fallback}]

{_meter(GRID_METER, GRID_UNIT, ports.address("meters"))}"""


def _board_ports(ports: Ports) -> str:
    return f'boards = "{ports.address("boards")}"\npairing = "{ports.address("pairing")}"\n'


def _for_boards() -> str:
    return f"""\
{_discovery()}
[pairing]
open = false

[[reader]]
name = "{DOOR}"
driver = "virtual"
serves = ["*"]
"""


def _placements(built: Park) -> Iterator[str]:
    for board in built.clients:
        amps = board.fuse_amps
        yield f"""\
[[circuit]]
name = "{board.circuit}"
parent = "{GRID}"
limit_amps = [{amps}, {amps}, {amps}]
headroom_amps = 1
"""
        for point in board.charge_points:
            yield f"""\
[[placement]]
charge_point = "{board.name}/{point}"
connector = {connector(point)}
circuit = "{board.circuit}"
wiring = "{_wiring(point)}"
fallback_amps = {FALLBACK_AMPS}
"""


def _client(board: Board, built: Park, ports: Ports) -> str:
    return f"""\
{WRITTEN_BY}[node]
name = "{board.name}"
role = "client"
data_dir = "{data_dir(board.name)}"

[listen]
energy = "{ports.address("energy", board.number)}"
metrics = "{ports.address("metrics", board.number)}"

{_discovery()}
[server]
park = "{built.name}"
join_token_file = "{token_file(board.name)}"

[bench]
address = "{ports.address("bench")}"
"""


def _discovery() -> str:
    return f"""\
[discovery]
enabled = true
interfaces = ["{HOST}"]
"""


def _meters(board: Board, ports: Ports) -> Iterator[str]:
    where = ports.address("meters", board.number)
    for place, point in enumerate(board.charge_points, GRID_UNIT + 1):
        yield _meter(f"{point}-meter", place, where)


def _meter(name: str, unit: int, where: str) -> str:
    return f"""\
[[meter]]
name = "{name}"
map = "eastron-sdm630"
address = "tcp://{where}"
unit = {unit}
"""


def _points(board: Board) -> Iterator[str]:
    for place, point in enumerate(board.charge_points):
        placed = f'connector = {connector(point)}\ncircuit = "{GRID}"\nwiring = "{_wiring(point)}"\n'
        yield f"""\
[[reader]]
name = "{reader(point)}"
driver = "virtual"
serves = ["{point}"]

[[charge_point]]
name = "{point}"
driver = "virtual"
{"" if board.number else placed}fallback_amps = {FALLBACK_AMPS}
outlet = "{"cable" if place % 2 else "socket"}"
meter = "{point}-meter"
"""


def _wiring(charge_point: str) -> str:
    return WIRINGS[(connector(charge_point) - 1) % len(WIRINGS)]
