"""Random parks of two levels: a park, and a deck of it whose own server leads it as a group."""

from __future__ import annotations

from random import Random

from msgspec import Struct
from msgspec.structs import replace

from nodes.simulation.parks import PARK, WIRINGS
from park.config.access import AuthorizationSection
from park.config.board import BenchSection, NodeSection, ServerSection
from park.config.devices import ChargePointSection, MeterSection
from park.config.electrical import CircuitSection, LoadSection, PlacementSection
from park.config.mapping import circuits, placements, refused_at_start
from park.config.node_config import NodeConfig, ParkSection
from park.load.group import GroupPlacement, group_refusals, loads
from park.load.startup import refusals
from park.model.electric import PerPhase
from park.physics.hardware import TRAITS

HALL, DECK = "hall", "deck"
GROUP = f"{DECK}/group"
GRID, FEED = "grid", "feed"
"""The topmost circuits of the park and of its group."""

HOUSE_METER = f"{GRID}-meter"
HOUSE_AMPS = 10
LAPSE_AMPS = 6
METER_PORT = 5020


class NestPlan(Struct, frozen=True):
    """`park`: the server above. `leader`: the server of the group. Their client boards, and the group as placed."""

    park: NodeConfig
    leader: NodeConfig
    boards: tuple[NodeConfig, ...]
    boards_below: tuple[NodeConfig, ...]
    group: GroupPlacement

    @property
    def nodes(self) -> tuple[NodeConfig, ...]:
        return (self.park, self.leader, *self.boards, *self.boards_below)


class _Point(Struct, frozen=True):
    node: str
    name: str
    circuit: str
    wiring: str
    phases: int
    lapse: int
    connector: int


def random_nest(random: Random) -> NestPlan:
    """Draw one. It is valid on both levels."""
    above = _points(random, "bay", GRID, random.randint(1, 3), lapses=1)
    row = f"{FEED}-row"
    below = _points(random, "pit", FEED, random.randint(2, 4), lapses=2)
    below = [replace(each, circuit=random.choice((FEED, row))) for each in below]
    fallback = 2.0 * LAPSE_AMPS
    feed = random.choice((25.0, 40.0))
    grid = HOUSE_AMPS + LAPSE_AMPS + fallback + random.choice((8.0, 20.0, 40.0))
    park = _server(HALL, above, [_circuit(GRID, grid, None, HOUSE_METER, HOUSE_AMPS)])
    leader = _server(DECK, below, [_circuit(FEED, feed, None, f"{FEED}-meter", 0), _circuit(row, 20.0, FEED, None, 0)])
    fallback_ma, feed_ma = round(1000 * fallback), round(1000 * feed)
    group = GroupPlacement(GROUP, GRID, _each(fallback_ma), _each(feed_ma), weight=len(below))
    _check(park, leader, group)
    return NestPlan(park, leader, _clients(HALL, above), _clients(DECK, below), group)


def _each(current_ma: int) -> PerPhase:
    return (current_ma, current_ma, current_ma)


def _check(park: NodeConfig, leader: NodeConfig, group: GroupPlacement) -> None:
    mistakes = [
        *refused_at_start(leader, "a group", lambda _: TRAITS),
        *group_refusals(circuits(leader), placements(leader, lambda _: TRAITS), group.fallback_ma),
        *refusals(circuits(park), (*placements(park, lambda _: TRAITS), *loads(group))),
    ]
    assert not mistakes, mistakes  # noqa: S101 - a mistake of this module


def _points(random: Random, board: str, circuit: str, count: int, lapses: int) -> list[_Point]:
    return [
        _Point(
            node=f"{board}-{1 + number % 2}",
            name=f"{board}-cp{number + 1}",
            circuit=circuit,
            wiring=random.choice(WIRINGS),
            phases=random.choice((3, 3, 1)),
            lapse=LAPSE_AMPS if number < lapses else 0,
            connector=number + 1,
        )
        for number in range(count)
    ]


def _circuit(name: str, amps: float, parent: str | None, meter: str | None, house: float) -> CircuitSection:
    return CircuitSection(
        name=name,
        parent=parent,
        limit_amps=(amps, amps, amps),
        meter=meter,
        external_fallback_amps=(house, house, house),
        external_window_seconds=0.0,
    )


def _server(node: str, points: list[_Point], tree: list[CircuitSection]) -> NodeConfig:
    return NodeConfig(
        node=NodeSection(name=node, role="server", data_dir=f"var/{node}"),
        bench=BenchSection(),
        park=ParkSection(name=f"{PARK}-{node}"),
        load=LoadSection(),
        authorization=AuthorizationSection(mode="free"),
        circuit=tuple(tree),
        placement=tuple(_placement(point) for point in points),
        meter=_meters([circuit.meter for circuit in tree if circuit.meter is not None], METER_PORT + (node == DECK)),
    )


def _placement(point: _Point) -> PlacementSection:
    return PlacementSection.model_validate(
        {
            "charge_point": f"{point.node}/{point.name}",
            "connector": point.connector,
            "circuit": point.circuit,
            "wiring": point.wiring,
            "phases": point.phases,
            "fallback_amps": float(point.lapse),
        }
    )


def _clients(server: str, points: list[_Point]) -> tuple[NodeConfig, ...]:
    boards = sorted({point.node for point in points})
    first = METER_PORT + (10 if server == HALL else 20)
    return tuple(
        NodeConfig(
            node=NodeSection(name=board, role="client", data_dir=f"var/{board}"),
            bench=BenchSection(),
            server=ServerSection(park=f"{PARK}-{server}", address="127.0.0.1:7070"),
            meter=_meters([f"{point.name}-meter" for point in points if point.node == board], first + number),
            charge_point=tuple(_charge_point(point) for point in points if point.node == board),
        )
        for number, board in enumerate(boards)
    )


def _charge_point(point: _Point) -> ChargePointSection:
    return ChargePointSection.model_validate(
        {
            "name": point.name,
            "driver": "virtual",
            "phases": point.phases,
            "fallback_amps": float(point.lapse),
            "outlet": "cable",
            "meter": f"{point.name}-meter",
        }
    )


def _meters(names: list[str], port: int) -> tuple[MeterSection, ...]:
    return tuple(
        MeterSection(name=name, map="eastron-sdm630", address=f"tcp://127.0.0.1:{port}", unit=unit)
        for unit, name in enumerate(names, start=1)
    )
