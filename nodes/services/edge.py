"""gRPC `LocalServices`: DataTransfer between the backend and programs on this board (B-212, B-213, B-214)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, TypeAlias

import grpc
import grpc.aio
import structlog

from actors.address import Address, Nowhere
from nodes.bridge import Outbox
from nodes.rpc import services_pb2 as pb
from nodes.rpc.services_pb2_grpc import LocalServicesServicer, add_LocalServicesServicer_to_server
from park.ocpp.services import (
    DEFAULT_ANSWER_SECONDS,
    LEAST_ANSWER_SECONDS,
    LONGEST_MESSAGE,
    MOST_ANSWER_SECONDS,
    ForwardTransfer,
    ServiceAttached,
    ServiceEvent,
    ServiceLeft,
    TransferAnswered,
    TransferFailed,
    TransferOutcome,
    TransferResult,
    TransferWanted,
    wrong_vendor,
)

ATTACH_SECONDS = 5.0  # ours: a program that opens the stream says at once who it is
REPEAT_SECONDS = 10.0  # ours: a central system that began anew hears of the service again
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Told: TypeAlias = ForwardTransfer | TransferOutcome
_log = structlog.get_logger("services")


class LocalServices(LocalServicesServicer):
    """Told by the central system, from any thread, what is for whom. `own_vendor`: answered by the station itself."""

    def __init__(self, own_vendor: str) -> None:
        self._own_vendor = own_vendor
        self._central: Address[ServiceEvent] = Nowhere()
        self._lock = threading.Lock()
        self._attached: dict[str, Outbox[Told]] = {}

    def connect(self, central: Address[ServiceEvent]) -> Callable[[grpc.aio.Server], None]:
        """For `AdminServer`."""
        self._central = central

        def add(server: grpc.aio.Server) -> None:
            add_LocalServicesServicer_to_server(self, server)

        return add

    def tell(self, message: ForwardTransfer, /) -> None:
        """To nobody when the service has just left: the central system hears that too."""
        with self._lock:
            outbox = self._attached.get(message.vendor_id)
        if outbox is not None:
            outbox.tell(message)

    async def Attach(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.FromService], context: Context
    ) -> AsyncGenerator[pb.ToService]:
        vendor, seconds = await self._claimed(request_iterator, context)
        outbox: Outbox[Told] = Outbox()
        with self._lock:
            taken = self._attached.setdefault(vendor, outbox) is not outbox
        if taken:
            text = f"another service answers for vendor {vendor!r}; end that one, or use another vendor id"
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, text)
        _log.info("service attached", vendor=vendor)
        tasks = [
            asyncio.create_task(self._read(vendor, request_iterator, outbox)),
            asyncio.create_task(self._hold(vendor, seconds)),
        ]
        try:
            yield pb.ToService(attached=pb.ServiceAttachedNow())
            async for message in outbox:
                yield _to_wire(message)
        finally:
            for task in tasks:
                task.cancel()
            with self._lock:
                del self._attached[vendor]
            self._central.tell(ServiceLeft(vendor))
            _log.info("service left", vendor=vendor)

    async def _claimed(self, requests: AsyncIterator[pb.FromService], context: Context) -> tuple[str, float]:
        first: pb.FromService | None = None
        with contextlib.suppress(TimeoutError, StopAsyncIteration):
            async with asyncio.timeout(ATTACH_SECONDS):
                first = await anext(requests)
        if first is None or first.WhichOneof("message") != "attach":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first message has to be `attach`")
            raise AssertionError("abort raises")
        vendor = first.attach.vendor_id
        seconds = first.attach.answer_seconds if first.attach.HasField("answer_seconds") else DEFAULT_ANSWER_SECONDS
        problem = wrong_vendor(vendor, self._own_vendor)
        if problem is None and not LEAST_ANSWER_SECONDS <= seconds <= MOST_ANSWER_SECONDS:
            problem = f"answer_seconds is {seconds:g}; it has to be {LEAST_ANSWER_SECONDS:g} to {MOST_ANSWER_SECONDS:g}"
        if problem is not None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)
        return vendor, seconds

    async def _hold(self, vendor: str, seconds: float) -> None:
        while True:
            self._central.tell(ServiceAttached(vendor, seconds))
            await asyncio.sleep(REPEAT_SECONDS)

    async def _read(self, vendor: str, requests: AsyncIterator[pb.FromService], outbox: Outbox[Told]) -> None:
        try:
            async for request in requests:
                self._obey(vendor, request, outbox)
        except grpc.aio.AbortError:
            pass
        finally:
            outbox.close()

    def _obey(self, vendor: str, request: pb.FromService, outbox: Outbox[Told]) -> None:
        match request.WhichOneof("message"):
            case "answer":
                answer = request.answer
                data = answer.data if answer.HasField("data") else None
                self._central.tell(TransferAnswered(answer.request_id, answer.status, data))
            case "transfer":
                self._send(vendor, request.transfer, outbox)
            case _:  # a second `attach`, or something a newer service says
                pass

    def _send(self, vendor: str, transfer: pb.Transfer, outbox: Outbox[Told]) -> None:
        message = transfer.message_id if transfer.HasField("message_id") else None
        if message is not None and len(message) > LONGEST_MESSAGE:
            text = f"message_id has {len(message)} characters; OCPP allows {LONGEST_MESSAGE}"
            outbox.tell(TransferFailed(transfer.request_id, text))
            return
        data = transfer.data if transfer.HasField("data") else None
        self._central.tell(TransferWanted(transfer.request_id, vendor, message, data, outbox))


def _to_wire(message: Told) -> pb.ToService:
    match message:
        case ForwardTransfer(request_id, _, message_id, data):
            return pb.ToService(transfer=pb.Transfer(request_id=request_id, message_id=message_id, data=data))
        case TransferResult(request_id, status, data):
            return pb.ToService(answer=pb.TransferAnswer(request_id=request_id, status=status, data=data))
        case TransferFailed(request_id, reason):
            return pb.ToService(unanswered=pb.TransferUnanswered(request_id=request_id, reason=reason))
