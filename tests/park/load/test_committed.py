from __future__ import annotations

import pytest

from park.load.circuit import Placement
from park.load.committed import Commitment
from park.load.lease import lease_and_guard
from park.model.demand import CurrentSignalled

LEASE = 10.0
UNTIL = lease_and_guard(LEASE)


def point(**changes: object) -> Commitment:
    return Commitment(Placement("cp", "n", "grid", **changes), LEASE, began=0.0)  # type: ignore[arg-type]


def report(amps: int, sequence: int, lapse: int = 0, *, open_: bool = False, foreign: int = 0) -> CurrentSignalled:
    return CurrentSignalled("cp", amps, lapse, 1, sequence or foreign, open_, 0.0)


def known(**changes: object) -> Commitment:
    """Signals 0 A with its contactor open, lapse 0."""
    commitment = point(**changes)
    commitment.reported(report(0, 0, open_=True), 0, 0.0)
    return commitment


def test_a_lease_counts_five_percent_and_a_second_longer():
    assert lease_and_guard(10.0) == 11.5


def test_a_grant_counts_from_when_it_is_sent():
    commitment = known()
    commitment.leases.sent(1, 16_000, 0, UNTIL)
    assert commitment.promised_ma(0.0) == 16_000


def test_a_reduction_counts_only_when_the_evse_read_it_back_and_the_vehicle_had_time_to_follow():
    commitment = known()
    commitment.leases.sent(1, 16_000, 0, UNTIL)
    commitment.reported(report(16_000, 1), 1, 1.0)
    commitment.leases.sent(2, 6_000, 0, UNTIL + 1)
    assert commitment.promised_ma(1.5) == 16_000
    commitment.reported(report(6_000, 2), 2, 2.0)
    assert commitment.promised_ma(6.9) == 16_000
    assert commitment.promised_ma(7.0) == 6_000


def test_a_grant_that_was_overtaken_unseen_still_counts_for_the_reaction_time():
    commitment = known()
    commitment.leases.sent(1, 32_000, 0, UNTIL)
    commitment.leases.sent(2, 6_000, 0, UNTIL)
    commitment.reported(report(6_000, 2), 2, 1.0)
    assert commitment.promised_ma(5.9) == 32_000
    assert commitment.promised_ma(6.0) == 6_000


def test_an_open_contactor_needs_no_reaction_time():
    commitment = known()
    commitment.leases.sent(1, 16_000, 0, UNTIL)
    commitment.reported(report(16_000, 1), 1, 1.0)
    commitment.leases.sent(2, 0, 0, UNTIL)
    commitment.reported(report(0, 2, open_=True), 2, 2.0)
    assert commitment.promised_ma(2.0) == 0


def test_a_lost_confirmation_counts_both_grants():
    commitment = known()
    commitment.leases.sent(1, 10_000, 0, UNTIL)
    commitment.reported(report(10_000, 1), 1, 0.5)
    commitment.leases.sent(2, 20_000, 0, UNTIL)
    commitment.leases.sent(3, 12_000, 0, UNTIL)
    assert commitment.promised_ma(1.0) == 20_000
    commitment.reported(report(20_000, 2), 2, 1.5)
    assert commitment.promised_ma(1.5) == 20_000


@pytest.mark.rule("B-090")
def test_a_silent_board_counts_until_lease_guard_and_reaction_then_at_its_lapse_current():
    commitment = known(fallback_ma=6_000)
    commitment.leases.sent(1, 16_000, 6_000, UNTIL)
    commitment.reported(report(16_000, 1, lapse=6_000), 1, 0.0)
    assert commitment.promised_ma(UNTIL + 4.9) == 16_000
    assert commitment.promised_ma(UNTIL + 5.1) == 6_000


def test_without_a_deadman_the_largest_possible_signal_counts_until_it_reports_again():
    commitment = known(has_deadman=False)
    commitment.leases.sent(1, 16_000, 6_000, UNTIL)
    assert commitment.promised_ma(10_000.0) == 16_000
    commitment.reported(report(6_000, 1, lapse=6_000, open_=True), 1, 10_000.0)
    assert commitment.promised_ma(10_000.0) == 6_000


def test_nothing_heard_counts_at_the_maximum_then_at_the_configured_fallback():
    commitment = point(fallback_ma=6_000, maximum_ma=32_000)
    assert commitment.promised_ma(1.0) == 32_000
    assert commitment.promised_ma(UNTIL + 5.0) == 6_000
    assert point(has_deadman=False).promised_ma(10_000.0) == 32_000


def test_the_lapse_current_counts_always_and_lower_only_when_read_back():
    commitment = point()
    commitment.reported(report(0, 0, lapse=6_000, open_=True), 0, 0.0)
    commitment.leases.sent(1, 0, 0, UNTIL)
    assert commitment.promised_ma(1.0) == 6_000
    assert commitment.promised_ma(100.0) == 6_000
    commitment.reported(report(0, 1, lapse=0, open_=True), 1, 100.0)
    assert commitment.promised_ma(100.0) == 0


def test_a_lapse_current_that_was_sent_may_have_been_set_for_ever():
    commitment = known()
    commitment.leases.sent(1, 6_000, 6_000, UNTIL)
    assert commitment.promised_ma(1_000.0) == 6_000


def test_a_grant_of_an_earlier_coordinator_may_allow_more_than_is_signalled():
    commitment = point(maximum_ma=32_000)
    commitment.reported(report(0, 0, foreign=88, open_=True), 0, 0.0)
    assert commitment.promised_ma(1.0) == 32_000
    commitment.leases.sent(1, 0, 0, UNTIL)
    commitment.reported(report(0, 1, open_=True), 1, 2.0)
    assert commitment.promised_ma(2.0) == 0


def test_measured_current_counts_with_one_step_of_the_meter_where_it_is_more():
    commitment = known()
    commitment.leases.sent(1, 16_000, 0, UNTIL)
    commitment.measured_ma, commitment.resolution_ma = (16_000, 17_600, 300), 10
    assert commitment.on_phases(commitment.promised_ma(1.0), (1, 2)) == (16_000, 17_610, 310)


@pytest.mark.parametrize("phase", [0, 1, 2])
@pytest.mark.parametrize(("above_ma", "more_ma"), [(0, 0), (1, 11), (3_000, 3_010)])
def test_on_each_phase_what_is_measured_counts_only_where_it_is_more_than_promised(
    phase: int, above_ma: int, more_ma: int
):
    commitment = known()
    commitment.leases.sent(1, 16_000, 0, UNTIL)
    measured = [16_000, 16_000, 16_000]
    measured[phase] += above_ma
    commitment.measured_ma, commitment.resolution_ma = (measured[0], measured[1], measured[2]), 10
    counted = [16_000, 16_000, 16_000]
    counted[phase] += more_ma
    assert commitment.on_phases(16_000, (1, 2, 3)) == tuple(counted)
