"""The card reader as an actor: a tag of service restarts the board, or restores its keys."""

from __future__ import annotations

from typing import Any

import pytest
from support.probe import Probe

from actors.rfid_reader import RfidReader, Service
from actors.supervisor import Child, Supervisor
from nodes.simulation.world import SimulatedWorld
from park.authorization.reader import ServiceTags
from park.exchange.messages import RestartOrdered
from park.model.access import TagRead
from park.ocpp.orders import RestoreDefaults


@pytest.mark.rule("B-045", "B-046")
@pytest.mark.parametrize(
    ("tag", "seconds", "node", "central"),
    [
        ("BBBB", 31, [RestartOrdered(hard=False)], []),
        ("DDDD", 121, [], [RestoreDefaults("tag at reader door")]),
    ],
)
def test_a_tag_of_service_is_obeyed(tag: str, seconds: int, node: list[object], central: list[object]):
    world = SimulatedWorld(7)
    told: dict[str, Probe[Any]] = {name: Probe() for name in ("authorizer", "driver", "node", "central")}
    service = Service(ServiceTags("BBBB", ("DDDD",)), told["node"], told["central"])
    supervisor = Supervisor(world, "board")
    reader: Child[Any] = supervisor.child(
        "door", lambda _: RfidReader(world, "door", told["authorizer"], told["driver"], service)
    )
    supervisor.start()
    for _ in range(seconds):
        reader.tell(TagRead("door", tag))
        world.run_for(1.0)
    assert (told["node"].messages, told["central"].messages) == (node, central)
    assert told["authorizer"].messages == []
