"""The row store of the simulated world: a disk's time until it answers; what was not written goes with the power."""

from __future__ import annotations

from nodes.simulation.world import SimulatedWorld
from park.model.storage import Commit, CommitFailed, Committed, Delete, LoadRows, Put, Replies, Row, RowsLoaded

COMMIT_SECONDS = 0.005  # an fsync on the eMMC of a controller board takes milliseconds


class SimulatedStore:
    """`Address[Commit | LoadRows]`. `cut_power()` loses every commit that is not on disk yet, and every answer.

    `answer_seconds`: from the disk to the asker; a process that is killed within them does not know what is written.
    """

    def __init__(self, world: SimulatedWorld, answer_seconds: float = 0.0) -> None:
        self._world = world
        self._answer_seconds = answer_seconds
        self._rows: dict[tuple[str, str], str] = {}
        self._power = 0  # counts the cuts: what was under way before one never happens
        self.commits = 0
        self.is_full = False  # every commit is refused, as SQLite does it
        self.refused = 0

    def tell(self, message: Commit | LoadRows, /) -> None:
        power = self._power
        self._world.after(COMMIT_SECONDS, lambda: self._serve(message, power))

    def cut_power(self) -> None:
        """Everything not on disk is gone, and nobody is told."""
        self._power += 1

    def wipe(self) -> None:
        """Everything is gone."""
        self._rows.clear()

    def put_now(self, *writes: Put | Delete) -> None:
        """Write at once, as a composition root does before its actors run."""
        for write in writes:
            self._apply(write)

    def rows(self, *tables: str) -> tuple[Row, ...]:
        """What is on disk now, by table and key."""
        return tuple(Row(table, key, body) for (table, key), body in sorted(self._rows.items()) if table in tables)

    def _serve(self, message: Commit | LoadRows, power: int) -> None:
        if power != self._power:
            return
        match message:
            case Commit(writes, token, reply_to):
                self._answer(self._committed(writes, token), reply_to, power)
            case LoadRows(tables, reply_to):
                self._answer(RowsLoaded(self.rows(*tables)), reply_to, power)

    def _committed(self, writes: tuple[Put | Delete, ...], token: int) -> Committed | CommitFailed:
        if self.is_full:
            self.refused += 1
            return CommitFailed(token, "database or disk is full")
        for write in writes:
            self._apply(write)
        self.commits += 1
        return Committed(token)

    def _answer(self, answer: Committed | CommitFailed | RowsLoaded, reply_to: Replies, power: int) -> None:
        if not self._answer_seconds:
            reply_to.tell(answer)
            return
        self._world.after(self._answer_seconds, lambda: reply_to.tell(answer) if power == self._power else None)

    def _apply(self, write: Put | Delete) -> None:
        match write:
            case Put(table, key, body):
                self._rows[(table, key)] = body
            case Delete(table, key):
                self._rows.pop((table, key), None)
