"""S1 … S5 over two levels: random days and faults of a park and of a group in it that shares out a leased budget."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from park.load.circuit import Circuit, Placement
from park.load.group import GroupPlacement, group_refusals, load_on, loads
from park.load.invariants import BOUND_SECONDS, Cause
from park.load.startup import refusals
from park.model.electric import Wiring
from park.model.signals import RepeatLevels
from tests.park.load.boards import Boards, Vehicle, each, grid, places
from tests.park.load.nested import GROUP, NODE, Group, Park

FOREIGN_MA = 5_000  # what the house of the park may take at any time
HOUSE_MA = 2_000  # what the house behind the group's own meter takes
STEP = 0.5
RATES = ((1.0, 1.0), (0.95, 1.0), (1.0, 1.05), (1.0, 0.96), (0.95, 0.95), (1.05, 1.0), (1.05, 1.05))
"""Of the clocks of the group's leader and of its boards."""


def nest(limit_ma: int = 63_000, root_ma: int = 40_000, fallback_ma: int = 12_000, cars: int = 2) -> tuple[Park, Group]:
    """A park with charge points of its own and a group, both of so many."""
    group = GroupPlacement(GROUP, "grid", each(fallback_ma), each(root_ma), weight=cars)
    park = Park([grid(limit_ma, external_fallback_ma=each(FOREIGN_MA))], places(cars), group)
    below = [
        Placement(f"b/cp{number}", "b", "root", fallback_ma=6_000, meter=f"b{number}") for number in range(1, cars + 1)
    ]
    return park, Group(park, [Circuit("root", each(root_ma), meter="root-meter")], below, each(fallback_ma))


def arrive(world: Boards) -> None:
    for name, device in world.devices.items():
        if "/cp" in name and device.vehicle is None:
            world.arrive(name)


def amps(world: Boards) -> list[float]:
    return [device.signalled_ma / 1000 for name, device in world.devices.items() if "/cp" in name]


