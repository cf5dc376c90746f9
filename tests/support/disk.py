"""A disk that remembers what SQLite asked of it, and shows what a power cut would have left at any moment.

`recording` puts a thin layer over SQLite's own file system interface (https://sqlite.org/vfs.html): every write,
truncation, synchronisation and deletion below a directory is noted, then done. `Platter` plays the notes back and
decides what of the writes since the last synchronisation of their file had reached the disk.
"""

from __future__ import annotations

import _sqlite3
import contextlib
import ctypes
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

NAME = b"recording"
SECTOR = 512  # bytes that a disk writes whole or not at all; https://sqlite.org/psow.html
# of sqlite3.h: SQLITE_OK, SQLITE_OPEN_CREATE, SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_WAL
OK, CREATE, JOURNAL, LOG = 0, 0x4, 0x800, 0x80000


@dataclass(frozen=True, slots=True)
class Written:
    file: str
    offset: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Truncated:
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Deleted:
    file: str
    durable: bool  # its directory was synchronised too


@dataclass(frozen=True, slots=True)
class Synced:
    file: str


@dataclass(frozen=True, slots=True)
class DirectorySynced:
    """Which files there are is on disk; SQLite does so with the first synchronisation of a journal or log it opened."""


@dataclass(frozen=True, slots=True)
class Promised:
    """Somebody was told so: what `what` stands for must be there from now on."""

    what: object


Change: TypeAlias = Written | Truncated | Deleted
Note: TypeAlias = Change | Synced | DirectorySynced | Promised


class Fate(Enum):
    """What a power cut leaves of the changes that were not synchronised, file by file."""

    DROPPED = "dropped"  # none of them
    KEPT = "kept"  # all of them
    CUT = "cut"  # in their order up to one, and of that one a part
    TORN = "torn"  # any of them in any order, some in part, holes filled with zeros


