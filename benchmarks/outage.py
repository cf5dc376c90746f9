"""The OCPP queue over a long outage: what a fact costs to queue, to read back after a restart, and to deliver.

Processor time, the best of some repetitions: the question is whether it grows with what waits, not how busy we are.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.table import Table, ratio
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
from park.model.storage import Committed, Delete, Load, Put, Row, RowsLoaded, Write
from park.model.time import Now
from park.ocpp.central_system import CentralSystemEvent, step
from park.ocpp.link import CallAnswered, LinkUp, SendCall
from park.ocpp.state import Settings, initial

SIZES = (10_000, 50_000)  # facts; a park of 50 connectors sampled each minute fills the larger one in 17 hours
CONNECTORS = 50
READINGS = 10  # of a session
REPETITIONS = 2
PARTS = ("fill", "burst", "load", "drain")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds a fact, of `facts`. `fill`: one after the other; `burst`: all before the first is on disk."""

    facts: int
    fill: float
    burst: float
    load: float
    drain: float

    def parts(self) -> tuple[float, float, float, float]:
        return (self.fill, self.burst, self.load, self.drain)


class Side:
    """The central system's step with a disk that obeys at once and a backend that answers everything.

    `now`: both clocks, for whoever lets time pass.
    """

    def __init__(self, connectors: int = CONNECTORS) -> None:
        ids = itertools.count()
        settings = Settings("GARAGE", tuple(range(1, connectors + 1)), lambda: str(next(ids)))
        self.now = Now(0.0, BEGAN)
        self.disk: dict[tuple[str, str], str] = {}
        self.rows: tuple[Row, ...] = ()
        self.calls = 0
        self._transactions = itertools.count(1)
        self._settings = settings
        self._state = initial(settings)
        self._events: deque[CentralSystemEvent] = deque()

    def tell(self, event: CentralSystemEvent) -> None:
        """Take an event and whatever follows from it."""
        self._events.append(event)
        self._settle()

    def burst(self, events: Iterable[CentralSystemEvent]) -> None:
        """Take events that are all there before anything follows from the first."""
        self._events.extend(events)
        self._settle()

    def _settle(self) -> None:
        while self._events:
            self._state, effects = step(self._state, self._events.popleft(), self.now)
            for effect in effects:
                match effect:
                    case Write(writes, token):
                        self.write(writes)
                        self._events.append(Committed(token))
                    case Load():
                        self._events.append(RowsLoaded(self.rows))
                    case SendCall():
                        self.calls += 1
                        self._events.append(CallAnswered(effect.unique_id, self.answer(effect)))
                    case _:
                        pass

    def write(self, rows: Iterable[Put | Delete]) -> None:
        """One commit."""
        for row in rows:
            if isinstance(row, Put):
                self.disk[row.table, row.key] = row.body
            else:
                self.disk.pop((row.table, row.key), None)

    def read(self) -> None:
        """What the disk holds, as a restart will be told it."""
        self.rows = tuple(Row(*place, body) for place, body in sorted(self.disk.items()))

    def restart(self) -> None:
        """Only the disk survives; `read` it before."""
        self._state = initial(self._settings)
        self.tell(Start())

    def answer(self, call: SendCall) -> dict[str, object]:
        """What the backend says to a call."""
        match call.action:
            case "BootNotification":
                return {"status": "Accepted", "interval": 300, "currentTime": BEGAN.isoformat()}
            case "StartTransaction":
                return {"transactionId": next(self._transactions), "idTagInfo": {"status": "Accepted"}}
            case _:
                return {}


def facts(count: int) -> Iterator[SessionFact]:
    """Sessions one after the other, each with a start, readings and an end."""
    sample = Sample((16_000, 16_000, 16_000), 11_040, 1_000, (230_000, 230_000, 230_000), 50_000)
    for number in range(count):
        serial, ordinal = divmod(number, READINGS + 2)
        session, connector = f"s{serial}", serial % CONNECTORS + 1
        point, at = f"board/cp{connector}", BEGAN + timedelta(seconds=number)
        match ordinal:
            case 0:
                yield SessionStarted(session, 0, point, connector, "04A1B2C3", "whitelist", at, 1_000)
            case _ if ordinal <= READINGS:
                context = ReadingContext.SAMPLE_PERIODIC
                yield SessionMetered(session, ordinal, point, connector, at, sample, 16_000, context)
            case _:
                yield SessionEnded(session, ordinal, point, connector, at, 2_000, StopReason.EV_DISCONNECTED, None)


def run(sizes: tuple[int, ...] = SIZES) -> list[Cost]:
    """Measure each size with queues of its own; RuntimeError when not everything was delivered."""
    return [_best([_cost(size) for _ in range(REPETITIONS)]) for size in sizes]


def report(*, quick: bool) -> Table:
    costs = run((60, 120)) if quick else run()
    return Table(
        "OCPP queue over an outage",
        ("facts", *(head for name in PARTS for head in (f"{name} µs/fact", "÷ first"))),
        tuple((f"{cost.facts:,}", *_cells(cost, costs[0])) for cost in costs),
        "Steps alone, with a disk in memory and a backend that answers at once; a flat column is a linear queue.",
    )


def _cells(cost: Cost, first: Cost) -> Iterator[str]:
    for part, reference in zip(cost.parts(), first.parts(), strict=True):
        yield f"{1e6 * part:.0f}"
        yield ratio(part, reference)


def _best(costs: list[Cost]) -> Cost:
    return Cost(costs[0].facts, *(min(parts) for parts in zip(*(cost.parts() for cost in costs), strict=True)))


def _cost(size: int) -> Cost:
    side, other = Side(), Side()
    offers = [FactOffered(FactId("j", number), fact) for number, fact in enumerate(facts(size))]
    for each in (side, other):
        each.tell(Start())

    def fill() -> None:
        for offer in offers:
            side.tell(offer)

    filled = _timed(fill)
    burst = _timed(lambda: other.burst(offers))
    if other.disk != side.disk:
        raise RuntimeError("offered at once, other facts are on disk than offered one after the other")
    side.read()
    loaded = _timed(side.restart)
    drained = _timed(lambda: side.tell(LinkUp(1)))
    if side.calls < size:
        raise RuntimeError(f"{size} facts were queued and {side.calls} calls made")
    return Cost(size, filled / size, burst / size, loaded / size, drained / size)


def _timed(do: Callable[[], None]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began
