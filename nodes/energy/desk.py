"""Takes limits from a port to the coordinator and its answer back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import grpc.aio

from actors.address import Address
from actors.messages import CoordinatorMessage
from nodes.bridge import ask
from nodes.rpc import energy_pb2 as pb
from park.model.electric import PHASE_NAMES, PerPhase
from park.model.limit import (
    ClearLimit,
    Limit,
    LimitAnswer,
    LimitKind,
    LimitOutcome,
    Refusal,
    SetLimit,
    TakesLimitOutcome,
)
from park.model.solar import SetSolarMode, SolarMode

ANSWER_SECONDS = 10.0  # ours: one commit of a disk that is nearly full
LONGEST_SOURCE = 60
HIGHEST_PRIORITY = 9
STATUS: Mapping[Refusal, grpc.StatusCode] = {
    Refusal.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Refusal.NO_SUCH_TARGET: grpc.StatusCode.NOT_FOUND,
    Refusal.NO_SUCH_LIMIT: grpc.StatusCode.NOT_FOUND,
    Refusal.TOO_MANY: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
Context = grpc.aio.ServicerContext[Any, Any]


class LimitDesk:
    """Whose limit it is, is for the port to say: `kind` and `source` are never what a request claims."""

    def __init__(self, coordinator: Address[CoordinatorMessage]) -> None:
        self._coordinator = coordinator

    async def set(self, request: pb.SetLimitRequest, kind: LimitKind, source: str, context: Context) -> pb.LimitEffect:
        """Aborts the call for what is refused."""
        try:
            limit = _limit(request, kind, source)
        except ValueError as wrong:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(wrong))
            raise
        seconds = request.valid_seconds if request.HasField("valid_seconds") else None
        return await self._order(context, lambda reply: SetLimit(uuid.uuid4().hex, limit, seconds, reply))

    async def clear(
        self, request: pb.ClearLimitRequest, kind: LimitKind, source: str, context: Context
    ) -> pb.LimitEffect:
        """Aborts the call for what is refused."""
        target = _target(request)
        return await self._order(context, lambda reply: ClearLimit(uuid.uuid4().hex, target, kind, source, reply))

    async def follow_the_sun(
        self, request: pb.SetSolarModeRequest, kind: LimitKind, source: str, context: Context
    ) -> pb.LimitEffect:
        """Aborts the call for what is refused."""
        circuit, mode = request.circuit, request.mode
        try:
            wanted = SolarMode(mode)
        except ValueError:
            modes = ", ".join(each.value for each in SolarMode)
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"mode: there is no {mode!r}; choose one of {modes}")
            raise
        seconds = request.valid_seconds if request.HasField("valid_seconds") else None
        return await self._order(
            context, lambda reply: SetSolarMode(uuid.uuid4().hex, circuit, wanted, reply, kind, source, seconds)
        )

    async def forget_the_sun(self, circuit: str, kind: LimitKind, source: str, context: Context) -> pb.LimitEffect:
        """What this source said of it holds no longer. Aborts the call for what is refused."""
        return await self._order(
            context, lambda reply: SetSolarMode(uuid.uuid4().hex, circuit, None, reply, kind, source)
        )

    async def _order(
        self, context: Context, make: Callable[[TakesLimitOutcome], SetLimit | ClearLimit | SetSolarMode]
    ) -> pb.LimitEffect:
        try:
            outcome: LimitOutcome = await ask(self._coordinator, make, ANSWER_SECONDS)
        except TimeoutError:
            text = "the node did not answer in time; look at the limits in force to see whether it was done"
            await context.abort(grpc.StatusCode.UNAVAILABLE, text)
            raise
        if isinstance(outcome, LimitAnswer):
            return effect(outcome)
        await context.abort(STATUS[outcome.because], outcome.reason)
        raise AssertionError("abort raises")


def labelled(name: str, label: str) -> str:
    """The source of a limit: the manager's name, and which of its limits. Raises ValueError for a label of no use."""
    if len(label) > LONGEST_SOURCE or not label.isprintable():
        raise ValueError(f"source: give at most {LONGEST_SOURCE} printable characters, or none")
    return f"{name}/{label}" if label else name


def effect(answer: LimitAnswer) -> pb.LimitEffect:
    phases = zip(PHASE_NAMES, answer.limit_ma, answer.bound_by, answer.sources, strict=True)
    return pb.LimitEffect(
        target=answer.target,
        phases=[pb.PhaseLimit(name=n, limit_ma=ma, bound_by=by, source=source) for n, ma, by, source in phases],
        binds=answer.binds,
        notes=answer.notes,
        stored=answer.stored,
        limit_w=answer.limit_w,
        power_source=answer.power_source,
    )


def _target(request: pb.SetLimitRequest | pb.ClearLimitRequest) -> str:
    return request.circuit or request.charge_point


def _limit(request: pb.SetLimitRequest, kind: LimitKind, source: str) -> Limit:
    """What is asked for; raises ValueError for what no limit can be."""
    if not _target(request):
        raise ValueError("circuit or charge_point is missing: name what is to be limited")
    if request.priority > HIGHEST_PRIORITY:
        raise ValueError(f"priority: {request.priority} is more than {HIGHEST_PRIORITY}")
    return Limit(
        _target(request),
        kind,
        source,
        _per_phase(list(request.limit_ma)),
        request.limit_w if request.HasField("limit_w") else None,
        request.priority,
    )


def _per_phase(currents_ma: list[int]) -> PerPhase | None:
    match currents_ma:
        case []:
            return None
        case [each]:
            return (each, each, each)
        case [l1, l2, l3]:
            return (l1, l2, l3)
        case _:
            raise ValueError(f"limit_ma: {len(currents_ma)} currents; give one for each of L1, L2, L3, or one for all")
