"""The central system's step with a disk and a clock of the test's own; it keeps what it was asked to do."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from park.model.session import FactId, FactOffered, SessionFact
from park.model.signals import Start, Tick
from park.model.storage import CommitFailed, Committed, Put, Row, RowsLoaded
from park.model.time import Now
from park.ocpp.central_system import CentralSystemEvent, step
from park.ocpp.effects import Alarm, BackendReported, CentralSystemEffect, Load, Write
from park.ocpp.link import BackendCalled, CallAnswered, CallFailed, LinkLost, LinkUp, SendCall, SendError, SendResult
from park.ocpp.messages import Station as Plate
from park.ocpp.rows import DEAD_LETTERS, QUEUE
from park.ocpp.state import Settings, initial

E = TypeVar("E")
WALL = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
ACCEPTED = {"status": "Accepted", "interval": 300, "currentTime": "2026-01-05T09:30:00Z"}


class Station:
    """`writes` True: commits succeed at once. `sent`: the calls, oldest first; `told`: every other effect."""

    def __init__(self, keys: Mapping[str, str] | None = None, connectors: tuple[int, ...] = (1, 2, 3)) -> None:
        self.ids = (f"call-{number}" for number in itertools.count(1))
        self.settings = Settings(
            "GARAGE",
            connectors,
            lambda: next(self.ids),
            Plate("ACME", "Garage 12", firmware="1.0"),
            keys or {},
            meters={"m1": 1},
            points={number: f"board/cp{number}" for number in connectors},
            phases=dict.fromkeys(connectors, 3),
            maxima_ma=dict.fromkeys(connectors, 32_000),
            circuit="grid",
            circuit_ma=63_000,
        )
        self.wall = WALL
        self.disk: dict[tuple[str, str], str] = {}
        self.pending: list[Write] = []
        self.writes = True
        self.mono = 0.0
        self.links = 0
        self.sent: list[SendCall] = []
        self.told: list[CentralSystemEffect] = []
        self.state = initial(self.settings)

    def now(self) -> Now:
        return Now(self.mono, self.wall + timedelta(seconds=self.mono))

    def tell(self, event: CentralSystemEvent) -> list[CentralSystemEffect]:
        """Take one event; returns all effects, those of the commits it caused included."""
        self.state, effects = step(self.state, event, self.now())
        found = list(effects)
        for effect in effects:
            found += self._perform(effect)
        return found

    def _perform(self, effect: CentralSystemEffect) -> list[CentralSystemEffect]:
        match effect:
            case SendCall():
                self.sent.append(effect)
            case Write():
                self.pending.append(effect)
                return self.commit() if self.writes else []
            case Load():
                return self.tell(RowsLoaded(self.rows()))
            case _:
                self.told.append(effect)
        return []

    def commit(self) -> list[CentralSystemEffect]:
        """The oldest write succeeds."""
        write = self.pending.pop(0)
        self.put_on_disk(write)
        return self.tell(Committed(write.token))

    def put_on_disk(self, write: Write) -> None:
        for row in write.writes:
            if isinstance(row, Put):
                self.disk[row.table, row.key] = row.body
            else:
                self.disk.pop((row.table, row.key), None)

    def fail_commit(self, reason: str = "disk full") -> list[CentralSystemEffect]:
        """The oldest write fails."""
        return self.tell(CommitFailed(self.pending.pop(0).token, reason))

    def rows(self) -> tuple[Row, ...]:
        return tuple(Row(table, key, body) for (table, key), body in sorted(self.disk.items()))

    def start(self) -> None:
        self.tell(Start())

    def restart(self) -> None:
        """Kill −9: only the disk survives."""
        self.pending.clear()
        self.state = initial(self.settings)
        self.tell(Start())

    def connect(self) -> None:
        self.links += 1
        self.tell(LinkUp(self.links))

    def lose(self) -> None:
        self.tell(LinkLost("cable cut"))

    def online(self) -> Station:
        """Started, connected, accepted, and connector 0 told."""
        self.start()
        self.connect()
        self.answer(ACCEPTED)
        self.answer({})
        return self

    def pass_time(self, seconds: float) -> list[CentralSystemEffect]:
        self.mono += seconds
        return self.tell(Tick())

    def offer(self, *facts: SessionFact, journal: str = "j") -> list[CentralSystemEffect]:
        """Offer facts; the number of a fact follows from its session and ordinal, so a repeat has the same id."""
        found: list[CentralSystemEffect] = []
        for fact in facts:
            number = int(fact.session.removeprefix("s")) * 1000 + fact.ordinal
            found += self.tell(FactOffered(FactId(journal, number), fact))
        return found

    def answer(self, payload: Mapping[str, object], call: SendCall | None = None) -> list[CentralSystemEffect]:
        """Answer a call, the newest unless told otherwise."""
        return self.tell(CallAnswered((call or self.sent[-1]).unique_id, payload))

    def refuse(self, code: str = "InternalError") -> list[CentralSystemEffect]:
        return self.tell(CallFailed(self.sent[-1].unique_id, code, "no"))

    def ask(self, action: str, payload: Mapping[str, object], unique_id: str = "b1") -> Mapping[str, Any]:
        """The answer to a CALL of the backend that is answered at once."""
        found = self.tell(BackendCalled(unique_id, action, payload))
        return next(effect.payload for effect in found if isinstance(effect, SendResult))

    def ask_in_vain(self, action: str, payload: Mapping[str, object]) -> SendError:
        """The CALLERROR to a CALL of the backend."""
        found = self.tell(BackendCalled("b1", action, payload))
        return next(effect for effect in found if isinstance(effect, SendError))

    def actions(self) -> list[str]:
        return [call.action for call in self.sent]

    def clear(self) -> None:
        self.sent.clear()
        self.told.clear()

    def of(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.told if isinstance(effect, kind)]

    def report(self) -> BackendReported:
        return self.of(BackendReported)[-1]

    def alarms(self) -> list[str]:
        return [alarm.code for alarm in self.of(Alarm)]

    def queued(self) -> int:
        return sum(table == QUEUE for table, _ in self.disk)

    def dead(self) -> list[str]:
        return [key for table, key in sorted(self.disk) if table == DEAD_LETTERS]


def started_answer(number: int = 7, status: str = "Accepted") -> dict[str, object]:
    return {"transactionId": number, "idTagInfo": {"status": status}}
