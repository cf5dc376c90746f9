from __future__ import annotations

import math

import pytest

from park.load.circuit import Placement
from park.load.committed import Commitment
from park.load.lease import FOLLOWED_SECONDS, lease_and_guard
from park.load.told import Told
from park.model.demand import CurrentSignalled

LEASE = 10.0
UNTIL = lease_and_guard(LEASE)


LONG_AGO = -(UNTIL + FOLLOWED_SECONDS)  # nothing of an earlier coordinator is in force any more


def point(began: float = 0.0, **changes: object) -> Commitment:
    return Commitment(Placement("cp", "n", "grid", **changes), LEASE, began)  # type: ignore[arg-type]


def report(amps: int, sequence: int, lapse: int = 0, *, open_: bool = False, foreign: int = 0) -> CurrentSignalled:
    return CurrentSignalled("cp", amps, lapse, 1, sequence or foreign, open_, 0.0)


def known(**changes: object) -> Commitment:
    """Signals 0 A with its contactor open, lapse 0."""
    commitment = point(LONG_AGO, **changes)
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
    assert commitment.promised_ma(7.2) == 16_000
    assert commitment.promised_ma(7.25) == 6_000  # five seconds on a clock that may be 5 % fast


def test_a_grant_that_was_overtaken_unseen_still_counts_for_the_reaction_time():
    commitment = known()
    commitment.leases.sent(1, 32_000, 0, UNTIL)
    commitment.leases.sent(2, 6_000, 0, UNTIL)
    commitment.reported(report(6_000, 2), 2, 1.0)
    assert commitment.promised_ma(6.2) == 32_000
    assert commitment.promised_ma(6.25) == 6_000


def test_an_open_contactor_needs_no_reaction_time():
    commitment = known()
    commitment.leases.sent(1, 16_000, 0, UNTIL)
    commitment.reported(report(16_000, 1), 1, 1.0)
    commitment.leases.sent(2, 0, 0, UNTIL)
    commitment.reported(report(0, 2, open_=True), 2, 2.0)
    assert commitment.promised_ma(2.0) == 0


def test_an_open_contactor_ends_the_reaction_time_of_what_was_signalled_before():
    commitment = known()
    for at, amps in ((1.0, 16_000), (2.0, 6_000)):
        commitment.reported(report(amps, 0), 0, at)
    assert commitment.promised_ma(3.0) == 16_000
    commitment.reported(report(0, 0, open_=True), 0, 3.0)
    assert commitment.promised_ma(3.0) == 0


def test_the_first_grant_of_an_earlier_coordinator_is_one():
    commitment = point()
    commitment.reported(report(0, 0, foreign=1), 0, 0.0)
    assert commitment.holds_unknown(0.0)


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
    assert commitment.promised_ma(UNTIL + 5.2) == 16_000
    assert commitment.promised_ma(UNTIL + 5.3) == 6_000


def test_without_a_deadman_the_largest_possible_signal_counts_until_it_reports_again():
    commitment = known(has_deadman=False)
    commitment.leases.sent(1, 16_000, 6_000, UNTIL)
    assert commitment.promised_ma(10_000.0) == 16_000
    commitment.reported(report(6_000, 1, lapse=6_000, open_=True), 1, 10_000.0)
    assert commitment.promised_ma(10_000.0) == 6_000


def test_nothing_heard_counts_at_the_maximum_then_at_the_configured_fallback():
    commitment = point(fallback_ma=6_000, maximum_ma=32_000)
    assert commitment.promised_ma(1.0) == 32_000
    assert commitment.promised_ma(UNTIL + 5.3) == 6_000
    assert point(has_deadman=False).promised_ma(10_000.0) == 32_000


def test_the_lapse_current_counts_always_and_lower_only_when_read_back():
    commitment = point(LONG_AGO)
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


# ------------------------------------------------------------ at the very instant


