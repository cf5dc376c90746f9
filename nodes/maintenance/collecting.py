"""The server gathers the logs of its boards a piece at a time: nothing else on a link waits for it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime

from actors.address import Address
from nodes.bridge import on_loop
from park.exchange.messages import LogPart, LogWanted, Outward

PIECE_SECONDS = 15.0  # ours: a board that takes longer, or is away, is listed as missing
MOST_BYTES = 50_000_000  # ours: of a board's part, packed


class Collector:
    """Told the pieces by the links, from any thread; asked on the loop it was made on."""

    def __init__(self, link_of: Callable[[str], Address[Outward]], seconds: float = PIECE_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._link_of, self._seconds = link_of, seconds
        self._awaited: dict[str, asyncio.Queue[LogPart]] = {}

    def tell(self, part: LogPart, /) -> None:
        on_loop(self._loop, lambda: self._arrived(part))

    def _arrived(self, part: LogPart) -> None:
        queue = self._awaited.get(part.request_id)
        if queue is not None:
            queue.put_nowait(part)

    async def collect(
        self, boards: Iterable[str], since: datetime | None, until: datetime | None
    ) -> tuple[dict[str, bytes], dict[str, str]]:
        """The parts by board, and of the others why they are missing."""
        names = sorted(boards)
        found = await asyncio.gather(*(self._part(board, since, until) for board in names))
        parts = {name: part for name, part in zip(names, found, strict=True) if isinstance(part, bytes)}
        missing = {name: why for name, why in zip(names, found, strict=True) if isinstance(why, str)}
        return parts, missing

    async def _part(self, board: str, since: datetime | None, until: datetime | None) -> bytes | str:
        request_id = uuid.uuid4().hex
        queue: asyncio.Queue[LogPart] = asyncio.Queue()
        self._awaited[request_id] = queue
        link, body = self._link_of(board), bytearray()
        try:
            for number in range(MOST_BYTES):
                link.tell(Outward("", LogWanted(request_id, number, since, until)))
                piece = await self._piece(queue, number)
                if piece is None:
                    return "it is away, or did not answer in time"
                body += piece.body
                if len(body) > MOST_BYTES:
                    return f"its logs are longer than {MOST_BYTES} bytes"
                if piece.last:
                    return bytes(body) or "it has no logs"
        finally:
            del self._awaited[request_id]
        return "it sends pieces without end"

    async def _piece(self, queue: asyncio.Queue[LogPart], number: int) -> LogPart | None:
        """The piece of that number; others are of an earlier question."""
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    piece = await queue.get()
                    if piece.number == number:
                        return piece
        except TimeoutError:
            return None
