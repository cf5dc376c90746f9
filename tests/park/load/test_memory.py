"""The coordinator remembers much between two plans: none of it may ever differ from finding everything anew."""

from __future__ import annotations

import copy
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from park.load import coordinator, reporting
from park.load.circuit import Circuit, Placement
from park.load.committed import Commitment
from park.load.external import ExternalLoad
from park.load.parts import Parts
from park.load.planning import plan
from park.load.report import CircuitReported, ShareReported
from park.load.reporting import ShowShares, reports
from park.load.state import CoordinatorState
from park.model.demand import CurrentSignalled
from park.model.electric import ZERO, PerPhase, Wiring, add
from park.model.metering import Quality, ReadingTaken, Sample
from park.model.signals import Tick
from tests.park.load.boards import WALL, Boards, Vehicle, each, operator_limit

ROWS = 4


def forgetful(state: CoordinatorState) -> CoordinatorState:
    """The same, with nothing remembered but what it was told."""
    found = copy.deepcopy(state)
    found.parts, found.parts_unused, found.chains = Parts(), Parts(), {}
    for circuit in found.circuits:
        circuit.reported = circuit._bound = circuit._planned_for = circuit._available_for = None
    for point in found.points:
        point.asked = point._range_ma = None
        point.commitment._promised_until = -math.inf
        point.commitment._counted = (-1, (), None, 0)
    found.shares_reported, found.limits_reported = {}, None
    return found


def rows(connection: int, **changes: object) -> tuple[list[Circuit], list[Placement]]:
    """Rows of two charge points on a board each, below one connection."""
    meter = {"meter": "grid-meter", "external_fallback_ma": each(5_000)}
    circuits = [Circuit("grid", each(connection), **(meter | changes))]  # type: ignore[arg-type]
    circuits += [Circuit(f"row{number}", each(25_000), "grid") for number in range(ROWS)]
    wirings = (Wiring.RST, Wiring.STR, Wiring.TRS)
    points = [
        Placement(f"n{n // 2}/cp{n}", f"n{n // 2}", f"row{n // 2}", wirings[n % 3], meter=f"m{n}")
        for n in range(2 * ROWS)
    ]
    return circuits, points


def happens(world: Boards, draws: random.Random) -> None:
    """Something that moves plans."""
    names = list(world.devices)
    name = draws.choice(names)
    vehicle = Vehicle(
        phases=draws.choice((1, 2, 3)),
        maximum_ma=draws.choice((10_000, 16_000, 32_000)),
        overdraw=draws.choice((1, 1, 1.05, 1.3)),
        appetite_ma=draws.choice((None, None, 7_000)),
    )
    match draws.randrange(7):
        case 0 | 1:
            world.arrive(name, vehicle)
        case 2:
            world.leave(name)
        case 3:
            world.limit(draws.choice(world.circuits).name, each(draws.choice((9_000, 30_000, 500_000))))
        case 4:
            world.tell(operator_limit(name, each(draws.choice((5_000, 9_000, 500_000)))))
        case 5:
            link = world.links[draws.choice(list(world.links))]
            link.cut = not link.cut
        case _:
            world.reboot(draws.choice(list(world.links)))


PARKS = {
    "a wide connection": rows(500_000),
    "a tight connection": rows(70_000),
    "a tight balance": rows(90_000, imbalance_ma=12_000),
    "few watts": rows(90_000, limit_watts=30_000),
}


@pytest.mark.parametrize("what", PARKS)
def test_s7_a_plan_is_the_same_whatever_was_planned_before(what: str):
    circuits, points = PARKS[what]
    draws = random.Random(what)
    world = Boards(circuits, points, house=lambda now: each(int(now * 40) % 20_000), noise_ma=300)
    for _ in range(30):
        happens(world, draws)
        world.run(draws.choice((0.3, 2.0, 11.0)))
        ours, anew = copy.deepcopy(world.state), forgetful(world.state)
        told = [point.placement.charge_point for point in plan(ours, world.now)]
        assert told == [point.placement.charge_point for point in plan(anew, world.now)]
        for one, other in zip(ours.points, anew.points, strict=True):
            assert (one.target_ma, one.target_lapse_ma) == (other.target_ma, other.target_lapse_ma)
            assert one.reason == other.reason
            assert one.committed_ma(world.now) == other.committed_ma(world.now)
        assert ours.replan_at == anew.replan_at


def test_views_are_told_when_they_change_and_only_then():
    circuits, points = PARKS["a tight connection"]
    draws = random.Random(1)
    world = Boards(circuits, points, house=lambda now: each(int(now * 40) % 20_000))
    for _ in range(40):
        happens(world, draws)
        world.run(1.0)
        told = list(reports(world.state, world.now))
        assert list(reports(world.state, world.now)) == []
        everything = list(reports(forgetful(world.state), world.now))
        assert all(report in everything for report in told)
        shares = [report for report in everything if isinstance(report, ShareReported)]
        assert {share.charge_point: share for share in shares} == world.state.shares_reported
        views = [report for report in everything if isinstance(report, CircuitReported)]
        kept = zip(world.state.circuits, views, strict=True)
        assert all(CircuitReported(view.circuit, view.parent, *circuit.reported) == view for circuit, view in kept)  # type: ignore[arg-type]