def test_a_grant_counts_until_its_end_and_the_reaction_and_not_at_that_instant():
    commitment = known()
    commitment.leases.sent(1, 16_000, 0, UNTIL)
    assert commitment.leases.highest_ma(UNTIL + FOLLOWED_SECONDS - 0.001) == 16_000
    assert commitment.leases.highest_ma(UNTIL + FOLLOWED_SECONDS) == 0


def test_of_several_grants_the_largest_that_is_left_counts():
    leases = known().leases
    for number, amps in enumerate((8_000, 20_000, 12_000, 12_000, 6_000), start=1):
        leases.sent(number, amps, 0, 10.0 * number)
    assert leases.highest_ma(25.2) == 20_000
    assert leases.highest_ma(25.25) == 12_000, "the first of these was replaced by the later one"
    assert leases.highest_ma(45.2) == 12_000
    assert leases.highest_ma(45.25) == 6_000
    assert leases.highest_ma(55.25) == 0
    assert leases.counted_until() == -math.inf


def test_the_newest_grant_says_how_long_it_counts():
    leases = known().leases
    assert leases.counted_until() == -math.inf
    leases.sent(1, 20_000, 0, 10.0)
    leases.sent(2, 8_000, 0, 13.0)
    assert leases.counted_until() == 13.0


def test_a_confirmation_rules_out_what_came_before_it_and_nothing_else():
    leases = known().leases
    for number, amps in enumerate((20_000, 16_000, 12_000), start=1):
        leases.sent(number, amps, 0, UNTIL)
    assert leases.confirmed(1, 0, 0.0) == 0
    assert leases.highest_ma(0.0) == 20_000
    assert leases.confirmed(3, 0, 0.0) == 20_000
    assert leases.highest_ma(0.0) == 12_000
    assert leases.confirmed(2, 0, 0.0) == 0, "it comes late"
    assert leases.confirmed_sequence == 3


def test_without_a_deadman_a_confirmation_ends_what_has_lapsed_with_its_reaction():
    leases = known(has_deadman=False).leases
    leases.sent(1, 16_000, 0, UNTIL)
    leases.confirmed(1, 0, UNTIL + FOLLOWED_SECONDS - 0.001)
    assert leases.highest_ma(1_000.0) == 16_000
    leases.confirmed(1, 0, UNTIL + FOLLOWED_SECONDS)
    assert leases.highest_ma(1_000.0) == 0


def test_lapse_currents_count_from_when_they_are_sent_until_a_later_one_is_confirmed():
    leases = known().leases
    for number, lapse in enumerate((6_000, 8_000, 7_000), start=1):
        leases.sent(number, 16_000, lapse, UNTIL)
    assert leases.lapse_ma(9_000) == 8_000
    leases.confirmed(2, 8_000, 0.0)
    assert leases.lapse_ma(9_000) == 8_000
    leases.confirmed(2, 0, 0.0)
    assert leases.lapse_ma(9_000) == 7_000
    leases.confirmed(3, 7_000, 0.0)
    assert leases.lapse_ma(9_000) == 7_000
    leases.confirmed(3, 6_500, 0.0)
    assert leases.lapse_ma(9_000) == 6_500


def test_the_last_of_equal_lapse_currents_is_the_one_to_be_confirmed():
    leases = known().leases
    leases.sent(1, 16_000, 6_000, UNTIL)
    leases.sent(2, 16_000, 6_000, UNTIL)
    leases.confirmed(1, 0, 0.0)
    assert leases.lapse_ma(0) == 6_000


def test_a_device_that_never_reported_has_the_lapse_current_it_may_have():
    leases = point().leases
    assert leases.lapse_ma(9_000) == 9_000
    leases.sent(1, 16_000, 6_000, UNTIL)
    assert leases.lapse_ma(9_000) == 9_000


def test_what_was_sent_is_unconfirmed_until_it_is_read_back():
    leases = known().leases
    assert not leases.unconfirmed
    leases.sent(1, 16_000, 0, UNTIL)
    assert leases.unconfirmed
    leases.confirmed(1, 0, 0.0)
    assert not leases.unconfirmed


