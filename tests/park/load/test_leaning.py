"""Raises below a limit of imbalance: between two plans too, no phase runs ahead of the others (S6)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from park.load import coordinator
from park.load.circuit import Circuit, Placement
from park.load.fair.columns import PAIRS
from park.load.standing import Point
from park.model.electric import PerPhase, Wiring, add, on_phases
from tests.park.load.boards import Boards, Vehicle, each, places

ONE, TWO, THREE = Wiring.RST, Wiring.STR, Wiring.TRS
BATCH_SECONDS = 3.0  # two intervals of the coordinator, less than a pilot waits between two raises


class Watched(Boards):
    """Looks at each batch of raises that leaves, by what is promised to whom in truth and what was granted last."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - those of all boards
        self.leaned: list[str] = []
        super().__init__(*args, **settings)

    def tell(self, event: coordinator.CoordinatorEvent) -> None:
        before, sent = self.newest(), len(self.grants)
        super().tell(event)
        now = self.newest()
        raised = {g.charge_point: now[g.charge_point] - before.get(g.charge_point, 0) for _, g in self.grants[sent:]}
        if any(more > 0 for more in raised.values()):
            self.leaned += self._leaning(raised)

    def newest(self) -> dict[str, int]:
        return {grant.charge_point: grant.amps_ma for _, grant in self.grants}

    def _leaning(self, raised: dict[str, int]) -> list[str]:
        found: list[str] = []
        for circuit in self.state.circuits:
            limit = circuit.circuit.imbalance_ma
            if limit is None:
                continue
            most, least, risen = (self._sums(circuit.points, raised, what) for what in ("worst", "granted", "raised"))
            for over, under in PAIRS:
                spread = most[over] - least[under]
                if risen[over] > risen[under] and spread > limit:
                    found.append(f"{self.now:.2f} s: {circuit.circuit.name} L{over + 1} {spread} mA above L{under + 1}")
        return found

    def _sums(self, points: tuple[Point, ...], raised: dict[str, int], what: str) -> PerPhase:
        total: PerPhase = (0, 0, 0)
        granted = self.newest()
        for point in points:
            name = point.placement.charge_point
            if not point.wants or point.defies(self.now):
                continue
            heard = point.reachable(self.now)
            if what == "worst":
                total = add(total, self.promise._worst(self.now, name))
            elif what == "granted" and heard and point.in_force(self.now):
                total = add(total, on_phases(granted.get(name, 0), point.phases))
            elif what == "raised":
                total = add(total, on_phases(max(0, raised.get(name, 0)), point.phases))
        return total


def lopsided(limit_ma: int, *wirings: Wiring, phases: int = 1, **more: object) -> Watched:
    """Charge points with a limit of the difference of phases at the grid, settled. Each has a circuit of its own."""
    circuits = [Circuit("grid", each(200_000), imbalance_ma=limit_ma)]
    points: list[Placement] = []
    for number, (place, wiring) in enumerate(zip(places(len(wirings), fallback_ma=0), wirings, strict=True)):
        circuits.append(Circuit(f"own{number}", each(80_000), "grid"))
        points.append(replace(place, circuit=f"own{number}", wiring=wiring, phases=phases))
    world = Watched(circuits, points, **more)
    world.run(12)
    return world


def arrive(world: Watched, *names: str, **vehicle: object) -> Watched:
    for name in names or world.devices:
        world.arrive(name, Vehicle(**({"phases": 1} | vehicle)))  # type: ignore[arg-type]
    return world


def signals(world: Boards) -> list[float]:
    return [device.signalled_ma / 1000 for device in world.devices.values()]


@pytest.mark.rule("B-091")
def test_one_phase_waits_until_the_pilot_of_the_other_may_rise_again():
    world = lopsided(5_000, ONE, TWO, THREE)
    for name in ("own0", "own1", "own2"):
        world.limit(name, each(8_000))
    arrive(world).run(30)
    world.limit("own1", each(10_000))
    world.run(BATCH_SECONDS)
    assert signals(world) == [8, 10, 8]
    for name in ("own0", "own1", "own2"):
        world.limit(name, each(80_000))
    world.run(2.5)
    assert max(signals(world)) <= 15
    world.run(20)
    assert signals(world) == [32, 32, 32]
    assert not world.leaned