def test_sums_of_circuits_are_sums_of_all_charge_points_below():
    circuits, points = PARKS["few watts"]
    world = Boards(circuits, points)
    for name in list(world.devices)[:5]:
        world.arrive(name, Vehicle(phases=2))
    world.run(20.0)
    committed = world.state.committed_ma(world.now)
    for circuit, total in zip(world.state.circuits, world.state.summed_ma(committed), strict=True):
        expected: PerPhase = ZERO
        for point in circuit.points:
            expected = add(expected, point.committed_ma(world.now))
        assert total == expected
    assert ZERO not in world.state.summed_ma(committed)[:2], "the connection and the first row carry something"


def test_a_tick_for_a_renewal_does_not_look_at_circuits_that_nothing_can_have_changed():
    circuits, points = PARKS["a wide connection"]
    world = Boards(circuits, points).run(30.0)
    turns = [circuit.external.refresh_at() for circuit in world.state.circuits]
    assert min(turns) > world.now
    coordinator.step(world.state, Tick(), world.clock())
    assert [circuit.external.refresh_at() for circuit in world.state.circuits] == turns


loads = st.lists(st.tuples(st.floats(0.05, 4.0), st.integers(0, 30_000), st.booleans()), min_size=1, max_size=30)


@settings(deadline=None)
@given(loads, st.sampled_from([0.0, 10.0]))
def test_a_load_that_is_looked_at_when_it_is_due_is_what_it_is_when_always_looked_at(
    readings: list[tuple[float, int, bool]], window: float
):
    circuit = Circuit("grid", each(63_000), meter="m", external_fallback_ma=each(9_000), external_window_seconds=window)
    often, due, now = ExternalLoad(circuit, ()), ExternalLoad(circuit, ()), 0.0
    for seconds, load, fresh in readings:
        for _ in range(8):
            now += seconds / 8
            changed = often.refresh(now)
            assert changed == (now >= due.refresh_at() and due.refresh(now))
            assert (often.planned.held_ma, often.possible_ma) == (due.planned.held_ma, due.possible_ma)
        if fresh:
            reading = ReadingTaken("m", Quality.FRESH, Sample(each(load), 0, 0), None, now, WALL)
            assert often.read(reading, now) == due.read(reading, now)


events = st.lists(
    st.tuples(
        st.floats(0.0, 9.0), st.integers(0, 4), st.integers(0, 320).map(lambda steps: steps * 100), st.booleans()
    ),
    max_size=30,
)


@settings(deadline=None)
@given(events, st.booleans())
def test_what_is_promised_is_what_counting_anew_finds(
    happenings: list[tuple[float, int, int, bool]], has_deadman: bool
):
    commitment = Commitment(Placement("cp", "n", "grid", has_deadman=has_deadman), 10.0, began=0.0)
    now, sequence = 0.0, 0
    for seconds, kind, amps, flag in happenings:
        now += seconds
        match kind:
            case 0:
                sequence += 1
                commitment.leases.sent(sequence, amps, amps // 2, now + 11.5)
            case 1:
                report = CurrentSignalled("cp", amps, 0, 1, sequence if flag else 7, flag, now)
                commitment.reported(report, sequence if flag else 0, now)
            case 2:
                commitment.superseded(now)
            case 3:
                commitment.measured_ma = (amps, 0, 0) if flag else None
            case _:
                pass
        anew = copy.deepcopy(commitment)
        anew._promised_until = -math.inf
        anew._counted = (-1, (), None, 0)
        promised = commitment.promised_ma(now)
        assert promised == anew.promised_ma(now)
        assert commitment.on_phases(promised, (1, 2)) == anew.on_phases(promised, (1, 2))


def large() -> Boards:
    """A park whose views are told in pieces."""
    count = reporting.SHOWN_TOGETHER + 2
    circuits = [Circuit("grid", each(900_000))]
    circuits += [Circuit(f"row{number}", each(25_000), "grid") for number in range(count // 2)]
    points = [Placement(f"n{n % 4}/cp{n}", f"n{n % 4}", f"row{n // 2}") for n in range(count)]
    world = Boards(circuits, points)
    for name in list(world.devices)[::3]:
        world.arrive(name, Vehicle(phases=2))
    return world.run(15.0)


def test_views_of_a_large_park_come_in_pieces_and_say_what_all_at_once_would():
    state, now, clock = (world := large()).state, world.now, world.clock()
    state.shares_reported = {}
    for circuit in state.circuits:
        circuit.reported = None
    expected = copy.deepcopy(state)
    *found, piece = reporting.begin(state, now)
    pieces = 0
    while isinstance(piece, ShowShares):
        effects = coordinator.step(state, piece, clock)[1]
        shares = [effect for effect in effects if isinstance(effect, ShareReported)]
        assert len(shares) <= reporting.SHOWN_TOGETHER
        found += shares
        piece, pieces = effects[-1], pieces + 1
    assert pieces == 2
    assert found == list(reports(expected, now))


def test_views_of_a_large_park_are_begun_with_the_interval():
    world = large()
    world.now = world.state.next_cycle
    effects = coordinator.step(world.state, Tick(), world.clock())[1]
    assert ShowShares(0) in effects
    assert not [effect for effect in effects if isinstance(effect, ShareReported)]
