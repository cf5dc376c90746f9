"""The SQLite edge: one database per node, rows on disk before anybody is told so.

A thread owns the connection; everything that waits is committed together (group commit), then answered in order.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sqlite3
import threading
import uuid
from collections.abc import Generator
from pathlib import Path

from msgspec import Struct

from nodes.crash import Kinds, crash_point, planned
from nodes.crash_kinds import deleted, delivered, persisted
from park.errors import StoreUnusable
from park.model.storage import Commit, CommitFailed, Committed, Delete, LoadRows, Put, Row, RowsLoaded

FILE = "chargepark.sqlite3"
GROUP = 500  # commits taken into one transaction at most, so that the first of them does not wait for ever
LOCK_SECONDS = 2.0  # a node that is just ending lets go within this time
LOG_PAGES = 256  # ours: written back into the database after so many; SQLite's own 1,000 are too much to lay out
LOG_BYTES = 32 + (LOG_PAGES + 64) * (
    24 + 4096
)  # and a last commit of 64; https://sqlite.org/fileformat2.html#walformat
STOP_SECONDS = 5.0  # a store that cannot stop in this time is on a dead disk; the process ends without it

# One step a version; a database is brought forward step by step and never back.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE rows (tab TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (tab, key)) WITHOUT ROWID;
    """,
)


class _Stop(Struct, frozen=True):
    pass


class Store:
    """`Address[Commit | LoadRows]` over one SQLite file; WAL and synchronous=FULL: a commit survives a power cut."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self._mail: queue.SimpleQueue[Commit | LoadRows | _Stop] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store", daemon=True)
        self._connection = _open(directory, self.path)
        self.journal_id = self._once("journal_id", str(uuid.uuid4()))
        self.server_id = self._once("server_id", str(uuid.uuid4()))

    def start(self) -> None:
        self._thread.start()

    def tell(self, message: Commit | LoadRows, /) -> None:
        self._mail.put(message)

    def stop(self) -> None:
        """Commits what was told before, then closes. Call off the event loop."""
        if self._thread.is_alive():
            self._mail.put(_Stop())
            self._thread.join(STOP_SECONDS)
        self._connection.close()

    def put_now(self, *writes: Put | Delete) -> None:
        """Commit rows together on the calling thread; before `start` only. Raises StoreUnusable."""
        with _usable(self.path), self._transaction():
            for write in writes:
                self._apply(write)

    def rows(self, *tables: str) -> tuple[Row, ...]:
        """What is on disk now; for composition roots before `start` and for tests. Raises StoreUnusable."""
        found: list[Row] = []
        with _usable(self.path):
            for table in tables:
                cursor = self._connection.execute("SELECT key, body FROM rows WHERE tab = ? ORDER BY key", (table,))
                found.extend(Row(table, key, body) for key, body in cursor)
        return tuple(found)

    def _once(self, key: str, value: str) -> str:
        with _usable(self.path), self._transaction():
            self._connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, value))
        return self._meta(key) or value

    def _meta(self, key: str) -> str | None:
        with _usable(self.path):
            found = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _serve(self) -> None:
        stopping = False
        while not stopping:
            batch = self._batch()
            stopping = any(isinstance(message, _Stop) for message in batch)
            self._commit([message for message in batch if isinstance(message, Commit)])
            for message in batch:
                if isinstance(message, LoadRows):
                    self._load(message)

    def _batch(self) -> list[Commit | LoadRows | _Stop]:
        batch = [self._mail.get()]
        with contextlib.suppress(queue.Empty):
            while len(batch) < GROUP:
                batch.append(self._mail.get_nowait())
        return batch

    def _commit(self, commits: list[Commit]) -> None:
        if not commits:
            return
        passing = self._passing(commits) if planned() else {}
        for name, kinds in passing.items():
            crash_point(f"before-{name}", kinds)
        try:
            with self._transaction():
                for commit in commits:
                    for write in commit.writes:
                        self._apply(write)
        except sqlite3.Error as error:
            for commit in commits:
                commit.reply_to.tell(CommitFailed(commit.token, f"{self.path}: {error}"))
            return
        for name, kinds in passing.items():
            crash_point(f"after-{name}", kinds)
        for commit in commits:
            commit.reply_to.tell(Committed(commit.token))

    def _passing(self, commits: list[Commit]) -> dict[str, Kinds]:
        """Crash points of a commit, and what passes them."""
        writes = [write for commit in commits for write in commit.writes]
        return {"persist": persisted(writes), "delivered": delivered(writes), "delete": deleted(writes, self._body)}

    def _body(self, table: str, key: str) -> str | None:
        found = self._connection.execute("SELECT body FROM rows WHERE tab = ? AND key = ?", (table, key)).fetchone()
        return None if found is None else str(found[0])

    def _apply(self, write: Put | Delete) -> None:
        match write:
            case Put(table, key, body):
                self._connection.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (table, key, body))
            case Delete(table, key):
                self._connection.execute("DELETE FROM rows WHERE tab = ? AND key = ?", (table, key))

    def _load(self, message: LoadRows) -> None:
        # A read that fails is not answered: the asker asks again, and the log of its asking names the store.
        with contextlib.suppress(StoreUnusable):
            message.reply_to.tell(RowsLoaded(self.rows(*message.tables)))


@contextlib.contextmanager
def _usable(path: Path) -> Generator[None]:
    """A disk that refuses, at a start, is an error with a remedy."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(f"{path}: {_remedy(error)}") from error


def _open(directory: Path, path: Path) -> sqlite3.Connection:
    with _usable(path):
        _make(directory)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=LOCK_SECONDS)
        try:
            _own(connection)
            version = _version(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
            _migrate(connection, version)
        except BaseException:
            connection.close()  # a database that is refused is not kept locked
            raise
        _lay_out(path.with_name(f"{path.name}-wal"))
        return connection


def _lay_out(log: Path) -> None:
    """Write the log's room once, with zeros, which SQLite takes for no frame.

    A commit that changes no file's length waits for one write; one that does also waits for the file system's journal.
    A disk without that much room goes without.
    """
    with contextlib.suppress(OSError), log.open("r+b") as file:
        before = file.seek(0, os.SEEK_END)
        try:
            file.write(bytes(max(0, LOG_BYTES - before)))
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), before)


def _make(directory: Path) -> None:
    """For its owner only. A new directory outlives a power cut only when the one around it was synchronised."""
    new = [each for each in (directory, *directory.parents) if not each.exists()]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in new:
        around = os.open(each.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(around)
        finally:
            os.close(around)


def _own(connection: sqlite3.Connection) -> None:
    """One process a database: a second node on the same data_dir would double every fact."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


def _remedy(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return "another process uses this database; stop it or give this node another node.data_dir"
    return f"the database cannot be used: {error}; check the disk, the rights of the directory and node.data_dir"


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema of the database, before anything is written to it; StoreUnusable for one of the future."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    known = len(MIGRATIONS)
    if version > known:
        message = (
            f"{path}: made by a newer chargepark (schema {version}, this one knows {known}); "
            "install that version again or start with another node.data_dir"
        )
        raise StoreUnusable(message)
    return version


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number in range(version, len(MIGRATIONS)):
        script = f"BEGIN;{MIGRATIONS[number]};PRAGMA user_version = {number + 1};COMMIT;"
        connection.executescript(script)
