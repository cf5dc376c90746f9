"""Leaders of groups that begin anew, boards they do not hear, budgets that end: nothing is given twice meanwhile."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from park.load import subordinate
from park.load.circuit import Circuit, Placement
from park.load.group import GroupPlacement, GroupSettings, load_on
from park.load.lease import FOLLOWED_SECONDS
from park.load.planning import RESTORE_SECONDS
from park.load.state import CoordinatorSettings
from park.load.subordinate import REPORT_SECONDS
from park.model.alarm import Alarm
from park.model.electric import PerPhase
from park.model.grant import ApplyGrant, Grant, Stamp
from park.model.placement import Placed
from park.model.time import Now
from tests.park.load.boards import WALL, Vehicle, each, grid, places
from tests.park.load.nested import GROUP, NODE, Group, Park

LIMIT_MA, ROOT_MA, FALLBACK_MA, LAPSE_MA = 26_000, 40_000, 12_000, 6_000


def apart(limit_ma: int = LIMIT_MA, more: int = 0, house_ma: int = 0) -> tuple[Park, Group]:
    """A park whose two charge points need all there is, and a group of two on boards of their own.

    `more`: so many others are on the first of these. `house_ma`: flows behind the meter of the group.
    """
    fallback = each(FALLBACK_MA + more * LAPSE_MA + house_ma)
    group = GroupPlacement(GROUP, "grid", fallback, each(ROOT_MA), weight=2)
    park = Park([grid(limit_ma, external_fallback_ma=each(5_000))], places(2, fallback_ma=0), group)
    names = ["b/cp1", "c/cp1", *(f"b/cp{number}" for number in range(2, more + 2))]
    below = [Placement(name, name[0], "root", fallback_ma=LAPSE_MA, meter=f"{name}-meter") for name in names]
    circuit = Circuit("root", each(ROOT_MA), meter="root-meter", external_fallback_ma=each(house_ma))
    return park, Group(park, [circuit], below, fallback, house=lambda _: each(house_ma))


def full(more: int = 0) -> tuple[Park, Group]:
    """Nobody charges in the group, which has given up its lapse currents: others have all of it."""
    park, group = apart(more=more)
    park.run(12)
    for name in ("n/cp1", "n/cp2"):
        park.arrive(name, Vehicle(reaction=4.9))
    park.run(40)
    assert park.own_ma("grid") == each(LIMIT_MA - 1_000)
    assert group.worst_ma() == each(0)
    return park, group


def committed(park: Park) -> PerPhase:
    return park.state.points_by_name[load_on(GROUP, 0)].committed_ma(park.now)


@pytest.mark.rule("B-084")
@pytest.mark.parametrize(("connector", "counted_ma"), [(7, 10_000), (7, 13_000), (0, FALLBACK_MA)])
def test_two_files_that_name_different_fallbacks_are_said_to_do_so(connector: int, counted_ma: int):
    _, group = apart()
    load = load_on(GROUP, 0)
    same = Placed(load, 7, "grid", "RST", 1, 0, ROOT_MA, FALLBACK_MA, FALLBACK_MA)
    assert not [each for each in group.step(same) if isinstance(each, Alarm)]
    effects = group.step(replace(same, connector=connector, fallback_ma=counted_ma))
    (alarm,) = [each for each in effects if isinstance(each, Alarm)]
    counted = counted_ma if connector else 0
    assert alarm.code == f"group-fallback-{load}"
    assert "12 A here" in alarm.text
    assert f"the park above counts {counted // 1000} A" in alarm.text
    assert group.sub.budget.fallback_ma[0] == min(counted, FALLBACK_MA)


@pytest.mark.rule("B-084")
def test_a_leader_that_begins_anew_is_told_at_once_that_others_have_what_it_falls_to():
    park, group = full()
    group.start_coordinator(2)
    park.run(4)
    assert group.state.holding_until is None  # everybody was heard
    assert group.allowed_ma() == each(0)
    park.run(30)
    assert committed(park) == (0, 0, 0)
    assert park.own_ma("grid") == each(LIMIT_MA - 1_000), "nobody else has to give anything"
    assert not park.violations


def test_a_leader_that_begins_anew_need_not_wait_where_nobody_took_anything_either():
    park, group = apart(63_000)
    park.run(12)
    group.start_coordinator(2)
    park.run(4)
    assert group.state.holding_until is None
    assert group.allowed_ma() == each(FALLBACK_MA)


@pytest.mark.rule("B-084")
def test_what_a_group_fears_of_boards_it_does_not_hear_is_not_given_to_others_of_it():
    """Its leader began anew and never heard one board: that may fall to 18 A, as far as it knows, but holds nothing.

    It tells that somebody wants to charge, and next that there is nothing to fear: in between 18 A count.
    """
    park, group = full(more=2)
    group.links["b"].cut = True
    park.run(4)
    group.start_coordinator(2)
    park.run(25)
    assert committed(park)[0] == 3 * LAPSE_MA
    assert group.worst_ma() == each(0)
    group.arrive("c/cp1")
    group.links["b"].cut = False
    for name in group.devices:
        group.report(name)
    park.run(30)
    assert group.flow_ma()[0] >= LAPSE_MA
    assert not park.violations
    assert not group.violations


def test_a_phase_that_is_not_heard_yet_keeps_the_leader_of_a_group_waiting():
    settings = GroupSettings(GROUP, "boot1", each(FALLBACK_MA), each(FALLBACK_MA))
    circuit = Circuit("root", (ROOT_MA, ROOT_MA, 5_000))  # on L3 no vehicle can charge, and no grant ever comes
    place = Placement("b/cp1", "b", "root")
    state = subordinate.initial(CoordinatorSettings((circuit,), (place,), server_id="s"), settings, Now(100.0, WALL))
    for phase, waits in ((0, True), (1, False)):
        stamp = Stamp(NODE, "boot1", 101.0)
        grant = Grant(load_on(GROUP, phase), 0, (phase + 1,), 1, "above", phase + 1, 10.0, 0, stamp)
        subordinate.step(state, ApplyGrant(grant), Now(101.0, WALL))
        assert (GROUP in state.inner.unheard) is waits


def test_where_nothing_else_happens_a_group_still_reports_every_second():
    """Its ticks are asked for as actors are woken: a later one than is under way is forgotten."""
    park, group = apart()
    park.run(30)
    for link in group.links.values():
        link.cut = True
    group.dead_meters.add("root-meter")
    park.run(10)
    group.reported.clear()
    park.run(10)
    assert max(later - earlier for earlier, later in pairwise(group.reported)) < REPORT_SECONDS + 0.01


@pytest.mark.rule("B-084")
def test_boards_that_are_not_heard_and_the_foreign_load_are_confirmed_above_whatever_the_budget():
    """Vehicles take less than they may, so that no meter tells."""
    park, group = apart(63_000, house_ma=2_000)
    park.run(12)
    for name in group.devices:
        group.arrive(name, Vehicle(appetite_ma=6_000))
    park.run(40)
    for link in group.links.values():
        link.cut = True
    park.limit("grid", each(10_000))
    for _ in range(30):  # they hold grants, then lapse currents
        park.run(1)
        assert group.drawn_at_most_ma()[0] > group.allowed_ma()[0]
        assert not park.uncounted()


@pytest.mark.rule("B-084")
def test_a_budget_that_is_over_is_not_shared_out_once_more():
    """Whatever else is due at that very moment, its end comes first."""
    park, group = apart(63_000)
    park.run(12)
    group.arrive("b/cp1")
    park.run(30)
    park.links[NODE].cut = True
    park.run(0.1)
    ends = min(until for _, until in group.held.values())
    park.run(ends - park.now - 0.001)
    group.state.next_renewal = group.state.next_cycle = group.clock().mono
    sent = len(group.grants)
    park.run(0.5)
    assert group.allowed_ma() == each(FALLBACK_MA)
    assert all(grant.amps_ma <= FALLBACK_MA for _, grant in group.grants[sent:])
    assert not group.violations


@pytest.mark.rule("B-084")
def test_what_a_group_falls_to_is_free_only_when_vehicles_above_have_followed_the_end_of_their_grants():
    """Both leaders are lost at once: nobody can tell the group that others have it."""
    park, group = full()
    park.down = True
    group.start_coordinator(2)
    for name in group.devices:
        group.arrive(name)
    park.run(12)
    assert group.worst_ma() == each(0)
    park.run(FOLLOWED_SECONDS)
    assert group.worst_ma() == each(FALLBACK_MA)
    assert park.own_ma("grid") == each(0)
    assert not park.violations


def test_a_group_that_reports_more_than_it_was_told_gets_its_lapse_current_back_when_others_are_gone():
    """Its leader has not heard its boards, so all that they may fall to counts; that is no reason not to grant it."""
    park, group = full()
    for link in group.links.values():
        link.cut = True
    group.start_coordinator(2)
    park.run(30)
    assert committed(park)[0] == FALLBACK_MA
    for name in ("n/cp1", "n/cp2"):
        park.leave(name)
    park.run(RESTORE_SECONDS + 5)
    assert group.allowed_ma() == each(FALLBACK_MA)
    assert not park.violations
