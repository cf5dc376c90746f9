"""What keys change at a charge point while it charges, and the plug unlocked by order."""

from __future__ import annotations

import pytest

from park.charging.settings import Outlet, SampleMode, StopMode
from park.charging.tuning import with_changed
from park.model.access import (
    NO_LOCK,
    PILOT_OFF,
    ConnectorStatus,
    ConnectorStatusChanged,
    Done,
    OccupancyChanged,
    Refused,
    SettingChanged,
    UnlockConnector,
)
from park.model.demand import DemandChanged
from park.model.evse import PilotState
from park.model.session import ReadingContext, StopReason, TransactionAssigned
from tests.support.charge_point_harness import NAME, ChargePointHarness, settings

S = ConnectorStatus


def test_words_and_numbers_out_of_range_change_nothing():
    base = settings()
    for change in (
        SettingChanged("StopTransactionModeUnplug", "Never"),
        SettingChanged("StopTransactionModeUnplug", value=True),
        SettingChanged("OperatorCurrentLimit", -1),
        SettingChanged("Nonsense", 5),
        SettingChanged("Nonsense", "word"),
        SettingChanged("Nonsense", value=False),
    ):
        assert with_changed(base, change) == base


@pytest.mark.rule("B-059")
@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("Normal", StopMode.NORMAL),
        ("AfterUnplugging", StopMode.AFTER_UNPLUGGING),
        ("CardOrRemote", StopMode.CARD_OR_REMOTE),
    ],
)
def test_the_stop_mode_is_a_key(word: str, mode: StopMode):
    assert with_changed(settings(), SettingChanged("StopTransactionModeUnplug", word)).stop_mode is mode


@pytest.mark.rule("B-075")
def test_the_operators_current_changes_while_charging_and_is_capped_by_the_hardware():
    park = ChargePointHarness()
    park.begin(16_000)
    park.send(SettingChanged("OperatorCurrentLimit", 10))
    park.advance(1)
    assert park.electronics.amps_ma == 10_000
    assert park.last(DemandChanged).maximum_ma == 10_000
    park.send(SettingChanged("OperatorCurrentLimit", 80))
    park.advance(8)
    assert park.electronics.amps_ma == 16_000
    assert park.last(DemandChanged).maximum_ma == 32_000
    park.send(SettingChanged("OperatorCurrentLimit", 0))
    park.advance(1)
    assert park.electronics.amps_ma == 0
    assert park.status is S.SUSPENDED_EVSE


@pytest.mark.rule("B-065")
def test_the_plug_is_locked_by_the_card_on_wish():
    park = ChargePointHarness(settings(lock_if_authorized=True))
    park.plug()
    park.advance(2)
    assert park.electronics.lock is False
    park.authorize()
    park.keep_granting(16_000)
    park.advance(8)
    assert park.electronics.lock is True
    assert park.status is S.CHARGING


@pytest.mark.rule("B-065")
def test_a_cable_may_stay_for_good():
    park = ChargePointHarness(settings(lock_permanently=True))
    park.begin()
    park.unplug(cable_stays=True)
    park.advance(15)
    assert len(park.ended) == 1
    assert park.electronics.lock is True


@pytest.mark.rule("B-039")
def test_by_setting_the_plug_alone_is_not_preparing():
    park = ChargePointHarness(settings(prepares_with_both=True))
    park.plug()
    park.advance(2)
    assert park.status is S.AVAILABLE
    park.authorize()
    park.advance(1)
    assert park.status is not S.AVAILABLE
    park.unplug()
    park.advance(15)
    park.authorize("BB")
    park.advance(1)
    assert park.status is S.AVAILABLE  # the card alone is not either


@pytest.mark.rule("B-067")
@pytest.mark.parametrize(
    ("mode", "paused", "charging"),
    [
        (SampleMode.WHOLE_TRANSACTION, True, True),
        (SampleMode.CONTACTOR_CLOSED, False, True),
        (SampleMode.CURRENT_FLOW, False, True),
    ],
)
def test_readings_are_taken_in_the_wanted_part_of_a_session(mode: SampleMode, paused: bool, charging: bool):
    park = ChargePointHarness(settings(sample_interval_seconds=10, sample_mode=mode))

    def periodic() -> int:
        return sum(fact.context is ReadingContext.SAMPLE_PERIODIC for fact in park.metered)

    park.begin()
    before = periodic()
    park.advance(25)
    assert (periodic() > before) is charging
    park.keep_granting(0)
    park.grant(0, lapse_ma=0)
    park.electronics.follows = False
    park.pilot(PilotState.B)
    park.granting = None
    park.advance(15)
    assert not park.electronics.closed
    before = periodic()
    park.advance(25)
    assert (periodic() > before) is paused


@pytest.mark.rule("B-069")
def test_aligned_readings_are_spread_each_point_at_its_own_time():
    park = ChargePointHarness(settings(clock_interval_seconds=60, clock_spread_seconds=30))
    park.begin()
    park.advance(130)
    found = [fact.at.second for fact in park.metered if fact.context is ReadingContext.SAMPLE_CLOCK]
    assert len(found) == 2
    assert len(set(found)) == 1
    assert 0 < found[0] <= 30


