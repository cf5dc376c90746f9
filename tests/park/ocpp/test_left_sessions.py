"""Sessions of charge points that left the park: closed once with the last reading, fenced, and late facts kept."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from park.model.session import FactDelivered, FactTaken, StopReason
from park.ocpp.rows import EVIDENCE
from park.ocpp.state import initial
from tests.support.facts import BEGAN, ended, metered, started
from tests.support.station import Station, started_answer

OURS = "journal of the server"


def station(*placed: str) -> Station:
    made = Station()
    made.settings = replace(made.settings, charge_points=frozenset(placed), journal=OURS)
    made.state = initial(made.settings)
    return made


def without(old: Station, *placed: str) -> None:
    """Start again with these charge points only."""
    old.settings = replace(old.settings, charge_points=frozenset(placed))
    old.clear()
    old.restart()
    old.connect()
    answer_boot(old)


def answer_boot(old: Station) -> None:
    old.answer({"status": "Accepted", "interval": 300, "currentTime": "2026-01-05T09:30:00Z"})


def drain(old: Station) -> None:
    """The backend answers whatever waits."""
    for _ in range(10):
        waiting = old.state.flight
        if waiting is None:
            return
        old.answer(started_answer() if old.sent[-1].action == "StartTransaction" else {})


def running(*placed: str) -> Station:
    """A session of `cp1` with a reading, all delivered."""
    made = station(*placed)
    made.online()
    made.offer(started(), metered(energy_wh=1700))
    drain(made)
    return made


def evidence(old: Station) -> list[str]:
    return [key for table, key in sorted(old.disk) if table == EVIDENCE]


def stops(old: Station) -> list[object]:
    return [call.payload for call in old.sent if call.action == "StopTransaction"]


CLOSED = {
    "transactionId": 7,
    "meterStop": 1700,
    "timestamp": metered().at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    "reason": StopReason.OTHER.value,
}


@pytest.mark.parametrize("delivered", [True, False], ids=["all delivered", "readings still in the queue"])
def test_the_session_of_a_point_that_left_is_closed_once_with_the_last_reading(delivered: bool) -> None:
    old = running("cp1")
    if not delivered:
        old.lose()
        old.offer(metered(ordinal=2, energy_wh=1900))
    without(old, "cp2")
    drain(old)
    (stop,) = stops(old)
    assert stop == (CLOSED if delivered else {**CLOSED, "meterStop": 1900, "timestamp": "2026-01-05T08:02:00.000Z"})
    assert old.alarms() == ["session-closed"]
    without(old, "cp2")
    drain(old)
    assert stops(old) == []
    assert old.alarms() == []


def test_a_session_without_a_reading_ends_where_it_began() -> None:
    old = station("cp1")
    old.online()
    old.offer(started())
    drain(old)
    without(old)
    drain(old)
    (stop,) = stops(old)
    assert stop == {**CLOSED, "meterStop": 1000, "timestamp": BEGAN.isoformat(timespec="milliseconds")[:-6] + "Z"}


def test_points_of_the_configuration_and_this_nodes_own_journal_are_left_alone() -> None:
    old = running("cp1")
    old.offer(started("s2", "own", 2), journal=OURS)
    drain(old)
    without(old, "cp1")
    drain(old)
    assert stops(old) == []


def test_a_kill_before_the_end_is_on_disk_closes_it_again_and_one_after_does_not() -> None:
    old = running("cp1")
    old.settings = replace(old.settings, charge_points=frozenset())
    old.writes = False
    old.restart()
    (end,) = old.pending
    old.restart()  # nothing reached the disk
    old.put_on_disk(old.pending[0])  # this one did, and nobody was told
    assert end.writes == old.pending[0].writes
    old.writes = True
    without(old)
    drain(old)
    assert stops(old) == [CLOSED]


def test_a_full_disk_is_tried_again() -> None:
    old = running("cp1")
    old.settings = replace(old.settings, charge_points=frozenset())
    old.writes = False
    old.clear()
    old.restart()
    old.fail_commit()
    assert old.pending == []  # not at once, again and again
    old.writes = True
    old.pass_time(1.1)
    assert old.alarms() == ["ocpp-store-failed", "session-closed"]


def test_what_the_board_says_of_a_closed_session_is_answered_kept_and_never_sent() -> None:
    old = running("cp1")
    without(old)
    drain(old)
    old.clear()
    for _ in range(2):  # the answer may be lost
        old.offer(metered(ordinal=2, energy_wh=2200), ended(ordinal=3))
    drain(old)
    assert old.actions() == []
    assert [told.id.number for told in old.of(FactTaken)] == [1002, 1003] * 2
    assert [told.transaction for told in old.of(FactDelivered)] == [7] * 4
    assert evidence(old) == ["GARAGE/s1/00000002", "GARAGE/s1/00000003"]
    assert json.loads(old.disk[EVIDENCE, "GARAGE/s1/00000003"])["fact"]["meter_stop_wh"] == 2000
    assert set(old.alarms()) == {"session-late-s1"}
    old.restart()  # evidence is no dead letter: the session stands at the backend
    assert old.dead() == []


def test_late_facts_do_not_stop_the_end_that_still_waits_for_the_backend() -> None:
    old = running("cp1")
    old.settings = replace(old.settings, charge_points=frozenset())
    old.clear()
    old.restart()
    old.pass_time(1.1)
    old.offer(metered(ordinal=2, energy_wh=2200), ended(ordinal=3))
    old.restart()
    old.connect()
    answer_boot(old)
    drain(old)
    assert stops(old) == [CLOSED]
    assert len(evidence(old)) == 2


def test_facts_of_a_known_session_that_were_taken_before_are_answered_as_ever() -> None:
    old = running("cp1")
    without(old)
    drain(old)
    old.clear()
    old.offer(started(), metered())
    assert len(old.of(FactDelivered)) == 2
    assert evidence(old) == []


def test_a_session_nobody_knows_stays_on_its_board() -> None:
    old = station("cp1")
    old.online()
    old.clear()
    old.offer(started("s5", "gone", 3), ended("s5", 1, "gone"))
    assert old.of(FactTaken) == []
    assert old.alarms() == ["facts-unplaced-gone"] * 2


def test_a_board_that_was_replaced_leaves_no_session_open() -> None:
    old = running("cp1")
    old.clear()
    old.offer(started("s2", energy_wh=50), journal="of the new board")
    drain(old)
    assert old.actions() == ["StopTransaction", "StartTransaction"]
    assert stops(old) == [CLOSED]
    old.offer(ended(ordinal=2))  # the old one appears once more
    assert evidence(old) == ["GARAGE/s1/00000002"]
