"""What is said about a fact goes back to the journal it came from, on whatever board that is."""

from __future__ import annotations

from actors.address import Address
from park.model.session import FactDelivered, FactTaken


class Returns:
    """`Address[FactTaken | FactDelivered]`, told from any thread.

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