@pytest.mark.rule("B-119")
def test_a_refused_card_may_take_the_allowed_energy_and_no_more():
    park = ChargePointHarness(settings(stop_on_invalid_id=False, energy_on_invalid_id_wh=20))
    park.begin(32_000)
    session = park.started[0].session
    before = park.energy
    park.send(TransactionAssigned(NAME, session, 7, accepted=False, status="Invalid"))
    park.advance(1)
    assert park.electronics.amps_ma > 0
    park.advance(60)
    assert park.electronics.amps_ma == 0
    assert 20 <= park.energy - before < 30
    assert not park.ended


@pytest.mark.rule("B-119")
def test_by_default_a_refused_card_takes_nothing():
    park = ChargePointHarness(settings(stop_on_invalid_id=False))
    park.begin(32_000)
    park.send(TransactionAssigned(NAME, park.started[0].session, 7, accepted=False, status="Invalid"))
    park.advance(1)
    assert park.electronics.amps_ma == 0


# ------------------------------------------------------------ out of service


@pytest.mark.rule("B-185")
def test_out_of_service_waits_for_the_vehicle_and_lets_no_other_in():
    park = ChargePointHarness()
    park.begin()
    park.send(SettingChanged("Operative", value=False))
    park.advance(5)
    assert park.status is S.CHARGING
    assert not park.last(OccupancyChanged).available
    park.unplug()
    park.advance(15)
    assert park.status is S.UNAVAILABLE
    assert not park.last(OccupancyChanged).available
    park.send(SettingChanged("Operative", value=True))
    assert park.status is S.AVAILABLE
    assert park.last(OccupancyChanged).available


def test_out_of_service_at_once_when_nobody_is_there():
    park = ChargePointHarness()
    park.send(SettingChanged("Operative", value=False))
    assert park.status is S.UNAVAILABLE


# ------------------------------------------------------------ unlock


def unlock(park: ChargePointHarness, request_id: str = "u") -> None:
    park.send(UnlockConnector(request_id, NAME, park.slot))


def test_unlocking_ends_the_session_then_frees_the_plug():
    park = ChargePointHarness()
    park.begin()
    unlock(park)
    park.advance(5)
    assert park.slot.answers == [Done("u")]
    assert park.electronics.lock is False
    assert [end.reason for end in park.ended] == [StopReason.UNLOCK_COMMAND]
    park.advance(30)
    assert park.electronics.lock is False  # it stays free until it is pulled


def test_a_plug_nobody_pays_for_is_freed_and_locked_again_by_a_card():
    park = ChargePointHarness()
    park.plug()
    park.advance(2)
    assert park.electronics.lock is True
    unlock(park)
    assert park.electronics.lock is False
    assert park.slot.answers == [Done("u")]
    park.authorize()
    park.keep_granting(16_000)
    park.advance(8)
    assert park.status is S.CHARGING


def test_a_lock_that_does_not_move_is_told():
    park = ChargePointHarness()
    park.begin()
    park.electronics.stuck_lock = True
    unlock(park)
    park.advance(7)
    assert park.slot.answers == []
    park.advance(2)
    assert [type(answer) for answer in park.slot.answers] == [Refused]


def test_there_is_no_lock_on_a_fixed_cable():
    park = ChargePointHarness(settings(outlet=Outlet.CABLE))
    unlock(park)
    assert park.slot.answers == [Refused("u", NO_LOCK)]


def test_another_points_order_and_a_second_one_are_refused():
    park = ChargePointHarness()
    park.plug()
    park.advance(2)
    park.electronics.stuck_lock = True
    park.send(UnlockConnector("x", "garage-1/other", park.slot))
    unlock(park, "a")
    unlock(park, "b")
    assert [(answer.request_id, type(answer)) for answer in park.slot.answers] == [("x", Refused), ("b", Refused)]


@pytest.mark.rule("B-387")
def test_state_f_by_order_takes_the_current_away_and_is_no_fault():
    park = ChargePointHarness()
    park.begin()
    park.send(SettingChanged(PILOT_OFF, value=True))
    assert park.electronics.pilot is PilotState.F
    assert not park.electronics.closed
    park.advance(10)
    assert park.fault_codes == set()
    assert not park.ended
    park.send(SettingChanged(PILOT_OFF, value=False))
    park.advance(15)
    assert park.status is S.CHARGING


@pytest.mark.rule("B-038")
@pytest.mark.parametrize(("delta", "told"), [(5, ["Temperature: +26.0 C", "Temperature: +20.5 C"]), (0, [])])
def test_a_temperature_is_told_when_it_has_changed_by_so_much(delta: int, told: list[str]):
    park = ChargePointHarness()
    park.send(SettingChanged("TempDelta", delta))
    for temperature in (21.0, 25.9, 26.0, 22.0, 20.5):
        park.electronics.temperature_c = temperature
        park.report_changes()
    infos = [each.info for each in park.effects(ConnectorStatusChanged)]
    assert [info for info in infos if info] == told


@pytest.mark.rule("B-037")
@pytest.mark.parametrize(("delta", "told"), [(5, ["Residual current: 2.0 mA", "Residual current: 1.5 mA"]), (0, [])])
def test_a_residual_current_is_told_when_it_has_changed_by_so_many_tenths_of_a_milliampere(delta: int, told: list[str]):
    park = ChargePointHarness()
    park.send(SettingChanged("RCMBDelta", delta))
    for microamperes in (None, 1_500, 1_999, 2_000, 1_600, 1_500):
        park.electronics.residual_ua = microamperes
        park.report_changes()
    infos = [each.info for each in park.effects(ConnectorStatusChanged)]
    assert [info for info in infos if info] == told