@pytest.mark.parametrize(("first", "then", "counted"), [(16_000, 10_000, 16_000), (10_000, 16_000, 16_000)])
def test_of_earlier_signals_the_largest_counts_as_long_as_its_own_reaction(first: int, then: int, counted: int):
    commitment = known()
    for at, amps in ((0.0, first), (1.0, then), (2.0, 6_000)):
        commitment.reported(report(amps, 1), 1, at)
    assert commitment.promised_ma(2.0) == counted
    ends = 1.0 + FOLLOWED_SECONDS if first > then else 2.0 + FOLLOWED_SECONDS
    assert commitment.promised_ma(ends - 0.001) == counted
    assert commitment.promised_ma(ends) == (then if first > then else 6_000)
    assert commitment.promised_ma(2.0 + FOLLOWED_SECONDS) == 6_000


def test_a_signal_of_a_silent_board_counts_until_nothing_can_hold_it_up():
    commitment = known()
    commitment.reported(report(16_000, 0), 0, 10.0)
    silence = UNTIL + FOLLOWED_SECONDS
    assert commitment.promised_ma(10.0 + silence - 0.001) == 16_000
    assert commitment.promised_ma(10.0 + silence) == 0


def test_a_grant_of_an_earlier_coordinator_is_unknown_for_as_long_as_it_may_last():
    commitment = point(maximum_ma=20_000)
    silence = UNTIL + FOLLOWED_SECONDS
    commitment.reported(report(8_000, 0, foreign=3), 0, silence - 1.0)
    assert commitment.holds_unknown(silence - 0.001)
    assert not commitment.holds_unknown(silence)
    commitment.superseded(100.0)
    assert commitment.holds_unknown(100.0 + silence - 0.001)
    assert not commitment.holds_unknown(100.0 + silence)
    commitment.reported(report(8_000, 4), 4, 101.0)
    assert not commitment.holds_unknown(101.0)


def test_to_a_device_that_signals_by_no_grant_one_of_before_may_be_under_way():
    commitment = point(maximum_ma=20_000)
    commitment.reported(report(0, 0, open_=True), 0, 0.0)
    until = UNTIL + FOLLOWED_SECONDS
    assert commitment.promised_ma(until - 0.001) == 20_000
    assert commitment.promised_ma(until) == 0


def test_a_device_that_confirmed_ours_takes_none_of_before():
    commitment = point(maximum_ma=20_000)
    commitment.reported(report(0, 0, open_=True), 0, 0.0)
    commitment.leases.sent(1, 0, 0, UNTIL)
    commitment.reported(report(0, 1, open_=True), 1, 0.1)
    assert not commitment.holds_unknown(0.1)
    assert commitment.promised_ma(0.1) == 0


def test_a_board_that_is_away_may_have_booted():
    commitment = point(fallback_ma=6_000, boot_ma=8_000)
    commitment.reported(report(0, 0, lapse=6_000, open_=True), 0, 0.0)
    assert (commitment.lapse_ma(), commitment.away_ma()) == (6_000, 8_000)


def test_the_first_signal_that_is_heard_may_have_been_any_before():
    commitment = point(LONG_AGO, maximum_ma=20_000)
    commitment.reported(report(6_000, 0), 0, 1.0)
    assert commitment.promised_ma(1.0 + FOLLOWED_SECONDS - 0.001) == 20_000
    assert commitment.promised_ma(1.0 + FOLLOWED_SECONDS) == 6_000


def test_before_anything_is_heard_nothing_foreign_is_known():
    assert not point().holds_unknown(0.0)


def test_a_meter_without_a_step_counts_as_it_reads():
    commitment = known()
    commitment.measured_ma = (1_000, 2_000, 3_000)
    assert commitment.on_phases(0, ()) == (1_000, 2_000, 3_000)


