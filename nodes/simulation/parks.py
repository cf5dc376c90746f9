"""Random parks from a seed: boards, a circuit tree with fuses tight enough to matter, meters, readers, drivers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

from msgspec import Struct, field

from nodes.simulation.scenario import Arrivals, Backend, Car, House
from park.config.access import AuthorizationSection, BackendSection, WhitelistSection
from park.config.board import BenchSection, NodeSection, ServerSection
from park.config.devices import ChargePointSection, MeterSection, ReaderSection
from park.config.electrical import CircuitSection, LoadSection, PlacementSection
from park.config.mapping import refused_at_start
from park.config.node_config import NodeConfig, ParkSection
from park.model.electric import PHASE_NAMES, Wiring
from park.physics.hardware import TRAITS

Three = tuple[int, int, int]
PARK = "simulated"
SERVER = "server"
SPARE_AMPS = 10  # above what lapse currents and foreign load need: somebody can always charge
READER_SERVES = 6  # charge points a reader is near to
HOURS = 24
METER_PORT = 5020
QUICKLY = 10.0  # s another number of phases must be better: the shortest, so that runs see switches
LEVELS = (("level", 1, 3), ("row", 1, 3), ("g", 1, 2), ("p", 1, 2))
"""Below the grid: what a circuit there is called (a name has 40 letters), and how many hang on each above it."""

WIRINGS = ("RST", "RTS", "STR", "SRT", "TSR", "TRS", "unknown")


class Bounds(Struct, frozen=True):
    """How large parks may be. `levels`: circuits from the grid to a charge point's own, both counted; 5 at most.

    `switches`: every charge point on three known phases switches them, and quickly.
    """

    boards: tuple[int, int] = (2, 12)
    points: tuple[int, int] = (1, 12)
    levels: tuple[int, int] = (1, 3)
    switches: bool = False


class ParkPlan(Struct, frozen=True):
    """A whole park and those who use it. `readers`: near each charge point. `refused`: id tags the backend blocks.

    `blocked`: id tags the park's own list blocks.
    """

    server: NodeConfig
    clients: tuple[NodeConfig, ...]
    houses: tuple[House, ...]
    arrivals: Arrivals
    backend: Backend
    readers: Mapping[str, tuple[str, ...]]
    refused: frozenset[str]
    blocked: frozenset[str]

    @property
    def nodes(self) -> tuple[NodeConfig, ...]:
        return (self.server, *self.clients)

    @property
    def points(self) -> int:
        return sum(len(node.charge_point) for node in self.nodes)


class _Circuit(Struct):
    """A circuit while it is drawn: A per phase."""

    name: str
    parent: _Circuit | None
    house: Three | None = None  # None: no meter
    in_line: bool = True
    lapse: list[int] = field(default_factory=lambda: [0, 0, 0])
    most: list[int] = field(default_factory=lambda: [0, 0, 0])
    external: list[int] = field(default_factory=lambda: [0, 0, 0])

    @property
    def sees_all(self) -> bool:
        """What a vehicle draws too much is seen on every circuit up to the grid, without a meter of its own."""
        above = self.parent is None or self.parent.sees_all
        return above and self.house is not None and self.in_line

    def carry(self, lapse: int, most: int, wiring: str, phases: int) -> None:
        for phase in Wiring(wiring).grid_phases(phases):
            self.lapse[phase - 1] += lapse
            self.most[phase - 1] += most
        if self.parent is not None:
            self.parent.carry(lapse, most, wiring, phases)

    def burden(self, house: Three) -> None:
        """Foreign load flows through all circuits above."""
        self.external = [old + new for old, new in zip(self.external, house, strict=True)]
        if self.parent is not None:
            self.parent.burden(house)


class _Point(Struct, frozen=True):
    node: str
    name: str
    connector: int
    circuit: _Circuit
    wiring: str
    phases: int
    fallback: int
    boot: int
    largest: int
    metered: bool
    outlet: str
    switches: bool = False

    @property
    def switching(self) -> bool:
        return self.switches and self.phases == len(PHASE_NAMES) and self.wiring != Wiring.UNKNOWN.value

    @property
    def full(self) -> str:
        return f"{self.node}/{self.name}"


def random_park(random: Random, bounds: Bounds = Bounds()) -> ParkPlan:
    """Draw a park. What it gives is valid: no fuse is too small for lapse currents and foreign load."""
    circuits = _tree(random, bounds)
    nodes = [SERVER, *(f"bay-{number}" for number in range(1, random.randint(*bounds.boards)))]
    houses = _houses(random, circuits)
    points = _points(random, nodes, circuits, bounds)
    for point in points:
        point.circuit.carry(max(point.fallback, point.boot), point.largest, point.wiring, point.phases)
    tags = [f"04A1B2{number:04X}" for number in range(1, len(points) + 11)]
    blocked, refused = frozenset(tags[:1]), frozenset(tags[1:3])
    authorization = _authorization(random, tags, blocked)
    readers = _readers(random, points)
    server = _server(random, circuits, points, authorization, readers, {house.meter for house in houses})
    clients = tuple(_client(node, points, readers) for node in nodes[1:])
    refusal = refused_at_start(server, "a random park", lambda _: TRAITS)
    assert not refusal, refusal  # noqa: S101 - a mistake of this module
    return ParkPlan(
        server=server,
        clients=clients,
        houses=houses,
        arrivals=_arrivals(random, len(points), tags),
        backend=Backend(answer_seconds=(0.02, 0.4), lost_answers=random.choice((0.0, 0.0, 0.03))),
        readers={point.name: _near(point, readers) for point in points},
        refused=refused,
        blocked=blocked,
    )


def _many(random: Random, bounds: tuple[int, int]) -> int:
    """A number within the bounds, drawn evenly by its logarithm: as many boards with 1 or 2 points as with 6 to 12."""
    least, most = bounds
    return min(most, math.floor(least * ((most + 1) / least) ** random.random()))


def _likely(random: Random, share: float) -> bool:
    return random.random() < share


# ------------------------------------------------------------ circuits


def _tree(random: Random, bounds: Bounds) -> list[_Circuit]:
    found = [_Circuit("grid", None)]
    above = list(found)
    fewest, most = bounds.levels
    for kind, least, largest in LEVELS[: random.randint(fewest - 1, most - 1)]:
        below = [
            _Circuit(f"{parent.name}-{kind}-{number}", parent)
            for parent in above
            for number in range(1, 1 + random.randint(least, largest))
        ]
        found += below
        above = below
    return found


def _houses(random: Random, circuits: list[_Circuit]) -> tuple[House, ...]:
    """Foreign load at meters of some circuits, never above what the circuit is planned with while its meter is lost."""
    found: list[House] = []
    for circuit in circuits:
        if not _likely(random, 0.8 if circuit.parent is None else 0.25):
            continue
        largest = random.randint(5, 60)
        house = (largest, random.randint(0, largest), random.randint(0, largest))
        circuit.house = house
        circuit.burden(house)
        noise = min(random.uniform(0.0, 0.5) * largest, *house)
        amps = tuple(each - noise for each in house)
        found.append(
            House(
                meter=f"{circuit.name}-meter",
                amps=((amps[0], amps[1], amps[2]),) * HOURS,
                noise_amps=noise,
                noise_seconds=random.choice((7.0, 20.0, 61.0)),
            )
        )
    for circuit in circuits:
        circuit.in_line = _likely(random, 0.8) or tuple(circuit.external) != circuit.house
    return tuple(found)


def _three(amps: tuple[float, ...]) -> tuple[float, float, float]:
    a, b, c = (round(each, 1) for each in amps)
    return (a, b, c)


def _limit(random: Random, circuit: _Circuit, headroom: int) -> tuple[float, float, float]:
    """Between what must always be possible and what all together could take."""
    share = random.uniform(0.15, 0.8)
    limits = [
        max(lapse + external + headroom + SPARE_AMPS, round(external + headroom + share * most))
        for lapse, external, most in zip(circuit.lapse, circuit.external, circuit.most, strict=True)
    ]
    return (float(limits[0]), float(limits[1]), float(limits[2]))


# ------------------------------------------------------------ charge points


def _points(random: Random, nodes: list[str], circuits: list[_Circuit], bounds: Bounds) -> list[_Point]:
    found: list[_Point] = []
    leaves = [circuit for circuit in circuits if all(other.parent is not circuit for other in circuits)]
    server_too = _likely(random, 0.5)
    for node in nodes:
        if node == SERVER and not server_too:
            continue
        home = random.choice(leaves)
        for number in range(1, _many(random, bounds.points) + 1):
            fallback = random.choice((0, 6, 6, 8))
            place = home if _likely(random, 0.7) else random.choice(circuits)
            found.append(
                _Point(
                    node=node,
                    name=f"{node}-cp{number}",
                    connector=len(found) + 1,
                    circuit=place,
                    wiring=random.choice(WIRINGS),
                    phases=random.choice((3, 3, 3, 1)),
                    fallback=fallback,
                    boot=fallback if _likely(random, 0.2) else 0,
                    largest=random.choice((16, 32, 32)),
                    metered=not place.sees_all or _likely(random, 0.7),
                    outlet=random.choice(("socket", "socket", "cable")),
                    switches=bounds.switches,
                )
            )
    return found


def _charge_point(point: _Point, *, own: bool) -> ChargePointSection:
    placed = {"connector": point.connector, "circuit": point.circuit.name, "wiring": point.wiring} if own else {}
    return ChargePointSection.model_validate(
        {
            "name": point.name,
            "driver": "virtual",
            "phases": point.phases,
            "max_amps": float(point.largest),
            "fallback_amps": float(point.fallback),
            "boot_amps": float(point.boot),
            "outlet": point.outlet,
            "phase_switching": point.switching,
            "meter": f"{point.name}-meter" if point.metered else None,
            **placed,
        }
    )


def _placement(point: _Point, priority: int) -> PlacementSection:
    return PlacementSection.model_validate(
        {
            "charge_point": point.full,
            "connector": point.connector,
            "circuit": point.circuit.name,
            "wiring": point.wiring,
            "phases": point.phases,
            "max_amps": float(point.largest),
            "fallback_amps": float(point.fallback),
            "boot_amps": float(point.boot),
            "metered": point.metered,
            "priority": priority,
        }
    )


def _meters(names: list[str], port: int) -> tuple[MeterSection, ...]:
    address = f"tcp://127.0.0.1:{port}"
    return tuple(
        MeterSection(name=name, map="eastron-sdm630", address=address, unit=unit)
        for unit, name in enumerate(names, start=1)
    )


# ------------------------------------------------------------ boards


def _server(
    random: Random,
    circuits: list[_Circuit],
    points: list[_Point],
    authorization: AuthorizationSection,
    readers: Mapping[str, tuple[str, tuple[str, ...]]],
    metered: set[str],
) -> NodeConfig:
    own = [point for point in points if point.node == SERVER]
    headroom = random.choice((0, 0, 2))
    sections = [
        CircuitSection(
            name=circuit.name,
            parent=None if circuit.parent is None else circuit.parent.name,
            limit_amps=_limit(random, circuit, headroom),
            headroom_amps=float(headroom),
            meter=f"{circuit.name}-meter" if f"{circuit.name}-meter" in metered else None,
            meter_sees_charging=circuit.in_line,
            external_fallback_amps=_three(tuple(float(each) for each in circuit.external)),
            external_window_seconds=random.choice((0.0, 10.0)),
        )
        for circuit in circuits
    ]
    meters = sorted(metered) + [f"{point.name}-meter" for point in own if point.metered]
    return NodeConfig(
        node=NodeSection(name=SERVER, role="server", data_dir="var/server"),
        bench=BenchSection(),
        park=ParkSection(name=PARK),
        load=LoadSection(phase_switch_seconds=QUICKLY) if points[0].switches else LoadSection(),
        authorization=authorization,
        backend=BackendSection(url="ws://127.0.0.1:9000/ocpp", identity="SIMULATED"),
        circuit=tuple(sections),
        placement=tuple(_placement(point, random.choice((0, 0, 0, 1))) for point in points if point.node != SERVER),
        meter=_meters(meters, METER_PORT),
        reader=_sections(SERVER, readers),
        charge_point=tuple(_charge_point(point, own=True) for point in own),
    )


def _client(node: str, points: list[_Point], readers: Mapping[str, tuple[str, tuple[str, ...]]]) -> NodeConfig:
    own = [point for point in points if point.node == node]
    port = METER_PORT + int(node.rpartition("-")[2])
    return NodeConfig(
        node=NodeSection(name=node, role="client", data_dir=f"var/{node}"),
        bench=BenchSection(),
        server=ServerSection(park=PARK, address="127.0.0.1:7070"),
        meter=_meters([f"{point.name}-meter" for point in own if point.metered], port),
        reader=_sections(node, readers),
        charge_point=tuple(_charge_point(point, own=False) for point in own),
    )


def _sections(node: str, readers: Mapping[str, tuple[str, tuple[str, ...]]]) -> tuple[ReaderSection, ...]:
    return tuple(
        ReaderSection(name=name, driver="virtual", serves=serves)
        for name, (where, serves) in readers.items()
        if where == node
    )


# ------------------------------------------------------------ people


def _readers(random: Random, points: list[_Point]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Readers of the server for a few charge points each, one for all, and some boards' own: name → (node, serves)."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {"door": (SERVER, ("*",))}
    names = [point.full for point in points]
    for number, first in enumerate(range(0, len(names), READER_SERVES), start=1):
        found[f"pillar-{number}"] = (SERVER, tuple(names[first : first + READER_SERVES]))
    for node in dict.fromkeys(point.node for point in points):
        if node != SERVER and _likely(random, 0.5):
            found[f"{node}-reader"] = (node, tuple(point.full for point in points if point.node == node))
    return found


def _near(point: _Point, readers: Mapping[str, tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """Readers a driver at this charge point tries, one after the other."""
    own = f"{point.node}-reader"
    pillar = next(name for name, (_, serves) in readers.items() if point.full in serves and name != own)
    return (own, pillar) if own in readers else (pillar,)


def _authorization(random: Random, tags: list[str], blocked: frozenset[str]) -> AuthorizationSection:
    """Every card is listed, so that a park cut off from its backend still charges; some are blocked."""
    return AuthorizationSection(
        mode=random.choice(("backend", "backend", "backend", "whitelist", "free")),
        offline=random.choice(("whitelist", "whitelist", "refuse")),
        whitelist=tuple(WhitelistSection(tag=tag, allowed=tag not in blocked) for tag in tags),
    )


def _arrivals(random: Random, points: int, tags: list[str]) -> Arrivals:
    rate = points * random.uniform(6.0, 20.0)
    return Arrivals(
        per_hour=(rate,) * HOURS,
        stay_minutes=(1.5, random.uniform(4.0, 12.0)),
        card_seconds=(2.0, 20.0),
        card_first_share=0.1,
        reader="door",
        tags=tuple(tags),
        car=(
            Car(share=4, phases=3, max_amps=16, energy_kwh=(0.3, 8.0)),
            Car(share=4, phases=3, max_amps=32, energy_kwh=(0.3, 15.0)),
            Car(share=3, phases=1, max_amps=32, energy_kwh=(0.3, 5.0)),
            Car(share=1, phases=2, max_amps=16, min_amps=8, energy_kwh=(0.3, 5.0)),
            Car(share=1, behaviour="slow"),
            Car(share=1, behaviour="greedy"),
            Car(share=1, behaviour="taper", energy_kwh=(0.2, 2.0)),
            Car(share=1, behaviour="full"),
        ),
    )
