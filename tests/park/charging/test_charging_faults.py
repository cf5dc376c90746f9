"""What each fault does to charging, and how it ends."""

from __future__ import annotations

import pytest

from park.charging import faults
from park.charging.report import ChargePointReported
from park.charging.session import Phase
from park.charging.settings import Outlet
from park.model.access import ConnectorStatus, ConnectorStatusChanged, OccupancyChanged, StopSession
from park.model.demand import DemandChanged
from park.model.evse import EvseLost, PilotOutput, PilotState, SetLock, Signal
from park.model.session import ReadingContext, StopReason
from park.model.signals import Start
from tests.support.charge_point_harness import NAME, ChargePointHarness, settings

S = ConnectorStatus


def error(park: ChargePointHarness) -> str:
    return park.last(ConnectorStatusChanged).error_code


@pytest.mark.rule("B-238")
@pytest.mark.rule("B-251")
def test_a_plug_that_cannot_be_locked_gets_no_current_and_the_lock_tries_again() -> None:
    park = ChargePointHarness()
    park.electronics.stuck_lock = False
    park.plug()
    park.authorize()
    park.keep_granting(16_000)
    park.advance(15)
    assert park.fault_codes == {"PlugLockCannotLock"}
    assert (park.status, error(park)) == (S.FAULTED, "ConnectorLockFailure")
    assert [e.closed for e in park.effects(SetLock)] == [True, False, True, False, True]
    assert park.electronics.output is PilotOutput.IDLE
    assert not park.started
    park.electronics.stuck_lock = None
    park.advance(65)
    assert park.state.session.phase is Phase.RUNNING
    assert not park.fault_codes


@pytest.mark.rule("B-238")
@pytest.mark.rule("B-171")
def test_a_lock_that_opens_by_itself_interrupts_charging_until_it_is_closed_again() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.stuck_lock = False
    park.electronics.lock = False
    park.report_changes()
    assert park.fault_codes == {"PlugLockMotorUnexpectedOpen"}
    assert park.electronics.output is PilotOutput.IDLE
    park.advance(3)
    assert not park.electronics.closed
    assert not park.ended
    park.electronics.stuck_lock = None
    park.advance(30)
    assert park.status is S.CHARGING


def test_a_lock_without_feedback_is_a_fault_not_a_silence() -> None:
    park = ChargePointHarness()
    park.electronics.lock = None
    park.electronics.ohms = 220.0
    park.plug()
    park.authorize()
    park.advance(15)
    assert park.fault_codes == {"PlugLockCannotLock"}
    assert not park.started


@pytest.mark.rule("B-239")
def test_a_lock_that_closes_by_itself_prevents_charging() -> None:
    park = ChargePointHarness()
    park.plug()
    park.unplug()
    park.electronics.stuck_lock = True
    park.electronics.lock = True
    park.report_changes()
    assert park.fault_codes == {"PlugLockMotorUnexpectedClose"}
    assert park.status is S.FAULTED
    assert not park.last(OccupancyChanged).available


@pytest.mark.rule("B-239")
def test_a_plug_that_cannot_be_unlocked_is_told_without_touching_the_pilot() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.stuck_lock = True
    park.unplug(cable_stays=True)
    park.advance(15)
    assert "PlugLockCannotUnlock" in park.fault_codes
    assert (park.status, error(park)) == (S.FINISHING, "ConnectorLockFailure")
    assert park.electronics.output is PilotOutput.IDLE


@pytest.mark.rule("B-238")
def test_a_lock_without_stored_energy_gets_no_current() -> None:
    park = ChargePointHarness()
    park.fault("lock_supply")
    park.plug()
    park.authorize()
    park.keep_granting(16_000)
    park.advance(5)
    assert park.fault_codes == {"PlugLockMotorCapNotCharged"}
    assert not park.started
    assert park.electronics.output is PilotOutput.IDLE


@pytest.mark.rule("B-240")
def test_without_its_meter_a_point_starts_nothing() -> None:
    park = ChargePointHarness()
    park.lose_meter()
    assert (park.status, error(park)) == (S.FAULTED, "PowerMeterFailure")
    park.plug()
    park.authorize()
    park.advance(3)
    assert not park.started
    park.meter_works = True
    park.advance(1)
    assert len(park.started) == 1


@pytest.mark.rule("B-240")
@pytest.mark.rule("B-181")
def test_a_running_session_survives_its_meter_and_its_end_waits_for_a_reading() -> None:
    park = ChargePointHarness(settings(sample_interval_seconds=5))
    park.begin()
    park.advance(20)
    last = int(park.energy)
    park.lose_meter()
    before = len(park.metered)
    park.advance(20)
    assert park.status is S.CHARGING
    assert error(park) == "PowerMeterFailure"
    assert len(park.metered) == before
    park.unplug()
    park.advance(9)
    assert not park.ended
    park.advance(2)
    assert park.ended[0].meter_stop_wh == pytest.approx(last, abs=10)
    assert park.metered[-1].context is ReadingContext.TRANSACTION_END


