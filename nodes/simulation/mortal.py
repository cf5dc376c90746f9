"""Actors that fail in the middle of a message when it is their turn to, as a mistake of ours would make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import fields, replace

from nodes.wiring import Roles

if TYPE_CHECKING:
    from actors.worker import Worker
    from nodes.simulation.clocks import BoardWorld

ROLES = tuple(field.name for field in fields(Roles))


class Planted(Exception):
    """What a doomed actor raises."""


def mortal(roles: Roles) -> Roles:
    """The same classes, whose actors fail at the next message once their role is doomed in their world."""
    return replace(roles, **{name: _mortal(name, getattr(roles, name)) for name in ROLES})


def _mortal(role: str, kind: type[Worker[Any]]) -> type[Worker[Any]]:
    class Mortal(kind):
        def receive(self, message: Any) -> None:  # noqa: ANN401 - whatever the class takes
            world: BoardWorld = self._world  # type: ignore[assignment]
            if world.doomed == role:
                world.doomed = None
                raise Planted(f"Planted {role}")
            super().receive(message)

    Mortal.__name__ = kind.__name__
    return Mortal
