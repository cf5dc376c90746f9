"""kill -9 of server, boards and backend at random moments: every session reaches the backend once, with its energy."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.park_rig import DOOR, PILLAR, TAGS, ParkRig, park_rig
from support.recorder import Recorder
from support.rig import eventually

from park.errors import ChargeparkError

LEASE = 10
SECONDS = float(os.environ.get("CHARGEPARK_KILL_SECONDS", "60"))
STEP = (0.1, 1.2)  # seconds from one thing that happens to the next
DOWN = (0.0, 4.0)  # seconds a killed process stays away
QUIET = 180.0  # seconds until the backend, tried every two minutes after many failures, has the last facts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 400)]


@pytest.fixture
def park(tmp_path: Path) -> Generator[ParkRig]:
    with park_rig(tmp_path, lease=LEASE) as made:
        yield made


@dataclass
class Chaos:
    """People and a killer, as drawn. A point whose car left is used again when its board was seen to know that."""

    park: ParkRig
    draw: random.Random
    mortal: tuple[str, ...]
    plugged: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    kills: dict[str, int] = field(default_factory=dict)
    _back: list[tuple[float, str]] = field(default_factory=list)
    _deck: list[str] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        pause = threading.Event()  # never set: only its timeout, the drawn moment, matters
        end = time.monotonic() + seconds
        next_kill = time.monotonic() + self.draw.uniform(1.0, 5.0)
        while time.monotonic() < end:
            self._revive(time.monotonic())
            if time.monotonic() >= next_kill:
                self._kill()
                next_kill = time.monotonic() + self.draw.uniform(1.0, 8.0)
            self._person()
            pause.wait(self.draw.uniform(*STEP))
        self._revive(float("inf"))

    def _kill(self) -> None:
        """Whose turn it is: everybody dies equally often, in an order nobody knows."""
        if not self._deck:
            self._deck = self.draw.sample(self.mortal, len(self.mortal))
        name = self._deck.pop()
        if not self.park.runs(name):
            return
        self.park.kill(name)
        self.kills[name] = self.kills.get(name, 0) + 1
        self._back.append((time.monotonic() + self.draw.uniform(*DOWN), name))

    def _revive(self, now: float) -> None:
        for at, name in list(self._back):
            if at <= now:
                self._back.remove((at, name))
                if name == "backend":
                    self.park.start_backend()
                else:
                    self.park.start_board(name)

    def _person(self) -> None:
        point = self.draw.choice(self.park.charge_points)
        if point in self.plugged:
            self.park.unplug(point)
            self.plugged.remove(point)
            self.left.add(point)
        elif point in self.left and not self._noticed(point):
            return
        else:
            self.left.discard(point)
            self.park.plug(point)
            self.plugged.add(point)
            threading.Event().wait(self.draw.uniform(0.0, 0.8))
            reader = DOOR if self.draw.random() < 0.5 else f"{point.partition('/')[0]}/{PILLAR}"
            try:
                self.park.swipe(self.draw.choice(TAGS), reader)
            except ChargeparkError:  # nobody drives the reader now: the driver walks away
                return

    def _noticed(self, point: str) -> bool:
        row = self.park.row_of(point)
        return row is not None and row.state is not None and row.state.value == "A" and row.session is None


def seeded(record_property: Callable[[str, object], None], what: str) -> random.Random:
    seed = int(os.environ.get("CHARGEPARK_SEED", "0")) or random.randrange(1, 10**6)
    print(f"{what}: seed {seed}")  # noqa: T201 - a test that hangs has said it
    record_property("figure", f"{what}: seed {seed}; repeat with CHARGEPARK_SEED={seed}")
    return random.Random(seed)


@pytest.mark.rule("B-074")
@pytest.mark.parametrize("backend", [False, True], ids=["nodes", "nodes and backend"])
def test_random_kills_cost_nothing(
    park: ParkRig, backend: bool, record_property: Callable[[str, object], None]
) -> None:
    what = f"{SECONDS:.0f} s of kills of nodes{' and backend' if backend else ''}"
    draw = seeded(record_property, what)
    recorder = Recorder(park.config.bench, LEASE)
    chaos = Chaos(park, draw, (*park.files, "backend") if backend else tuple(park.files))
    chaos.run(SECONDS)
    park.start_boards(QUIET)
    for point in sorted(chaos.plugged):
        park.unplug(point)
    try:
        eventually("every session is whole", lambda: park.waiting() == 0 and park.problems() == [], QUIET)
    except AssertionError:
        assert park.problems() == []
        raise
    recorder.close()

    transactions = park.ledger().transactions()
    repeats = sum(each.wire_repeats for each in transactions)
    attempts = park.starts - 1 + chaos.kills.get("backend", 0)
    counts = f"{len(transactions)} sessions, kills {chaos.kills}, wire repeats {repeats} <= deaths {attempts}"
    record_property("figure", f"R01 {what}: {counts}")
    assert set(chaos.kills) == set(chaos.mortal)
    assert len(transactions) >= SECONDS / 20
    assert repeats <= attempts
    assert recorder.stale == []
    assert recorder.samples > SECONDS
