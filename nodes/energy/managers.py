"""Who may set limits: energy managers, each known by the key of its certificate or by a token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct

from actors.address import Address
from actors.messages import StoreMessage
from nodes.bridge import ask
from park.model.storage import Commit, CommitFailed, Committed, Delete, Put, Replies, Row, RowsLoaded

TABLE = "energy-manager"
CERTIFICATE, TOKEN = "certificate", "token"
ANSWER_SECONDS = 10.0  # ours: one commit of a disk that is nearly full


class Manager(Struct, frozen=True):
    """`proof`: certificate or token; `digest`: fingerprint of its key, or SHA-256 of the token, in hexadecimal."""

    name: str
    proof: str
    digest: str
    since: datetime


def token_digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


class EnergyManagers:
    """Asked by every call, from any thread; changed on the event loop, on disk first. `rows`: what is on disk."""

    def __init__(self, rows: Iterable[Row], store: Address[StoreMessage]) -> None:
        self._store = store
        self._lock = threading.Lock()
        known = (_manager(row) for row in rows)
        self._managers = {each.name: each for each in known if each is not None}

    def known_by(self, proof: str, digest: str) -> str | None:
        """The name of the manager with this proof; None: nobody's."""
        with self._lock:
            found = (each for each in self._managers.values() if (each.proof, each.digest) == (proof, digest))
            return next((each.name for each in found), None)

    def listed(self) -> tuple[Manager, ...]:
        with self._lock:
            return tuple(sorted(self._managers.values(), key=lambda each: each.name))

    async def admit(self, manager: Manager) -> None:
        """Raises OSError when the disk refuses, TimeoutError when it does not answer; nothing changed then."""
        body = {"proof": manager.proof, "digest": manager.digest, "since": manager.since.isoformat()}
        await self._commit(Put(TABLE, manager.name, json.dumps(body)))
        with self._lock:
            self._managers[manager.name] = manager

    async def remove(self, name: str) -> bool:
        """False: there is none of that name. It is out at once, and for ever when this returns."""
        with self._lock:
            known = self._managers.pop(name, None)
        if known is None:
            return False
        await self._commit(Delete(TABLE, name))
        return True

    async def _commit(self, write: Put | Delete) -> None:
        def commit(reply: Replies) -> Commit:
            return Commit((write,), 0, reply)

        answer: RowsLoaded | Committed | CommitFailed = await ask(self._store, commit, ANSWER_SECONDS)
        if isinstance(answer, CommitFailed):
            raise OSError(answer.reason)


def _manager(row: Row) -> Manager | None:
    """None for a row that cannot be read: who it was has to be let in again."""
    try:
        body = json.loads(row.body)
        since = datetime.fromisoformat(body["since"]).astimezone(UTC)
        return Manager(row.key, str(body["proof"]), str(body["digest"]), since)
    except (ValueError, KeyError, TypeError):
        return None
