"""A house with a roof full of sun, and what charging made of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from park.load.solar.settings import Solar
from park.model.electric import PerPhase
from tests.park.load.boards import Boards, Vehicle, each, grid, places

METER = "grid-meter"


@dataclass
class Books:
    """Ampere-seconds on the sum of the phases, taken once a second. `steps`: (time, charging, surplus) in mA."""

    charged: float = 0.0
    by_the_sun: float = 0.0
    surplus: float = 0.0
    steps: list[tuple[float, int, int]] = field(default_factory=list)

    @property
    def imported(self) -> float:
        return self.charged - self.by_the_sun

    @property
    def self_consumption(self) -> float:
        """Share of what would have been exported that was charged."""
        return self.by_the_sun / self.surplus

    @property
    def grid_share(self) -> float:
        """Share of what was charged that came from the grid."""
        return self.imported / self.charged if self.charged else 0.0


def world(
    solar: Solar | None,
    house: Callable[[float], PerPhase],
    points: int = 1,
    limit_ma: int = 63_000,
    *,
    switches: bool = False,
) -> Boards:
    circuit = grid(limit_ma, headroom_ma=0)
    suns = () if solar is None else (solar,)
    here = places(points)
    two_poles = [place.charge_point for place in here if switches]
    return Boards([circuit], here, house=house, solar=suns, switchable=two_poles, switch_seconds=30.0)


def sunny(**changes: object) -> Solar:
    """Quick enough for tests."""
    described: dict[str, object] = {"average_seconds": 5.0, "start_seconds": 20.0, "stay_seconds": 60.0}
    return Solar("grid", METER, **(described | changes))  # type: ignore[arg-type]


def constant(exported_ma: int) -> Callable[[float], PerPhase]:
    return lambda _: each(-exported_ma)


def day(seconds: float, peak_ma: int, clouds_ma: int = 0, house_ma: int = 1_000) -> Callable[[float], PerPhase]:
    """Half a sine from sunrise to sunset, with clouds of some minutes, over a house that always takes something."""

    def house(at: float) -> PerPhase:
        clear = peak_ma * math.sin(math.pi * min(max(at / seconds, 0.0), 1.0))
        cloud = clouds_ma * max(0.0, math.sin(at / 41.0) + math.sin(at / 97.0) - 0.5)
        return each(house_ma - int(max(0.0, clear - cloud)))

    return house


def keep_books(boards: Boards, seconds: int) -> Books:
    books = Books()
    for _ in range(seconds):
        boards.run(1)
        charging = sum(boards.own_ma("grid"))
        surplus = max(0, -sum(boards.house(boards.now)))
        books.charged += charging / 1000
        books.surplus += surplus / 1000
        books.by_the_sun += min(charging, surplus) / 1000
        books.steps.append((boards.now, charging, surplus))
    return books


def starts_and_pauses(boards: Boards, name: str) -> list[tuple[float, bool]]:
    """When its pilot began to offer current (True) or none (False)."""
    found: list[tuple[float, bool]] = []
    for at, amps in boards.devices[name].changes:
        if not found or found[-1][1] != (amps > 0):
            found.append((at, amps > 0))
    return found


def signals(boards: Boards) -> list[int]:
    return [device.signalled_ma for device in boards.devices.values()]


def arrive(boards: Boards, *vehicles: Vehicle, at: float = 3.0) -> Boards:
    boards.run(at)
    for name, vehicle in zip(boards.devices, vehicles or (Vehicle(),), strict=False):
        boards.arrive(name, vehicle)
    return boards
