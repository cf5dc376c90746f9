"""A server and a board that die at named points, one session after the other; whoever died is started again."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from support.ledgers import journal, undelivered, wire_repeats
from support.park_rig import PILLAR, SERVER, TAGS, ParkRig, park_rig
from support.recorder import Recorder
from support.rig import eventually

from nodes.crash import BOARD_POINTS, POINTS
from nodes.store import FILE
from park.model.evse import PilotState
from park.view import ChargePointRow

LEASE = 10
BOARD = "bay-1"
POINTS_OF_BOARD = 3
KINDS = ("StartTransaction", "MeterValues", "StopTransaction")
EVERY_SECOND = {"OCPPViaLocalNetwork": "true", "MeterValueSampleInterval": "1"}
ACCEPTED = '{"status": "Accepted"}'
METERED_WH = 1.5  # more than settlement tolerates, so that energy lost or counted twice shows
NOTHING_IN_FLIGHT = {"before-send", "after-delete"}
"""Points of the server at which no CALL waits for its answer; at the others one may: this or the one before."""


@dataclass(frozen=True, slots=True)
class Death:
    victim: str
    point: str
    kind: str

    @property
    def wish(self) -> str:
        """The second reading: the first comes with the start."""
        return f"{self.point}:{self.kind}:{2 if self.kind == 'MeterValues' else 1}"

    @property
    def repeats(self) -> int:
        """Most frames on the wire that were there before: attempts without an answer."""
        return int(self.victim == SERVER and self.point not in NOTHING_IN_FLIGHT)

    def __str__(self) -> str:
        return f"{self.victim}-{self.point}-{self.kind}"


def deaths(victim: str, when: str) -> list[Death]:
    """All deaths of the server or the board, `before` or `after` something."""
    points = POINTS if victim == SERVER else BOARD_POINTS
    return [Death(victim, point, kind) for point in points if point.startswith(when) for kind in KINDS]


@dataclass
class Deaths:
    """Each session is at the next charge point of the board, so that nobody waits for a car that just left."""

    park: ParkRig
    recorder: Recorder
    turn: count = field(default_factory=count)

    @property
    def ledger(self) -> Path:
        return self.park.directory / "ledger.sqlite3"

    def die(self, death: Death) -> tuple[int, float]:
        """One session in which the victim dies; (wire repeats, seconds until the victim's side knew all of it)."""
        point = f"cp{next(self.turn) % POINTS_OF_BOARD + 1}"
        known, before = len(self.park.ledger().transactions()), wire_repeats(self.ledger)
        self._arm(death)
        self._begin(point, death.victim)
        if not self.park.died(death.victim) and death.kind == KINDS[-1]:
            self._metered(point)
            self.park.unplug(point)
        eventually(f"{death} happens", lambda: self.park.died(death.victim))
        assert self.park.processes[death.victim].returncode == -9, self.park.log(death.victim)
        began = time.monotonic()
        self.park.start_board(death.victim)
        self._finish(point)
        try:
            eventually("the backend has all of it", lambda: self._settled(known))
        except AssertionError:
            assert self.park.problems() == []
            raise
        return wire_repeats(self.ledger) - before, time.monotonic() - began

    def lost(self) -> list[object]:
        """Facts on the board's disk the backend never got; the board is dead afterwards."""
        self.park.kill(BOARD)
        entries = journal(self.park.directory / BOARD / FILE)
        assert len({entry.fact.session for entry in entries}) >= next(self.turn)
        return list(undelivered(self.ledger, [entry.fact for entry in entries]))

    def _arm(self, death: Death) -> None:
        file = self.park.wish(death.victim)
        new = file.with_suffix(".new")
        new.write_text(death.wish, encoding="utf-8")
        new.replace(file)

    def _begin(self, point: str, victim: str) -> None:
        """Plug and card; returns when the car charges or the victim is dead."""
        dead = self.park.died
        self.park.plug(point)
        eventually("the board sees the car", lambda: dead(victim) or self._state(point) is PilotState.B)
        self._swipe(point)
        eventually("charging or dead", lambda: dead(victim) or self.park.charging(point))

    def _finish(self, point: str) -> None:
        """The car goes, after some energy; where the death came before the session, the driver shows the card again."""
        if not self.park.evse(point).HasField("vehicle"):
            return
        eventually("the board knows its car", lambda: self._state(point) not in {None, PilotState.A})
        if not self.park.charging(point):
            row = self._row(point)
            if row is not None and row.session is None:
                self._swipe(point)
            eventually("charging after the death", lambda: self.park.charging(point))
        self._metered(point)
        self.park.unplug(point)

    def _swipe(self, point: str) -> None:
        self.park.swipe(TAGS[int(point[-1])], f"{BOARD}/{PILLAR}")

    def _metered(self, point: str) -> None:
        eventually("some energy", lambda: self._taken_wh(point) > METERED_WH)

    def _taken_wh(self, point: str) -> float:
        evse = self.park.evse(point)
        return evse.energy_wh - evse.visits[-1].start_wh

    def _row(self, point: str) -> ChargePointRow | None:
        """What the board itself shows of its charge point; None: it does not answer."""
        view = self.park.board_view(BOARD)
        return None if view is None else next(row for row in view.charge_points if row.name == f"{BOARD}/{point}")

    def _state(self, point: str) -> PilotState | None:
        row = self._row(point)
        return None if row is None else row.state

    def _settled(self, known: int) -> bool:
        """A session more than before, all of them whole, and nobody is there any more."""
        transactions = self.park.ledger().transactions()
        if len(transactions) <= known or not all(each.stops for each in transactions) or not self._told_all():
            return False
        view = self.park.board_view(BOARD)
        rows = () if view is None else view.charge_points
        return bool(rows) and all(row.session is None for row in rows) and self.park.problems() == []

    def _told_all(self) -> bool:
        """The server lives, hears the board, and has nothing more to tell the backend."""
        view = self.park.view()
        if view is None or view.backend is None or (view.backend.state, view.backend.queue_depth) != ("online", 0):
            return False
        return any(node.name == BOARD and node.state == "alive" for node in view.nodes)


@contextmanager
def dying_park(directory: Path) -> Generator[Deaths]:
    """A server, a board and their backend, which gets a reading each second."""
    with park_rig(directory, clients=1, points=POINTS_OF_BOARD, lease=LEASE, mortal=True) as park:
        for number, (key, value) in enumerate(EVERY_SECOND.items(), 1):
            order = {"call": "ChangeConfiguration", "payload": {"key": key, "value": value}}
            park.tell_backend(json.dumps(order))
            eventually(f"{key} is set", lambda number=number: park.log("backend").count(ACCEPTED) == number)
        recorder = Recorder(park.config.bench, LEASE)
        yield Deaths(park, recorder)
        recorder.close()