class NestedDay:
    """Two levels and the mischief done to them; faults one at a time, within what the park is designed for."""

    def __init__(self, seed: int, limit_ma: int, noise_ma: int) -> None:
        self.random = random.Random(seed)
        self.limit, self.house = limit_ma, (0, 0, 0)
        share = self.random.choice([0, 12_000, 18_000])
        house = self.random.choice([0, HOUSE_MA]) if share else 0
        self.most_below = self.house_below = each(house)
        root = self.random.choice([20_000, 32_000, limit_ma])
        below = self._below((share - house) // 6_000)
        circuits = [Circuit("root", each(root), meter="root-meter", external_fallback_ma=each(house))]
        circuits += [Circuit("row", each(max(share, 16_000)), parent="root")]
        assert not refusals(circuits, below)
        assert not group_refusals(circuits, below, each(share))
        above = [Circuit("hall", each(max(share, limit_ma - 4_000)), parent="grid")]
        grid_ = grid(limit_ma, external_fallback_ma=each(FOREIGN_MA))
        group = GroupPlacement(GROUP, self.random.choice(["grid", "hall"]), each(share), each(root))
        own = [self._placement("a", number, "grid", 0) for number in range(self.random.randint(0, 3))]
        assert not refusals([grid_, *above], [*own, *loads(group)])
        rate, inner = self.random.choice(RATES)
        self.park = Park(
            [grid_, *above],
            own,
            group,
            seed=seed,
            house=lambda _: self.house,
            noise_ma=noise_ma,
            clock_rate=rate,
        )
        self.group = Group(
            self.park,
            circuits,
            below,
            each(share),
            seed=seed + 1,
            house=lambda _: self.house_below,
            clock_rate=inner,
            noise_ma=noise_ma,
        )
        self.worlds: tuple[Boards, Boards] = (self.park, self.group)
        self.heal: Callable[[], None] | None = None
        self.epoch = 1

    def _below(self, lapses: int) -> list[Placement]:
        return [
            self._placement("b", number, self.random.choice(["root", "row"]), 6_000 if number < lapses else 0)
            for number in range(self.random.randint(1, 5))
        ]

    def _placement(self, letter: str, number: int, circuit: str, fallback: int) -> Placement:
        node = f"{letter}{number % 2}"
        return Placement(
            f"{node}/cp{number}",
            node,
            circuit,
            wiring=self.random.choice(list(Wiring)),
            phases=self.random.choice([1, 3, 3]),
            maximum_ma=self.random.choice([16_000, 32_000]),
            fallback_ma=fallback,
            meter=f"{letter}{number}-meter",
        )

    @property
    def violations(self) -> list[object]:
        return [*self.park.violations, *self.group.violations]

    def run(self, seconds: float) -> None:
        """Nothing may ever flow that is not counted, on either level."""
        end = self.park.now + seconds
        while self.park.now < end:
            self.park.run(min(STEP, end - self.park.now))
            self.park.look_at_the_group()
            assert not self.park.uncounted(), "what the group may draw is counted above"
            assert not self.group.uncounted(), "what charge points may draw is counted in the group"
            assert not self.violations

    # ------------------------------------------------------------ deeds

    def plug(self) -> None:
        world = self.random.choice(self.worlds)
        names = [name for name in world.devices if "/cp" in name]
        if not names:
            return
        name = self.random.choice(names)
        device = world.devices[name]
        if device.vehicle is not None:
            world.leave(name)
            return
        phases = self.random.choice([1, 2, 3]) if device.placement.phases == 3 else 1
        most, reaction = self.random.choice([10_000, 16_000, 32_000]), self.random.uniform(0.2, 4.9)
        appetite = self.random.choice([None, 0, 7_000])
        world.arrive(name, Vehicle(phases, most, 6_000, reaction, appetite_ma=appetite))

    def switch(self) -> None:
        known = self.heal is None and self.park.now >= 1.5
        most = self.limit // 2 if known else FOREIGN_MA
        loads_ma = [self.random.choice([0, 1_000, FOREIGN_MA, most]) for _ in range(3)]
        self.house = (loads_ma[0], loads_ma[1], loads_ma[2])

    def switch_below(self) -> None:
        """The house behind the meter of the group."""
        most = self.most_below[0]
        one, two, three = [self.random.choice([0, most // 2, most]) for _ in range(3)]
        self.house_below = (one, two, three)

    def order(self) -> None:
        if self.heal is not None:
            return
        world, name = self.random.choice([(self.park, "grid"), (self.group, "root")])
        fuse = next(circuit.limit_ma for circuit in world.circuits if circuit.name == name)
        low = max(fuse[0] // 2, self.group.fallback_ma[0])
        one, two, three = [self.random.choice([fuse[0], low]) for _ in range(3)]
        world.limit(name, (one, two, three))

    def reboot(self) -> None:
        boards = [(world, node) for world in self.worlds for node in world.links if node != NODE]
        world, node = self.random.choice(boards)
        world.reboot(node)

    def fault(self) -> None:
        if self.heal is not None:
            self.heal()
            self.heal = None
            for world in self.worlds:
                for name in world.devices:
                    world.report(name)
                    world.wish(name)
            return
        self.house, self.house_below = each(FOREIGN_MA), self.most_below
        self.park.limit("grid", each(self.limit))
        kinds = [self._cut, self._cut_group, self._lossy, self._lossy_group, self._meter, self._restart]
        self.heal = self.random.choice([*kinds, self._restart_group, self._kill_group])()

    def crash(self) -> None:
        """The coordinator of the group crashes alone and begins anew at once; the clock of its board goes on."""
        if not self.group.down:
            self.epoch += 1
            self._caused(Cause.RESTART, lambda: self.group.start_coordinator(self.epoch))()

    def _cut(self) -> Callable[[], None]:
        world = self.random.choice(self.worlds)
        return self._cut_off(world, self.random.choice(list(world.links)))

    def _cut_group(self) -> Callable[[], None]:
        return self._cut_off(self.park, NODE)

    def _cut_off(self, world: Boards, node: str) -> Callable[[], None]:
        world.links[node].cut = True
        return self._caused(Cause.LINK_LOST, lambda: setattr(world.links[node], "cut", False))

    def _lossy(self) -> Callable[[], None]:
        world = self.random.choice(self.worlds)
        return self._lose(world, self.random.choice(list(world.links)))

    def _lossy_group(self) -> Callable[[], None]:
        return self._lose(self.park, NODE)

    def _lose(self, world: Boards, node: str) -> Callable[[], None]:
        """Messages get lost, and late: grants overtake each other."""
        link = world.links[node]
        link.lost_down = link.lost_up = 0.4
        link.delay = self.random.choice([0.02, 1.0, 4.0])

        def heal() -> None:
            link.lost_down = link.lost_up = 0.0
            link.delay = 0.02

        return self._caused(Cause.LINK_LOST, heal)

    def _meter(self) -> Callable[[], None]:
        world, meter = self.random.choice([(self.park, "grid-meter"), (self.group, "root-meter")])
        world.lose_meter(meter)
        return self._caused(Cause.METER_LOST, world.dead_meters.clear)

    def _restart(self) -> Callable[[], None]:
        return self._restarted(self.park)

    def _restart_group(self) -> Callable[[], None]:
        return self._restarted(self.group)

    def _restarted(self, world: Boards) -> Callable[[], None]:
        world.down = True
        self.epoch += 1
        return self._caused(Cause.RESTART, lambda: world.start_coordinator(self.epoch))

    def _kill_group(self) -> Callable[[], None]:
        self.group.reboot_leader()
        self.epoch += 1
        return self._caused(Cause.RESTART, lambda: self.group.start_coordinator(self.epoch))

    def _caused(self, cause: Cause, heal: Callable[[], None]) -> Callable[[], None]:
        watches = [watch for world in self.worlds for watch in world.overload.values()]
        for watch in watches:
            watch.began(cause)

        def healed() -> None:
            heal()
            for watch in watches:
                watch.ended(cause, self.park.now)

        return healed


DEEDS = ["plug", "plug", "plug", "plug", "switch", "switch_below", "order", "fault", "fault", "reboot", "crash"]
happenings = st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from([0.05, 0.5, 1, 3, 7, 20])), max_size=12)


@pytest.mark.rule("B-084", "B-403")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(688, 40_000, 0, [("plug", 0.05), ("switch", 0.05), *[("plug", 0.05)] * 2, ("plug", 7), ("fault", 0.05)])
@given(st.integers(0, 10_000), st.sampled_from([40_000, 63_000]), st.sampled_from([0, 30]), happenings)
def test_no_promise_is_broken_on_either_level_whatever_happens(
    seed: int, limit: int, noise: int, deeds: list[tuple[str, float]]
):
    day = NestedDay(seed, limit, noise)
    for deed, wait in deeds:
        getattr(day, deed)()
        day.run(wait)
    day.run(max(BOUND_SECONDS.values()))


def test_a_group_shares_a_connection_with_others_by_its_weight():
    park, group = nest()
    park.run(12)
    arrive(group)
    park.run(5)
    arrive(park)
    park.run(30)
    assert amps(park) == amps(group) == [15.5, 15.5]  # 63 A less 1 A headroom
    assert not park.violations
    assert not group.violations


def test_what_idle_charge_points_of_a_group_may_draw_alone_needs_no_budget():
    park, group = nest()
    park.run(12)
    group.arrive("b/cp1")
    park.run(0.2)
    assert amps(group) == [6, 0]  # another 6 A are the lapse current of the other


@pytest.mark.rule("B-084")
def test_cut_off_the_group_falls_to_its_fallback_on_each_phase_when_its_budget_ends():
    park, group = nest()
    arrive(group)
    park.run(30)
    assert amps(group) == [20, 20]
    park.links[NODE].cut = True
    park.run(11)
    assert group.allowed_ma() == each(12_000)
    assert amps(group) == [6, 6]
    park.links[NODE].cut = False
    group.tell(RepeatLevels())  # type: ignore[arg-type]
    park.run(30)
    assert amps(group) == [20, 20]
    assert not group.violations


@pytest.mark.rule("B-084")
def test_the_end_of_a_budget_needs_nobody_who_acts():
    """Its leader dies: what it granted ends with the budget, by the watchdogs of the charge points."""
    park, group = nest()
    arrive(group)
    park.run(30)
    park.links[NODE].cut = True
    park.run(5)
    group.reboot_leader()
    park.run(5.1)
    assert amps(group) == [6, 6]


def test_a_smaller_budget_is_obeyed_at_once_and_counted_when_everybody_is_below_it():
    park, group = nest()
    park.run(12)
    arrive(group)
    park.run(30)
    group.links["b"].cut = True  # its charge points keep their grants
    park.limit("grid", each(26_000))
    park.run(1)
    load = park.state.points_by_name[load_on(GROUP, 0)]
    assert group.allowed_ma() == each(25_000)
    assert load.committed_ma(park.now)[0] >= 40_000
    assert load.reachable(park.now)  # it is not taken for deaf, however long that takes
    park.run(20)
    assert load.reachable(park.now)
    assert amps(group) == [6, 6]


def test_a_leader_that_starts_gives_no_more_than_lapse_currents_before_the_park_above_is_heard():
    park, group = nest()
    arrive(group)
    park.run(30)
    group.reboot_leader()
    park.links[NODE].cut = True
    park.run(12)
    group.start_coordinator(2)
    for name in group.devices:
        group.report(name)  # all its own boards are heard
        group.wish(name)
    park.run(11)
    assert group.state.holding_until is not None
    park.run(10)
    assert group.state.holding_until is None
    assert amps(group) == [6, 6]
    assert not group.violations


def test_a_limit_above_is_met_below_within_the_reaction_of_vehicles():
    park, group = nest()
    arrive(park)
    arrive(group)
    park.run(40)
    park.limit("grid", each(40_000))
    park.run(8)
    assert all(current <= 40_000 for current in park.own_ma("grid"))
    assert not park.violations


def test_a_leader_refuses_a_fallback_its_charge_points_may_exceed_and_points_that_nothing_ends():
    """The sentences name circuit, phase and what to change."""
    places_below = [Placement("b/cp1", "b", "root", fallback_ma=6_000, boot_ma=8_000, has_deadman=False)]
    found = group_refusals(
        [Circuit("root", each(20_000), external_fallback_ma=(0, 3_000, 0))], places_below, each(9_000)
    )
    assert len(found) == 2
    assert "charge point b/cp1: its driver has no deadman" in found[0]
    assert found[1].startswith("circuit root L2: lapse and boot currents + external fallback are 11 A, above the 9 A")