_Pointer, _Text, _Number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
_Xopen = ctypes.CFUNCTYPE(_Number, _Pointer, _Text, _Pointer, _Number, _Pointer)
_Xdelete = ctypes.CFUNCTYPE(_Number, _Pointer, _Text, _Number)
_Xwrite = ctypes.CFUNCTYPE(_Number, _Pointer, _Pointer, _Number, ctypes.c_int64)
_Xtruncate = ctypes.CFUNCTYPE(_Number, _Pointer, ctypes.c_int64)
_Xsync = ctypes.CFUNCTYPE(_Number, _Pointer, _Number)


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`, version 3."""

    _fields_: ClassVar[Any] = [
        ("version", ctypes.c_int),
        ("xClose", ctypes.c_void_p),
        ("xRead", ctypes.c_void_p),
        ("xWrite", _Xwrite),
        ("xTruncate", _Xtruncate),
        ("xSync", _Xsync),
        ("others", ctypes.c_void_p * 13),
    ]


class _File(ctypes.Structure):
    """`sqlite3_file`."""

    _fields_: ClassVar[Any] = [("methods", ctypes.POINTER(_Methods))]


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, version 3."""

    _fields_: ClassVar[Any] = [
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("xOpen", _Xopen),
        ("xDelete", _Xdelete),
        ("others", ctypes.c_void_p * 14),
    ]


def _copy(of: Any) -> Any:  # noqa: ANN401 - any structure
    return type(of).from_buffer_copy(of)


class _Recorder:
    """The layer; lives as long as connections that were opened through it."""

    def __init__(self, below: Path, notes: list[Note]) -> None:
        self._below, self._notes = str(below), notes
        self._sqlite = ctypes.CDLL(_sqlite3.__file__)
        find = self._sqlite.sqlite3_vfs_find
        find.restype = ctypes.POINTER(_Vfs)
        self._real: Any = find(None)
        self._vfs: _Vfs = _copy(self._real.contents)
        self._vfs.name, self._vfs.next = NAME, None
        self._vfs.xOpen, self._vfs.xDelete = _Xopen(self._open), _Xdelete(self._delete)
        self._layers: list[_Methods] = []

    def register(self) -> None:
        assert self._sqlite.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == OK

    def unregister(self) -> None:
        assert self._sqlite.sqlite3_vfs_unregister(ctypes.byref(self._vfs)) == OK

    def _open(self, _: int, name: bytes | None, file: int, flags: int, out: int) -> int:
        found: int = self._real.contents.xOpen(ctypes.addressof(self._real.contents), name, file, flags, out)
        if found == OK and name is not None and name.decode().startswith(self._below):
            opened = _File.from_address(file)
            layer = self._layer(Path(name.decode()).name, opened.methods.contents, flags)
            self._layers.append(layer)
            opened.methods = ctypes.pointer(layer)
        return found

    def _delete(self, _: int, name: bytes, sync_directory: int) -> int:
        self._notes.append(Deleted(Path(name.decode()).name, bool(sync_directory)))
        found: int = self._real.contents.xDelete(ctypes.addressof(self._real.contents), name, sync_directory)
        return found

    def _layer(self, file: str, real: _Methods, flags: int) -> _Methods:
        real = _copy(real)
        new = bool(flags & CREATE and flags & (JOURNAL | LOG))

        def write(handle: int, body: int, size: int, offset: int) -> int:
            self._notes.append(Written(file, offset, ctypes.string_at(body, size)))
            return int(real.xWrite(handle, body, size, offset))

        def truncate(handle: int, size: int) -> int:
            self._notes.append(Truncated(file, size))
            return int(real.xTruncate(handle, size))

        def sync(handle: int, flags: int) -> int:
            nonlocal new
            found = int(real.xSync(handle, flags))
            self._notes += [Synced(file), DirectorySynced()] if new else [Synced(file)]
            new = False
            return found

        layer: _Methods = _copy(real)
        layer.xWrite, layer.xTruncate, layer.xSync = _Xwrite(write), _Xtruncate(truncate), _Xsync(sync)
        return layer


@contextlib.contextmanager
def recording(directory: Path) -> Generator[list[Note]]:
    """What is asked of the disk below `directory` by databases opened in here; they must be closed in here too."""
    notes: list[Note] = []
    recorder = _Recorder(directory, notes)
    recorder.register()
    try:
        yield notes
    finally:
        recorder.unregister()


@dataclass
class Platter:
    """Files by name: what is surely on disk, and the changes that may be."""

    durable: dict[str, bytearray] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)

    def take(self, note: Note) -> None:
        """The next note."""
        match note:
            case Synced(file):
                self._settle(file)
            case DirectorySynced():
                for deleted in [change for change in self.pending if isinstance(change, Deleted)]:
                    self._settle(deleted.file)
            case Deleted(file, durable=True):
                self.pending.append(note)
                self._settle(file)
            case Promised():
                pass
            case _:
                self.pending.append(note)

    def after_power_cut(self, fate: Fate, draw: random.Random) -> dict[str, bytearray]:
        """The files a start would find now."""
        files = {name: bytearray(body) for name, body in self.durable.items()}
        for change in _reached(self.pending, fate, draw):
            _apply(files, change)
        return files

    def _settle(self, file: str) -> None:
        for change in self.pending:
            if change.file == file:
                _apply(self.durable, change)
        self.pending = [change for change in self.pending if change.file != file]


def _apply(files: dict[str, bytearray], change: Change) -> None:
    if isinstance(change, Deleted):
        files.pop(change.file, None)
        return
    file = files.setdefault(change.file, bytearray())
    match change:
        case Written(_, offset, body):
            file.extend(bytes(max(0, offset - len(file))))
            file[offset : offset + len(body)] = body
        case Truncated(_, size):
            del file[size:]
            file.extend(bytes(size - len(file)))


def _reached(pending: list[Change], fate: Fate, draw: random.Random) -> list[Change]:
    match fate:
        case Fate.DROPPED:
            return []
        case Fate.KEPT:
            return pending
        case Fate.CUT:
            whole = draw.randint(0, len(pending))
            return [*pending[:whole], *(_torn(change, draw) for change in pending[whole : whole + 1])]
        case Fate.TORN:
            some = [change for change in pending if draw.random() < 0.5]
            draw.shuffle(some)
            return [_torn(change, draw) if draw.random() < 0.5 else change for change in some]


def _torn(change: Change, draw: random.Random) -> Change:
    """A part of a write: whole sectors from its beginning, or any number of bytes and zeros where the rest belongs."""
    if not isinstance(change, Written):
        return change
    if draw.random() < 0.5:
        sectors = (change.offset % SECTOR + len(change.body)) // SECTOR
        size = max(0, draw.randint(0, sectors) * SECTOR - change.offset % SECTOR)
        return Written(change.file, change.offset, change.body[:size])
    size = draw.randint(0, len(change.body))
    return Written(change.file, change.offset, change.body[:size].ljust(len(change.body), b"\0"))
