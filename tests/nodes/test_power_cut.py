"""The power goes at any moment: the store opens again, and whatever it had promised is there."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.disk import Fate, Note, Platter, Promised, recording
from support.probe import Probe

from nodes.store import FILE, LOG_BYTES, Store
from park.model.storage import Commit, Committed, Delete, Put

SEED = 20_261_126
COMMITS = 360  # bring the log over 256 pages several times, where SQLite writes it back into the database
CUTS = 1_050
LARGEST = 24_000  # characters of a row: a few pages
KEYS = 40
LOG = f"{FILE}-wal"
MEMORY = Path("/dev/shm")  # noqa: S108 - a new directory of our own in it


@dataclass
class Books:
    """`states[n]`: rows after n commits. The row `last` says how many there were."""

    states: list[dict[str, str]] = field(default_factory=lambda: [{}])

    def next(self, draw: random.Random) -> Commit:
        number = len(self.states)
        writes: list[Put | Delete] = [Put("book", "last", str(number))]
        for key in draw.sample(range(KEYS), draw.randint(1, 3)):
            body = f"{number}:{chr(65 + number % 26) * draw.randrange(LARGEST)}"
            writes.append(Put("book", str(key), body) if draw.random() < 0.7 else Delete("book", str(key)))
        state = dict(self.states[-1])
        for write in writes:
            if isinstance(write, Put):
                state[write.key] = write.body
            else:
                state.pop(write.key, None)
        self.states.append(state)
        return Commit(tuple(writes), number, Probe[object]())


@dataclass(frozen=True, slots=True)
class Identity:
    journal: str
    server: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Notes at once, in the store's thread, what was promised; then tells the waiting test."""

    notes: list[Note]
    probe: Probe[object]

    def tell(self, message: object, /) -> None:
        if isinstance(message, Committed):
            self.notes.append(Promised(message.token))
        self.probe.tell(message)


def lived(directory: Path, books: Books, draw: random.Random, careless: bool = False) -> list[Note]:
    """Two lives of a store, the first ended in order, with bursts of one to eight commits."""
    with recording(directory) as notes:
        for _ in range(2):
            store = Store(directory)
            notes.append(Promised(Identity(store.journal_id, store.server_id)))
            if careless:
                store._connection.execute("PRAGMA synchronous = OFF")
            store.start()
            answers = Answers(notes, Probe[object]())
            last = len(books.states) + COMMITS // 2
            while len(books.states) < last:
                burst = [books.next(draw) for _ in range(draw.randint(1, 8))]
                for commit in burst:
                    store.tell(Commit(commit.writes, commit.token, answers))
                for commit in burst:
                    answers.probe.expect(Committed(commit.token))
            store.stop()
    return notes


def cuts(notes: list[Note], draw: random.Random) -> Iterator[tuple[dict[str, bytearray], list[object], str]]:
    """Files, promises and a description of the moment: evenly over the whole life, each fate in its turn."""
    platter, promises = Platter(), list[object]()
    moments = {round(place * len(notes) / CUTS) for place in range(1, CUTS + 1)}
    fates = itertools.cycle(Fate)
    for count, note in enumerate(notes, start=1):
        platter.take(note)
        if isinstance(note, Promised):
            promises.append(note.what)
        if count in moments:
            fate = next(fates)
            moment = f"after {count} of {len(notes)} notes, rest {fate.value}"
            yield platter.after_power_cut(fate, draw), promises, moment


def broken(directory: Path, files: dict[str, bytearray], promises: list[object], books: Books) -> str:
    """What a start on these files finds wrong; empty: nothing. Raises StoreUnusable when it does not open."""
    for name, body in files.items():
        room = LOG_BYTES if name == LOG else 0  # laid out by the store itself, beside SQLite
        (directory / name).write_bytes(body.ljust(room, b"\0"))
    store = Store(directory)
    rows = {row.key: row.body for row in store.rows("book")}
    identity = Identity(store.journal_id, store.server_id)
    store.stop()
    for file in directory.iterdir():
        file.unlink()
    known = next((promise for promise in promises if isinstance(promise, Identity)), identity)
    if identity != known:
        return "another journal id or server id"
    promised = max((promise for promise in promises if isinstance(promise, int)), default=0)
    found = int(rows.get("last", 0))
    if found < promised:
        return f"{promised} commits were answered, {found} are there"
    return "" if rows == books.states[found] else f"the rows are not those of {found} commits"


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory where there is one: a thousand starts on a disk take minutes."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


def test_nothing_promised_is_missing_after_a_power_cut_at_any_moment(
    tmp_path: Path, memory: Path, record_property: Callable[[str, object], None]
):
    books, draw = Books(), random.Random(SEED)
    notes = lived(tmp_path, books, draw)
    looked_at = 0
    for files, promises, moment in cuts(notes, draw):
        assert broken(memory, files, promises, books) == "", moment
        looked_at += 1
    assert looked_at >= 1_000
    record_property("figure", f"R03 power cut: {looked_at} moments of {len(notes)} disk calls, no promised row missing")


def test_a_store_that_does_not_synchronise_would_be_caught(tmp_path: Path, memory: Path):
    books, draw = Books(), random.Random(SEED)
    notes = lived(tmp_path, books, draw, careless=True)
    dropped = (cut for cut in cuts(notes, draw) if Fate.DROPPED.value in cut[2])
    assert any(broken(memory, files, promises, books) for files, promises, _ in dropped)
