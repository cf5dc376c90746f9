"""D1 as a property: whatever is lost, late, refused or killed, each session has one start and one stop, in order."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from park.model.session import FactDelivered, FactId, FactOffered, FactTaken, SessionEnded, SessionFact, SessionStarted
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.link import CallAnswered, CallFailed, SendCall
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, Station

CONNECTORS = (1, 2, 3)
STARTS, VALUES, STOPS = "StartTransaction", "MeterValues", "StopTransaction"


class Journal:
    """Numbers facts, offers what is not taken in order, and remembers what was delivered."""

    def __init__(self) -> None:
        self.facts: list[SessionFact] = []
        self.taken: set[int] = set()
        self.delivered: set[int] = set()

    def hear(self, effects: list[CentralSystemEffect]) -> None:
        for effect in effects:
            if isinstance(effect, FactTaken):
                self.taken.add(effect.id.number)
            if isinstance(effect, FactDelivered):
                self.delivered.add(effect.id.number)

    def offers(self, *, all_undelivered: bool) -> list[FactOffered]:
        known = self.delivered if all_undelivered else self.taken | self.delivered
        return [FactOffered(FactId("j", number), fact) for number, fact in enumerate(self.facts) if number not in known]


class Backend:
    """De-duplicates starts by (connector, id tag, time, meter start), as real ones do; remembers every frame."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.frames: list[SendCall] = []

    def take(self, call: SendCall) -> Mapping[str, object]:
        self.frames.append(call)
        match call.action:
            case "BootNotification":
                return ACCEPTED
            case "Heartbeat":
                return {"currentTime": ACCEPTED["currentTime"]}
            case "StartTransaction":
                key = json.dumps(dict(call.payload), sort_keys=True)
                number = self.numbers.setdefault(key, 1000 + len(self.numbers))
                return {"transactionId": number, "idTagInfo": {"status": "Accepted"}}
            case _:
                return {}


