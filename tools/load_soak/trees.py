"""Random circuit trees with charge points, tight enough that shares matter, and sound: nothing is refused at start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from msgspec.structs import replace

from park.load.circuit import Circuit, Network, Placement
from park.load.startup import refusals
from park.model.electric import HIGHEST_VOLTAGE_MV, PHASE_NAMES, ZERO, PerPhase, Wiring, add, on_phases

SPARE_MA = 7_000  # above lapse currents and foreign load: one can always charge
HOUSE_MA = (2_000, 25_000)  # largest foreign load at a circuit with a meter, on its largest phase
STEP_MA = 1_000
HEADROOMS_MA = (0, 0, 2_000)
WINDOWS_SECONDS = (0.0, 0.0, 30.0, 60.0)
METERED = 0.3  # of the circuits below the grid, which has a meter always
WIRINGS = 3  # in one park
POINT_METERED = (1.0, 1.0, 1.0, 0.8)  # of the charge points of a park
LIMITED_BY_WATTS = 0.15  # of the circuits
WATTS_SHARE = 0.9  # of what their phases together may carry
OUTERMOST = 0.85  # of the charge points
BALANCED = 0.3  # of the parks have limits of imbalance, on every second circuit
IMBALANCES_MA = (10_000, 16_000, 20_000, 30_000)
SHARES = (0.08, 0.4)  # of what all together could take, a circuit carries so much


@dataclass(frozen=True, slots=True)
class Kind:
    """`depth`: circuits from the grid to a charge point's own, both counted. `fan`: circuits below each."""

    depth: tuple[int, int]
    fan: tuple[int, int]
    points: tuple[int, int]
    boards: tuple[int, int]


DEEP = Kind(depth=(3, 5), fan=(2, 3), points=(50, 64), boards=(5, 10))
SMALL = Kind(depth=(1, 3), fan=(1, 3), points=(2, 20), boards=(1, 5))


@dataclass(frozen=True, slots=True)
class Park:
    """`houses`: largest foreign load of its own at each circuit with a meter."""

    circuits: tuple[Circuit, ...]
    placements: tuple[Placement, ...]
    houses: dict[str, PerPhase]
    depth: int


def draw(random: Random, kind: Kind) -> Park:
    """Draw a park of this kind."""
    depth = random.randint(*kind.depth)
    bare = list(_tree(random, depth, random.randint(*kind.fan)))
    placements = tuple(_placements(random, kind, bare))
    houses = {circuit.name: _house(random) for circuit in bare if circuit.parent is None or random.random() < METERED}
    circuits = _balanced(random, [_sized(random, circuit, bare, placements, houses) for circuit in bare])
    said = refusals(circuits, placements)
    if said:
        raise ValueError(f"a drawn park is refused at start, which is a mistake of this module: {said[0]}")
    return Park(circuits, placements, houses, depth)


def _balanced(random: Random, circuits: list[Circuit]) -> tuple[Circuit, ...]:
    if random.random() >= BALANCED:
        return tuple(circuits)
    limits = [random.choice((None, random.choice(IMBALANCES_MA))) for _ in circuits]
    return tuple(replace(each, imbalance_ma=limit) for each, limit in zip(circuits, limits, strict=True))


def _tree(random: Random, depth: int, fan: int) -> Iterator[Circuit]:
    above = [Circuit("grid", ZERO)]
    yield from above
    for level in range(1, depth):
        below = [
            Circuit(f"{parent.name}.{number}", ZERO, parent=parent.name)
            for parent in above
            for number in range(random.randint(1 if level > 1 else fan, fan))
        ]
        yield from below
        above = below


def _placements(random: Random, kind: Kind, circuits: list[Circuit]) -> Iterator[Placement]:
    """Most charge points hang on the outermost circuits, some further in."""
    outermost = max(circuit.name.count(".") for circuit in circuits)
    leaves = [circuit for circuit in circuits if circuit.name.count(".") == outermost]
    boards = random.randint(*kind.boards)
    metered = random.choice(POINT_METERED)
    wirings = random.sample(list(Wiring), WIRINGS)
    for number in range(random.randint(*kind.points)):
        node = f"n{number % boards}"
        yield Placement(
            f"{node}/cp{number}",
            node,
            random.choice(leaves if random.random() < OUTERMOST else circuits).name,
            wiring=random.choice(wirings),
            phases=random.choice((1, 3, 3, 3)),
            maximum_ma=random.choice((16_000, 32_000, 32_000)),
            fallback_ma=random.choice((0, 6_000, 6_000)),
            boot_ma=0,
            priority=random.choice((0, 0, 0, 1)),
            weight=random.choice((1, 1, 1, 2)),
            resolution_ma=random.choice((100, 1_000)),
            meter=f"m{number}" if random.random() < metered else None,
        )


def _house(random: Random) -> PerPhase:
    largest = random.randrange(*HOUSE_MA, STEP_MA)
    return (largest, random.randrange(0, largest, STEP_MA), random.randrange(0, largest, STEP_MA))


def _sized(
    random: Random,
    circuit: Circuit,
    tree: list[Circuit],
    placements: tuple[Placement, ...],
    houses: dict[str, PerPhase],
) -> Circuit:
    """The circuit with a limit that holds what must always be possible, and a share of what all could take."""
    network = Network(tree)
    lapses = most = external = ZERO
    for placement in network.below(circuit.name, placements):
        phases = placement.grid_phases(placement.phases)
        lapses = add(lapses, on_phases(placement.fallback_ma, phases))
        most = add(most, on_phases(placement.maximum_ma, phases))
    for name, house in houses.items():
        if circuit.name in network.paths[name]:
            external = add(external, house)
    headroom, share = random.choice(HEADROOMS_MA), random.uniform(*SHARES)
    a, b, c = (
        foreign + headroom + max(lapse + SPARE_MA, round(share * all_))
        for lapse, foreign, all_ in zip(lapses, external, most, strict=True)
    )
    needed = sum(lapses) + sum(external) + len(PHASE_NAMES) * SPARE_MA
    limited = random.random() < LIMITED_BY_WATTS
    watts = _watts(max(needed, round(WATTS_SHARE * (a + b + c)))) if limited else None
    return replace(
        circuit,
        limit_ma=(a, b, c),
        limit_watts=watts,
        headroom_ma=headroom,
        meter=f"{circuit.name}-meter" if circuit.name in houses else None,
        external_fallback_ma=external,
        external_window_seconds=random.choice(WINDOWS_SECONDS),
    )


def _watts(sum_ma: int) -> int:
    """The smallest power that surely allows this sum of currents."""
    return -(-sum_ma * HIGHEST_VOLTAGE_MV // 1_000_000)
