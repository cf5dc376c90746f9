"""The link of a board that leads a group to the park above: there it is a client board, its loads are charge points."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from actors.address import Address, Nowhere
from actors.messages import (
    Alarm,
    ChargePointMessage,
    CoordinatorMessage,
    ExchangeMessage,
    Report,
    ServerLinkMessage,
    StoreMessage,
)
from actors.server_link import ServerLinkWires
from actors.supervisor import Supervisor
from actors.world import World
from nodes.wiring.hardware import Roles
from park.exchange.messages import OfferedPoint
from park.exchange.server_link import BoardSettings
from park.load.group import GroupPlacement, GroupSettings, loads
from park.model.demand import BoardHeartbeat
from park.model.grant import ApplyGrant
from park.model.placement import Placed
from park.model.signals import RepeatLevels

FromAbove: TypeAlias = ApplyGrant | RepeatLevels | Placed


class Leader(Struct, frozen=True):
    """A board that leads a group: as what it is known above, and what it says of itself there."""

    group: GroupSettings
    link: BoardSettings


class EdgesAbove(Struct, frozen=True):
    """What the link tells outside the ring of actors."""

    exchange: Address[ExchangeMessage]
    store: Address[StoreMessage]
    view: Address[Report]
    alarms: Address[Alarm]


class _Load(Struct, frozen=True):
    """One phase of the group as the park above addresses it: its budget and its place are the coordinator's."""

    coordinator: Address[CoordinatorMessage]

    def tell(self, message: ChargePointMessage, /) -> None:
        if isinstance(message, FromAbove):
            self.coordinator.tell(message)


class Beats(Struct, frozen=True):
    """The heartbeat of this board: for its own coordinator, and for the one above."""

    coordinator: Address[CoordinatorMessage]
    link: Address[ServerLinkMessage]

    def tell(self, message: BoardHeartbeat, /) -> None:
        self.coordinator.tell(message)
        self.link.tell(message)


def declare_above(
    world: World,
    root: Supervisor,
    leader: Leader,
    edges: EdgesAbove,
    coordinator: Address[CoordinatorMessage],
    roles: Roles,
) -> Address[ServerLinkMessage]:
    """The link upwards, in the tree of the board that leads the group. Sessions and cards do not cross it."""
    points: dict[str, Address[ChargePointMessage]] = {
        offered.name: _Load(coordinator) for offered in leader.link.charge_points
    }
    wires = ServerLinkWires(edges.exchange, points, {}, Nowhere(), Nowhere(), edges.store, edges.view, edges.alarms)
    return root.child("link-above", lambda me: roles.server_link(world, me, leader.link, wires))


def offered_loads(group: GroupPlacement) -> tuple[OfferedPoint, ...]:
    """What the board that leads the group says it has."""
    return tuple(
        OfferedPoint(
            each.charge_point,
            each.phases,
            each.minimum_ma,
            each.maximum_ma,
            each.resolution_ma,
            each.has_deadman,
            metered=group.metered,
        )
        for each in loads(group)
    )
