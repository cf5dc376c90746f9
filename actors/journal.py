"""The journal as an actor: rows to the store, facts to the OCPP side, acknowledgements to charge points."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from actors.address import Address
from actors.messages import Alarm, ChargePointMessage, JournalMessage, StoreMessage
from actors.worker import Worker
from actors.world import World
from park.journal import journal
from park.journal.journal import JournalEffect, JournalTrouble, Load, Write
from park.model.session import FactOffered, FactPersisted, FactsHeld, SessionRecovered
from park.model.signals import WakeAt
from park.model.storage import Commit, LoadRows


class JournalWires(Struct, frozen=True):
    """Who the journal tells. `central`: takes facts on their way to the backend."""

    store: Address[StoreMessage]
    charge_points: Mapping[str, Address[ChargePointMessage]]
    central: Address[FactOffered | FactsHeld]
    alarms: Address[Alarm]


class Journal(Worker[JournalMessage]):
    def __init__(self, world: World, me: Address[JournalMessage], journal_id: str, wires: JournalWires) -> None:
        super().__init__(world)
        self._me, self._wires = me, wires
        self._state = journal.initial(journal_id, wires.charge_points)

    def receive(self, message: JournalMessage) -> None:
        self._state, effects = journal.step(self._state, message, self.now())
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: JournalEffect) -> None:
        match effect:
            case Write(writes, token):
                self._wires.store.tell(Commit(writes, token, self._me))
            case Load(tables):
                self._wires.store.tell(LoadRows(tables, self._me))
            case FactPersisted(point) | SessionRecovered(point):
                address = self._wires.charge_points.get(point)
                if address is not None:  # of a charge point that left the configuration the session is closed
                    address.tell(effect)
            case FactOffered() | FactsHeld():
                self._wires.central.tell(effect)
            case Alarm():
                self._wires.alarms.tell(effect)
            case JournalTrouble(reason):
                text = f"session facts cannot be written: {reason}; free the disk: no session starts until then"
                self._wires.alarms.tell(Alarm("journal-disk", text))
            case WakeAt(mono):
                self.wake_at(mono)
