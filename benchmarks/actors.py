"""Round trips per second between two actors on threads, on a pool and in simulation, beside a plain queue."""

from __future__ import annotations

import gc
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actors.supervisor import Supervisor
from actors.worker import Start, Worker
from benchmarks.table import Table, ratio
from nodes.field import PoolWorld, ThreadWorld
from nodes.simulation.world import SimulatedWorld

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.address import Address
    from actors.world import World

FIELD_ROUNDS = 10_000
SIMULATED_ROUNDS = 50_000
REPETITIONS = 3  # the best counts: other programs on the machine only ever slow it down


@dataclass(frozen=True, slots=True)
class Ball:
    """What is thrown; the message carries where to throw it back to."""

    rounds_left: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. A round trip is two messages."""

    world: str
    round_trips_per_second: float

    @property
    def messages_per_second(self) -> float:
        """Messages handled per second."""
        return 2 * self.round_trips_per_second


class Player(Worker["Start | Ball"]):
    """Throws every ball back until the rounds are over."""

    def __init__(self, world: World, other: Callable[[], Address[Ball]], over: Callable[[], None]) -> None:
        super().__init__(world)
        self._other, self._over = other, over

    def receive(self, message: Start | Ball) -> None:
        """Return the ball."""
        match message:
            case Ball(rounds_left=0):
                self._over()
            case Ball(rounds_left=left):
                self._other().tell(Ball(left - 1))
            case Start():
                pass


def run(rounds: int = FIELD_ROUNDS, simulated_rounds: int = SIMULATED_ROUNDS) -> list[Row]:
    """Measure all four in turn, several times, in this process."""
    measurements: list[Callable[[], Row]] = [
        lambda: _plain_queue(rounds),
        lambda: _actors("threads", ThreadWorld(), rounds),
        lambda: _actors("pool", PoolWorld(), rounds),
        lambda: _simulation(simulated_rounds),
    ]
    found = [[measure() for measure in measurements] for _ in range(REPETITIONS)]
    return [max(column, key=lambda row: row.round_trips_per_second) for column in zip(*found, strict=True)]


def report(*, quick: bool) -> Table:
    rows = run(200, 1_000) if quick else run()
    reference = rows[0].round_trips_per_second
    return Table(
        "Actors",
        ("two actors in", "round trips/s", "÷ plain queue", "messages/s"),
        tuple(
            (
                row.world,
                f"{row.round_trips_per_second:,.0f}",
                ratio(row.round_trips_per_second, reference),
                f"{row.messages_per_second:,.0f}",
            )
            for row in rows
        ),
    )


def _pair(world: World, over: Callable[[], None]) -> tuple[Supervisor, Address[Ball]]:
    root = Supervisor(world, "benchmark")
    players: list[Any] = []
    for n in range(2):
        players.append(root.child(f"player-{n}", lambda _, n=n: Player(world, lambda: players[1 - n], over)))
    root.start()
    return root, players[0]


def _actors(name: str, world: ThreadWorld | PoolWorld, rounds: int) -> Row:
    over = threading.Event()
    root, first = _pair(world, over.set)
    began = _begin()
    first.tell(Ball(2 * rounds))
    over.wait()
    seconds = time.perf_counter() - began
    root.stop()
    world.close()
    return Row(name, rounds / seconds)


def _simulation(rounds: int) -> Row:
    world = SimulatedWorld(seed=1, turns_per_instant=3 * rounds)
    root, first = _pair(world, lambda: None)
    began = _begin()
    first.tell(Ball(2 * rounds))
    world.run_for(1.0)
    seconds = time.perf_counter() - began
    root.stop()
    return Row("simulation", rounds / seconds)


def _plain_queue(rounds: int) -> Row:
    there: queue.SimpleQueue[int] = queue.SimpleQueue()
    back: queue.SimpleQueue[int] = queue.SimpleQueue()

    def echo() -> None:
        for _ in range(rounds):
            back.put(there.get())

    thread = threading.Thread(target=echo, daemon=True)
    thread.start()
    began = _begin()
    for n in range(rounds):
        there.put(n)
        back.get()
    seconds = time.perf_counter() - began
    thread.join()
    return Row("plain queue", rounds / seconds)


def _begin() -> float:
    gc.collect()
    return time.perf_counter()
