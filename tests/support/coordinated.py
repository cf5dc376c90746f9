"""A coordinator in real threads over a real store, for the ports that take limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.address import Address, Nowhere
from actors.coordinator import Coordinator, CoordinatorWires
from actors.messages import ChargePointMessage, CoordinatorMessage
from actors.supervisor import Supervisor
from nodes.energy.desk import LimitDesk
from nodes.energy.managers import TABLE, EnergyManagers
from nodes.field import ThreadWorld, clock
from nodes.store import Store
from nodes.view import ViewStore
from park.load.circuit import Circuit, Placement
from park.load.solar.settings import Solar
from park.load.state import CoordinatorSettings
from park.view import ParkView

THREE = (63_000, 63_000, 63_000)


@dataclass
class Coordinated:
    """`view` is told what the coordinator reports, once a second."""

    coordinator: Address[CoordinatorMessage]
    store: Store
    view: ViewStore
    desk: LimitDesk
    managers: EnergyManagers


@asynccontextmanager
async def coordinated(
    directory: Path,
    shown: ParkView,
    circuits: Sequence[Circuit] = (Circuit("grid", THREE),),
    placements: Sequence[Placement] = (Placement("n/cp1", "n", "grid"),),
    solar: Sequence[Solar] = (),
) -> AsyncGenerator[Coordinated]:
    """Within the block. Nobody plays the boards."""
    store, world = Store(directory), ThreadWorld()
    view = ViewStore("n", shown)
    root = Supervisor(world, "n")
    points: dict[str, Address[ChargePointMessage]] = {each.charge_point: Nowhere() for each in placements}
    settings = CoordinatorSettings(
        tuple(circuits),
        tuple(placements),
        "s",
        interval_seconds=1.0,
        keeps_limits=True,
        machine_boot="boot",
        solar=tuple(solar),
    )
    coordinator: Address[CoordinatorMessage] = root.child(
        "coordinator",
        lambda me: Coordinator(world, settings, CoordinatorWires(points, view, Nowhere(), store=store, me=me)),
    )
    managers = EnergyManagers(store.rows(TABLE), store)
    store.start()
    root.start()
    try:
        yield Coordinated(coordinator, store, view, LimitDesk(coordinator), managers)
    finally:
        await asyncio.to_thread(root.stop)
        await asyncio.to_thread(store.stop)
        world.close()


now = clock.now
