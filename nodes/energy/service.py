"""Answers energy managers out of the park view, without asking any actor; limits go to the coordinator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
from msgspec import Struct

from nodes.bridge import Outbox
from nodes.energy.callers import caller
from nodes.energy.desk import LimitDesk, labelled
from nodes.energy.encoding import encode, explanation
from nodes.energy.managers import EnergyManagers
from nodes.rpc import energy_pb2 as pb
from nodes.rpc.energy_pb2_grpc import EnergyManagerServicer
from nodes.view import ViewChanged, ViewStore
from park.model.limit import LimitKind
from park.model.time import Now
from park.view.explain import explain

PACE_SECONDS = 0.2  # between two messages of a watch: five a second is as much as an eye or a display can follow
STRANGER = (
    "you are no energy manager of this park: let one in with `chargepark pair energy`, then give its token as metadata "
    "`authorization: Bearer TOKEN`, or use its certificate at [listen] energy_tls"
)
Context = grpc.aio.ServicerContext[Any, Any]


class Writing(Struct, frozen=True):
    """What a port needs that takes limits."""

    desk: LimitDesk
    managers: EnergyManagers


class EnergyService(EnergyManagerServicer):
    """Reads one snapshot an answer; every watcher has its own pace.

    `writing` None: it takes no limits. `known_only`: even reading is for managers of this park.
    """

    def __init__(
        self,
        store: ViewStore,
        now: Callable[[], Now],
        pace: float = PACE_SECONDS,
        writing: Writing | None = None,
        *,
        known_only: bool = False,
    ) -> None:
        self._store = store
        self._now = now
        self._pace = pace
        self._writing = writing
        self._known_only = known_only
        self._watches: set[Outbox[ViewChanged]] = set()

    async def GetPark(self, request: pb.GetParkRequest, context: Context) -> pb.Park:  # noqa: ARG002, N802
        await self._reader(context)
        return self._park()

    async def WatchPark(self, request: pb.WatchParkRequest, context: Context) -> AsyncIterator[pb.Park]:  # noqa: ARG002, N802
        await self._reader(context)
        changes: Outbox[ViewChanged] = Outbox(key=type)  # however many wait, one is enough
        self._watches.add(changes)
        try:
            with self._store.told(changes):
                yield self._park()
                async for _ in self._paced(changes):
                    await self._reader(context)  # who was put out meanwhile is told no more
                    yield self._park()
        finally:
            self._watches.discard(changes)

    async def Explain(self, request: pb.ExplainRequest, context: Context) -> pb.Explanation:  # noqa: N802
        await self._reader(context)
        view = self._store.snapshot(self._now())
        explained = explain(view, request.charge_point)
        if explained is None:
            known = ", ".join(row.name for row in view.charge_points) or "none"
            text = f"there is no charge point {request.charge_point!r}, or several end so; known: {known}"
            await context.abort(grpc.StatusCode.NOT_FOUND, text)
            raise AssertionError("abort raises")
        return explanation(explained, view.now.mono)

    async def SetLimit(self, request: pb.SetLimitRequest, context: Context) -> pb.LimitEffect:  # noqa: N802
        desk, source = await self._writer(request.source, context)
        return await desk.set(request, LimitKind.ENERGY_MANAGER, source, context)

    async def ClearLimit(self, request: pb.ClearLimitRequest, context: Context) -> pb.LimitEffect:  # noqa: N802
        desk, source = await self._writer(request.source, context)
        return await desk.clear(request, LimitKind.ENERGY_MANAGER, source, context)

    async def SetSolarMode(self, request: pb.SetSolarModeRequest, context: Context) -> pb.LimitEffect:  # noqa: N802
        desk, source = await self._writer(request.source, context)
        return await desk.follow_the_sun(request, LimitKind.ENERGY_MANAGER, source, context)

    async def ClearSolarMode(self, request: pb.ClearSolarModeRequest, context: Context) -> pb.LimitEffect:  # noqa: N802
        desk, source = await self._writer(request.source, context)
        return await desk.forget_the_sun(request.circuit, LimitKind.ENERGY_MANAGER, source, context)

    def close(self) -> None:
        """End every watch in good order."""
        for changes in self._watches:
            changes.close()

    async def _reader(self, context: Context) -> None:
        if self._known_only and (self._writing is None or caller(context, self._writing.managers) is None):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, STRANGER)

    async def _writer(self, label: str, context: Context) -> tuple[LimitDesk, str]:
        """Where limits go, and in whose name."""
        writing = self._writing
        if writing is None:
            await context.abort(
                grpc.StatusCode.UNIMPLEMENTED, "this node takes no limits: ask the one that leads the park"
            )
            raise AssertionError("abort raises")
        name = caller(context, writing.managers)
        if name is None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, STRANGER)
            raise AssertionError("abort raises")
        try:
            return writing.desk, labelled(name, label)
        except ValueError as wrong:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(wrong))
            raise

    async def _paced(self, changes: Outbox[ViewChanged]) -> AsyncIterator[ViewChanged]:
        await asyncio.sleep(self._pace)
        async for change in changes:
            yield change
            await asyncio.sleep(self._pace)

    def _park(self) -> pb.Park:
        return encode(self._store.snapshot(self._now()))