def test_a_meter_that_never_answers_is_a_fault_after_a_while() -> None:
    park = ChargePointHarness(start=False)
    park.meter_works = False
    park.send(Start())
    assert park.status is S.AVAILABLE
    park.advance(11)
    assert park.fault_codes == {"MeterCommunicationError"}


@pytest.mark.rule("B-244")
@pytest.mark.rule("B-256")
def test_a_ground_fault_cuts_at_once_and_keeps_the_plug_until_the_vehicle_leaves() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.follows = False
    park.fault("rcd")
    assert not park.electronics.closed
    assert park.electronics.output is PilotOutput.IDLE
    assert park.electronics.lock is True
    assert (park.status, error(park)) == (S.FAULTED, "GroundFailure")
    park.fault()
    park.advance(5)
    assert park.status is S.FAULTED
    park.unplug()
    park.advance(2)
    assert park.electronics.lock is False
    assert park.status is S.AVAILABLE


@pytest.mark.rule("B-242")
@pytest.mark.rule("B-256")
def test_an_rcd_tripped_without_a_session_shuts_down_and_locks_nothing() -> None:
    park = ChargePointHarness()
    park.begin()
    park.fault("rcd")
    park.unplug()
    park.advance(2)
    assert park.fault_codes == {"SpuriousRcdError"}
    assert park.electronics.output is PilotOutput.FAULT
    park.plug()
    park.authorize()
    park.advance(2)
    assert park.electronics.lock is False
    assert len(park.started) == 1


@pytest.mark.rule("B-245")
@pytest.mark.rule("B-250")
@pytest.mark.rule("B-252")
def test_the_emergency_input_enters_the_safe_state_in_the_same_step() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.follows = False
    park.fault("emergency")
    electronics = park.electronics
    assert (electronics.output, electronics.amps_ma, electronics.permitted) == (PilotOutput.FAULT, 0, False)
    assert electronics.lock is False
    park.advance(2)
    assert park.ended[0].reason is StopReason.EMERGENCY_STOP
    assert park.status is S.FAULTED
    park.unplug()
    park.fault()
    assert park.status is S.AVAILABLE


@pytest.mark.rule("B-250")
def test_an_unknown_device_fault_enters_the_recoverable_safe_state() -> None:
    park = ChargePointHarness()
    park.begin()
    park.fault("fan")
    assert park.electronics.output is PilotOutput.IDLE
    park.advance(3)
    assert not park.electronics.closed
    [shown] = park.last(ChargePointReported).faults
    assert "fan" in shown.cause
    park.fault()
    park.advance(20)
    assert park.status is S.CHARGING


@pytest.mark.rule("B-247")
@pytest.mark.parametrize(("ohms", "code"), [(None, "ProximityNoCable"), (4_000.0, "ProximityInvalid")])
def test_lost_proximity_stops_the_current_and_keeps_a_charging_plug_locked(ohms: float | None, code: str) -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.ohms = ohms
    park.report_changes()
    park.advance(1.1)
    assert park.fault_codes == {code}
    assert park.electronics.output is PilotOutput.IDLE
    assert park.electronics.lock is True


@pytest.mark.rule("B-247")
def test_without_proximity_a_plug_is_not_locked_and_nothing_starts() -> None:
    park = ChargePointHarness()
    park.plug(ohms=4_000.0)
    park.authorize()
    park.keep_granting(16_000)
    park.advance(3)
    assert park.fault_codes == {"ProximityInvalid"}
    assert park.electronics.lock is False
    assert not park.started
    assert park.electronics.output is PilotOutput.IDLE


def test_a_bouncing_plug_is_no_fault() -> None:
    park = ChargePointHarness()
    park.plug(ohms=4_000.0)
    park.advance(0.5)
    park.plug(ohms=220.0)
    park.advance(5)
    assert not park.fault_codes
    assert park.electronics.lock is True


@pytest.mark.rule("B-248")
@pytest.mark.parametrize(("ohms", "amps_ma"), [(1_500.0, 13_000), (100.0, 20_000)])
def test_a_proximity_change_keeps_the_lower_limit_until_unplug(ohms: float, amps_ma: int) -> None:
    park = ChargePointHarness()
    park.plug(680.0)
    park.authorize()
    park.keep_granting(32_000)
    park.advance(8)
    park.electronics.ohms = ohms
    park.report_changes()
    park.advance(10)
    assert park.electronics.amps_ma == amps_ma
    assert park.fault_codes == {"ProximityChanged"}
    assert park.status is S.CHARGING
    park.electronics.ohms = 220.0
    park.report_changes()
    assert park.electronics.amps_ma == amps_ma
    park.unplug()
    assert not park.fault_codes


