"""Addresses of what is on another board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from actors.address import Address
from park.authorization.messages import ApplyRules, ListChanged, RulesChanged
from park.exchange.messages import Outward
from park.model.listed import ApplyLocalList
from park.model.session import FactDelivered, FactsKnown, FactTaken

Said: TypeAlias = FactTaken | FactDelivered | FactsKnown


class Remote(Struct, frozen=True):
    """The address of something on another board, by its name there."""

    link: Address[Outward]
    target: str

    def tell(self, message: object, /) -> None:
        self.link.tell(Outward(self.target, message))


class Returns:
    """Where what is said about facts goes: back to the journal they came from. Told from any thread.

    What nobody is known for is dropped: the journal of a board that was away offers its facts again when it is back,
    and then hears it.
    """

    def __init__(self) -> None:
        self._journals: dict[str, Address[Said]] = {}

    def learn(self, journal_id: str, journal: Address[Said]) -> None:
        self._journals[journal_id] = journal

    def tell(self, message: Said, /) -> None:
        name = message.journal if isinstance(message, FactsKnown) else message.id.journal
        journal = self._journals.get(name)
        if journal is not None:
            journal.tell(message)


class Everyone:
    """The links of all boards: told new rules or lists, each hears them. `newest`: for a link that begins (anew)."""

    def __init__(self, boards: Mapping[str, Address[Outward]]) -> None:
        self._boards = boards
        self.newest: tuple[ApplyRules | ApplyLocalList, ...] = ()

    def tell(self, message: RulesChanged | ListChanged, /) -> None:
        told = ApplyRules(message.rules) if isinstance(message, RulesChanged) else ApplyLocalList(message.tags)
        self.newest = (*(each for each in self.newest if type(each) is not type(told)), told)
        for link in tuple(self._boards.values()):
            link.tell(Outward("", told))
