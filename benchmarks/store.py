"""Commits per second of the node's store, beside appending the same bytes to a file and `fdatasync`."""

from __future__ import annotations

import os
import queue
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.spread import Spread
from benchmarks.table import Table, ratio
from nodes.store import Store
from park.model.storage import Commit, CommitFailed, Committed, Put, RowsLoaded

BODY = "x" * 160  # bytes: about what a session fact has
ROUNDS = 300
GROUPS = (1, 10, 100)  # commits told at once
REPETITIONS = 3  # in turn, the medians count: a disk has moods


@dataclass(frozen=True, slots=True)
class Row:
    """`rows_per_second` on disk; `seconds` until a whole group was answered."""

    what: str
    rows_per_second: float
    seconds: Spread


class Answers:
    """`Address` of whoever waits for a commit."""

    def __init__(self) -> None:
        self._mail: queue.SimpleQueue[Committed | CommitFailed | RowsLoaded] = queue.SimpleQueue()

    def tell(self, message: Committed | CommitFailed | RowsLoaded, /) -> None:
        self._mail.put(message)

    def wait(self) -> None:
        """For one commit; raises RuntimeError when it failed."""
        answer = self._mail.get()
        if not isinstance(answer, Committed):
            raise RuntimeError(f"the store answered {answer}")  # noqa: TRY004 - no type, the disk is wrong


def run(rounds: int = ROUNDS, directory: Path | None = None) -> list[Row]:
    """Measure in a new directory below `directory` (None: the system's for temporary files)."""
    with tempfile.TemporaryDirectory(dir=directory) as name:
        store = Store(Path(name))
        store.start()
        try:
            return _measured(store, Path(name) / "plain", rounds)
        finally:
            store.stop()


def report(*, quick: bool) -> Table:
    rows = run(20) if quick else run()
    reference = rows[0].rows_per_second
    return Table(
        "Durable store",
        ("what", "rows/s", "÷ plain file", "p50 ms", "p99 ms"),
        tuple(
            (
                row.what,
                f"{row.rows_per_second:,.0f}",
                ratio(row.rows_per_second, reference),
                f"{1000 * row.seconds.p50:.2f}",
                f"{1000 * row.seconds.p99:.2f}",
            )
            for row in rows
        ),
        f"On {filesystem(Path(tempfile.gettempdir()))}, the file system of temporary files.",
    )


def filesystem(path: Path) -> str:
    """Type of the file system a path is on, by the longest mount point that holds it."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(len(point), kind) for point, kind in mounts if path.resolve().is_relative_to(point)]
    return max(holding, default=(0, "unknown"))[1]


def _measured(store: Store, plain: Path, rounds: int) -> list[Row]:
    answers = Answers()
    with plain.open("ab", buffering=0) as file:

        def append() -> None:
            file.write(BODY.encode())
            os.fdatasync(file.fileno())

        def together(size: int) -> Callable[[], None]:
            return lambda: _commit(store, answers, size)

        measurements = [("plain file, append and fdatasync", 1, append)]
        measurements += [(f"store, {size} at once" if size > 1 else "store", size, together(size)) for size in GROUPS]
        taken: dict[str, list[list[float]]] = {what: [] for what, _, _ in measurements}
        for _ in range(REPETITIONS):
            for what, size, once in measurements:
                taken[what].append([_timed(once) for _ in range(max(10, rounds // size))])
    return [_row(what, size, taken[what]) for what, size, _ in measurements]


def _row(what: str, size: int, repetitions: list[list[float]]) -> Row:
    rate = statistics.median(size * len(seconds) / sum(seconds) for seconds in repetitions)
    return Row(what, rate, Spread.of([each for seconds in repetitions for each in seconds]))


def _commit(store: Store, answers: Answers, size: int) -> None:
    for number in range(size):
        store.tell(Commit((Put("measured", str(number), BODY),), number, answers))
    for _ in range(size):
        answers.wait()


def _timed(once: Callable[[], None]) -> float:
    began = time.perf_counter()
    once()
    return time.perf_counter() - began
