"""S1 … S5 against physics: random days of arrivals, steps and faults on simulated boards (see boards.py)."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from park.load.algorithms import Algorithm
from park.load.circuit import Placement
from park.load.invariants import BOUND_SECONDS, Cause
from park.load.startup import refusals
from park.model.electric import PerPhase, Wiring
from tests.park.load.boards import Boards, Vehicle, each, grid

FALLBACK_MA = 5_000
METER_READ_SECONDS = 1.5  # by then the circuit's meter was read once: what it shows counts instead of the fallback


class Day:
    """One world and the mischief done to it; faults one at a time, within what the park is designed for."""

    def __init__(
        self,
        seed: int,
        limit_ma: int,
        noise_ma: int,
        *,
        switches: bool = False,
        algorithm: Algorithm = Algorithm.FAIR,
    ) -> None:
        self.random = random.Random(seed)
        self.switches = switches
        self.lapses = not switches or self.random.choice([True, False])
        self.limit = limit_ma
        self.house: PerPhase = (0, 0, 0)
        budget = (limit_ma - FALLBACK_MA - 1_000) // 6_000 if self.lapses else 0
        placements = [self._placement(number, budget) for number in range(self.random.randint(1, 6))]
        window = self.random.choice([0.0, 30.0])
        circuit = grid(limit_ma, external_fallback_ma=each(FALLBACK_MA), external_window_seconds=window)
        assert not refusals([circuit], placements)
        rate = self.random.choice([0.95, 1.0, 1.05])
        two_poles = [each.charge_point for each in placements if switches and each.phases == len(self.house)]
        self.world = Boards(
            [circuit],
            placements,
            seed=seed,
            house=lambda _: self.house,
            noise_ma=noise_ma,
            clock_rate=rate,
            switchable=two_poles,
            switch_seconds=10.0,
            algorithm=algorithm,
        )
        self.overload = self.world.overload["grid"]
        self.heal: Callable[[], None] | None = None
        self.epoch = 1

    def _placement(self, number: int, budget: int) -> Placement:
        node = f"n{number % 2}"
        return Placement(
            f"{node}/cp{number}",
            node,
            "grid",
            wiring=self.random.choice(list(Wiring)),
            phases=self.random.choice([1, 3, 3]),
            maximum_ma=self.random.choice([16_000, 32_000]),
            fallback_ma=6_000 if number < budget else 0,
            meter=f"m{number}",
        )

    def plug(self) -> None:
        """A vehicle comes or goes."""
        name, device = self.random.choice(list(self.world.devices.items()))
        if device.vehicle is not None:
            self.world.leave(name)
            return
        phases = self.random.choice([1, 2, 3]) if device.placement.phases == 3 else 1
        most, reaction = self.random.choice([10_000, 16_000, 32_000]), self.random.uniform(0.2, 4.9)
        self.world.arrive(
            name, Vehicle(phases, most, 6_000, reaction, appetite_ma=self.random.choice([None, 0, 7_000]))
        )

    def switch(self) -> None:
        """The house switches something; beyond the fallback only while all are healthy and its meter is known."""
        known = self.heal is None and self.world.now >= METER_READ_SECONDS
        most = self.limit // 2 if known else FALLBACK_MA
        loads = [self.random.choice([0, 1_000, FALLBACK_MA, most]) for _ in range(3)]
        self.house = (loads[0], loads[1], loads[2])

    def order(self) -> None:
        """The operator sets a limit."""
        if self.heal is None:
            limits = [self.random.choice([self.limit, self.limit // 2]) for _ in range(3)]
            if self.switches and not self.lapses:  # below what boards fall to nobody promises anything
                limits[self.random.randrange(3)] = self.random.choice([2_000, 8_000, self.limit])
            self.world.limit("grid", (limits[0], limits[1], limits[2]))

    def fault(self) -> None:
        """Something fails, or what failed comes back."""
        if self.heal is not None:
            self.heal()
            self.heal = None
            for name in self.world.devices:
                self.world.report(name)
                self.world.wish(name)
            return
        self.house = (FALLBACK_MA, FALLBACK_MA, FALLBACK_MA)
        self.world.limit("grid", each(self.limit))
        node = self.random.choice(list(self.world.links))
        kind = self.random.choice([self._cut, self._lossy, self._meter, self._restart])
        self.heal = kind(node)

    def reboot(self) -> None:
        self.world.reboot(self.random.choice(list(self.world.links)))

    def _cut(self, node: str) -> Callable[[], None]:
        self.world.links[node].cut = True
        return self._caused(Cause.LINK_LOST, lambda: setattr(self.world.links[node], "cut", False))

    def _lossy(self, node: str) -> Callable[[], None]:
        link = self.world.links[node]
        link.lost_down = link.lost_up = 0.4

        def heal() -> None:
            link.lost_down = link.lost_up = 0.0

        return self._caused(Cause.LINK_LOST, heal)

    def _meter(self, _: str) -> Callable[[], None]:
        self.world.lose_meter("grid-meter")
        return self._caused(Cause.METER_LOST, self.world.dead_meters.clear)

    def _restart(self, _: str) -> Callable[[], None]:
        self.world.down = True
        self.epoch += 1
        return self._caused(Cause.RESTART, lambda: self.world.start_coordinator(self.epoch))

    def _caused(self, cause: Cause, heal: Callable[[], None]) -> Callable[[], None]:
        self.overload.began(cause)

        def healed() -> None:
            heal()
            self.overload.ended(cause, self.world.now)

        return healed


DEEDS = ["plug", "plug", "plug", "switch", "switch", "order", "fault", "fault", "reboot"]
happenings = st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from([0.05, 0.5, 1, 3, 7, 20])), max_size=20)
slow = st.lists(
    st.tuples(st.sampled_from([*DEEDS, "order", "order"]), st.sampled_from([0.5, 3, 7, 15, 40])), max_size=20
)  # a switch takes half a minute


@pytest.mark.rule("B-403", "B-405", "B-087", "B-090", "B-092")
@example(814, 16_000, 0, [("switch", 0.05), ("switch", 0.5), ("plug", 0.05)])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.sampled_from([16_000, 25_000, 40_000, 63_000]), st.sampled_from([0, 30]), happenings)
def test_no_promise_is_broken_whatever_happens(seed: int, limit: int, noise: int, deeds: list[tuple[str, float]]):
    day = Day(seed, limit, noise)
    for deed, wait in deeds:
        getattr(day, deed)()
        day.world.run(wait)
        assert not day.world.violations
    day.world.run(max(BOUND_SECONDS.values()))
    assert not day.world.violations


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.sampled_from([16_000, 25_000, 40_000, 63_000]), st.booleans(), happenings)
def test_no_promise_is_broken_with_one_current_for_all(
    seed: int, limit: int, switches: bool, deeds: list[tuple[str, float]]
):
    day = Day(seed, limit, 0, switches=switches, algorithm=Algorithm.GREENFLUX_LOCAL)
    for deed, wait in deeds:
        getattr(day, deed)()
        day.world.run(wait)
        assert not day.world.violations
    day.world.run(max(BOUND_SECONDS.values()))
    assert not day.world.violations


LOWERED_BELOW_A_LAPSE = [
    *[("switch", 0.5), ("plug", 0.5), ("plug", 0.5), ("plug", 0.5), ("switch", 0.5), ("plug", 0.5)],
    *[("order", 0.5), ("plug", 15), ("plug", 3)],
]


@example(549, 40_000, 0, LOWERED_BELOW_A_LAPSE)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.sampled_from([16_000, 25_000, 40_000, 63_000]), st.sampled_from([0, 30]), slow)
def test_no_promise_is_broken_while_phases_are_switched(
    seed: int, limit: int, noise: int, deeds: list[tuple[str, float]]
):
    day = Day(seed, limit, noise, switches=True)
    for deed, wait in deeds:
        getattr(day, deed)()
        for _ in range(int(wait * 4)):
            day.world.run(0.25)
            assert not day.world.uncounted(), "what may flow is counted on every phase"
        assert not day.world.violations
    day.world.run(60)
    assert not day.world.violations


@pytest.mark.parametrize("seed", range(6))
def test_a_long_day_ends_without_a_violation_and_with_all_current_in_use(seed: int):
    """After the last disturbance at least 95 % of what is available is granted within 30 s (S10)."""
    day = Day(seed, 40_000, 0)
    for _ in range(30):
        getattr(day, day.random.choice(DEEDS))()
        day.world.run(day.random.choice([0.5, 3, 10]))
    if day.heal is not None:
        day.fault()
    day.house = (3_000, 3_000, 3_000)
    day.world.limit("grid", each(40_000))
    day.world.run(5)
    for name, device in day.world.devices.items():
        if device.vehicle is not None:
            day.world.leave(name)
    day.world.run(1)
    first = next(iter(day.world.devices))
    day.world.arrive(first, Vehicle(maximum_ma=32_000, phases=day.world.devices[first].placement.phases))
    day.world.run(30)
    assert not day.world.violations
    device = day.world.devices[first]
    assert device.signalled_ma >= 0.95 * min(32_000, device.placement.maximum_ma)