@pytest.mark.rule("B-339")
def test_small_cables_may_be_rejected() -> None:
    park = ChargePointHarness(settings(reject_cables_below_ma=20_000))
    park.plug(1_500.0)
    park.authorize()
    park.advance(2)
    assert park.fault_codes == {"CableRejected"}
    assert park.electronics.lock is False
    assert not park.started


def test_a_shorted_pilot_cuts_at_once_and_keeps_the_session() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.shorted = True
    park.report_changes()
    assert not park.electronics.permitted
    assert error(park) == "EVCommunicationError"
    park.advance(5)
    park.electronics.shorted = False
    park.report_changes()
    park.advance(15)
    assert park.status is S.CHARGING
    assert not park.ended


def test_state_f_that_nobody_asked_for_is_a_fault() -> None:
    park = ChargePointHarness()
    park.pilot(PilotState.F)
    assert park.fault_codes == {"PilotUnavailable"}


def test_lost_electronics_withdraw_the_demand_and_keep_the_session() -> None:
    park = ChargePointHarness()
    park.begin()
    park.connected = False
    park.send(EvseLost(NAME, "no answer on /dev/ttyS1"))
    assert (park.status, error(park)) == (S.FAULTED, "InternalError")
    assert not park.last(DemandChanged).wants
    assert park.last(DemandChanged).drawing
    shown = park.last(ChargePointReported)
    assert (shown.state, shown.signalled_ma) == (None, None)
    assert "/dev/ttyS1" in shown.faults[0].cause
    commands = len(park.effects(Signal))
    park.advance(30)
    assert len(park.effects(Signal)) == commands
    assert not park.ended
    park.connected = True
    park.send(park.electronics.report())
    park.advance(15)
    assert park.status is S.CHARGING
    assert len(park.started) == 1


def test_a_session_stopped_while_the_electronics_are_away_still_ends() -> None:
    park = ChargePointHarness()
    park.begin()
    park.connected = False
    park.send(EvseLost(NAME, "gone"))
    park.send(StopSession(NAME, None, StopReason.REMOTE))
    park.advance(59)
    assert not park.ended
    park.advance(2)
    assert park.ended[0].reason is StopReason.REMOTE


def test_electronics_that_restart_are_told_everything_again() -> None:
    park = ChargePointHarness()
    park.begin()
    electronics = park.electronics
    electronics.token, electronics.amps_ma, electronics.output, electronics.permitted = -1, 0, PilotOutput.IDLE, False
    electronics.expires = float("inf")
    park.report_changes()
    assert electronics.amps_ma == 16_000
    park.advance(10)
    assert park.status is S.CHARGING


@pytest.mark.rule("B-270")
def test_a_fixed_cable_has_neither_lock_nor_proximity() -> None:
    park = ChargePointHarness(settings(outlet=Outlet.CABLE, cable_rating_ma=20_000))
    park.plug()
    park.authorize()
    park.keep_granting(32_000)
    park.advance(8)
    assert park.status is S.CHARGING
    assert park.electronics.amps_ma == 20_000
    assert not park.effects(SetLock)
    park.unplug()
    park.advance(2)
    assert park.status is S.AVAILABLE


@pytest.mark.rule("B-174")
def test_a_cleared_fault_is_named_in_the_info() -> None:
    park = ChargePointHarness()
    park.fault("fan")
    park.fault()
    told = park.last(ConnectorStatusChanged)
    assert (told.status, told.error_code, told.info) == (S.AVAILABLE, "NoError", "IOCU cleared")


@pytest.mark.rule("B-204")
@pytest.mark.rule("B-205")
def test_of_several_faults_the_most_important_is_told() -> None:
    park = ChargePointHarness()
    park.fault("fan", "emergency", "contactor")
    told = park.last(ConnectorStatusChanged)
    assert (told.error_code, told.info) == ("PowerSwitchFailure", "ContactorFeedback")
    assert [fault.code for fault in park.last(ChargePointReported).faults] == [
        "ContactorFeedback",
        "EmergencyShutdown",
        "DeviceFault",
    ]


def test_every_fault_tells_a_technician_cause_and_remedy() -> None:
    kinds = [value for value in vars(faults).values() if isinstance(value, faults.FaultKind)]
    assert {kind.code for kind in kinds} == set(faults.RANK)
    assert all(len(kind.cause) > 20 and len(kind.remedy) > 20 for kind in kinds)
