"""R33: random operations of the queue against its model; `CHARGEPARK_OPERATIONS=1000000` is the whole of it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from tests.park.ocpp.test_queue_model import CONNECTORS, DeadLetterMachine, QueueMachine

OPERATIONS = int(os.environ.get("CHARGEPARK_OPERATIONS", "20000"))
LIFE = 60  # operations until everything works again, the queue is drained and the books are checked
FATES = ("answer", "answer", "answer", "silence", "late", "error", "never arrives")
Operation = Callable[[QueueMachine, random.Random], object]

OPERATE: tuple[Operation, ...] = (
    lambda machine, draw: machine.something_happens_at_a_connector(connector=draw.choice(CONNECTORS)),
    lambda machine, draw: machine.something_happens_at_a_connector(connector=draw.choice(CONNECTORS)),
    lambda machine, draw: machine.a_session_ends(connector=draw.choice(CONNECTORS)),
    lambda machine, draw: machine.the_journal_offers_again(everything=draw.random() < 0.5),
    lambda machine, draw: machine.station.pending and machine.the_disk_answers(success=draw.random() < 0.9),
    lambda machine, _: machine.station.pending and machine.the_disk_answers(success=True),
    lambda machine, draw: machine.kill(lost=draw.randrange(3)),
    lambda machine, _: machine.connect(),
    lambda machine, _: machine.lose(),
    lambda machine, draw: _calls(machine) and machine.the_backend_gets_a_call(fate=draw.choice(FATES)),
    lambda machine, draw: _calls(machine) and machine.the_backend_gets_a_call(fate=draw.choice(FATES)),
    lambda machine, draw: machine.answers and machine.a_late_answer_arrives(place=draw.randrange(6)),
    lambda machine, draw: machine.time_passes(seconds=draw.choice((1.0, 6.0, 31.0, 200.0))),
)


def _calls(machine: QueueMachine) -> bool:
    return len(machine.station.sent) > machine.seen


def live(machine: QueueMachine, draw: random.Random, operations: int) -> None:
    """Some operations, then everything works again and nothing may be missing."""
    machine.begin()
    for _ in range(operations):
        draw.choice(OPERATE)(machine, draw)
        machine.a_repeat_follows_an_unanswered_attempt()
    machine.a_start_comes_first()
    machine.teardown()


def test_r33_random_operations_never_differ_from_the_model(record_property: Callable[[str, object], None]):
    seed = int(os.environ.get("CHARGEPARK_SEED", "0")) or random.randrange(1, 10**6)
    record_property("figure", f"R33 seed {seed}; repeat with CHARGEPARK_SEED={seed}")
    lives = sessions = 0
    while lives * LIFE < OPERATIONS:
        machine = DeadLetterMachine() if lives % 2 else QueueMachine()
        live(machine, random.Random(f"{seed} {lives}"), LIFE)
        lives, sessions = lives + 1, sessions + machine.sessions
    record_property("figure", f"R33 {lives * LIFE} operations, {sessions} sessions, 0 divergences")