@pytest.mark.parametrize(
    ("kept", "reported_ma", "forgotten"),
    [
        (Told(6_000, 8_000), 8_000, True),
        (Told(0, 0), 0, True),
        (Told(6_001, 8_000), 8_000, False),
        (Told(6_000, 8_001), 8_000, False),
        (Told(6_000, 8_000), 8_001, False),
        (Told(6_000, 8_000), None, False),
        (None, 8_000, False),
    ],
)
def test_what_was_told_before_is_forgotten_when_neither_board_nor_device_has_it(
    kept: Told | None, reported_ma: int | None, forgotten: bool
):
    before = Told(16_000, 16_000)
    commitment = Commitment(Placement("cp", "n", "grid", fallback_ma=6_000, boot_ma=8_000), LEASE, 0.0, before)
    if kept is not None:
        commitment.keeps(kept)
    commitment.leases.reported_lapse_ma = reported_ma
    commitment.signalled_ma = 0
    later = UNTIL + FOLLOWED_SECONDS
    was_ma = commitment.promised_ma(later)
    assert was_ma == max(16_000 if reported_ma is None else 0, reported_ma or 0)
    assert commitment.lowered() is forgotten
    assert commitment.promised_ma(later) == (reported_ma if forgotten else was_ma)
    assert commitment.told == (Told(6_000, 8_000) if forgotten else before)
    assert not commitment.lowered(), "told once"


def test_a_sample_is_compared_with_what_was_promised_when_it_was_taken():
    """A vehicle that follows in 4.9 s is no vehicle that does not follow, however late its meter is read."""
    commitment = known()
    for sequence, amps, at in ((1, 16_000, 1.0), (2, 6_000, 2.0)):
        commitment.leases.sent(sequence, amps, 0, 100.0)
        commitment.reported(report(amps, sequence), sequence, at)
    followed = 2.0 + FOLLOWED_SECONDS
    assert commitment.promised_ma(followed + 0.5) == 6_000
    assert commitment.promised_at_ma(followed - 0.1, followed + 0.5) == 16_000
    assert commitment.promised_at_ma(followed, followed + 0.5) == 6_000


def test_of_currents_of_before_the_larger_is_remembered_no_longer_than_a_reaction():
    """Two falls, long apart: a sample of between them is compared with what was promised then."""
    commitment = known()
    for sequence, amps, at in ((1, 16_000, 1.0), (2, 10_000, 2.0), (3, 0, 30.0)):
        commitment.leases.sent(sequence, amps, 0, 100.0)
        commitment.reported(report(amps, sequence), sequence, at)
        commitment.promised_ma(at + FOLLOWED_SECONDS)
    now = 30.0 + FOLLOWED_SECONDS + 0.5
    assert commitment.promised_at_ma(now - 1.0, now) == 10_000
    assert commitment.promised_at_ma(now - 0.5, now) == 0


def test_who_signals_nothing_and_falls_to_nothing_is_promised_nothing():
    commitment = known()
    assert (commitment.lapse_ma(), commitment.promised_ma(1.0), commitment.reported_ma) == (0, 0, 0)


@pytest.mark.parametrize(
    ("amps", "lapse", "reported_ma"), [(6_000, 0, 6_000), (0, 8_000, 8_000), (9_000, 8_000, 9_000)]
)
def test_a_device_may_draw_what_it_signals_or_falls_to_by_its_report(amps: int, lapse: int, reported_ma: int):
    commitment = point()
    assert commitment.reported_ma == 0, "nothing was heard of it"
    commitment.reported(report(amps, 1, lapse), 1, 1.0)
    assert commitment.reported_ma == reported_ma


def test_what_another_coordinator_may_have_granted_ends_by_time_alone():
    commitment = known()
    commitment.reported(report(0, 0, foreign=1, open_=True), 0, 5.0)
    commitment.superseded(3.0)
    ends = 3.0 + UNTIL + FOLLOWED_SECONDS
    assert commitment.promised_ma(6.0) == 32_000
    assert commitment.promised_ma(ends - 0.01) == 32_000
    assert commitment.promised_ma(ends) == 0