def test_a_phase_waits_for_the_reductions_on_it_and_is_not_raised_ahead_of_them():
    """One on L1 is told to take less, another there more: the one that rises waits until the slow one has obeyed."""
    world = lopsided(6_000, ONE, ONE, TWO, THREE)
    world.limit("own1", each(6_000))
    arrive(world, reaction=4.0, maximum_ma=20_000).run(40)
    assert signals(world) == [20, 6, 20, 20]
    world.limit("own0", each(6_000))
    world.limit("own1", each(80_000))
    world.run(2.5)
    assert signals(world) == [6, 6, 18, 18]
    world.run(20)
    assert signals(world) == [6, 20, 20, 20]
    assert not world.leaned


def test_those_who_can_only_begin_together_do():
    """Each minimum alone is more than the difference allowed."""
    world = arrive(lopsided(5_000, ONE, TWO, THREE))
    world.run(20)
    assert signals(world) == [32, 32, 32]
    assert not world.leaned


def test_a_point_of_unknown_phase_is_on_the_fullest_and_helps_nobody():
    world = lopsided(10_000, Wiring.UNKNOWN, ONE)
    arrive(world).run(30)
    assert sum(signals(world)) == 10
    assert not world.leaned


class Restless:
    """Vehicles come and go, limits change, messages get lost."""

    def __init__(self, seed: int, limit_ma: int) -> None:
        self.random = random.Random(seed)
        wirings = [self.random.choice([ONE, TWO, THREE]) for _ in range(self.random.randint(2, 7))]
        self.world = lopsided(limit_ma, *wirings, phases=self.random.choice([1, 3]), seed=seed)

    def plug(self) -> None:
        name = self.random.choice(list(self.world.devices))
        if self.world.devices[name].vehicle is not None:
            self.world.leave(name)
        else:
            phases = min(self.random.choice([1, 2, 3]), self.world.devices[name].placement.phases)
            arrive(self.world, name, phases=phases, reaction=self.random.uniform(0.2, 4.9))

    def order(self) -> None:
        number = self.random.randrange(len(self.world.devices))
        self.world.limit(f"own{number}", each(self.random.choice([0, 6_000, 10_000, 20_000, 80_000])))

    def narrow(self) -> None:
        self.world.limit("grid", each(self.random.choice([15_000, 40_000, 200_000])))

    def lose(self) -> None:
        link = self.world.links["n"]
        link.lost_down = link.lost_up = 0.0 if link.lost_down else 0.3


deeds = st.lists(
    st.tuples(
        st.sampled_from(["plug", "plug", "plug", "order", "order", "narrow", "lose"]), st.sampled_from([0.1, 1, 3, 7])
    ),
    max_size=20,
)


@pytest.mark.rule("B-091")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.sampled_from([2_000, 6_000, 10_000, 20_000]), deeds)
def test_s6_no_raise_leans_whatever_is_under_way(seed: int, limit: int, done: list[tuple[str, float]]):
    day = Restless(seed, limit)
    for deed, wait in done:
        getattr(day, deed)()
        day.world.run(wait)
    assert not day.world.leaned
    assert not day.world.violations


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.sampled_from([2_000, 6_000, 10_000, 20_000]), deeds)
def test_s10_everybody_gets_what_is_planned_in_the_end(seed: int, limit: int, done: list[tuple[str, float]]):
    """Holding back is no standstill: half a minute after the last disturbance the pilots are where the plan is."""
    day = Restless(seed, limit)
    for deed, wait in done:
        getattr(day, deed)()
        day.world.run(wait)
    day.world.links["n"].lost_down = day.world.links["n"].lost_up = 0.0
    day.world.run(62)  # who was shed comes back only after a while
    assert [point.target_ma for point in day.world.state.points] == [
        day.world.devices[point.placement.charge_point].signalled_ma for point in day.world.state.points
    ]
