"""A charge point with two poles: grants on one phase or three, what it tells, and what it does meanwhile."""

from __future__ import annotations

import pytest

from park.charging.faults import CONTACTOR
from park.charging.outward import connector_status
from park.charging.phase_switching import USUAL_PAUSE
from park.model.access import ConnectorStatus
from park.model.demand import CurrentSignalled
from park.model.evse import EvseLost, EvseTraits, PilotState, SetContactor, Signal
from park.model.session import OpenSession, SessionEnded, SessionStarted
from park.model.signals import Start
from tests.support.charge_point_harness import NAME, ChargePointHarness, Electronics, settings

TWO_POLES = EvseTraits(has_deadman=True, resolution_ma=100, switchable_phases=True, has_lock=True)
LONG_ENOUGH = USUAL_PAUSE + 15  # the vehicle's own times, and the wait between two closings


def charging(phases: tuple[int, ...] = (1, 2, 3), **changes: object) -> ChargePointHarness:
    park = ChargePointHarness(settings(traits=TWO_POLES, **changes))
    park.advance(park.state.settings.phase_pause_seconds)  # it stood there for a while
    park.phases = phases
    park.begin(16_000)
    assert park.electronics.live == (1, 2, 3)[: len(phases)]
    park.log.clear()
    return park


@pytest.mark.rule("B-285")
@pytest.mark.parametrize("phases", [(1,), (1, 2, 3)])
def test_a_session_starts_on_what_is_granted_without_a_pause(phases: tuple[int, ...]) -> None:
    park = ChargePointHarness(settings(traits=TWO_POLES))
    park.advance(USUAL_PAUSE)
    park.phases = phases
    park.begin(16_000)  # within 8 s
    assert len(park.electronics.live) == len(phases)
    assert park.last(Signal).phases == (1, 2, 3)[: len(phases)]


def test_before_any_grant_two_poles_are_one_phase() -> None:
    park = ChargePointHarness(settings(traits=TWO_POLES))
    assert park.last(CurrentSignalled).phases == 1


def test_one_contactor_for_all_phases_says_nothing_of_them() -> None:
    assert ChargePointHarness().last(CurrentSignalled).phases == 0


