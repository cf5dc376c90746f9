"""One archive of what a technician wants to see: a part for each board, and a list of those that are missing."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct, field

from nodes.maintenance.logs import NODE_LOG, SECURITY_LOG, lines
from park.ocpp.maintenance import LogKind

MISSING = "missing-boards.txt"


class Contents(Struct, frozen=True):
    """`board`: name of this node. `files`: of this board, by name. `others`: parts of other boards, as their bytes.

    `missing`: boards that are expected, and why their part is not here.
    """

    board: str
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    others: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    missing: Mapping[str, str] = field(default_factory=dict[str, str])


def pack(
    path: Path, kind: LogKind, contents: Contents, data_dir: Path, since: datetime | None, until: datetime | None
) -> None:
    """Write the archive, tar with gzip. Raises OSError."""
    with tarfile.open(path, "w:gz") as archive:
        for name in (NODE_LOG, SECURITY_LOG) if kind is LogKind.DIAGNOSTICS else (SECURITY_LOG,):
            _add(archive, f"{contents.board}/{name}", _text(lines(data_dir, name, since, until)))
        if kind is LogKind.SECURITY:
            return
        for name, body in contents.files.items():
            _add(archive, f"{contents.board}/{name}", body)
        for board, part in contents.others.items():
            _add(archive, f"{board}.tar.gz", part)
        if contents.missing:
            _add(archive, MISSING, _text(f"{board}: {why}\n" for board, why in sorted(contents.missing.items())))


def _text(parts: Iterable[str] | Iterator[str]) -> bytes:
    return "".join(parts).encode()


def _add(archive: tarfile.TarFile, name: str, body: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(body), int(time.time()), 0o600
    archive.addfile(entry, io.BytesIO(body))
