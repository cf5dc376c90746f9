"""gRPC `LimitAdmin`: limits of the operator, set and cleared while the node runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio

from nodes.energy.desk import LimitDesk, labelled
from nodes.energy.encoding import limit_row
from nodes.rpc import energy_pb2
from nodes.rpc import limits_pb2 as pb
from nodes.rpc.limits_pb2_grpc import LimitAdminServicer, add_LimitAdminServicer_to_server
from nodes.view import ViewStore
from park.model.limit import LimitKind
from park.model.solar import OPERATOR
from park.model.time import Now

Context = grpc.aio.ServicerContext[Any, Any]


def limit_service(desk: LimitDesk, view: ViewStore, now: Callable[[], Now]) -> Callable[[grpc.aio.Server], None]:
    """For `AdminServer`."""

    def add(server: grpc.aio.Server) -> None:
        add_LimitAdminServicer_to_server(LimitAdminService(desk, view, now), server)

    return add


class LimitAdminService(LimitAdminServicer):
    """`source` of a request: several limits of the operator on one target have different ones."""

    def __init__(self, desk: LimitDesk, view: ViewStore, now: Callable[[], Now]) -> None:
        self._desk, self._view, self._now = desk, view, now

    async def SetOperatorLimit(  # noqa: N802
        self, request: energy_pb2.SetLimitRequest, context: Context
    ) -> energy_pb2.LimitEffect:
        return await self._desk.set(request, LimitKind.OPERATOR, await _source(request.source, context), context)

    async def ClearOperatorLimit(  # noqa: N802
        self, request: energy_pb2.ClearLimitRequest, context: Context
    ) -> energy_pb2.LimitEffect:
        return await self._desk.clear(request, LimitKind.OPERATOR, await _source(request.source, context), context)

    async def ClearManagerLimit(  # noqa: N802
        self, request: energy_pb2.ClearLimitRequest, context: Context
    ) -> energy_pb2.LimitEffect:
        return await self._desk.clear(request, LimitKind.ENERGY_MANAGER, request.source, context)

    async def SetSolarMode(  # noqa: N802
        self, request: energy_pb2.SetSolarModeRequest, context: Context
    ) -> energy_pb2.LimitEffect:
        source = await _source(request.source, context)
        if not request.mode:
            return await self._desk.forget_the_sun(request.circuit, LimitKind.OPERATOR, source, context)
        return await self._desk.follow_the_sun(request, LimitKind.OPERATOR, source, context)

    async def ClearManagerSolarMode(  # noqa: N802
        self, request: energy_pb2.ClearSolarModeRequest, context: Context
    ) -> energy_pb2.LimitEffect:
        return await self._desk.forget_the_sun(request.circuit, LimitKind.ENERGY_MANAGER, request.source, context)

    async def ListLimits(self, request: pb.ListLimitsRequest, context: Context) -> pb.LimitList:  # noqa: ARG002, N802
        view = self._view.snapshot(self._now())
        return pb.LimitList(limits=[limit_row(row, view.now.mono) for row in view.limits])


async def _source(label: str, context: Context) -> str:
    try:
        return labelled(OPERATOR, label)
    except ValueError as wrong:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(wrong))
        raise
