"""Answers energy managers out of the park view, without asking any actor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from nodes.bridge import Outbox
from nodes.energy.encoding import encode
from nodes.rpc import energy_pb2 as pb
from nodes.rpc.energy_pb2_grpc import EnergyManagerServicer
from nodes.view import ViewChanged, ViewStore
from park.model.time import Now

PACE_SECONDS = 0.2  # between two messages of a watch: five a second is as much as an eye or a display can follow


class EnergyService(EnergyManagerServicer):
    """Reads one snapshot an answer; every watcher has its own pace."""

    def __init__(self, store: ViewStore, now: Callable[[], Now], pace: float = PACE_SECONDS) -> None:
        self._store = store
        self._now = now
        self._pace = pace
        self._watches: set[Outbox[ViewChanged]] = set()

    async def GetPark(self, request: pb.GetParkRequest, context: object) -> pb.Park:  # noqa: ARG002, N802
        return self._park()

    async def WatchPark(self, request: pb.WatchParkRequest, context: object) -> AsyncIterator[pb.Park]:  # noqa: ARG002, N802
        changes: Outbox[ViewChanged] = Outbox(key=type)  # however many wait, one is enough
        self._watches.add(changes)
        try:
            with self._store.told(changes):
                yield self._park()
                async for _ in self._paced(changes):
                    yield self._park()
        finally:
            self._watches.discard(changes)

    def close(self) -> None:
        """End every watch in good order."""
        for changes in self._watches:
            changes.close()

    async def _paced(self, changes: Outbox[ViewChanged]) -> AsyncIterator[ViewChanged]:
        await asyncio.sleep(self._pace)
        async for change in changes:
            yield change
            await asyncio.sleep(self._pace)

    def _park(self) -> pb.Park:
        return encode(self._store.snapshot(self._now()))
