"""The park that is measured: a board wired as the node wires it, with a disk and hardware that answer at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from actors.address import Nowhere
from actors.messages import StoreMessage
from actors.supervision import ChildFigures
from actors.world import World
from benchmarks.hardware import After, Hardware
from nodes.board import Identities, leading_board
from nodes.metrics.collector import ParkCollector
from nodes.metrics.families import families
from nodes.view import ViewStore
from nodes.wiring import Edges, Park, wire
from park.config.mapping import full_name
from park.config.node_config import NodeConfig
from park.model.storage import Commit, Committed, RowsLoaded
from park.view import ParkView
from park.view.configured import as_configured

NODE = "board-1"
ROW = 12  # charge points behind one sub-distribution
GRID_AMPS = 6300  # the largest a configuration may name
MAX_AMPS = 16  # of a charge point: for 250 of them, and for those who just came and may still be taken for other load
OTHERS_AMPS = 10  # room in a row for what else hangs on it


class Garage:
    """`points` charge points with a meter each, in rows of twelve with a branch meter, and a meter at the grid.

    Every vehicle may charge without a card; there is no backend. A point falls to 0 A when its grant lapses: with
    another lapse current a new session shows that one first, and the pilot may be raised only five seconds later.
    """

    def __init__(self, world: World, points: int, after: After) -> None:
        self.config = configuration(points)
        self.names = tuple(full_name(NODE, point.name) for point in self.config.charge_point)
        self.rows = tuple(self.names[first : first + ROW] for first in range(0, points, ROW))
        self.hardware = Hardware(self.names, after, lambda: world.now().mono)
        self.hardware.foreign_ma = {_row_meter(number): 0 for number in range(len(self.rows))}
        self._world = world
        self.view = ViewStore(
            NODE,
            as_configured(self.config, world.now(), "measured"),
            self._figures,
        )
        self.collector = ParkCollector(families("measured", "3.11"), self.snapshot)
        nowhere = Nowhere()
        edges = Edges(InstantDisk(), self.hardware, nowhere, self.view, nowhere, nowhere, nowhere)
        identities = Identities("boot", "journal", "server", 1, lambda: uuid.uuid4().hex)
        self.park: Park = wire(world, leading_board(self.config, identities, "measured"), edges, nowhere)

        metered = {f"{point.name}-meter": full_name(NODE, point.name) for point in self.config.charge_point}
        self.hardware.connect(self.park.charge_points, self.park.meters, metered)

    def start(self) -> None:
        self.park.supervisor.start()
        self.hardware.start()

    def stop(self) -> None:
        """End all actors; the world is its owner's."""
        self.park.supervisor.stop()

    def snapshot(self) -> ParkView:
        return self.view.snapshot(self._world.now())

    def charging(self) -> int:
        """How many charge points offer current, by the park view."""
        return sum(1 for row in self.snapshot().charge_points if row.signalled_ma)

    def settled(self) -> bool:
        """The coordinator heard of every charge point and every meter has been read."""
        if not self.names:
            return True  # nobody to hear of: it would wait for one whole lease
        view = self.snapshot()
        reported = all(row.state is not None and row.energy_wh is not None for row in view.charge_points)
        return reported and all(row.holding is False for row in view.circuits)

    def _figures(self) -> Iterator[ChildFigures]:
        return (child.figures() for child in self.park.supervisor.children())

    def load_row(self, number: int, foreign_ma: int) -> None:
        """Something else on a row takes so much, and its meter is read at once. On the thread of the edges."""
        meter = _row_meter(number)
        self.hardware.foreign_ma[meter] = foreign_ma
        self.hardware.poll(meter)


class InstantDisk:
    """`Address[Commit | LoadRows]`: everything is durable at once, so that the way is measured and not the disk."""

    def tell(self, message: StoreMessage, /) -> None:
        if isinstance(message, Commit):
            message.reply_to.tell(Committed(message.token))
        else:
            message.reply_to.tell(RowsLoaded(()))


def row_limit_ma(points: int) -> int:
    """Limit of a row with so many points: enough for all, and for what else may hang there."""
    return (points * MAX_AMPS + OTHERS_AMPS) * 1000


def configuration(points: int) -> NodeConfig:
    """The file of such a node, validated as one."""
    rows = [min(ROW, points - first) for first in range(0, points, ROW)]
    grid = {"name": "grid", "limit_amps": (GRID_AMPS,) * 3, "meter": "grid-meter"}
    meters = ["grid-meter", *(_row_meter(number) for number in range(len(rows)))]
    meters += [f"cp{number}-meter" for number in range(1, points + 1)]
    return NodeConfig.model_validate(
        {
            "node": {"name": NODE, "role": "single", "data_dir": "unused"},
            "park": {"name": "measured"},
            "authorization": {"mode": "free"},
            "circuit": [grid, *(_row(number, size) for number, size in enumerate(rows))],
            "meter": [_meter(name) for name in meters],
            "charge_point": [_point(number) for number in range(1, points + 1)],
        }
    )


def _row_meter(number: int) -> str:
    return f"row{number}-meter"


def _row(number: int, points: int) -> dict[str, Any]:
    return {
        "name": f"row{number}",
        "parent": "grid",
        "limit_amps": (row_limit_ma(points) / 1000,) * 3,
        "meter": _row_meter(number),
        "meter_sees_charging": False,
        "external_fallback_amps": (OTHERS_AMPS,) * 3,
    }


def _meter(name: str) -> dict[str, Any]:
    amps = GRID_AMPS if name == "grid-meter" else MAX_AMPS * ROW + OTHERS_AMPS
    return {"name": name, "map": "eastron-sdm630", "address": "tcp://127.0.0.1:502", "max_amps": amps}


def _point(number: int) -> dict[str, Any]:
    return {
        "name": f"cp{number}",
        "driver": "virtual",
        "connector": number,
        "circuit": f"row{(number - 1) // ROW}",
        "max_amps": MAX_AMPS,
        "outlet": "cable",
        "meter": f"cp{number}-meter",
    }