class QueueMachine(RuleBasedStateMachine):
    """Any order of facts, answers, silence, errors, broken links, failing commits and kills."""

    attempts = "0"  # unlimited: nothing may end in the dead letters

    @initialize()
    def begin(self) -> None:
        self.station = Station({"TransactionMessageAttempts": self.attempts, "TransactionMessageRetryInterval": "5"})
        self.station.writes = False
        self.journal = Journal()
        self.backend = Backend()
        self.running: dict[int, tuple[str, int]] = {}
        self.sessions = 0
        self.seen = 0
        self.kills = 0
        self.unanswered_before = 0
        self.answers: list[CallAnswered] = []  # made by the backend, not arrived yet
        self.station.start()

    # the park

    @rule(connector=st.sampled_from(CONNECTORS))
    def something_happens_at_a_connector(self, connector: int) -> None:
        """A start, then a reading or the end."""
        if connector not in self.running:
            self.sessions += 1
            session = f"s{self.sessions}"
            self.running[connector] = (session, 1)
            energy = 1000 * self.sessions  # the meter tells the sessions of a connector apart
            self._record(started(session, f"cp{connector}", connector, energy))
        else:
            session, ordinal = self.running[connector]
            self.running[connector] = (session, ordinal + 1)
            self._record(metered(session, ordinal, f"cp{connector}"))

    @rule(connector=st.sampled_from(CONNECTORS))
    def a_session_ends(self, connector: int) -> None:
        if connector in self.running:
            session, ordinal = self.running.pop(connector)
            self._record(ended(session, ordinal, f"cp{connector}", 5000 + self.sessions))

    def _record(self, fact: SessionFact) -> None:
        self.journal.facts.append(fact)
        self._tell(FactOffered(FactId("j", len(self.journal.facts) - 1), fact))

    @rule(everything=st.booleans())
    def the_journal_offers_again(self, everything: bool) -> None:
        for offered in self.journal.offers(all_undelivered=everything):
            self._tell(offered)

    # the disk

    @precondition(lambda self: self.station.pending)
    @rule(success=st.integers(0, 9).map(bool))
    def the_disk_answers(self, success: bool) -> None:
        self.journal.hear(self.station.commit() if success else self.station.fail_commit())

    @rule(lost=st.integers(0, 2))
    def kill(self, lost: int) -> None:
        """The process dies; of the writes under way the newest may be lost."""
        pending = self.station.pending
        for write in pending[: max(0, len(pending) - lost)]:
            self.station.put_on_disk(write)
        self.unanswered_before += self.station.state.queue.unanswered
        self.kills += 1
        self.answers.clear()
        self.station.restart()

    # the wire

    @rule()
    def connect(self) -> None:
        self.station.connect()

    @rule()
    def lose(self) -> None:
        self._deliver_calls()
        self.station.lose()

    @precondition(lambda self: len(self.station.sent) > self.seen)
    @rule(fate=st.sampled_from(["answer", "answer", "answer", "silence", "late", "error", "never arrives"]))
    def the_backend_gets_a_call(self, fate: str) -> None:
        self._arrives(fate)

    def _arrives(self, fate: str) -> None:
        call = self.station.sent[self.seen]
        self.seen += 1
        if fate == "never arrives":
            return
        if fate == "error":
            self._tell(CallFailed(call.unique_id, "InternalError", "not today"))
            return
        answer = CallAnswered(call.unique_id, self.backend.take(call))
        if fate == "answer":
            self._tell(answer)
        elif fate == "late":
            self.answers.append(answer)

    @precondition(lambda self: self.answers)
    @rule(place=st.integers(0, 5))
    def a_late_answer_arrives(self, place: int) -> None:
        self._tell(self.answers.pop(place % len(self.answers)))

    @rule(seconds=st.sampled_from([1.0, 6.0, 31.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self._deliver_calls()
        self.journal.hear(self.station.pass_time(seconds))
        for offered in self.journal.offers(all_undelivered=False):  # the journal's own promise: again after 10 s
            self._tell(offered)

    def _deliver_calls(self) -> None:
        """Frames travel faster than the clock: what was sent has arrived, its answer may be lost."""
        for call in self.station.sent[self.seen :]:
            self.backend.take(call)
        self.seen = len(self.station.sent)

    def _tell(self, event: CallAnswered | CallFailed | FactOffered) -> None:
        self.journal.hear(self.station.tell(event))

    # what must hold

    @invariant()
    def a_start_comes_first(self) -> None:
        started_before: set[int] = set()
        for call in self.backend.frames:
            if call.action == STARTS:
                started_before.add(self.backend.numbers[json.dumps(dict(call.payload), sort_keys=True)])
            elif call.action in {VALUES, STOPS}:
                assert call.payload["transactionId"] in started_before

    @invariant()
    def a_repeat_follows_an_unanswered_attempt(self) -> None:
        assert self.station.report().repeats <= self.station.report().unanswered

    def teardown(self) -> None:
        if hasattr(self, "station"):
            self._drain()
            self._check()

    def _drain(self) -> None:
        """Everything works again: let the queue run dry."""
        self._deliver_calls()
        self.station.lose()
        self.station.connect()
        for _ in range(40 * len(self.journal.facts) + 200):
            while self.station.pending:
                self.journal.hear(self.station.commit())
            if len(self.station.sent) > self.seen:
                self._arrives("answer")
            elif offers := self.journal.offers(all_undelivered=False):
                for offered in offers:
                    self._tell(offered)
                if not self.station.pending and len(self.station.sent) == self.seen:
                    self.journal.hear(self.station.pass_time(10.0))
            elif self.station.queued():
                self.journal.hear(self.station.pass_time(10.0))
            else:
                break
        for offered in self.journal.offers(all_undelivered=True):
            self._tell(offered)
        while self.station.pending:  # facts of a dead session are answered when they are dead letters on disk, again
            self.journal.hear(self.station.commit())

    def _check(self) -> None:
        by_session: dict[int, list[SendCall]] = defaultdict(list)
        for call in self.backend.frames:
            if call.action == STARTS:
                by_session[self.backend.numbers[json.dumps(dict(call.payload), sort_keys=True)]].append(call)
            elif call.action in {VALUES, STOPS}:
                by_session[int(str(call.payload["transactionId"]))].append(call)
        self._check_complete(by_session)
        wire = [json.dumps([call.action, dict(call.payload)]) for calls in by_session.values() for call in calls]
        unanswered = self.unanswered_before + self.station.state.queue.unanswered
        assert len(wire) - len(set(wire)) <= unanswered + self.kills

    def _check_complete(self, by_session: Mapping[int, list[SendCall]]) -> None:
        assert self.station.queued() == 0
        assert self.station.dead() == []
        assert self.journal.delivered == set(range(len(self.journal.facts)))
        assert len(by_session) == self.sessions
        told = sorted(self._business(calls) for calls in by_session.values())
        assert told == sorted(self._expected().values())

    def _business(self, calls: list[SendCall]) -> list[str]:
        """The different messages of a transaction in the order of their first arrival."""
        assert len({call.payload.get("transactionId") for call in calls if call.action != STARTS}) <= 1
        return list(dict.fromkeys(_said(call) for call in calls))

    def _expected(self) -> dict[str, list[str]]:
        expected: dict[str, list[str]] = defaultdict(list)
        for fact in self.journal.facts:
            expected[fact.session].append(_meant(fact))
        return expected


def _said(call: SendCall) -> str:
    match call.action:
        case "StartTransaction":
            return f"start {call.payload['connectorId']} {call.payload['meterStart']}"
        case "StopTransaction":
            return f"stop {call.payload['meterStop']}"
        case _:
            return f"values {call.payload['meterValue'][0]['timestamp']}"  # type: ignore[index]


def _meant(fact: SessionFact) -> str:
    match fact.ordinal, fact:
        case _, SessionStarted(connector=connector, meter_start_wh=energy):
            return f"start {connector} {energy}"
        case _, SessionEnded(meter_stop_wh=energy):
            return f"stop {energy}"
        case _:
            return f"values {fact.at.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


class DeadLetterMachine(QueueMachine):
    """The same with two attempts: a session is at the backend, or the whole of it in the dead-letter store."""

    attempts = "2"

    def _check_complete(self, by_session: Mapping[int, list[SendCall]]) -> None:
        assert self.station.queued() == 0
        assert self.journal.delivered == set(range(len(self.journal.facts)))
        buried: dict[str, list[int]] = defaultdict(list)
        for key in self.station.dead():
            _, session, ordinal = key.split("/")
            buried[session].append(int(ordinal))
        arrived = [self._business(calls) for calls in by_session.values()]
        for session, messages in self._expected().items():
            if session not in buried:
                assert messages in arrived
                continue
            last = len(messages) - 1
            assert buried[session][0] == 0
            assert (
                buried[session][1:] == list(range(buried[session][1], last + 1))
                if last and buried[session][1:]
                else True
            )
            assert last in buried[session]


STEPS = settings(max_examples=60, stateful_step_count=50, deadline=None)
QueueMachine.TestCase.settings = STEPS
DeadLetterMachine.TestCase.settings = STEPS
TestQueue = QueueMachine.TestCase
TestDeadLetters = DeadLetterMachine.TestCase
