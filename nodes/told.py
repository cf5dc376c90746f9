"""What boards may still fall to, on the server's disk: before any of them is told more, and after it has less."""

from __future__ import annotations

from actors.address import Address, Nowhere
from nodes.epochs import Disk
from park.config.mapping import TraitsOf, circuits, placements
from park.config.node_config import NodeConfig
from park.load.told import TABLE, LapseKept, Telling, row_of, telling, told_of
from park.model.storage import Commit


def begin_telling(store: Disk, config: NodeConfig, traits_of: TraitsOf) -> Telling:
    """What boards are told in this life of a server. Call before the store is started."""
    told = telling(circuits(config), placements(config, traits_of), told_of(store.rows(TABLE)))
    store.put_now(*(row_of(name, counted) for name, counted in sorted(told.counted.items())))
    return told


class Keeper:
    """Told that a board has nothing higher any more, it writes that down."""

    def __init__(self, store: Address[Commit]) -> None:
        self._store = store

    def tell(self, message: LapseKept, /) -> None:
        self._store.tell(Commit((row_of(message.charge_point, message.told),), 0, Nowhere()))
