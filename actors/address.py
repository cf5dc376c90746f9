"""What joins the rings: anything that can be told a message."""

from __future__ import annotations

from typing import Protocol, TypeVar

M_contra = TypeVar("M_contra", contravariant=True)


class Address(Protocol[M_contra]):
    """An actor, an edge's outbox, a charge point on another board, a reply slot, a test probe."""

    def tell(self, message: M_contra, /) -> None:
        """Hand the message over and return at once; never raises, never waits, callable from any thread."""
        ...


class Nowhere:
    """The address of wiring that is optional and absent: what it is told is gone."""

    def tell(self, message: object, /) -> None:
        """Drop the message."""
