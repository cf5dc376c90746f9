"""When the contactor closes and opens, and when that is a fault."""

from __future__ import annotations

import pytest

from park.charging.contactor import Contactor, Wish, adopt, observe, settle
from park.charging.session import Phase
from park.model.access import ConnectorStatus, ConnectorStatusChanged, StopSession
from park.model.evse import PilotOutput, PilotState, SetContactor
from park.model.session import StopReason
from tests.support.charge_point_harness import NAME, ChargePointHarness, settings


@pytest.mark.rule("B-226")
def test_six_seconds_between_opening_and_closing() -> None:
    park = ChargePointHarness()
    park.begin()
    park.keep_granting(0)
    park.advance(1)
    [*_, opened] = park.times(SetContactor, closed=False)
    park.keep_granting(16_000)
    park.advance(20)
    [*_, closed] = park.times(SetContactor, closed=True)
    assert closed == pytest.approx(opened + 6.0)


@pytest.mark.rule("B-226")
def test_after_a_start_the_contactor_counts_as_just_opened() -> None:
    park = ChargePointHarness()
    started = park.mono
    park.begin()
    assert park.times(SetContactor, closed=True) == [started + 6.0]


def test_the_pilot_goes_steady_before_the_contactor_opens() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.follows = False
    park.send(StopSession(NAME, None, StopReason.LOCAL, "AA"))
    stopped = park.mono
    assert park.electronics.output is PilotOutput.IDLE
    assert park.electronics.closed
    park.advance(10)
    assert park.times(SetContactor, closed=False)[-1] == pytest.approx(stopped + 3.0)


def test_state_b_opens_the_contactor_at_once() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.follows = False
    park.pilot(PilotState.B)
    assert park.times(SetContactor, closed=False)[-1] == park.mono


def test_an_offer_within_the_three_seconds_keeps_the_contactor() -> None:
    switch = adopt(Contactor(), closed=False, mono=0.0)
    switch, command = settle(switch, Wish.CLOSE, ready=True, mono=10.0)
    assert command is True
    switch = observe(switch, closed=True, ready=True, mono=10.1)
    switch, command = settle(switch, Wish.RELEASE, ready=True, mono=20.0)
    assert command is None
    switch, command = settle(switch, Wish.HOLD, ready=True, mono=22.0)
    switch, command = settle(switch, Wish.RELEASE, ready=True, mono=24.0)
    assert command is None
    _, command = settle(switch, Wish.RELEASE, ready=True, mono=27.0)
    assert command is False


@pytest.mark.rule("B-237")
@pytest.mark.rule("B-250")
def test_a_welded_contactor_stops_the_session_frees_the_plug_and_shuts_the_pilot_down() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.stuck_contactor = True
    park.send(StopSession(NAME, None, StopReason.LOCAL, "AA"))
    park.advance(15)
    assert park.fault_codes == {"ContactorFeedback"}
    assert park.electronics.output is PilotOutput.FAULT
    assert park.electronics.lock is False
    assert park.status is ConnectorStatus.FAULTED
    assert park.last(ConnectorStatusChanged).error_code == "PowerSwitchFailure"
    assert len(park.ended) == 1


@pytest.mark.rule("B-237")
def test_a_contactor_that_does_not_close_ends_the_session() -> None:
    park = ChargePointHarness()
    park.electronics.stuck_contactor = False
    park.plug()
    park.authorize()
    park.keep_granting(16_000)
    park.advance(10)
    assert park.ended[0].reason is StopReason.OTHER
    assert park.electronics.output is PilotOutput.FAULT
    assert park.state.session.phase is Phase.FINISHED


def test_a_repaired_contactor_is_trusted_after_a_minute() -> None:
    park = ChargePointHarness()
    park.electronics.stuck_contactor = True
    park.report_changes()
    park.advance(5)
    assert park.status is ConnectorStatus.FAULTED
    park.electronics.stuck_contactor = None
    park.report_changes()
    park.advance(55)
    assert park.status is ConnectorStatus.FAULTED
    park.advance(10)
    assert park.status is ConnectorStatus.AVAILABLE
    assert park.last(ConnectorStatusChanged).info == "ContactorFeedback cleared"


@pytest.mark.rule("B-340")
@pytest.mark.rule("B-104")
def test_state_d_is_refused_until_unplug_or_accepted_by_setting() -> None:
    park = ChargePointHarness()
    park.begin()
    park.electronics.follows = False
    park.pilot(PilotState.D)
    assert park.fault_codes == {"VentilationRequired"}
    park.advance(3)
    assert not park.electronics.closed
    park.pilot(PilotState.B)
    assert park.status is ConnectorStatus.FAULTED
    park.unplug()
    assert park.status is not ConnectorStatus.FAULTED

    park = ChargePointHarness(settings(accept_state_d=True))
    park.begin()
    park.electronics.follows = False
    park.pilot(PilotState.D)
    assert park.electronics.closed
    assert park.status is ConnectorStatus.CHARGING
