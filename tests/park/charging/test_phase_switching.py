"""One phase or three: the order of the contactors, the pause, and what is counted meanwhile."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count as count_up

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.charging.contactor import FEEDBACK_SECONDS, OPEN_AFTER_SECONDS, REPAIRED_SECONDS
from park.charging.phase_switching import (
    OFF,
    USUAL_PAUSE,
    LookAt,
    OfferPhases,
    PauseSet,
    Permitted,
    PhasesGranted,
    PhaseSwitch,
    PolesSeen,
    PoleStuck,
    SetPole,
    SwitchEvent,
    TimePassed,
    adopted,
    step,
)
from park.model.evse import Pole

CONTACT_SECONDS = 0.05  # a contactor and its feedback
PRIMARY, SECONDARY = Pole.PRIMARY, Pole.SECONDARY


@dataclass
class Station:
    """Two contactors that obey after a moment, or are welded; everything that must always hold is looked at here."""

    state: PhaseSwitch = field(default_factory=PhaseSwitch)
    now: float = 0.0
    closed: dict[Pole, bool] = field(default_factory=lambda: {PRIMARY: False, SECONDARY: False})
    welded: set[Pole] = field(default_factory=set[Pole])
    log: list[tuple[float, object]] = field(default_factory=list[tuple[float, object]])
    granted: int = 3
    offered: int = 3
    quiet_since: float = 0.0  # by then the primary contactor was told to open
    _queue: list[tuple[float, int, SwitchEvent | SetPole]] = field(
        default_factory=list[tuple[float, int, SwitchEvent | SetPole]]
    )

    _order: Iterator[int] = field(default_factory=count_up)

    def tell(self, event: SwitchEvent) -> Station:
        if isinstance(event, PhasesGranted) and event.count in {1, 3}:
            self.granted = event.count
        self.state, effects = step(self.state, event, self.now)
        for effect in effects:
            self._perform(effect)
        assert self.state.counted == 3 or not self.closed[SECONDARY], "what may carry current is counted"
        return self

    def _perform(self, effect: object) -> None:
        if isinstance(effect, LookAt):
            self._later(effect.mono, TimePassed())
            return
        self.log.append((self.now, effect))
        match effect:
            case SetPole(pole, closed):
                if pole is PRIMARY and not closed:
                    self.quiet_since = self.now
                if pole is SECONDARY:
                    assert not self.closed[PRIMARY], "the secondary contactor moves only while the primary one is open"
                elif closed:
                    assert self.offered == (3 if self.closed[SECONDARY] else 1)
                self._later(self.now + CONTACT_SECONDS, effect)
            case OfferPhases(0):
                self.offered = 0
            case OfferPhases(count):
                assert count == self.granted, "no more is offered than is granted"
                assert not any(self.closed.values())
                assert self.now >= self.quiet_since + self.state.pause_seconds
                self.offered = count
            case _:
                pass

    def _later(self, when: float, what: SwitchEvent | SetPole) -> None:
        heapq.heappush(self._queue, (when, next(self._order), what))

    def run(self, seconds: float) -> Station:
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            self.now, _, what = heapq.heappop(self._queue)
            if isinstance(what, SetPole):
                if what.pole not in self.welded:
                    self.closed[what.pole] = what.closed
                what = self.feedback()
            self.tell(what)
        self.now = end
        return self

    def feedback(self) -> PolesSeen:
        return PolesSeen(self.closed[PRIMARY], self.closed[SECONDARY])

    def said(self) -> list[object]:
        found = [effect for _, effect in self.log]
        self.log.clear()
        return found


def charging(phases: int = 3) -> Station:
    station = Station(PhaseSwitch(count=phases, wanted=phases), granted=phases, offered=phases)
    station.tell(Permitted(power=True)).run(1)
    assert station.state.actual == phases
    station.log.clear()
    return station


@pytest.mark.rule("B-286")
def test_on_is_secondary_then_primary_and_off_is_primary_then_secondary():
    station = Station().tell(Permitted(power=True)).run(1)
    assert station.said() == [SetPole(SECONDARY, True), SetPole(PRIMARY, True)]
    station.tell(Permitted(power=False)).run(1)
    assert station.said() == [SetPole(PRIMARY, False), SetPole(SECONDARY, False)]


def test_on_one_phase_only_the_primary_contactor_moves():
    station = Station(PhaseSwitch(count=1, wanted=1), granted=1, offered=1).tell(Permitted(power=True)).run(1)
    assert station.said() == [SetPole(PRIMARY, True)]
    assert (station.state.actual, station.state.counted) == (1, 1)


@pytest.mark.rule("B-289")
@pytest.mark.parametrize(("before", "after"), [(3, 1), (1, 3)])
def test_a_switch_is_all_off_a_pause_and_the_new_number(before: int, after: int):
    station = charging(before).tell(PhasesGranted(after))
    assert station.said() == [OfferPhases(0)]
    station.run(1).tell(Permitted(power=False)).run(1)
    off = [SetPole(PRIMARY, False), SetPole(SECONDARY, False)]
    assert station.said() == off[: 2 if before == 3 else 1]
    assert station.state.actual == 0
    station.run(USUAL_PAUSE)
    assert station.said() == [OfferPhases(after)]
    station.tell(Permitted(power=True)).run(1)
    assert station.state.actual == station.state.counted == after


@pytest.mark.rule("B-288")
@pytest.mark.parametrize(("seconds", "pause"), [(10, 10), (300, 300), (9.9, 20), (300.1, 20), (float("nan"), 20)])
def test_the_pause_is_as_set_and_one_that_cannot_be_is_ignored(seconds: float, pause: float):
    station = charging().tell(PauseSet(seconds)).tell(PhasesGranted(1)).tell(Permitted(power=False))
    (first_off,) = [at for at, effect in station.log if effect == SetPole(PRIMARY, False)]
    station.run(400)
    (back,) = [at for at, effect in station.log if effect == OfferPhases(1)]
    assert back - first_off == pytest.approx(pause)


@pytest.mark.rule("B-287")
@pytest.mark.parametrize("count", [-1, 0, 2, 4])
def test_other_numbers_of_phases_are_ignored(count: int):
    assert charging().tell(PhasesGranted(count)).run(60).said() == []


def test_a_vehicle_that_does_not_let_go_is_cut_off():
    station = charging().tell(PhasesGranted(1)).run(OPEN_AFTER_SECONDS - 0.1)
    assert station.said() == [OfferPhases(0)]
    assert station.run(1).said() == [SetPole(PRIMARY, False), SetPole(SECONDARY, False)]


def test_three_phases_are_counted_until_the_secondary_contactor_is_seen_open():
    station = charging().tell(PhasesGranted(1)).tell(Permitted(power=False))
    assert station.state.counted == 3
    assert station.run(1).state.counted == 1


def test_three_phases_are_counted_while_the_secondary_contactor_is_on_its_way():
    station = Station().tell(Permitted(power=True)).tell(PhasesGranted(1))
    assert (station.state.pausing, station.state.seen, station.state.counted) == (True, OFF, 3)


def test_nothing_is_offered_at_the_end_of_the_pause_while_a_pole_is_closed():
    station = charging().tell(PhasesGranted(1)).tell(Permitted(power=False)).run(USUAL_PAUSE - 1)
    station.closed[SECONDARY] = True
    station.tell(station.feedback()).run(1.5)
    assert station.offered == 0


def test_a_wish_taken_back_in_the_pause_offers_what_was_before():
    station = charging().tell(PhasesGranted(1)).tell(Permitted(power=False)).run(5).tell(PhasesGranted(3)).run(30)
    assert station.said()[-1] == OfferPhases(3)


@pytest.mark.parametrize("pole", [PRIMARY, SECONDARY])
def test_a_welded_pole_is_told_and_nothing_is_offered_until_it_is_repaired(pole: Pole):
    station = charging()
    station.welded = {pole}
    station.tell(PhasesGranted(1)).tell(Permitted(power=False)).run(100)
    assert station.said().count(PoleStuck(pole)) == 1
    assert (station.offered, station.state.counted) == (0, 3)
    station.closed, station.welded = {PRIMARY: False, SECONDARY: False}, set()
    station.tell(station.feedback()).run(REPAIRED_SECONDS - 1)
    assert station.offered == 0
    assert station.run(2).offered == 1


def test_a_pole_that_closes_by_itself_is_noticed():
    station = Station()
    station.closed[SECONDARY] = True
    station.tell(station.feedback())
    assert station.state.counted == 3
    station.run(FEEDBACK_SECONDS + 1)
    assert station.said() == [PoleStuck(SECONDARY), OfferPhases(0)]


def test_who_has_no_power_for_as_long_as_the_pause_waits_no_longer():
    station = Station().tell(TimePassed()).run(USUAL_PAUSE - 5).tell(PhasesGranted(1))
    assert station.said() == [OfferPhases(0)]
    assert station.run(6).said() == [OfferPhases(1)]
    assert station.run(USUAL_PAUSE).tell(PhasesGranted(3)).said() == [OfferPhases(0), OfferPhases(3)]


@pytest.mark.parametrize(("primary", "secondary", "count"), [(0, 0, 1), (1, 0, 1), (0, 1, 3), (1, 1, 3)])
def test_a_start_never_makes_three_phases_of_one(primary: int, secondary: int, count: int):
    found = adopted(PhaseSwitch(), PolesSeen(bool(primary), bool(secondary)), 5.0)
    assert (found.count, found.wanted, found.counted, found.promised) == (count, count, count, count)


def test_what_is_promised_is_the_most_until_another_grant_is_taken():
    station = charging(1).tell(PhasesGranted(3))
    assert (station.state.counted, station.state.promised) == (1, 3)
    station.run(5)
    assert (station.state.counted, station.state.promised) == (1, 3)


events = st.one_of(
    st.builds(PhasesGranted, st.integers(0, 4)),
    st.builds(Permitted, st.booleans()),
    st.sampled_from([{PRIMARY}, {SECONDARY}, set[Pole](), set[Pole]()]),
)


@given(st.sampled_from([1, 3]), st.lists(st.tuples(events, st.floats(0, 30)), max_size=25))
def test_whatever_comes_the_order_holds_and_in_the_end_there_is_what_is_granted(
    count: int, story: list[tuple[SwitchEvent | set[Pole], float]]
):
    station = Station(PhaseSwitch(count=count, wanted=count), granted=count, offered=count)
    for event, seconds in story:
        if isinstance(event, set):
            station.welded = event
        else:
            station.tell(event)
        station.run(seconds)
    station.welded = set()
    station.closed = {PRIMARY: station.state.told.primary, SECONDARY: station.state.told.secondary}
    station.tell(station.feedback()).tell(Permitted(power=False)).run(500)
    assert station.state.seen == OFF
    station.tell(Permitted(power=True)).run(500)
    assert station.state.actual == station.offered == station.granted
