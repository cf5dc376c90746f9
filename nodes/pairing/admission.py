"""The live check of the boards' port: who is at the other end, and whether the park still knows that key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Protocol, cast

import grpc
import grpc.aio
from cryptography import x509
from msgspec import Struct

from actors.address import Address, Nowhere
from actors.messages import AdmissionMessage
from nodes.bridge import on_loop
from nodes.pairing import certificates as certs
from park.pairing.events import BoardRevoked, BoardsAdmitted

REMEMBERED = 1024  # certificates: more than boards a server has; parsing one takes as long as a whole call


class BoardIdentity(Struct, frozen=True):
    """The holder of the certificate at the other end; its key is proven by TLS. `role`: server, board or energy."""

    node: str
    role: str
    fingerprint: str
    serial: str


class PeerContext(Protocol):
    """What is asked of a gRPC call."""

    def auth_context(self) -> Mapping[str, Any]: ...


def peer_identity(context: PeerContext) -> BoardIdentity | None:
    """Who calls; None without a certificate of a park. TLS has checked that the park's CA signed it."""
    presented = context.auth_context().get("x509_pem_cert")
    return _identity(bytes(presented[0])) if presented else None


@lru_cache(REMEMBERED)
def _identity(pem: bytes) -> BoardIdentity | None:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None
    holder = certs.holder_of(certificate)
    if holder is None:
        return None
    fingerprint = certs.key_fingerprint(certificate)
    return BoardIdentity(holder.node, holder.role, fingerprint, f"{certificate.serial_number:x}")


class AdmittedBoards:
    """`Address[BoardsAdmitted | BoardRevoked]`: the enrolment's word, asked by every call. Made on the event loop.

    Nobody is admitted before the enrolment has said who. A revoked board's calls that run are ended at once.
    `onwards` is told the same.
    """

    def __init__(self, onwards: Address[AdmissionMessage] = Nowhere()) -> None:
        self._loop = asyncio.get_running_loop()
        self._onwards = onwards
        self._nodes: Mapping[str, str] = {}
        self._calls: dict[str, set[asyncio.Task[object]]] = {}

    def tell(self, message: AdmissionMessage, /) -> None:
        match message:
            case BoardsAdmitted(nodes):
                self._nodes = nodes
                on_loop(self._loop, self._end_calls)
            case BoardRevoked():
                pass  # its key is missing among those admitted
        self._onwards.tell(message)

    def is_admitted(self, identity: BoardIdentity) -> bool:
        return identity.role == certs.BOARD and self._nodes.get(identity.fingerprint) == identity.node

    @asynccontextmanager
    async def calling(self, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncGenerator[BoardIdentity]:
        """A call of an admitted board; anybody else is UNAUTHENTICATED, also when that becomes so meanwhile."""
        identity = peer_identity(context)
        if identity is None or not self.is_admitted(identity):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this is no board of the park; pair it first")
            raise AssertionError("abort raises")
        task = cast("asyncio.Task[object]", asyncio.current_task())
        calls = self._calls.setdefault(identity.fingerprint, set())
        calls.add(task)
        try:
            yield identity
        except asyncio.CancelledError:
            if self.is_admitted(identity):
                raise
            task.uncancel()
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this board was revoked")
        finally:
            calls.discard(task)
            if not calls:
                self._calls.pop(identity.fingerprint, None)

    def _end_calls(self) -> None:
        for fingerprint in [each for each in self._calls if each not in self._nodes]:
            for task in self._calls[fingerprint]:
                task.cancel()


Behaviour = Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Any]


class BoardsOnly(grpc.aio.ServerInterceptor):
    """Interceptor of the boards' port: every method of every service is for admitted boards, the unknown ones too.

    `besides`: the methods that ask themselves who calls.
    """

    def __init__(self, admitted: AdmittedBoards, besides: Collection[str] = ()) -> None:
        self._admitted, self._besides = admitted, frozenset(besides)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any]:
        handler: Any = await continuation(handler_call_details)
        if handler_call_details.method in self._besides:
            return handler
        if handler is None:
            return grpc.unary_unary_rpc_method_handler(self._guarded(_unknown))
        kinds: dict[tuple[bool, bool], tuple[Callable[..., Any], Behaviour]] = {
            (False, False): (grpc.unary_unary_rpc_method_handler, handler.unary_unary),
            (False, True): (grpc.unary_stream_rpc_method_handler, handler.unary_stream),
            (True, False): (grpc.stream_unary_rpc_method_handler, handler.stream_unary),
            (True, True): (grpc.stream_stream_rpc_method_handler, handler.stream_stream),
        }
        make, behaviour = kinds[bool(handler.request_streaming), bool(handler.response_streaming)]
        return make(self._guarded(behaviour), handler.request_deserializer, handler.response_serializer)

    def _guarded(self, behaviour: Behaviour) -> Behaviour:
        async def guarded(request: object, context: grpc.aio.ServicerContext[Any, Any]) -> object:
            async with self._admitted.calling(context):
                answers = behaviour(request, context)
                if not hasattr(answers, "__aiter__"):
                    return await answers
                async for answer in answers:
                    await context.write(answer)
            return None

        return guarded


async def _unknown(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "there is no such method")
