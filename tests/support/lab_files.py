"""The configuration files of a park on hosts of the lab: a server with a charge point of its own, and its boards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PARK, IDENTITY = "lab", "LAB"
ADA, BOB = "04A1B2C3", "04D4E5F6"
LAPSE_AMPS = 6
LIMIT_AMPS = 190  # every car may have all it wants: then a lapse current can only come from a lapse
BOARDS_PORT, BENCH, ENERGY, BACKEND_PORT, METERS = 7070, "127.0.0.1:7079", "127.0.0.1:7071", 9000, "127.0.0.1:5020"
POINTS = ("cp1", "cp2")


@dataclass(frozen=True, slots=True)
class Settings:
    """`lease`: seconds, None: the defaults of the product. No `discovery`: the server's address is in the files."""

    lease: float | None = 5.0
    discovery: bool = True


def server_file(folder: Path, boards: Sequence[str], settings: Settings) -> Path:
    """The server: it leads, has one charge point of its own, and reads the meter of the grid connection."""
    leases = "" if settings.lease is None else f"lease_seconds = {settings.lease}\nrenew_seconds = 1"
    parts = [
        _node(folder, "server", "server", settings),
        f"""
[park]
name = "{PARK}"
[load]
interval_seconds = 1
{leases}
[authorization]
mode = "backend"
offline = "whitelist"
whitelist = [{{ tag = "{ADA}" }}, {{ tag = "{BOB}" }}]
[backend]
url = "ws://127.0.0.1:{BACKEND_PORT}/ocpp"
identity = "{IDENTITY}"
[[circuit]]
name = "grid"
limit_amps = [{LIMIT_AMPS}, {LIMIT_AMPS}, {LIMIT_AMPS}]
meter = "grid-meter"
external_fallback_amps = [20, 20, 20]
[[meter]]
name = "grid-meter"
map = "eastron-sdm630"
address = "tcp://{METERS}"
unit = 9
""",
        _point("cp1", 1, f'connector = 1\ncircuit = "grid"\nfallback_amps = {LAPSE_AMPS}'),
    ]
    parts += [_placement(name, number) for name, number in connectors(boards).items() if number > 1]
    return _written(folder / "server.toml", parts)


def client_file(folder: Path, name: str, settings: Settings, server_ip: str) -> Path:
    """A board with two charge points, each with a meter and a reader."""
    address = "" if settings.discovery else f"{server_ip}:{BOARDS_PORT}"
    server = f'[server]\npark = "{PARK}"\naddress = "{address}"\njoin_token_file = "{name}.token"\n'
    points = [_point(point, unit, f"fallback_amps = {LAPSE_AMPS}") for unit, point in enumerate(POINTS, start=1)]
    return _written(folder / f"{name}.toml", [_node(folder, name, "client", settings), server, *points])


def connectors(boards: Sequence[str]) -> dict[str, int]:
    """The OCPP connector of each charge point of the park."""
    names = ["server/cp1", *(f"{board}/{point}" for board in boards for point in POINTS)]
    return {name: number for number, name in enumerate(names, start=1)}


def _node(folder: Path, name: str, role: str, settings: Settings) -> str:
    listen = f'boards = "0.0.0.0:{BOARDS_PORT}"\nenergy = "{ENERGY}"\n' if role == "server" else ""
    return f"""
[node]
name = "{name}"
role = "{role}"
data_dir = "{folder / name}"
[listen]
metrics = ""
{listen}
[bench]
address = "{BENCH}"
[discovery]
enabled = {str(settings.discovery).lower()}
"""


def _point(name: str, unit: int, placed: str) -> str:
    return f"""
[[meter]]
name = "{name}-meter"
map = "eastron-sdm630"
address = "tcp://{METERS}"
unit = {unit}
[[reader]]
name = "{name}-reader"
driver = "virtual"
serves = ["{name}"]
[[charge_point]]
name = "{name}"
phases = 3
outlet = "cable"
meter = "{name}-meter"
driver = "virtual"
{placed}
"""


def _placement(name: str, connector: int) -> str:
    return f"""
[[placement]]
charge_point = "{name}"
connector = {connector}
circuit = "grid"
fallback_amps = {LAPSE_AMPS}
"""


def _written(path: Path, parts: Sequence[str]) -> Path:
    path.write_text("".join(parts), encoding="utf-8")
    return path
