"""Many random kills among many sessions: the park, its crowd and its killer, and the books of both sides at the end."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

from support.answered import Answered
from support.crowd import LOOK_SECONDS, Crowd, Killer
from support.ledgers import journal, undelivered, wire_repeats
from support.park_rig import SERVER, ParkRig, park_rig
from support.recorder import Recorder
from support.rig import eventually

from nodes.demo.settlement import Settled
from nodes.store import FILE
from nodes.virtual.ledger import LedgerTransaction

LEASE = 10
LIMIT_AMPS = 21  # headroom and fallback of the house; each charge point's lapse current comes to it
LAPSE_AMPS = 6
SHARED_AMPS = 42  # to be shared out
QUIET = 300.0  # seconds until boards and backend have told each other everything
STUCK = 120.0  # seconds without one more session: the park is stuck
PERCENT = 100
TELL = 50  # sessions from one word about the progress to the next
AFTER_SERVER = "recovery of the server, from its death until the backend answers it again"
AFTER_BOARD = "recovery of a board, from its death until the backend answers its next fact"


@dataclass(frozen=True, slots=True)
class Wish:
    """`boards` with `points` charge points each; kills come evenly over the sessions."""

    sessions: int
    kills: int
    boards: int
    points: int
    seed: int


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it. `lost`: facts on disks of boards that the backend never got; `recovery`: seconds, by kind."""

    wish: Wish
    sessions: int
    doubled: int
    gone: int
    kills: Counter[str]
    repeats: int
    facts: int
    lost: list[object]
    problems: list[str]
    stale: int
    meter_wh: float
    backend_wh: int
    worst_wh: float
    recovery: dict[str, list[float]]
    seconds: float

    @property
    def is_fine(self) -> bool:
        return not (self.lost or self.problems or self.doubled or self.stale) and self.repeats <= self.kills[SERVER]

    def lines(self) -> Iterator[str]:
        """The figures, a sentence each."""
        wish = self.wish
        killed = ", ".join(f"{count} × {node}" for node, count in sorted(self.kills.items()))
        yield f"{wish.boards} boards with {wish.points} charge points each and their server, {self.seconds:.0f} s"
        yield f"{self.sessions} sessions, {self.gone} drivers gave up; {self.kills.total()} × kill -9: {killed}"
        yield (
            f"{len(self.problems) + len(self.lost)} lost or altered ({self.facts} facts on the disks of boards), "
            f"{self.doubled} doubled by D1's key"
        )
        yield f"{self.repeats} wire repeats <= {self.kills[SERVER]} deaths of the server"
        yield (
            f"energy: {self.meter_wh:.1f} Wh by the meters, {self.backend_wh} Wh at the backend, "
            f"worst visit {self.worst_wh:.2f} Wh apart (whole watt-hours)"
        )
        for kind, seconds in sorted(self.recovery.items()):
            yield f"{kind}: {_spread(seconds)}"
        yield "no promise broken: S2 D1 D2" if self.is_fine else f"BROKEN: {self.problems} {self.lost} {self.stale}"


def kill_run(directory: Path, wish: Wish, tell: Callable[[str], None] = lambda _: None) -> Found:
    """Bench, backend, server and boards as processes in `directory`. AssertionError when the park is stuck."""
    began = time.monotonic()
    limit = LIMIT_AMPS + SHARED_AMPS + LAPSE_AMPS * wish.boards * wish.points
    with park_rig(directory, clients=wish.boards, points=wish.points, lease=LEASE, limit=limit) as park:
        recorder, answered = Recorder(park.config.bench, LEASE), Answered(directory / "backend.log")
        draw = random.Random(wish.seed)
        crowd, killer = Crowd(park, random.Random(draw.random())), Killer(park, random.Random(draw.random()), answered)
        _live(park, crowd, killer, wish, tell)
        park.start_boards(QUIET)
        eventually("everybody has left", crowd.leave, QUIET)
        _settle(park)
        answered.close()
        recorder.close()
        for node in park.files:
            park.kill(node)
        return _found(park, wish, crowd, killer, recorder, answered, time.monotonic() - began)


def _live(park: ParkRig, crowd: Crowd, killer: Killer, wish: Wish, tell: Callable[[str], None]) -> None:
    newest, told, at = 0, 0, time.monotonic()
    while crowd.begun < wish.sessions or killer.kills.total() < wish.kills:
        eventually_next = time.monotonic() + LOOK_SECONDS
        crowd.act()
        killer.act(min(wish.kills, crowd.begun * wish.kills // wish.sessions))
        if crowd.begun > newest:
            newest, at = crowd.begun, time.monotonic()
            if newest >= told + TELL:
                told = newest
                tell(f"{newest} sessions, {killer.kills.total()} kills, {crowd.gone} drivers gave up")
        assert time.monotonic() < at + STUCK, f"no session since {STUCK} s: {park.missing()}"
        eventually("the next look", lambda end=eventually_next: time.monotonic() >= end)
    killer.revive()


def _settle(park: ParkRig) -> None:
    try:
        eventually("every session is whole", lambda: park.waiting() == 0 and park.online(), QUIET)
        eventually("every session is whole", lambda: park.problems() == [], QUIET)
    except AssertionError:
        if park.online():  # then the problems are what there is to tell
            return
        raise


def _found(
    park: ParkRig, wish: Wish, crowd: Crowd, killer: Killer, recorder: Recorder, answered: Answered, seconds: float
) -> Found:
    ledger = park.directory / "ledger.sqlite3"
    visits = [each for each in park.settled() if each.ended]
    recovery: dict[str, list[float]] = {}
    for node, those in answered.seconds.items():
        kind = (
            "server, until the backend has answered it" if node == SERVER else "board, until its next fact is answered"
        )
        recovery.setdefault(kind, []).extend(those)
    facts = [entry.fact for node in park.clients for entry in journal(park.directory / node / FILE)]
    return Found(
        wish=wish,
        sessions=sum(len(each.transactions) for each in visits),
        doubled=_doubled(park.ledger().transactions()),
        gone=crowd.gone,
        kills=killer.kills,
        repeats=wire_repeats(ledger),
        facts=len(facts),
        lost=list(undelivered(ledger, facts)),
        problems=park.problems(),
        stale=len(recorder.stale),
        meter_wh=sum(each.meter_wh or 0.0 for each in visits),
        backend_wh=sum(each.backend_wh for each in visits),
        worst_wh=max((_apart(each) for each in visits), default=0.0),
        recovery=recovery,
        seconds=seconds,
    )


def _apart(visit: Settled) -> float:
    return abs((visit.meter_wh or 0.0) - visit.backend_wh)


def _doubled(transactions: Iterable[LedgerTransaction]) -> int:
    """Transactions of the same energy: of one connector, and the register was where it was in the one before."""
    places: dict[int, list[tuple[int, str, int]]] = {}
    for each in transactions:
        span = (each.meter_start, each.started_at, each.meter_stop or each.meter_start)
        places.setdefault(each.connector, []).append(span)
    return sum(
        later[0] < earlier[2] or later[:2] == earlier[:2]
        for spans in places.values()
        for earlier, later in pairwise(sorted(spans))
    )


def _spread(seconds: list[float]) -> str:
    if len(seconds) == 1:
        return f"{seconds[0]:.1f} s"
    cuts = quantiles(seconds, n=PERCENT, method="inclusive")
    return f"p50 {cuts[49]:.1f} s, p99 {cuts[98]:.1f} s, longest {max(seconds):.1f} s of {len(seconds)}"
