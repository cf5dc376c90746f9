"""A client board packs its logs and hands them to its server, a piece each time it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import structlog

from actors.address import Address
from nodes.maintenance import archive
from nodes.maintenance.threads import in_thread
from park.exchange.messages import LogPart, LogWanted
from park.ocpp.maintenance import LogKind

PIECE_BYTES = 64 * 1024  # far below what a frame may hold, and sent at most one at a time
FOLDER = "maintenance"
_log = structlog.get_logger("maintenance")


class BoardLogs:
    """`orders`: what the server wants; `link`: hears the pieces. `files`: what the board adds to its logs, by name."""

    def __init__(
        self,
        node: str,
        data_dir: Path,
        link: Address[LogPart],
        orders: AsyncIterator[LogWanted],
        files: Callable[[], dict[str, bytes]],
        piece_bytes: int = PIECE_BYTES,
    ) -> None:
        self._piece_bytes = piece_bytes
        self._node, self._data_dir, self._link, self._orders, self._files = node, data_dir, link, orders, files
        self._packed: tuple[str, bytes] = ("", b"")

    async def run(self) -> None:
        """Until the orders are closed."""
        async for wanted in self._orders:
            self._link.tell(await self._piece(wanted))

    async def _piece(self, wanted: LogWanted) -> LogPart:
        """An empty last piece when the logs cannot be packed: the server lists the board as missing."""
        if wanted.request_id != self._packed[0]:
            self._packed = (wanted.request_id, await in_thread(lambda: self._pack(wanted)))
        body, begin = self._packed[1], wanted.number * self._piece_bytes
        last = begin + self._piece_bytes >= len(body)
        piece = LogPart(wanted.request_id, wanted.number, body[begin : begin + self._piece_bytes], last)
        if last:
            self._packed = ("", b"")
        return piece

    def _pack(self, wanted: LogWanted) -> bytes:
        folder = self._data_dir / FOLDER
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = folder / "board-logs.tar.gz"
            contents = archive.Contents(self._node, self._files())
            archive.pack(file, LogKind.DIAGNOSTICS, contents, self._data_dir, wanted.since, wanted.until)
            body = file.read_bytes()
            file.unlink()
        except OSError as error:
            _log.warning("logs not packed", reason=str(error))
            return b""
        return body
