"""Addresses of what is on another board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actors.address import Address
from park.exchange.messages import Outward
from park.model.session import FactDelivered, FactTaken


@dataclass(frozen=True, slots=True)
class Remote:
    """The address of something on another board, by its name there."""

    link: Address[Outward]
    target: str

    def tell(self, message: object, /) -> None:
        self.link.tell(Outward(self.target, message))


class Returns:
    """Where what is said about a fact goes: back to the journal it came from. Told from any thread.

    What nobody is known for is dropped: the journal of a board that was away offers its facts again when it is back,
    and then hears it.
    """

    def __init__(self) -> None:
        self._journals: dict[str, Address[FactTaken | FactDelivered]] = {}

    def learn(self, journal_id: str, journal: Address[FactTaken | FactDelivered]) -> None:
        self._journals[journal_id] = journal

    def tell(self, message: FactTaken | FactDelivered, /) -> None:
        journal = self._journals.get(message.id.journal)
        if journal is not None:
            journal.tell(message)


class Everyone:
    """The links of all boards: told once, each hears it, and a board that comes later the newest of it."""

    def __init__(self, boards: Mapping[str, Address[Outward]]) -> None:
        self._boards = boards
        self._newest: object = None

    def tell(self, message: object, /) -> None:
        self._newest = message
        for link in tuple(self._boards.values()):
            link.tell(Outward("", message))

    def welcome(self, link: Address[Outward]) -> None:
        """A link that is new among them."""
        if self._newest is not None:
            link.tell(Outward("", self._newest))
