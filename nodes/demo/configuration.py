"""The configuration file of the demo's node: N charge points, their meters behind one gateway, a house on the fuse."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from nodes.demo.ports import Ports

FUSES = (63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250)  # IEC 60269: usual nominal currents
AMPS_PER_POINT = 10  # of the fuse: enough for 6 A each beside the house, far too little for 32 A each
LARGEST_PARK = FUSES[-1] // AMPS_PER_POINT  # charge points
HOUSE_SHARE = 0.2  # of the fuse, before the house wants more
WIRINGS = ("RST", "STR", "TRS")  # turned from point to point, so that single-phase cars spread over the phases
GRID_METER = "grid-meter"
GRID_UNIT = 1
NODE = "board-1"
DATA = "store"  # the node's directory, within the demo's


@dataclass(frozen=True, slots=True)
class Park:
    """What is built; each charge point has a card reader of its own."""

    name: str
    charge_points: tuple[str, ...]
    fuse_amps: int

    @property
    def identity(self) -> str:
        """OCPP identity of the park."""
        return self.name.upper()

    @property
    def house_amps(self) -> float:
        """What the house draws on each phase, usually."""
        return round(self.fuse_amps * HOUSE_SHARE)


def park(name: str, count: int) -> Park:
    """A park of `count` charge points, at most `LARGEST_PARK`."""
    points = tuple(f"cp{number}" for number in range(1, count + 1))
    fuse = next(amps for amps in FUSES if amps >= count * AMPS_PER_POINT)
    return Park(name, points, fuse)


def reader(charge_point: str) -> str:
    """Name of the card reader of a charge point of the demo."""
    return f"{charge_point}-reader"


def connector(charge_point: str) -> int:
    """OCPP connector id of a charge point of the demo."""
    return int(charge_point.removeprefix("cp"))


def configuration(built: Park, ports: Ports) -> str:
    """The TOML file of the one node that runs it."""
    return "\n".join((_head(built, ports), *_meters(built, ports), *_points(built)))


def _head(built: Park, ports: Ports) -> str:
    fallback = math.ceil(built.house_amps * 1.5)
    return f"""\
# Written by `chargepark demo`; every key: docs/configuration.md.
[node]
name = "{NODE}"
role = "single"
data_dir = "{DATA}"

[listen]
energy = "{ports.address("energy")}"
metrics = "{ports.address("metrics")}"

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
name = "grid"
limit_amps = [{built.fuse_amps}, {built.fuse_amps}, {built.fuse_amps}]
headroom_amps = 1
meter = "{GRID_METER}"
external_fallback_amps = [{fallback}, {fallback}, {fallback}]
"""


def _meters(built: Park, ports: Ports) -> Iterator[str]:
    named = {GRID_METER: GRID_UNIT} | {f"{point}-meter": connector(point) + GRID_UNIT for point in built.charge_points}
    for name, unit in named.items():
        yield f"""\
[[meter]]
name = "{name}"
map = "eastron-sdm630"
address = "tcp://{ports.address("meters")}"
unit = {unit}
"""


def _points(built: Park) -> Iterator[str]:
    for place, point in enumerate(built.charge_points):
        yield f"""\
[[reader]]
name = "{reader(point)}"
driver = "virtual"
serves = ["{point}"]

[[charge_point]]
name = "{point}"
driver = "virtual"
connector = {connector(point)}
circuit = "grid"
wiring = "{WIRINGS[place % len(WIRINGS)]}"
fallback_amps = 6
outlet = "{"cable" if place % 2 else "socket"}"
meter = "{point}-meter"
"""