@pytest.mark.rule("B-289")
@pytest.mark.rule("B-291")
@pytest.mark.parametrize(("before", "after"), [((1, 2, 3), (2,)), ((3,), (1, 2, 3))])
def test_a_switch_takes_all_off_waits_and_goes_on_in_the_same_session(
    before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    park = charging(before)
    began = park.mono
    park.keep_granting(16_000, after)
    assert park.electronics.amps_ma == 0
    park.advance(USUAL_PAUSE - 1)
    assert park.electronics.live == ()
    assert park.electronics.amps_ma == 0
    park.advance(LONG_ENOUGH - USUAL_PAUSE)
    assert len(park.electronics.live) == len(after)
    (back,) = [at for at, effect in park.log if isinstance(effect, Signal) and effect.amps_ma][:1]
    assert back - began >= USUAL_PAUSE
    assert len([fact for fact in park.facts.values() if isinstance(fact, SessionStarted)]) == 1
    assert not any(isinstance(fact, SessionEnded) for fact in park.facts.values())
    assert connector_status(park.state) is ConnectorStatus.CHARGING


@pytest.mark.rule("B-286")
def test_the_poles_move_in_their_order() -> None:
    park = charging()
    park.keep_granting(16_000, (1,))
    park.advance(LONG_ENOUGH)
    park.keep_granting(16_000, (1, 2, 3))
    park.advance(LONG_ENOUGH)
    moves = [(effect.pole.value, effect.closed) for effect in park.effects(SetContactor)]
    one = [("primary", False), ("secondary", False), ("primary", True)]
    assert moves == [*one, ("primary", False), ("secondary", True), ("primary", True)]


@pytest.mark.rule("B-288")
@pytest.mark.parametrize("pause", [10.0, 60.0])
def test_the_pause_is_as_configured(pause: float) -> None:
    park = charging(phase_pause_seconds=pause)
    park.keep_granting(16_000, (1,))
    park.advance(pause + 10)
    (off,) = [at for at, effect in park.log if isinstance(effect, SetContactor) and not effect.closed][:1]
    (back,) = [at for at, effect in park.log if isinstance(effect, Signal) and effect.amps_ma][:1]
    assert back - off == pytest.approx(pause, abs=0.1)


@pytest.mark.rule("B-287")
def test_a_grant_on_two_phases_changes_nothing() -> None:
    park = charging()
    park.keep_granting(16_000, (1, 2))
    park.advance(60)
    assert park.electronics.live == (1, 2, 3)
    assert not park.effects(SetContactor)


@pytest.mark.rule("B-290")
def test_a_vehicle_that_ignores_the_offer_is_not_woken() -> None:
    park = charging()
    park.electronics.follows = False
    park.keep_granting(16_000, (1,))
    park.pilot(PilotState.B)
    park.advance(LONG_ENOUGH)
    offers = {signal.amps_ma for signal in park.effects(Signal)}
    park.log.clear()
    park.advance(300)
    assert offers == {0, 16_000}
    assert {signal.amps_ma for signal in park.effects(Signal)} == {16_000}
    assert connector_status(park.state) is ConnectorStatus.SUSPENDED_EV


def test_three_phases_are_told_until_the_secondary_pole_is_open() -> None:
    park = charging()
    park.electronics.follows = False  # it stays in state C: cut off after 3 s
    park.keep_granting(16_000, (1,))
    park.advance(2)
    assert park.last(CurrentSignalled).phases == 3
    park.advance(3)
    told = park.last(CurrentSignalled)
    assert (told.phases, told.contactor_open) == (1, True)


def test_three_phases_are_told_with_the_first_word_about_a_grant_of_three() -> None:
    park = charging((1,))
    park.keep_granting(16_000, (1, 2, 3))
    first = next(told for told in park.effects(CurrentSignalled) if told.sequence == park.sequence)
    assert (first.phases, first.amps_ma) == (3, 0)
    assert all(told.phases == 3 for told in park.effects(CurrentSignalled) if told.sequence == park.sequence)


def test_a_lapse_in_the_pause_offers_nothing_either() -> None:
    park = charging()
    park.keep_granting(16_000, (1,))
    park.keep_granting(None)
    park.advance(USUAL_PAUSE - 1)
    assert park.electronics.amps_ma == 0
    park.advance(15)
    assert (park.electronics.amps_ma, park.electronics.live) == (6_000, (1,))


def test_a_secondary_pole_that_does_not_open_is_a_fault_and_counts() -> None:
    park = charging()
    park.electronics.stuck_secondary = True
    park.keep_granting(16_000, (1,))
    park.advance(LONG_ENOUGH)
    assert [fault.kind for fault in park.state.faults] == [CONTACTOR]
    assert park.last(CurrentSignalled).phases == 3
    assert park.electronics.live == ()
    assert isinstance(list(park.facts.values())[-1], SessionEnded)


def test_a_restart_takes_over_a_vehicle_on_one_phase_without_a_pause() -> None:
    before = charging((1,))
    electronics, started = before.electronics, before.state.session.started
    assert started is not None
    after = ChargePointHarness(
        before.state.settings,
        electronics=electronics,
        open_session=OpenSession(started, 1, started.at, started.meter_start_wh, None),
        start=False,
    )
    after.phases, after.granting = (1,), 16_000
    after.send(Start())
    after.read_meter()
    after.grant(16_000, phases=(1,))
    after.advance(30)
    assert electronics.live == (1,)
    assert not after.effects(SetContactor)


def test_electronics_that_were_away_are_believed_anew() -> None:
    park = charging()
    park.connected = False
    park.send(EvseLost(NAME, "gone"))
    park.electronics.permitted, park.electronics.secondary = False, False
    park.connected = True
    park.last_report = park.electronics.report()
    park.send(park.last_report)
    park.advance(LONG_ENOUGH)
    assert park.electronics.live == (1, 2, 3), "the grant of three phases holds"
    assert not park.state.faults


def test_levels_of_new_electronics_never_make_a_fault_of_open_poles() -> None:
    park = ChargePointHarness(settings(traits=TWO_POLES), electronics=Electronics(secondary=True))
    park.advance(10)
    assert not park.state.faults
    assert park.electronics.secondary is False
