"""Grants that may not outlast what they share out, and the lapse currents that wait for those that do."""

from __future__ import annotations

import pytest

from park.load.lease import CLOCK_MARGIN, Leases, lease_and_guard
from park.load.tenure import Tenure

LEASE = 10.0


def test_without_an_end_a_grant_lasts_its_lease():
    tenure = Tenure(LEASE)
    assert tenure.valid_for(heard=100.0) == LEASE
    assert tenure.sent(100.0, LEASE) == 100.0 + lease_and_guard(LEASE)


def test_a_grant_ends_before_the_end_even_on_a_slow_clock():
    tenure = Tenure(LEASE)
    assert tenure.end_at(106.0)
    assert tenure.valid_for(heard=100.0) * CLOCK_MARGIN == pytest.approx(6.0)
    assert tenure.valid_for(heard=106.0) == 0.0
    assert tenure.valid_for(heard=50.0) == LEASE


def test_lapse_currents_rise_only_when_every_grant_that_outlasts_the_end_is_over():
    tenure = Tenure(LEASE)
    tenure.sent(100.0, LEASE)
    tenure.end_at(108.0)
    assert tenure.lapse_ma(6_000, counted_ma=0, now=110.4) == 0
    assert tenure.lapse_ma(0, counted_ma=6_000, now=110.4) == 0
    assert tenure.lapse_ma(6_000, counted_ma=0, now=110.6) == 6_000


def test_an_end_that_moves_on_keeps_no_lapse_current_waiting():
    tenure = Tenure(LEASE)
    tenure.end_at(108.0)
    tenure.sent(100.0, tenure.valid_for(100.0))
    tenure.end_at(111.0)
    assert tenure.lapse_ma(6_000, counted_ma=0, now=101.0) == 6_000
    assert not tenure.end_at(111.0)


def test_a_shorter_grant_may_be_lost_so_the_longer_one_before_counts_to_its_end():
    leases = Leases(has_deadman=True)
    leases.sent(1, 10_000, 0, until=20.0)
    leases.sent(2, 10_000, 0, until=14.0)
    assert leases.highest_ma(24.9) == 10_000
    leases.confirmed(2, 0, 11.0)
    leases.sent(3, 6_000, 0, until=15.0)
    assert leases.highest_ma(24.9) == 10_000
