"""The actor that knows who belongs to a park, beside those of `wire`: only a server has it."""

from __future__ import annotations

from actors.address import Address
from actors.enrolment import EnrolmentWires
from actors.messages import EnrolmentMessage
from actors.supervisor import Supervisor
from actors.world import World
from nodes.wiring.hardware import Roles
from park.pairing.state import EnrolmentSettings


def declare_enrolment(
    world: World, root: Supervisor, settings: EnrolmentSettings, wires: EnrolmentWires, roles: Roles = Roles()
) -> Address[EnrolmentMessage]:
    """Nothing runs before `root` starts."""
    return root.child("enrolment", lambda me: roles.enrolment(world, me, settings, wires))
