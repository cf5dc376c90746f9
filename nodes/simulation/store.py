"""The row store of the simulated world: a disk's time until it answers; what was not written goes with the power."""

from __future__ import annotations

from nodes.simulation.world import SimulatedWorld
from park.model.storage import Commit, Committed, Delete, LoadRows, Put, Row, RowsLoaded

COMMIT_SECONDS = 0.005  # an fsync on the eMMC of a controller board takes milliseconds


class SimulatedStore:
    """`Address[Commit | LoadRows]`. `cut_power()` loses every commit that was not answered yet."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._rows: dict[tuple[str, str], str] = {}
        self._power = 0  # counts the cuts: what was under way before one never happens
        self.commits = 0

    def tell(self, message: Commit | LoadRows, /) -> None:
        power = self._power
        self._world.after(COMMIT_SECONDS, lambda: self._serve(message, power))

    def cut_power(self) -> None:
        """Everything not on disk is gone, and nobody is told."""
        self._power += 1

    def rows(self, *tables: str) -> tuple[Row, ...]:
        """What is on disk now, by table and key."""
        return tuple(Row(table, key, body) for (table, key), body in sorted(self._rows.items()) if table in tables)

    def _serve(self, message: Commit | LoadRows, power: int) -> None:
        if power != self._power:
            return
        match message:
            case Commit(writes, token, reply_to):
                for write in writes:
                    self._apply(write)
                self.commits += 1
                reply_to.tell(Committed(token))
            case LoadRows(tables, reply_to):
                reply_to.tell(RowsLoaded(self.rows(*tables)))

    def _apply(self, write: Put | Delete) -> None:
        match write:
            case Put(table, key, body):
                self._rows[(table, key)] = body
            case Delete(table, key):
                self._rows.pop((table, key), None)
