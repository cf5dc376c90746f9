"""The server hands a firmware to boards, a piece each time one asks: nothing else on a link waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from actors.address import Address
from nodes.bridge import on_loop
from nodes.maintenance.threads import in_thread
from park.exchange.messages import Outward
from park.rolling.messages import FirmwarePiece, FirmwareWanted, PieceWanted

PIECE_BYTES = 64 * 1024  # far below what a frame may hold, and a board asks for one at a time
_log = structlog.get_logger("firmware")


class FirmwareDesk:
    """Told by the links, from any thread, what boards want; made on the loop that it answers on."""

    def __init__(self, link_of: Callable[[str], Address[Outward]], piece_bytes: int = PIECE_BYTES) -> None:
        self._loop = asyncio.get_running_loop()
        self._link_of, self._piece_bytes = link_of, piece_bytes
        self._update, self._path = "", Path()
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def keep(self, update: str, path: Path) -> None:
        """From now on boards get this file, and no other."""
        self._update, self._path = update, path

    def tell(self, message: PieceWanted, /) -> None:
        on_loop(self._loop, lambda: self._begin(message))

    def _begin(self, message: PieceWanted) -> None:
        """One piece for each board at a time: one that asks for more has to ask again."""
        node, wanted = message.node, message.wanted
        if wanted.update != self._update or node in self._under_way:
            return
        task = asyncio.ensure_future(self._answer(node, wanted, self._path))
        self._under_way[node] = task
        task.add_done_callback(lambda _: self._under_way.pop(node, None))

    async def _answer(self, node: str, wanted: FirmwareWanted, path: Path) -> None:
        try:
            body, problem = await in_thread(lambda: _read(path, wanted.offset, self._piece_bytes)), ""
        except OSError as error:
            _log.warning("firmware not handed on", board=node, reason=str(error))
            body, problem = b"", str(error) or type(error).__name__
        self._link_of(node).tell(Outward("", FirmwarePiece(wanted.update, wanted.offset, body, problem)))


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)
