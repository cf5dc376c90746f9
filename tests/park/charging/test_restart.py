"""A restart in the middle of everything: the journal knows the session, the electronics know the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from park.charging.report import ChargePointReported
from park.charging.session import Phase
from park.charging.settings import StopMode
from park.model.access import (
    ConnectorStatus,
    ConnectorStatusChanged,
    OccupancyChanged,
    RepeatSettings,
    SettingChanged,
    StopSession,
)
from park.model.demand import CurrentSignalled, DemandChanged
from park.model.evse import PilotOutput, PilotState, SetContactor, SetLock, Signal
from park.model.metering import Sample
from park.model.session import (
    OpenSession,
    RecoverSession,
    SessionRecovered,
    SessionStarted,
    StopReason,
    TransactionAssigned,
)
from park.model.signals import RepeatLevels, Start, Tick
from tests.support.charge_point_harness import MIDNIGHT, NAME, ChargePointHarness, Electronics, settings

STARTED = SessionStarted("old", 0, NAME, 1, "AA", "backend", MIDNIGHT, 500)
OPEN = OpenSession(STARTED, 7, MIDNIGHT + timedelta(minutes=5), 900, Sample((0, 0, 0), 0, 900), 42)


def charging() -> Electronics:
    """As a node that died leaves them: the deadman fell to the lapse current, the car goes on."""
    return Electronics(
        lock=True,
        car=PilotState.C,
        ohms=220.0,
        permitted=True,
        output=PilotOutput.PWM,
        amps_ma=6_000,
        lapse_ma=6_000,
        token=31,
        tripped=True,
    )


@pytest.mark.rule("B-074")
def test_the_session_goes_on_if_its_vehicle_is_still_there() -> None:
    park = ChargePointHarness(open_session=OPEN, electronics=charging())
    park.keep_granting(16_000)
    park.advance(15)
    assert park.status is ConnectorStatus.CHARGING
    assert park.effects(ConnectorStatusChanged)[0].status is ConnectorStatus.SUSPENDED_EVSE
    assert not park.started
    shown = park.last(ChargePointReported).session
    assert shown is not None
    assert (shown.id, shown.transaction, shown.authorized_by) == ("old", 42, "backend")
    park.send(StopSession(NAME, None, StopReason.LOCAL, "AA"))
    park.advance(3)
    assert [fact.ordinal for fact in park.facts.values()] == [8, 9]
    assert park.ended[0].session == "old"
    assert park.ended[0].meter_stop_wh == int(park.energy)


def test_a_clock_that_a_restart_set_back_moves_no_fact_before_those_on_disk() -> None:
    park = ChargePointHarness(start=False, open_session=OPEN)
    park.wall_offset = timedelta(days=-365)
    park.send(Start())
    park.advance(11)
    after = OPEN.last_at + timedelta(milliseconds=1)
    assert [(fact.ordinal, fact.at) for fact in park.facts.values()] == [(8, after), (9, after)]


def test_a_contactor_the_deadman_opened_is_no_failed_contactor() -> None:
    """The node stood still for longer than its lease; by setting, a pause keeps the contactor permitted."""
    park = ChargePointHarness(settings(open_contactor_on_pause=False))
    park.begin()
    park.keep_granting(None)
    park.mono = park.electronics.expires + 5.0
    park.electronics.pass_time(park.mono)
    park.electronics.permitted = False
    park.report_changes()
    park.keep_granting(16_000)
    park.advance(30)
    assert park.fault_codes == set()
    assert park.status is ConnectorStatus.CHARGING
    assert park.electronics.closed


@pytest.mark.rule("B-180")
@pytest.mark.rule("B-181")
def test_the_session_ends_as_power_loss_if_the_vehicle_is_gone() -> None:
    park = ChargePointHarness(start=False, open_session=OPEN)
    park.meter_works = False
    park.send(Start())
    park.advance(11)
    [ended] = park.ended
    assert (ended.reason, ended.meter_stop_wh) == (StopReason.POWER_LOSS, 900)
    assert [fact.ordinal for fact in park.facts.values()] == [8, 9]


def test_an_end_after_a_restart_takes_the_register_of_the_meter_if_it_answers() -> None:
    park = ChargePointHarness(open_session=OPEN)
    park.advance(2)
    assert park.ended[0].meter_stop_wh == 1_000


@pytest.mark.rule("B-074")
def test_by_setting_the_driver_authorizes_again_after_a_power_loss() -> None:
    park = ChargePointHarness(settings(resume_after_power_loss=False), open_session=OPEN, electronics=charging())
    park.advance(5)
    assert park.ended[0].reason is StopReason.POWER_LOSS
    assert park.state.session.phase is Phase.FINISHED


def test_a_session_that_outlasts_its_vehicle_outlasts_a_restart_too() -> None:
    electronics = Electronics(lock=True, ohms=220.0)
    park = ChargePointHarness(settings(stop_mode=StopMode.CARD_OR_REMOTE), open_session=OPEN, electronics=electronics)
    park.advance(5)
    assert not park.ended
    assert park.status is ConnectorStatus.SUSPENDED_EV


def test_nothing_is_commanded_before_the_journal_answered() -> None:
    park = ChargePointHarness(start=False, electronics=charging())
    park.recovers = False
    park.send(Start())
    park.keep_granting(16_000)
    park.advance(4.9)
    assert not [e for kind in (Signal, SetContactor, SetLock) for e in park.effects(kind)]
    assert park.electronics.closed
    park.advance(0.2)
    assert park.last(Signal).output is PilotOutput.IDLE  # its time is over: no session is known, nothing is offered
    park.advance(6)
    assert not park.electronics.closed
    assert len(park.effects(RecoverSession)) == 3
    assert park.fault_codes == {"JournalSilent"}
    park.authorize()
    park.advance(5)
    assert not park.started
    park.send(SessionRecovered(NAME, OPEN))
    park.advance(15)
    assert park.status is ConnectorStatus.CHARGING


def test_the_boot_current_holds_for_a_session_that_goes_on() -> None:
    park = ChargePointHarness(open_session=OPEN, electronics=charging())
    assert park.last(Signal).amps_ma == 0
    park.advance(4)
    assert not park.electronics.closed
    assert park.status is ConnectorStatus.SUSPENDED_EVSE


def test_an_unclear_pilot_decides_nothing_about_a_recovered_session() -> None:
    electronics = charging()
    electronics.shorted = True
    park = ChargePointHarness(open_session=OPEN, electronics=electronics)
    park.advance(5)
    assert not park.ended
    electronics.shorted = False
    park.report_changes()
    park.keep_granting(16_000)
    park.advance(20)
    assert park.status is ConnectorStatus.CHARGING


def test_a_second_answer_of_the_journal_changes_nothing() -> None:
    park = ChargePointHarness()
    park.send(SessionRecovered(NAME, OPEN))
    assert park.state.session.phase is Phase.IDLE


def test_a_lock_found_closed_without_a_vehicle_is_opened() -> None:
    park = ChargePointHarness(electronics=Electronics(lock=True))
    assert park.electronics.lock is False


@pytest.mark.rule("B-171")
def test_a_session_that_goes_on_gets_no_current_before_its_plug_is_locked_again() -> None:
    electronics = charging()
    electronics.lock = electronics.stuck_lock = False
    park = ChargePointHarness(open_session=OPEN, electronics=electronics)
    park.keep_granting(16_000)
    park.advance(8)
    assert park.last(Signal).output is PilotOutput.IDLE
    assert not park.electronics.closed
    electronics.stuck_lock = None
    park.advance(80)
    assert park.status is ConnectorStatus.CHARGING


LEVELS = (DemandChanged, OccupancyChanged, ConnectorStatusChanged, CurrentSignalled)


def test_a_listener_that_began_anew_hears_every_level_again() -> None:
    park = ChargePointHarness()
    park.begin()
    told = {kind: park.last(kind) for kind in LEVELS}
    repeated = [effect for effect in park.send(RepeatLevels()) if isinstance(effect, LEVELS)]
    assert {type(effect) for effect in repeated} == set(LEVELS)
    for again in repeated:
        match again:
            case DemandChanged() | OccupancyChanged():  # since when it waits and stands there is part of it
                assert again == told[type(again)]
            case ConnectorStatusChanged(status=status):
                assert status is ConnectorStatus.CHARGING
            case CurrentSignalled(amps_ma=amps_ma, sequence=sequence):
                assert (amps_ma, sequence) == (16_000, park.sequence)
    assert not [effect for effect in park.send(Tick()) if isinstance(effect, LEVELS)]


def test_who_shows_the_park_and_began_anew_sees_a_point_where_nothing_happens() -> None:
    park = ChargePointHarness()
    park.advance(5)
    shown = park.last(ChargePointReported)
    again = [effect for effect in park.send(RepeatLevels()) if isinstance(effect, ChargePointReported)]
    assert again == [shown]
    assert not [effect for effect in park.send(Tick()) if isinstance(effect, ChargePointReported)]


def test_a_charge_point_that_begins_anew_asks_for_the_settings_in_force() -> None:
    park = ChargePointHarness()
    assert park.effects(RepeatSettings) == [RepeatSettings(NAME)]


def test_with_a_session_at_hand_it_asks_once_more_for_only_now_can_it_hear_the_verdict() -> None:
    park = ChargePointHarness(open_session=OPEN, electronics=charging())
    kinds = [type(effect) for effect in (*park.effects(RecoverSession), *park.effects(RepeatSettings))]
    assert kinds == [RecoverSession, RepeatSettings, RepeatSettings]
    park.send(TransactionAssigned(NAME, "old", 42, accepted=False, status="Blocked"))
    park.advance(8)
    assert park.ended[0].reason is StopReason.DE_AUTHORIZED


def service(park: ChargePointHarness, *, on: bool = True, tag: str = "5E7F1CE0") -> None:
    """The keys come a moment after the start."""
    park.keep_granting(16_000)
    park.advance(2)
    park.send(SettingChanged("ServiceUID", tag))
    park.send(SettingChanged("ServiceRestart", on))
    park.advance(20)


@pytest.mark.rule("B-383")
@pytest.mark.parametrize(
    ("on", "tag", "charges"), [(True, "5E7F1CE0", True), (False, "5E7F1CE0", False), (True, "", False)]
)
def test_a_vehicle_found_without_a_session_charges_under_the_tag_of_service(on: bool, tag: str, charges: bool) -> None:
    park = ChargePointHarness(electronics=Electronics(car=PilotState.B, ohms=220.0))
    service(park, on=on, tag=tag)
    assert [(each.id_tag, each.authorized_by) for each in park.started] == ([(tag, "service")] if charges else [])


@pytest.mark.rule("B-383")
def test_a_session_that_the_restart_ended_is_followed_by_one_of_service() -> None:
    park = ChargePointHarness(settings(resume_after_power_loss=False), open_session=OPEN, electronics=charging())
    service(park)
    assert park.ended[0].reason is StopReason.POWER_LOSS
    assert [each.id_tag for each in park.started] == ["5E7F1CE0"]
    park.unplug()
    park.advance(5)
    park.plug()
    park.advance(20)
    assert len(park.started) == 1


def test_a_vehicle_that_came_after_the_start_is_not_one_of_service() -> None:
    park = ChargePointHarness()
    park.plug()
    service(park)
    assert park.started == []
