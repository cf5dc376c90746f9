"""A board that does not know the date charges, and its facts are dated afterwards: by whoever tells first (B-196)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from park.exchange.connection import in_time
from park.exchange.session import Arrived
from park.model.session import FactDelivered, FactId, FactOffered
from park.model.time import BootTime, Now
from park.ocpp.effects import ClockOffered
from park.ocpp.features.dating import TOGETHER
from tests.support.facts import BEGAN, ended, metered, started
from tests.support.station import ACCEPTED, started_answer
from tests.support.timeless import BOOT, FLOOR, Timeless

TOLD = datetime.fromisoformat(ACCEPTED["currentTime"])  # what the backend's clock shows


def iso(seconds: float) -> str:
    """So long after what the backend told."""
    at = TOLD + timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def with_session(keys: dict[str, str] | None = None) -> Timeless:
    """A session of 60 to 600 s of this boot is queued; it is 1000 s now, and the backend is not there yet."""
    station = Timeless(keys)
    station.start()
    station.mono = 60.0
    station.offer(station.at(60.0, started()))
    station.mono = 300.0
    station.offer(station.at(300.0, metered()))
    station.mono = 600.0
    station.offer(station.at(600.0, ended()))
    station.mono = 1000.0
    return station


def deliver(station: Timeless) -> None:
    """The backend takes all there is."""
    while station.state.flight is not None:
        station.answer(started_answer() if station.sent[-1].action == "StartTransaction" else {})


@pytest.mark.rule("B-196")
@pytest.mark.parametrize("follows", ["true", "false"])
def test_the_time_in_the_answer_to_the_boot_dates_what_was_before_it_in_order(follows: str) -> None:
    station = with_session({"useAsTimeSource": follows})
    station.connect()
    assert station.queued() == 3
    station.answer(ACCEPTED)
    deliver(station)
    assert station.times("StartTransaction") == [iso(-940)]
    assert station.times("MeterValues") == [iso(-700)]
    assert station.times("StopTransaction") == [iso(-400)]
    assert bool(station.of(ClockOffered)) == (follows == "true")
    assert station.queued() == 0


@pytest.mark.rule("B-196")
def test_a_journal_hears_the_times_that_were_told() -> None:
    station = with_session()
    station.connect()
    station.answer(ACCEPTED)
    deliver(station)
    assert [each.at for each in station.of(FactDelivered)] == [
        TOLD + timedelta(seconds=seconds) for seconds in (-940, -700, -400)
    ]


@pytest.mark.rule("B-196")
def test_a_machine_whose_clock_was_set_dates_them_before_the_backend_says_anything() -> None:
    station = with_session()
    station.known, station.wall = True, BEGAN
    station.pass_time(0.0)
    station.connect()
    station.answer({**ACCEPTED, "currentTime": "2031-01-01T00:00:00Z"})
    deliver(station)
    at = (BEGAN + timedelta(seconds=60)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert station.times("StartTransaction") == [at]


@pytest.mark.rule("B-196")
def test_facts_that_come_when_the_date_is_known_are_queued_with_it() -> None:
    station = Timeless()
    station.online()
    station.mono = 50.0
    station.offer(station.at(20.0, started()))
    deliver(station)
    assert station.times("StartTransaction") == [iso(20)]


@pytest.mark.rule("B-196")
@pytest.mark.parametrize("dead_after", range(8))
def test_a_death_at_any_moment_leaves_each_once_and_every_repeat_the_same(dead_after: int) -> None:
    """After so many commits the node is killed, and the backend has what was sent; the machine's boot goes on."""
    station = with_session()
    station.writes = False
    station.connect()
    station.answer(ACCEPTED)
    for _ in range(dead_after):
        if station.pending:
            station.commit()
        elif station.state.flight is not None:
            station.answer(started_answer() if station.sent[-1].action == "StartTransaction" else {})
    station.writes = True
    station.mono += 500.0
    station.restart()
    station.connect()
    station.answer({**ACCEPTED, "currentTime": iso(503)})  # its clock was moved meanwhile
    deliver(station)
    for action, seconds in (("StartTransaction", -940), ("MeterValues", -700), ("StopTransaction", -400)):
        (told,) = set(station.times(action))
        assert told in {iso(seconds), iso(seconds + 3)}
    assert (station.queued(), station.dead()) == (0, [])


@pytest.mark.rule("B-196")
def test_what_an_earlier_boot_could_not_date_keeps_the_earliest_time_it_can_have_been() -> None:
    station = with_session()
    station.boot, station.mono = "boot-3", 5.0
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    deliver(station)
    assert station.times("StartTransaction") == [(FLOOR + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%S.000Z")]


@pytest.mark.rule("B-196")
def test_a_full_disk_sends_nothing_undated_and_dates_it_when_there_is_room() -> None:
    station = with_session()
    station.writes = False
    station.connect()
    station.answer(ACCEPTED)
    station.fail_commit()
    station.answer({})
    assert "StartTransaction" not in station.actions()
    station.writes = True
    station.pass_time(1.0)
    deliver(station)
    assert station.times("StartTransaction") == [iso(-940)]


@pytest.mark.rule("B-196")
def test_readings_that_the_stop_repeats_are_dated_with_the_others() -> None:
    station = with_session({"StopTxnSampledData": "Energy.Active.Import.Register"})
    station.connect()
    station.answer(ACCEPTED)
    deliver(station)
    stop = next(call.payload for call in station.sent if call.action == "StopTransaction")
    assert json.loads(json.dumps(stop))["transactionData"][0]["timestamp"] == iso(-700)


@pytest.mark.rule("B-196")
def test_sessions_of_a_long_outage_are_dated_some_at_a_time() -> None:
    station = Timeless()
    station.start()
    for number in range(1, TOGETHER + 50):
        station.mono = float(number)
        station.offer(station.at(station.mono, replace(started(f"s{number}"), at=FLOOR)))
    station.connect()
    station.answer(ACCEPTED)
    deliver(station)
    last = TOGETHER + 49
    assert station.times("StartTransaction") == [iso(number - last) for number in range(1, last + 1)]


@pytest.mark.rule("B-196")
@given(offset=st.floats(-1e6, 1e6, allow_nan=False), mono=st.floats(0.0, 1e6))
def test_a_fact_of_another_board_crosses_to_the_server_s_clock(offset: float, mono: float) -> None:
    fact = replace(started(), undated=BootTime("client", mono))
    arrived = Arrived("", FactOffered(FactId("j", 1), fact), 0.0, offset)
    found = in_time(arrived, Now(0.0, FLOOR, known=False, boot=BOOT))
    assert isinstance(found, FactOffered)
    assert found.fact.undated == BootTime(BOOT, mono + offset)


def test_before_the_clocks_are_compared_such_a_fact_waits_and_others_do_not() -> None:
    undated = FactOffered(FactId("j", 1), replace(started(), undated=BootTime("client", 1.0)))
    dated = FactOffered(FactId("j", 1), started())
    now = Now(0.0, FLOOR)
    assert in_time(Arrived("", undated, 0.0, None), now) is None
    assert in_time(Arrived("", dated, 0.0, None), now) == dated
