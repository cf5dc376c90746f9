"""What a technician reads of a running node: every change once, with what to do."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from support.probe import Probe

from actors.messages import Report
from nodes import log, log_lines
from nodes.bridge import EdgeFailed, EdgeGaveUp
from park.charging.report import ChargePointReported, ReportedFault
from park.model.alarm import Alarm
from park.model.metering import MeterReported, Quality
from park.ocpp.effects import BackendReported
from tests.support.charge_point_harness import ChargePointHarness

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LOST = ReportedFault("EvseLost", NOON, "no link to the charging electronics", "check power and cabling")
LOCK = ReportedFault("LockFailure", NOON, "it does not lock", "look for something in the socket")
COME = 'fault charge_point=garage-1/cp1 code={} cause="{}" remedy="{}"'
GONE = '"fault cleared" charge_point=garage-1/cp1 code={}'
ONLINE = BackendReported("online", "", 0, None, 0, 0, 0)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    log.configure(stream=stream)
    yield stream
    root.handlers[:], root.level = before[0], before[1]
    logging.captureWarnings(capture=False)


def new(written: io.StringIO) -> list[str]:
    """The lines since the last look, without time and logger."""
    lines = [line.partition(" event=")[2] for line in written.getvalue().splitlines()]
    written.seek(0)
    written.truncate()
    return lines


def report(*faults: ReportedFault) -> ChargePointReported:
    return replace(ChargePointHarness().last(ChargePointReported), faults=faults)


def test_a_fault_is_told_when_it_comes_and_when_it_goes(written: io.StringIO):
    view: Probe[Report] = Probe()
    changes = log_lines.Changes(view)
    told = [report(), report(LOST), report(LOST), report(LOST, LOCK), report(LOCK), report()]
    lines: list[list[str]] = []
    for each in told:
        changes.tell(each)
        lines.append(new(written))
    assert lines == [
        [],
        [COME.format("EvseLost", LOST.cause, LOST.remedy)],
        [],
        [COME.format("LockFailure", LOCK.cause, LOCK.remedy)],
        [GONE.format("EvseLost")],
        [GONE.format("LockFailure")],
    ]
    assert view.messages == told


def test_a_meter_is_told_when_it_can_be_believed_and_when_not(written: io.StringIO):
    changes = log_lines.Changes(Probe())
    for quality, problem in (
        (Quality.FRESH, None),
        (Quality.FRESH, None),
        (Quality.STALE, "unit 1 gave no answer within 1 s"),
        (Quality.STALE, "no connection"),
        (Quality.FRESH, None),
    ):
        changes.tell(MeterReported("grid-meter", quality, None, None, 0, problem))
    assert new(written) == [
        '"meter is read" meter=grid-meter',
        '"meter is not believed" meter=grid-meter quality=stale problem="unit 1 gave no answer within 1 s"',
        '"meter is read" meter=grid-meter',
    ]


def test_the_backend_is_told_with_the_reason_and_not_for_every_message_that_waits(written: io.StringIO):
    changes = log_lines.Changes(Probe())
    offline = replace(ONLINE, state="offline", why="not connected yet")
    for each in (offline, ONLINE, replace(ONLINE, queue_depth=4), replace(offline, why="it closed the connection")):
        changes.tell(each)
    assert new(written) == ['backend state=online why=""', 'backend state=offline why="it closed the connection"']


def test_an_alarm_that_is_raised_on_and_on_is_told_now_and_then(written: io.StringIO):
    now = [0.0]
    alarms = log_lines.Alarms(lambda: now[0])
    full = Alarm("journal-disk", "free the disk")
    for second in range(1_300):
        now[0] = float(second)
        alarms.tell(full)
    alarms.tell(Alarm("journal-disk", "another reason"))
    assert new(written) == ['alarm code=journal-disk text="free the disk"'] * 3 + [
        'alarm code=journal-disk text="another reason"'
    ]


def test_a_wire_that_fails_is_no_line_a_defect_is_one_with_its_trace(written: io.StringIO):
    edges = log_lines.Edges()
    edges.tell(EdgeFailed("bench", "ConnectionError: no answer", "", 0.2))
    edges.tell(EdgeFailed("bench", "KeyError: 'cp9'", "Traceback …", 0.2))
    edges.tell(EdgeGaveUp("bench", "KeyError: 'cp9'", "Traceback …"))
    failed, given_up = new(written)
    assert failed.startswith('"edge failed" edge=bench error="KeyError')
    assert given_up.startswith('"edge given up until the node restarts" edge=bench')
    assert "Traceback" in failed
