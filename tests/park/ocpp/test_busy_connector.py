"""A second start on a connector whose session runs: the backend refuses it, and the running session is untouched."""

from __future__ import annotations

from collections.abc import Callable

from park.ocpp.effects import TransactionAssigned
from tests.support.facts import ended, metered, started
from tests.support.station import Station, started_answer


def test_r12_a_refused_second_start_leaves_the_running_session_alone(record_property: Callable[[str, object], None]):
    station = Station().online()
    station.offer(started("s1", "board/cp1", 1))
    station.answer(started_answer(5))
    station.offer(started("s2", "board/cp1", 1, energy_wh=1_200))
    station.answer(started_answer(6, "ConcurrentTx"))
    station.offer(metered("s1", 1, "board/cp1"))
    assert station.sent[-1].action == "MeterValues"
    assert station.sent[-1].payload["transactionId"] == 5
    station.answer({})
    station.offer(ended("s1", 2, "board/cp1"))
    assert (station.sent[-1].action, station.sent[-1].payload["transactionId"]) == ("StopTransaction", 5)
    station.answer({})
    station.offer(ended("s2", 1, "board/cp1"))
    assert (station.sent[-1].action, station.sent[-1].payload["transactionId"]) == ("StopTransaction", 6)
    station.answer({})
    assert (station.queued(), station.dead()) == (0, [])
    assert [(told.session, told.transaction) for told in station.of(TransactionAssigned)][-2:] == [("s1", 5), ("s2", 6)]
    record_property("figure", "R12 refused second start: 2 starts, 2 stops by their own numbers, 0 dead letters")
