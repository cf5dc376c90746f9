"""Sessions from plug and card to the durable end, told as a driver lives them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from park.charging.report import ChargePointReported, charging_duration, plugged_duration
from park.charging.session import Phase
from park.charging.settings import Outlet, StopMode
from park.model.access import (
    ConnectorStatus,
    ConnectorStatusChanged,
    Done,
    OccupancyChanged,
    Refused,
    RemoteStop,
    SettingChanged,
    StopSession,
)
from park.model.demand import DemandChanged
from park.model.evse import EvseTraits, PilotState, SetContactor, SetLock, Signal
from park.model.session import ReadingContext, RecordFact, SessionStarted, StopReason, TransactionAssigned
from park.model.signals import Start, Tick
from tests.support.charge_point_harness import NAME, ChargePointHarness, settings

S = ConnectorStatus


def statuses(park: ChargePointHarness) -> list[ConnectorStatus]:
    return [effect.status for effect in park.effects(ConnectorStatusChanged)]


def stop(park: ChargePointHarness, reason: StopReason = StopReason.LOCAL, tag: str | None = "AA") -> None:
    park.send(StopSession(NAME, None, reason, tag))


def test_plug_card_charge_card_unplug() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    park.advance(60)
    stop(park)
    park.advance(5)
    assert park.state.session.phase is Phase.FINISHED
    park.unplug()
    [started], [ended] = park.started, park.ended
    assert (started.id_tag, started.authorized_by, started.ordinal, started.meter_start_wh) == (
        "AA",
        "whitelist",
        0,
        1_000,
    )
    assert (ended.reason, ended.id_tag, ended.meter_stop_wh) == (StopReason.LOCAL, "AA", int(park.energy))
    assert ended.meter_stop_wh > started.meter_start_wh
    assert statuses(park) == [
        S.AVAILABLE,
        S.PREPARING,
        S.SUSPENDED_EVSE,
        S.SUSPENDED_EV,
        S.SUSPENDED_EVSE,
        S.CHARGING,
        S.FINISHING,
        S.AVAILABLE,
    ]


def test_card_before_plug() -> None:
    park = ChargePointHarness()
    park.authorize()
    assert park.status is S.PREPARING
    park.advance(30)
    park.plug()
    park.keep_granting(16_000)
    park.advance(8)
    assert park.status is S.CHARGING


@pytest.mark.rule("B-053")
def test_free_charging_starts_right_after_the_vehicle_is_connected() -> None:
    park = ChargePointHarness()
    park.plug()
    assert park.last(OccupancyChanged).waiting_for_card
    park.authorize(tag="FREE", by="free")
    assert park.state.session.phase is Phase.RUNNING
    assert park.started[0].authorized_by == "free"


@pytest.mark.rule("B-057")
def test_after_the_card_the_plug_must_follow_in_time() -> None:
    park = ChargePointHarness(settings(plug_timeout_seconds=30.0))
    park.authorize()
    park.advance(29)
    assert park.status is S.PREPARING
    park.advance(2)
    assert park.status is S.AVAILABLE
    park.plug()
    park.advance(5)
    assert not park.started


ROUNDED = 35.510028612843776  # (ROUNDED + 60) - ROUNDED < 60: as seconds are counted, the deadline comes too early


@pytest.mark.rule("B-057")
def test_a_deadline_that_is_rounded_down_forgets_the_card_all_the_same() -> None:
    """R31: nothing else wakes the charge point, and the next vehicle would have charged with the card of before."""
    park = ChargePointHarness(settings(meter=None, plug_timeout_seconds=60.0), start=False)
    park.mono = ROUNDED - 1.0
    park.send(Start())
    park.mono = ROUNDED
    assert (park.mono + 60.0) - park.mono < 60.0
    park.authorize()
    park.advance(60.5)
    assert park.status is S.AVAILABLE
    park.advance(30.0)
    park.plug()
    park.advance(5)
    assert not park.started


@pytest.mark.rule("B-057")
def test_a_vehicle_that_comes_after_the_time_and_before_any_tick_gets_nothing() -> None:
    park = ChargePointHarness(settings(meter=None, plug_timeout_seconds=30.0))
    park.authorize()
    park.mono += 30.0
    park.plug()
    assert not park.started
    park.authorize("BB")
    park.advance(5)
    assert [start.id_tag for start in park.started] == ["BB"]


@pytest.mark.rule("B-118")
def test_a_deadline_that_is_rounded_down_expires_a_vehicle_without_a_card() -> None:
    park = ChargePointHarness(settings(meter=None, card_timeout_seconds=60.0), start=False)
    park.mono = ROUNDED - 1.0
    park.send(Start())
    park.mono = ROUNDED
    park.plug()
    park.advance(60.5)
    park.authorize()
    park.advance(5)
    assert not park.started


def test_the_backend_changes_the_plug_timeout_while_somebody_waits() -> None:
    park = ChargePointHarness(settings(plug_timeout_seconds=30.0))
    park.authorize()
    park.send(SettingChanged("ConnectionTimeOut", 100))
    park.advance(60)
    assert park.status is S.PREPARING
    park.advance(41)
    assert park.status is S.AVAILABLE


@pytest.mark.rule("B-117")
@pytest.mark.parametrize("seconds", [10, 30, 900])
def test_the_plug_is_waited_for_as_long_as_the_key_says(seconds: int) -> None:
    park = ChargePointHarness()
    park.send(SettingChanged("ConnectionTimeOut", seconds))
    park.authorize()
    park.advance(seconds - 1)
    assert park.status is S.PREPARING
    park.advance(2)
    assert park.status is S.AVAILABLE
    park.plug()
    park.advance(5)
    assert not park.started


@pytest.mark.rule("B-118")
def test_after_the_plug_the_card_must_follow_in_time() -> None:
    park = ChargePointHarness(settings(card_timeout_seconds=60.0))
    park.plug()
    park.advance(59)
    assert park.last(OccupancyChanged).waiting_for_card
    park.advance(2)
    assert park.status is S.FINISHING
    assert not park.last(OccupancyChanged).waiting_for_card
    assert park.electronics.lock is False
    park.authorize()
    park.advance(5)
    assert not park.started
    park.unplug()
    park.plug()
    park.authorize()
    assert park.started


@pytest.mark.rule("B-349")
def test_without_release_nothing_is_offered_and_the_vehicle_stays_in_state_b() -> None:
    park = ChargePointHarness()
    park.plug()
    park.keep_granting(16_000)
    park.advance(30)
    assert park.electronics.pilot is PilotState.B
    assert all(signal.amps_ma == 0 for signal in park.effects(Signal))
    assert not park.times(SetContactor, closed=True)


@pytest.mark.rule("B-335")
def test_nothing_is_offered_without_a_vehicle() -> None:
    park = ChargePointHarness()
    park.authorize()
    park.keep_granting(16_000)
    park.advance(10)
    assert park.last(ChargePointReported).signalled_ma == 0


def test_energy_waits_until_the_start_is_on_disk_and_the_fact_is_repeated() -> None:
    park = ChargePointHarness()
    park.advance(6)
    park.persist = False
    park.plug()
    park.authorize()
    park.keep_granting(16_000)
    park.advance(8)
    assert park.state.session.phase is Phase.STARTING
    assert all(signal.amps_ma == 0 for signal in park.effects(Signal))
    starts = [effect.fact for effect in park.effects(RecordFact) if isinstance(effect.fact, SessionStarted)]
    assert len(starts) == 3
    assert len(set(starts)) == 1
    for fact in list(park.state.outbox.waiting):
        park.acknowledge(fact)
    assert park.last(Signal).amps_ma == 16_000


def test_a_new_session_waits_for_the_durable_end_of_the_last() -> None:
    park = ChargePointHarness()
    park.begin()
    park.persist = False
    stop(park)
    park.advance(5)
    assert park.state.session.phase is Phase.ENDING
    park.authorize("BB")
    park.advance(5)
    assert len(park.started) == 1
    for fact in list(park.state.outbox.waiting):
        park.acknowledge(fact)
    park.persist = True
    park.advance(1)
    assert [
        fact.id_tag for fact in park.effects(RecordFact) for fact in [fact.fact] if isinstance(fact, SessionStarted)
    ][-1] == "BB"


def test_the_same_card_before_the_plug_takes_the_authorization_back() -> None:
    park = ChargePointHarness()
    park.authorize()
    stop(park)
    assert park.status is S.AVAILABLE


@pytest.mark.rule("B-058")
@pytest.mark.rule("B-059")
def test_the_vehicle_leaving_ends_the_session_and_frees_the_plug() -> None:
    park = ChargePointHarness()
    park.begin()
    park.unplug(cable_stays=True)
    park.advance(3)
    assert park.ended[0].reason is StopReason.EV_DISCONNECTED
    assert park.electronics.lock is False
    assert park.status is S.FINISHING  # the cable is still in the socket
    park.unplug()
    assert park.status is S.AVAILABLE


@pytest.mark.rule("B-058")
def test_the_cable_may_stay_locked_until_its_owner_comes_back() -> None:
    park = ChargePointHarness(settings(unlock_on_ev_disconnect=False))
    park.begin(tag="AA")
    park.unplug(cable_stays=True)
    park.advance(3)
    assert park.ended[0].reason is StopReason.EV_DISCONNECTED
    assert park.electronics.lock is True
    assert park.last(OccupancyChanged).session_tag == "AA"
    assert (
        park.last(OccupancyChanged).plugged_since is not None
    )  # so that the owner's card is not taken for a second one
    park.authorize("BB")
    assert park.electronics.lock is True
    park.authorize("AA")
    assert park.electronics.lock is False
    assert len(park.started) == 1
    park.unplug()
    assert park.status is S.AVAILABLE


@pytest.mark.rule("B-058")
@pytest.mark.rule("B-059", "B-131")
def test_the_session_may_outlast_the_vehicle_and_go_on_when_it_returns() -> None:
    park = ChargePointHarness(settings(unlock_on_ev_disconnect=False))
    park.send(SettingChanged("StopTransactionOnEVSideDisconnect", value=False))
    park.begin()
    park.unplug(cable_stays=True)
    park.advance(10)
    assert park.status is S.SUSPENDED_EV
    assert park.electronics.amps_ma == 0
    assert park.electronics.lock is True
    park.plug()
    park.advance(10)
    assert park.status is S.CHARGING
    assert len(park.started) == 1
    assert not park.ended


@pytest.mark.rule("B-059")
def test_stop_after_unplugging_ignores_the_card_and_ends_with_the_plug() -> None:
    park = ChargePointHarness(settings(stop_mode=StopMode.AFTER_UNPLUGGING))
    park.begin()
    stop(park)
    assert park.status is S.CHARGING
    park.unplug(cable_stays=True)
    park.advance(5)
    assert not park.ended
    park.unplug()
    park.advance(5)
    assert park.ended[0].reason is StopReason.EV_DISCONNECTED


@pytest.mark.rule("B-059")
def test_stop_by_card_or_remote_only_outlasts_the_vehicle() -> None:
    park = ChargePointHarness(
        settings(stop_mode=StopMode.CARD_OR_REMOTE, outlet=Outlet.CABLE, cable_rating_ma=32_000, meter=None)
    )
    park.begin()
    park.unplug()
    park.advance(5)
    assert park.status is S.SUSPENDED_EV
    stop(park)
    park.advance(1)
    assert park.ended[0].reason is StopReason.LOCAL
    assert park.ended[0].meter_stop_wh == 0
    assert not park.metered


def test_a_remote_stop_ends_exactly_its_session() -> None:
    park = ChargePointHarness()
    park.begin()
    park.send(RemoteStop("r1", NAME, "another", park.slot))
    assert isinstance(park.slot.answers[-1], Refused)
    assert "another" in park.slot.answers[-1].reason
    park.send(RemoteStop("r2", NAME, park.started[0].session, park.slot))
    assert park.slot.answers[-1] == Done("r2")
    park.advance(3)
    assert park.ended[0].reason is StopReason.REMOTE
    park.send(RemoteStop("r3", NAME, park.started[0].session, park.slot))
    assert isinstance(park.slot.answers[-1], Refused)


def test_a_stop_for_another_session_changes_nothing() -> None:
    park = ChargePointHarness()
    park.begin()
    park.send(StopSession(NAME, "another", StopReason.LOCAL))
    park.advance(3)
    assert not park.ended


@pytest.mark.rule("B-120", "B-191")
def test_a_tag_the_backend_refuses_ends_the_session() -> None:
    park = ChargePointHarness()
    park.begin()
    park.send(TransactionAssigned(NAME, park.started[0].session, 42, accepted=False, status="Invalid"))
    park.advance(3)
    assert park.ended[0].reason is StopReason.DE_AUTHORIZED
    assert park.status is S.FINISHING


@pytest.mark.rule("B-120")
def test_by_setting_a_refused_tag_only_gets_no_energy() -> None:
    park = ChargePointHarness(settings(stop_on_invalid_id=False))
    park.begin()
    park.send(TransactionAssigned(NAME, park.started[0].session, 42, accepted=False, status="Blocked"))
    park.advance(20)
    assert not park.ended
    assert park.status is S.SUSPENDED_EVSE
    assert not park.electronics.closed
    assert not park.last(DemandChanged).wants


def test_the_transaction_number_is_shown() -> None:
    park = ChargePointHarness()
    park.begin()
    park.send(TransactionAssigned(NAME, park.started[0].session, 42, accepted=True, status="Accepted"))
    shown = park.last(ChargePointReported).session
    assert shown is not None
    assert (shown.transaction, shown.authorized_by) == (42, "whitelist")


@pytest.mark.rule("B-177", "B-188")
def test_who_suspends_decides_the_status() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.follows = False
    park.pilot(PilotState.B)
    assert park.status is S.SUSPENDED_EV
    park.electronics.follows = True
    park.advance(10)
    assert park.status is S.CHARGING
    park.keep_granting(0)
    park.advance(4)
    assert park.status is S.SUSPENDED_EVSE
    assert park.state.session.phase is Phase.RUNNING


@pytest.mark.rule("B-126", "B-125")
def test_readings_are_taken_at_start_end_and_by_both_intervals() -> None:
    park = ChargePointHarness(settings(sample_interval_seconds=20, clock_interval_seconds=60))
    park.begin()
    park.advance(92)
    stop(park)
    park.advance(3)
    contexts = [fact.context for fact in park.metered]
    assert contexts[0] is ReadingContext.TRANSACTION_BEGIN
    assert contexts[-1] is ReadingContext.TRANSACTION_END
    assert contexts.count(ReadingContext.SAMPLE_PERIODIC) == 5
    clocked = [fact.at for fact in park.metered if fact.context is ReadingContext.SAMPLE_CLOCK]
    assert [at.second for at in clocked] == [0, 0]
    assert [fact.ordinal for fact in park.facts.values()] == list(range(len(park.facts)))
    assert park.metered[-2].offered_ma == 16_000


def test_intervals_change_while_charging() -> None:
    park = ChargePointHarness()
    park.begin()
    park.send(SettingChanged("MeterValueSampleInterval", 10))
    park.send(SettingChanged("ClockAlignedDataInterval", 30))
    park.advance(31)
    contexts = [fact.context for fact in park.metered]
    assert contexts.count(ReadingContext.SAMPLE_PERIODIC) >= 3
    assert contexts.count(ReadingContext.SAMPLE_CLOCK) == 1
    park.send(SettingChanged("MeterValueSampleInterval", 0))
    before = len(park.metered)
    park.send(SettingChanged("ClockAlignedDataInterval", 0))
    park.advance(60)
    assert len(park.metered) == before


def test_a_wall_clock_set_back_takes_no_reading_twice() -> None:
    park = ChargePointHarness(settings(clock_interval_seconds=60))
    park.begin()
    park.advance(60)
    taken = [fact for fact in park.metered if fact.context is ReadingContext.SAMPLE_CLOCK]
    park.wall_offset = timedelta(hours=-1)
    park.advance(60)
    assert len([f for f in park.metered if f.context is ReadingContext.SAMPLE_CLOCK]) == len(taken)
    park.advance(60)
    assert len([f for f in park.metered if f.context is ReadingContext.SAMPLE_CLOCK]) == len(taken) + 1


def test_readings_of_a_session_have_times_of_their_own_even_when_the_clock_is_set_back() -> None:
    park = ChargePointHarness(settings(sample_interval_seconds=30))
    park.begin()
    park.advance(65)
    park.wall_offset = timedelta(minutes=-10)
    park.advance(130)
    park.unplug()
    park.advance(5)
    times = [fact.at.isoformat(timespec="milliseconds") for fact in park.metered]
    assert len(times) > 4
    assert len(set(times)) == len(times)


def test_a_session_never_runs_backwards_in_time() -> None:
    park = ChargePointHarness(settings(sample_interval_seconds=30))
    park.begin()
    park.advance(130)
    [started] = park.started
    park.wall_offset = timedelta(days=-1)
    park.advance(130)
    park.unplug()
    park.advance(10)
    [ended] = park.ended
    times = [fact.at for fact in park.facts.values()]
    assert len(times) >= 6
    assert times == sorted(times)
    assert ended.at >= started.at


def test_a_journal_that_does_not_answer_stops_readings_before_memory_fills() -> None:
    park = ChargePointHarness(settings(sample_interval_seconds=1))
    park.begin()
    park.persist = False
    park.advance(120)
    assert len(park.state.outbox.waiting) == 64
    assert "JournalSilent" in park.fault_codes
    assert park.status is S.CHARGING


@pytest.mark.rule("B-334")
def test_durations_of_charging_and_of_being_plugged() -> None:
    park = ChargePointHarness()
    park.begin()
    park.advance(52)
    report = park.last(ChargePointReported)
    assert plugged_duration(report, park.mono) == 60.0
    charged = charging_duration(report, park.mono)
    assert 50.0 < charged <= 60.0
    park.electronics.follows = False
    park.pilot(PilotState.B)
    park.advance(20)
    report = park.last(ChargePointReported)
    assert charging_duration(report, park.mono) == charged
    assert plugged_duration(report, park.mono) == 80.0
    park.unplug()
    report = park.last(ChargePointReported)
    assert plugged_duration(report, park.mono) == 0.0
    assert charging_duration(report, park.mono) == 0.0


@pytest.mark.rule("B-337")
def test_the_plug_is_locked_at_plug_in_and_freed_at_the_end() -> None:
    park = ChargePointHarness()
    park.plug()
    assert park.electronics.lock is True
    park.unplug()
    assert park.electronics.lock is False
    park.begin()
    stop(park)
    park.advance(3)
    assert park.electronics.lock is False
    assert park.times(SetLock, closed=False)[-1] >= park.times(SetContactor, closed=False)[-1]


def test_an_outlet_without_lock_charges_without() -> None:
    traits = EvseTraits(has_deadman=True, resolution_ma=100, switchable_phases=False, has_lock=False)
    park = ChargePointHarness(settings(traits=traits))
    park.electronics.lock = None
    park.electronics.ohms = 220.0
    park.begin()
    assert not park.effects(SetLock)


@pytest.mark.rule("B-132")
@pytest.mark.parametrize("mode", list(StopMode))
def test_without_a_lock_the_vehicle_leaving_always_ends_the_session(mode: StopMode) -> None:
    traits = EvseTraits(has_deadman=True, resolution_ma=100, switchable_phases=False, has_lock=False)
    park = ChargePointHarness(settings(traits=traits, stop_mode=mode, stop_on_ev_disconnect=False))
    park.electronics.lock = None
    park.electronics.ohms = 220.0
    park.begin()
    park.unplug(cable_stays=True)
    park.advance(5)
    assert park.ended[0].reason is StopReason.EV_DISCONNECTED


def test_no_status_is_told_twice() -> None:
    park = ChargePointHarness()
    park.begin()
    stop(park)
    park.advance(5)
    park.unplug()
    told = [(e.status, e.error_code, e.info) for e in park.effects(ConnectorStatusChanged)]
    assert all(a != b for a, b in pairwise(told))


def test_the_plug_stays_locked_while_current_may_flow() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.stuck_contactor = True
    park.unplug(cable_stays=True)
    park.advance(1)
    assert park.electronics.lock is True
    park.electronics.stuck_contactor = None
    park.report_changes()
    park.advance(1)
    assert park.electronics.lock is False


def test_the_last_reading_is_taken_after_the_contactor_opened() -> None:
    park = ChargePointHarness()
    park.begin(32_000)
    park.advance(0.9)  # 22 kW for 0.9 s: 5 Wh nobody has read yet
    stop(park)
    park.unplug()
    opened = park.mono
    assert not park.ended
    park.advance(0.2)
    assert park.mono > opened
    assert park.ended[0].meter_stop_wh == int(park.energy)
    assert park.metered[-1].sample.energy_wh == int(park.energy)


def test_after_a_standstill_the_last_reading_is_still_taken() -> None:
    """The process is stopped between plug and reading: nobody has asked the meter when the time for it is over."""
    park = ChargePointHarness()
    park.begin(32_000)
    park.advance(0.9)
    stop(park)
    park.unplug()
    park.mono += 33.0
    park.send(Tick())
    assert not park.ended
    park.advance(1)
    assert park.ended[0].meter_stop_wh == int(park.energy)


def test_after_a_standstill_a_meter_that_is_away_is_not_waited_for_long() -> None:
    park = ChargePointHarness()
    park.begin(32_000)
    park.lose_meter()
    park.unplug()
    park.mono += 70.0
    park.send(Tick())
    assert not park.ended
    park.advance(3.1)
    assert len(park.ended) == 1


def test_a_vehicle_that_comes_while_the_last_reading_is_awaited_is_another_one() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    park.advance(10)
    park.lose_meter()
    park.unplug()
    park.advance(2)
    assert park.state.session.phase is Phase.STOPPING
    park.plug()
    park.advance(10)
    assert [each.reason for each in park.ended] == [StopReason.EV_DISCONNECTED]
    assert park.last(OccupancyChanged).session_tag is None
    assert park.state.session.phase is Phase.IDLE
