"""Whether the backend was told the truth: each start and stop once, with the energy of the virtual meter."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from msgspec import Struct

from nodes.demo.layout import connector
from nodes.demo.sightings import Visit
from nodes.virtual.ledger import LedgerTransaction

TOLERANCE_WH = 1.0  # the backend gets whole watt-hours


class Settled(Struct, frozen=True):
    """One car's visit, and what the backend has of it: usually one transaction."""

    visit: Visit
    transactions: tuple[LedgerTransaction, ...]

    @property
    def ended(self) -> bool:
        """The car is gone, and it had a session."""
        return self.visit.end_wh is not None and bool(self.transactions)

    @property
    def meter_wh(self) -> float | None:
        """Energy by the register of the virtual hardware; None: the car is still there."""
        return None if self.visit.end_wh is None else self.visit.end_wh - self.visit.start_wh

    @property
    def backend_wh(self) -> int:
        """Energy of the transactions that ended."""
        return sum(transaction.energy_wh or 0 for transaction in self.transactions)

    def problems(self) -> Iterator[str]:
        """What is not as it should be where nobody died, a sentence each."""
        for transaction in self.transactions:
            yield from _repeated(transaction)
        yield from self.disagreements()

    def disagreements(self) -> Iterator[str]:
        """What must not be whoever died when: only a frame without an answer may have come twice."""
        for transaction in self.transactions:
            if transaction.different_stops > 1:
                yield f"transaction {transaction.transaction_id} has {transaction.different_stops} different stops"
            if not transaction.order_kept:
                yield f"transaction {transaction.transaction_id}: start, readings and stop came out of order"
        if self.meter_wh is None:
            return
        where = self.visit.charge_point
        for transaction in self.transactions:
            if transaction.stops == 0:
                yield f"{where}: the car of transaction {transaction.transaction_id} left, the backend has no stop"
        if not self.transactions and self.meter_wh > TOLERANCE_WH:
            yield f"{where}: a car took {self.meter_wh:.0f} Wh, the backend has no transaction of it"
        elif abs(self.backend_wh - self.meter_wh) > TOLERANCE_WH * max(len(self.transactions), 1):
            named = ", ".join(str(transaction.transaction_id) for transaction in self.transactions)
            yield f"{where}: transaction {named} has {self.backend_wh} Wh, the meter counted {self.meter_wh:.1f} Wh"


def _repeated(transaction: LedgerTransaction) -> Iterator[str]:
    number = transaction.transaction_id
    if transaction.starts != 1:
        yield f"transaction {number} was started {transaction.starts} times"
    if transaction.stops > 1:
        yield f"transaction {number} was stopped {transaction.stops} times"


def settle(visits: Sequence[Visit], transactions: Iterable[LedgerTransaction]) -> list[Settled]:
    """Lay transactions beside the visits in which they began; visits in the order in which they were."""
    at_connector: dict[int, list[Visit]] = defaultdict(list)
    for visit in visits:
        at_connector[connector(visit.charge_point)].append(visit)
    found: dict[Visit, list[LedgerTransaction]] = {visit: [] for visit in visits}
    for transaction in transactions:
        there = at_connector[transaction.connector]
        place = bisect_right(there, transaction.meter_start + TOLERANCE_WH, key=attrgetter("start_wh"))
        if place:
            found[there[place - 1]].append(transaction)
    return [Settled(visit, tuple(those)) for visit, those in found.items()]
