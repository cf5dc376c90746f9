"""A morning at a board with a bad backend, in virtual time: every session is there once, or told to be dead."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.bad_backends import LATE_SECONDS, REFUSED_CONNECTOR, Choking, Flapping, Late, Refusing, Slow, Torn
from support.simulation import board, morning

from nodes.simulation.backend import SimulatedBackend
from nodes.simulation.outcome import Outcome
from nodes.simulation.run import Run
from nodes.simulation.scenario import Backend
from park.model.session import SessionStarted
from park.ocpp.rows import DEAD_LETTERS

HOURS = 0.3
LEAST = 5  # sessions: fewer would show little
SET_AT = 20.0  # seconds after the start, when the backend has accepted the boot
FAST = {"TransactionMessageAttempts": "0", "TransactionMessageRetryInterval": "0", "MessageResponseTimeOut": "3"}
FEW = {"TransactionMessageAttempts": "2", "TransactionMessageRetryInterval": "1", "MessageResponseTimeOut": "3"}
Record = Callable[[str, object], None]


def run_with(
    kind: type[SimulatedBackend], keys: dict[str, str], lost: float = 0.0, seed: int = 7
) -> tuple[Run, Outcome]:
    scenario = morning(HOURS, event=(), backend=Backend(lost_answers=lost))
    run = Run(scenario, board(), seed, backend=kind)
    for name, value in keys.items():
        payload = {"key": name, "value": value}
        run.world.after(SET_AT, lambda payload=payload: run.backend.order("ChangeConfiguration", payload))
    outcome = run.go()
    assert outcome.crashes == ()
    assert outcome.sessions >= LEAST
    return run, outcome


def figure(name: str, outcome: Outcome) -> str:
    return (
        f"{name}: {outcome.sessions} sessions, {outcome.calls} calls, {outcome.lost_answers} answers lost, "
        f"{outcome.wire_repeats} repeats, {outcome.dead_letters} dead letters, longest queue {outcome.longest_queue}"
    )


@pytest.mark.parametrize(("share", "seed"), [(0.01, 8), (0.1, 7), (0.5, 7)])
def test_r05_answers_that_are_lost_double_no_session(share: float, seed: int, record_property: Record):
    _, outcome = run_with(SimulatedBackend, FAST, share, seed)
    assert outcome.violations == ()
    assert outcome.wire_repeats <= outcome.lost_answers > 0
    assert (outcome.left_in_queue, outcome.dead_letters) == (0, 0)
    record_property("figure", figure(f"R05 {share:.0%} of the answers lost", outcome))


def test_r05_a_link_that_goes_between_message_and_answer_doubles_no_session(record_property: Record):
    _, outcome = run_with(Torn, {})
    assert outcome.violations == ()
    assert outcome.lost_answers > 3 * LEAST
    assert outcome.wire_repeats <= outcome.lost_answers
    assert (outcome.left_in_queue, outcome.dead_letters) == (0, 0)
    record_property("figure", figure("R05 link gone before each first answer", outcome))


def test_r06_answers_after_the_time_limit_count(record_property: Record):
    _, outcome = run_with(Late, {"TransactionMessageRetryInterval": "1"})
    assert outcome.violations == ()
    assert outcome.wire_repeats > 0  # the answer to the first came after the second was sent
    assert (outcome.left_in_queue, outcome.dead_letters) == (0, 0)
    record_property("figure", figure(f"R06 starts answered after {LATE_SECONDS:g} s", outcome))


def test_r20_a_link_that_flaps_every_three_seconds_loses_nothing_and_boots_once(record_property: Record):
    run, outcome = run_with(Flapping, {})
    assert isinstance(run.backend, Flapping)
    links = run.backend._link
    assert outcome.violations == ()
    assert run.backend.boots == 1
    assert links > HOURS * 3600 / 6
    assert (outcome.left_in_queue, outcome.dead_letters) == (0, 0)
    record_property("figure", figure(f"R20 {links} connections of three seconds", outcome))


def test_r19_a_backend_that_takes_20_seconds_for_each_answer_gets_every_session_once(record_property: Record):
    _, outcome = run_with(Slow, {"MeterValueSampleInterval": "0"})
    assert outcome.violations == ()
    assert (outcome.left_in_queue, outcome.dead_letters) == (0, 0)
    record_property("figure", figure("R19 20 s an answer", outcome))


@pytest.mark.parametrize(("kind", "name"), [(Refusing, "R07 CALLERROR for ever"), (Choking, "R18 no answer for ever")])
def test_a_start_the_backend_never_takes_is_dead_and_told_and_the_others_go_on(
    kind: type[Refusing], name: str, record_property: Record
):
    run, outcome = run_with(kind, FEW)
    facts = run.checkers.facts
    starts = [fact for fact in facts.values() if isinstance(fact, SessionStarted)]
    poisoned = {fact.session for fact in starts if fact.connector == REFUSED_CONNECTOR}
    assert poisoned
    assert {each.what for each in outcome.violations} - {"ledger"} == poisoned
    assert (outcome.left_in_queue, outcome.dead_letters) == (0, len(poisoned))
    kept = {row.key for row in run.store.rows(DEAD_LETTERS)}
    assert kept == {f"ONE-BOARD/{session}/{ordinal:08d}" for session, ordinal in facts if session in poisoned}
    assert any("dead-letter" in text for text in outcome.alarms)
    assert outcome.sessions == len(starts) - len(poisoned)
    assert isinstance(run.backend, Refusing)
    assert run.backend.refused <= len(poisoned) * int(FEW["TransactionMessageAttempts"])
    record_property("figure", figure(name, outcome))
