"""The sessions the backend knows or will know, found by session, by connector and by the backend's number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from park.model.session import TransactionAssigned
from park.ocpp.rows import Fate, Transaction


class Transactions:
    """Running, finished and dead ones, the newest last. Owned by one actor and changed in place."""

    __slots__ = ("_all", "_finished", "_numbers", "_running")

    def __init__(self, transactions: Iterable[Transaction] = ()) -> None:
        self._all: dict[str, Transaction] = {}
        self._running: dict[str, Transaction] = {}
        self._finished: OrderedDict[str, None] = OrderedDict()
        self._numbers: dict[int, str] = {}  # the newest session of each
        for transaction in transactions:
            self.put(transaction)

    def get(self, session: str) -> Transaction | None:
        return self._all.get(session)

    def put(self, transaction: Transaction) -> None:
        """Add it, or replace what was known of its session."""
        session = transaction.session
        self._all[session] = transaction
        if transaction.ended:
            self._running.pop(session, None)
        else:
            self._running[session] = transaction
        if transaction.fate is Fate.FINISHED:
            self._finished[session] = None
        if transaction.transaction is not None:
            self._numbers[transaction.transaction] = session

    def forget(self, session: str) -> None:
        gone = self._all.pop(session, None)
        self._running.pop(session, None)
        self._finished.pop(session, None)
        if gone is not None and gone.transaction is not None and self._numbers.get(gone.transaction) == session:
            del self._numbers[gone.transaction]

    def all_running(self) -> tuple[Transaction, ...]:
        return tuple(self._running.values())

    def oldest_finished(self, kept: int) -> Transaction | None:
        """The one to forget when `kept` or more are finished."""
        return self._all[next(iter(self._finished))] if len(self._finished) >= kept else None

    def numbered(self, number: int) -> Transaction | None:
        """The newest session, running or not, that the backend gave this number."""
        session = self._numbers.get(number)
        return None if session is None else self._all[session]

    def running(self, number: int) -> Transaction | None:
        """The running session the backend knows by this number; the newest, should it have given it twice."""
        found = [known for known in self._running.values() if known.transaction == number]
        return found[-1] if found else None

    def on_connector(self, connector: int) -> Transaction | None:
        """The running session of a connector."""
        found = [known for known in self._running.values() if known.start.connector == connector]
        return found[-1] if found else None

    def assigned(self, charge_point: str | None = None) -> tuple[TransactionAssigned, ...]:
        """Numbers and verdicts of the running sessions of a charge point, or of all."""
        running = (known for known in self._running.values() if charge_point in (None, known.start.charge_point))
        return tuple(told for told in (known.assigned() for known in running) if told is not None)
