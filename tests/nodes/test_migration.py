"""R30: rows of an older version with a live queue are read, delivered and counted; a newer one's are left untouched."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nodes.store import FILE, MIGRATIONS, Store
from park.errors import StoreUnusable
from park.journal import journal
from park.journal.journal import TABLE as JOURNAL
from park.model.session import FactOffered, RecordFact
from park.model.signals import Start
from park.model.storage import Put, RowsLoaded
from park.model.time import Now
from park.ocpp.rows import QUEUE, TRANSACTIONS
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, WALL, Station, started_answer

SESSIONS = 100
DELIVERED_BEFORE = 10  # sessions the backend had before
LATER = {TRANSACTIONS: ("verdict", "journal", "last", "closed"), QUEUE: (), JOURNAL: ("reservation",)}
"""Members of rows that the first version did not write."""


def live_queue() -> dict[tuple[str, str], str]:
    """What is on disk in an outage: a queue, some sessions delivered, and the journal of the board itself."""
    station = Station().online()
    for number in range(1, SESSIONS + 1):
        session = f"s{number}"
        station.offer(started(session), metered(session), ended(session))
        if number <= DELIVERED_BEFORE:
            for answer in (started_answer(number), {}, {}):
                station.answer(answer)
        elif number == DELIVERED_BEFORE + 1:
            station.lose()
    return {**station.disk, **journal_rows()}


def journal_rows() -> dict[tuple[str, str], str]:
    state = journal.initial("j")
    now = Now(0.0, WALL)
    state, _ = journal.step(state, RowsLoaded(()), now)
    rows: dict[tuple[str, str], str] = {}
    for number in range(1, SESSIONS + 1):
        for fact in (started(f"s{number}"), ended(f"s{number}", 1)):
            state, effects = journal.step(state, RecordFact(fact), now)
            for effect in effects:
                if isinstance(effect, journal.Write):
                    rows |= {(row.table, row.key): row.body for row in effect.writes if isinstance(row, Put)}
    return rows


def as_the_first_version_wrote(table: str, body: str) -> str:
    row: Any = json.loads(body)
    for name in LATER.get(table, ()):
        row.pop(name, None)
    return json.dumps(row)


def counts(directory: Path) -> Counter[str]:
    with closing(sqlite3.connect(directory / FILE)) as connection:
        return Counter(table for (table,) in connection.execute("SELECT tab FROM rows"))


def filled(directory: Path, rows: dict[tuple[str, str], str]) -> Counter[str]:
    store = Store(directory)
    store.put_now(*(Put(table, key, as_the_first_version_wrote(table, body)) for (table, key), body in rows.items()))
    store.stop()
    return counts(directory)


def test_r30_a_live_queue_of_an_older_version_is_delivered_whole(
    tmp_path: Path, record_property: Callable[[str, object], None]
):
    written = live_queue()
    before = filled(tmp_path, written)
    assert before == Counter(table for table, _ in written)
    store = Store(tmp_path)
    rows = store.rows(*before)
    store.stop()
    assert counts(tmp_path) == before
    station = Station()
    station.disk = {(row.table, row.key): row.body for row in rows}
    station.start()
    station.connect()
    station.answer(ACCEPTED)
    while station.state.flight is not None:
        starts = station.sent[-1].action == "StartTransaction"
        station.answer(started_answer(1_000 + len(station.sent)) if starts else {})
    assert (station.queued(), station.dead(), station.alarms()) == (0, [], [])
    stops = [call for call in station.sent if call.action == "StopTransaction"]
    assert len(stops) == SESSIONS - DELIVERED_BEFORE
    again = journal.initial("j")
    again, effects = journal.step(again, Start(), Now(0.0, WALL))
    again, effects = journal.step(again, RowsLoaded(tuple(row for row in rows if row.table == JOURNAL)), Now(0.0, WALL))
    offered = [effect for effect in effects if isinstance(effect, FactOffered)]
    assert len(again.unfinished) == before[JOURNAL] == 2 * SESSIONS
    assert offered
    figures = ", ".join(f"{before[table]} × {table}" for table in (QUEUE, TRANSACTIONS, JOURNAL))
    record_property("figure", f"R30 rows of the first version: {figures}; {len(stops)} sessions delivered, 0 lost")


def test_r30_a_database_of_a_newer_version_is_left_as_it_was(
    tmp_path: Path, record_property: Callable[[str, object], None]
):
    before = filled(tmp_path, live_queue())
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreUnusable, match="install that version again"):
        Store(tmp_path)
    assert counts(tmp_path) == before
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:  # that version is installed again, and goes back
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    store = Store(tmp_path)
    assert Counter(row.table for row in store.rows(*before)) == before
    store.stop()
    record_property("figure", f"R30 newer schema refused, {before.total()} rows as before")
