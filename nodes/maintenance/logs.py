"""The logs a node keeps on its disk, bounded: the node log and the security log, and what a time span of them holds."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

FOLDER = "logs"  # of the data directory
NODE_LOG, SECURITY_LOG = "node.log", "security.log"
SECURITY = "security"  # the logger whose lines the security log keeps
FILES = 5  # a log is cut into so many, the oldest is dropped
SECURITY_SHARE = 10  # the security log has a tenth of the space
_AT = re.compile(r'"?at"?[=:] ?"?([0-9T:.+-]+Z?)')


class _Quiet(RotatingFileHandler):
    """A log that cannot be written, on a full disk say, must not be told on stderr a line for each line."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        super().__init__(path, maxBytes=most_bytes // FILES, backupCount=FILES - 1, encoding="utf-8", delay=True)
        self.lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the library's name
        self.lost += 1


def keep(data_dir: Path, megabytes: float) -> None:
    """Keep what is logged from now on, in the form stderr has; 0: nothing is kept. Call after `log.configure`."""
    folder, most_bytes = data_dir / FOLDER, int(megabytes * 1_000_000)
    if most_bytes == 0:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        logging.getLogger("node").warning("logs are not kept: %s", error)
        return
    root = logging.getLogger()
    _add(root, folder / NODE_LOG, most_bytes, root.handlers[0].formatter)
    _add(logging.getLogger(SECURITY), folder / SECURITY_LOG, most_bytes // SECURITY_SHARE, root.handlers[0].formatter)


def _add(logger: logging.Logger, path: Path, most_bytes: int, formatter: logging.Formatter | None) -> None:
    handler = _Quiet(path, most_bytes)
    handler.setFormatter(formatter)
    logger.addHandler(handler)


def lines(data_dir: Path, name: str, since: datetime | None, until: datetime | None) -> Iterator[str]:
    """The lines of a log within a time span, oldest first; a line without a time goes with the one before."""
    wanted = since is None
    for path in reversed([data_dir / FOLDER / f"{name}{number}" for number in ("", *_numbers())]):
        with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                at = _time(line)
                if at is not None:
                    wanted = (since is None or at >= since) and (until is None or at <= until)
                if wanted:
                    yield line


def _numbers() -> Iterator[str]:
    return (f".{number}" for number in range(1, FILES))


def _time(line: str) -> datetime | None:
    found = _AT.search(line[:100])
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[1])
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
