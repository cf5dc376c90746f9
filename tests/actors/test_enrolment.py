"""The enrolment as an actor: after a crash it knows from disk who belongs to the park, and lets nobody in before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.probe import Probe

from actors.enrolment import Enrolment, EnrolmentWires
from actors.messages import EnrolmentMessage
from actors.supervisor import Child, Supervisor
from nodes.simulation.world import SimulatedWorld
from park.model.access import Done
from park.model.alarm import Alarm
from park.model.storage import Commit, Committed, LoadRows, Put, Row, RowsLoaded
from park.pairing.events import (
    Admitted,
    BoardsAdmitted,
    JoinAnswer,
    JoinRequested,
    MakeToken,
    PairingPortWanted,
)
from park.pairing.state import EnrolmentSettings
from park.pairing.token import digest

SECRET, KEY = b"s" * 16, "a" * 64


@dataclass(frozen=True, slots=True)
class Poison:
    """No message of the enrolment: its step raises."""


class Disk:
    """Answers at once, and forgets nothing."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], str] = {}

    def tell(self, message: Commit | LoadRows, /) -> None:
        if isinstance(message, LoadRows):
            rows = tuple(Row(*place, body) for place, body in sorted(self.rows.items()))
            message.reply_to.tell(RowsLoaded(rows))
            return
        for row in message.writes:
            if isinstance(row, Put):
                self.rows[row.table, row.key] = row.body
            else:
                self.rows.pop((row.table, row.key), None)
        message.reply_to.tell(Committed(message.token))


def test_after_a_crash_the_disk_says_who_belongs_to_the_park():
    world, boards, port = SimulatedWorld(1), Probe[Any](), Probe[PairingPortWanted]()
    root = Supervisor(world, "server")
    wires = EnrolmentWires(Disk(), boards, port, Probe[Alarm]())
    enrolment: Child[EnrolmentMessage] = root.child(
        "enrolment", lambda me: Enrolment(world, me, EnrolmentSettings("server"), wires)
    )
    root.start()
    ordered, joined = Probe[Any](), Probe[JoinAnswer]()
    enrolment.tell(MakeToken("1", "bay-a", digest(SECRET), 600.0, replace=False, reply_to=ordered))
    world.run_for(1.0)
    assert ordered.messages == [Done("1")]
    enrolment.tell(JoinRequested("bay-a", KEY, SECRET, "192.0.2.1", joined))
    world.run_for(1.0)
    assert joined.messages == [Admitted("bay-a", KEY)]

    enrolment.tell(Poison())  # pyright: ignore[reportArgumentType]
    world.run_for(5.0)
    assert enrolment.state == "running"
    assert enrolment.figures().restarts == 1
    enrolment.tell(JoinRequested("bay-a", KEY, None, "192.0.2.1", joined))
    world.run_for(1.0)
    assert boards.messages[-1] == BoardsAdmitted({KEY: "bay-a"})
    assert joined.messages[-1] == Admitted("bay-a", KEY)
    assert [each.open for each in port.messages] == [False, True, False, True]

    world.run_for(600.0)
    assert port.messages[-1] == PairingPortWanted(open=False)
