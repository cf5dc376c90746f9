"""R04: the backend is away for 24 hours, connectors are read every minute; then it gets all of it, in order.

`CHARGEPARK_OUTAGE_CONNECTORS=100` is the whole of it: 144 000 readings, two minutes of a processor.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.outage import BEGAN, Side
from park.model.metering import Sample
from park.model.session import (
    FactId,
    FactOffered,
    ReadingContext,
    SessionEnded,
    SessionFact,
    SessionMetered,
    SessionStarted,
    StopReason,
)
from park.model.signals import Start
from park.model.storage import Delete, Put
from park.model.time import Now
from park.ocpp.link import LinkUp, SendCall
from park.ocpp.wire import TRANSACTION_ACTIONS

CONNECTORS = int(os.environ.get("CHARGEPARK_OUTAGE_CONNECTORS", "25"))
MINUTES = 24 * 60
SESSION = 288  # readings: five sessions a day at each connector
SESSIONS = CONNECTORS * MINUTES // SESSION
READINGS = CONNECTORS * MINUTES
FACTS = READINGS + 2 * SESSIONS
MOST_BYTES = 2_500  # of memory a fact that waits; more, and a controller of 512 MB would not live through two days
PAGE = os.sysconf("SC_PAGE_SIZE")
SCHEMA = "CREATE TABLE rows (tab TEXT, key TEXT, body TEXT, PRIMARY KEY (tab, key)) WITHOUT ROWID"


class Day(Side):
    """Rows on a disk, so that memory is what the queue itself needs; keeps what the backend hears, in order."""

    def __init__(self, file: Path) -> None:
        super().__init__(CONNECTORS)
        self.heard: list[SendCall] = []
        self.database = sqlite3.connect(file, isolation_level=None)
        self.database.execute("PRAGMA synchronous = OFF")
        self.database.execute(SCHEMA)

    def write(self, rows: Iterable[Put | Delete]) -> None:
        self.database.execute("BEGIN")
        for row in rows:
            if isinstance(row, Put):
                self.database.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (row.table, row.key, row.body))
            else:
                self.database.execute("DELETE FROM rows WHERE tab = ? AND key = ?", (row.table, row.key))
        self.database.execute("COMMIT")

    def answer(self, call: SendCall) -> dict[str, object]:
        if call.action in TRANSACTION_ACTIONS:
            self.heard.append(call)
        return super().answer(call)


def minute(number: int) -> Iterator[SessionFact]:
    """What happens in one minute at all connectors: a reading each, and every 288 minutes the next car."""
    at, energy = BEGAN + timedelta(minutes=number), 100 * number
    sample = Sample((16_000, 16_000, 16_000), 11_040, energy, (230_000, 230_000, 230_000), 50_000)
    turn, place = divmod(number, SESSION)
    for connector in range(1, CONNECTORS + 1):
        session, point = f"s{connector}-{turn}", f"board/cp{connector}"
        if place == 0:
            yield SessionStarted(session, 0, point, connector, f"04A1B2{connector:02X}", "whitelist", at, energy)
        context = ReadingContext.SAMPLE_PERIODIC
        yield SessionMetered(session, place + 1, point, connector, at, sample, 16_000, context)
        if place == SESSION - 1:
            end = at + timedelta(seconds=30)
            reason = StopReason.EV_DISCONNECTED
            yield SessionEnded(session, SESSION + 1, point, connector, end, energy + 50, reason, None)


def resident() -> int:
    """Bytes of memory this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def check_order(heard: list[SendCall]) -> None:
    """Each connector's sessions one after the other, each with its start, its readings by time, and its stop."""
    assert Counter(call.action for call in heard) == {
        "StartTransaction": SESSIONS,
        "MeterValues": READINGS,
        "StopTransaction": SESSIONS,
    }
    of: dict[object, list[str]] = defaultdict(list)
    numbers = iter(range(1, SESSIONS + 1))
    for call in heard:
        if call.action == "StartTransaction":
            of[next(numbers)].append(str(call.payload["timestamp"]))
        elif call.action == "MeterValues":
            values = call.payload["meterValue"]
            assert isinstance(values, list | tuple)
            of[call.payload["transactionId"]].append(str(values[0]["timestamp"]))
        else:
            of[call.payload["transactionId"]].append(str(call.payload["timestamp"]))
    assert len(of) == SESSIONS
    for times in of.values():
        assert len(times) == SESSION + 2
        assert times == sorted(times)


@pytest.mark.slow
@pytest.mark.timeout(900)  # a minute of a processor, on machines that do much else
@pytest.mark.rule("B-014", "B-199")
def test_r04_a_day_without_a_backend(tmp_path: Path, record_property: Callable[[str, object], None]):
    file = tmp_path / "rows.sqlite3"
    day = Day(file)
    with closing(day.database):
        day.tell(Start())
        before, number = resident(), 0
        for each in range(MINUTES):
            day.now = Now(60.0 * each, BEGAN + timedelta(minutes=each))
            offers = [FactOffered(FactId("j", number + place), fact) for place, fact in enumerate(minute(each))]
            number += len(offers)
            day.burst(offers)
        grown, on_disk = resident() - before, file.stat().st_size
        assert number == FACTS
        assert grown <= FACTS * MOST_BYTES
        began = time.process_time()
        day.tell(LinkUp(1))
        seconds = time.process_time() - began
    check_order(day.heard)
    rate = FACTS / seconds
    record_property(
        "figure",
        f"R04 24 h, {CONNECTORS} connectors, {SESSIONS} sessions, {READINGS} readings: all in order, "
        f"{grown / 1e6:.0f} MB of memory ({grown / FACTS:.0f} B a fact), {on_disk / 1e6:.0f} MB on disk, "
        f"drained at {rate:.0f} messages a second of one processor",
    )
