"""Parks full of cars that all want current, by seed: what allocation is measured and proven with.

The grid connection is 0.9 of the sum of its stations, so that many limits bind. A station feeds twelve charge points, a
quarter of them idle; a car loads one to three phases.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

from park.load.admission import Request
from park.load.circuit import Circuit, Network, as_sum_ma
from park.load.fair.balance import Balance
from park.model.electric import MINIMUM_CURRENT_MA, PerPhase, Wiring

STATION = 12
IDLE = 0.25
TIGHTNESS = 0.9
IMBALANCE_MA = 20_000  # VDE-AR-N 4100
ROTATED = (Wiring.RST, Wiring.STR, Wiring.TRS)
WIRINGS = tuple(wiring for wiring in Wiring if wiring is not Wiring.UNKNOWN)
MAXIMA_MA = (10_000, 13_000, 16_000, 20_000, 25_000, 32_000)
STATIONS_MA = (63_000, 80_000, 100_000)


class Crowd(NamedTuple):
    """What `allocate` takes."""

    requests: list[Request]
    room: list[int]
    balances: list[Balance]


@dataclass(frozen=True, slots=True)
class Kind:
    """`levels`: circuits above a charge point. `rotated`: wiring in turn, else as it comes. `classes`: of priority.

    `stations_too`: some stations have a limit of imbalance too, and some a limit in watts; else only the grid has.
    """

    levels: int = 2
    rotated: bool = True
    balanced: bool = True
    watts: bool = True
    stations_too: bool = False
    classes: int = 1


def crowd(seed: int, points: int, kind: Kind | None = None) -> Crowd:
    """The crowd of this seed."""
    kind, draws = kind or Kind(), random.Random(seed)
    circuits = _circuits(points, kind, draws)
    network = Network(circuits)
    requests = [_car(number, kind, network, draws) for number in range(points) if draws.random() >= IDLE]
    room: list[int] = []
    for circuit in network.circuits:
        watts = circuit.limit_watts
        room += [*circuit.limit_ma, 10**12 if watts is None else as_sum_ma(watts)]
    balances = [
        Balance(number, circuit.imbalance_ma)
        for number, circuit in enumerate(network.circuits)
        if circuit.imbalance_ma is not None
    ]
    draws.shuffle(requests)
    return Crowd(requests, room, balances)


def _circuits(points: int, kind: Kind, draws: random.Random) -> list[Circuit]:
    stations = -(-points // STATION)
    limits = [draws.choice(STATIONS_MA) for _ in range(stations)]
    found = [_circuit("grid", None, sum(limits), kind, draws, special=True)]
    above, below = ["grid"], 1
    for level in range(1, kind.levels - 1):
        below *= 4
        names = [f"level{level}-{number}" for number in range(min(below, stations))]
        share = sum(limits) // len(names)
        found += [
            _circuit(name, above[number % len(above)], share, kind, draws, special=kind.stations_too)
            for number, name in enumerate(names)
        ]
        above = names
    return found + [
        _circuit(f"station{number}", above[number % len(above)], limit, kind, draws, special=kind.stations_too)
        for number, limit in enumerate(limits)
    ]


def _circuit(name: str, parent: str | None, limit: int, kind: Kind, draws: random.Random, *, special: bool) -> Circuit:
    each = limit if name.startswith("station") else int(TIGHTNESS * limit)
    imbalance = special and kind.balanced and (parent is None or draws.random() < IDLE)
    watts = special and kind.watts and draws.random() < 2 * IDLE
    amps: PerPhase = (each, each, each)
    return Circuit(
        name,
        amps,
        parent,
        limit_watts=int(each * 3 * 0.23 * draws.uniform(0.7, 1.1)) if watts else None,
        imbalance_ma=IMBALANCE_MA if imbalance else None,
    )


def _car(number: int, kind: Kind, network: Network, draws: random.Random) -> Request:
    wiring = ROTATED[number % len(ROTATED)] if kind.rotated else draws.choice(WIRINGS)
    phases = wiring.grid_phases(draws.choice((1, 1, 2, 3, 3)))
    return Request(
        charge_point=f"cp{number:05}",
        lines=network.lines(f"station{number // STATION}", phases),
        minimum_ma=MINIMUM_CURRENT_MA,
        maximum_ma=draws.choice(MAXIMA_MA),
        charging_since=draws.choice((None, draws.uniform(0, 9_000))),
        waiting_since=draws.uniform(0, 9_000),
        priority=draws.randrange(kind.classes),
        weight=draws.choice((1, 1, 1, 2)) if kind.classes > 1 else 1,
        resolution_ma=1,
    )
