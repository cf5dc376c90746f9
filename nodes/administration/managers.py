"""gRPC `ManagerAdmin`: which energy managers may set limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from nodes.energy.managers import CERTIFICATE, TOKEN, EnergyManagers, Manager
from nodes.pairing import certificates as certs
from nodes.pairing.authority import Authority
from nodes.rpc import limits_pb2 as pb
from nodes.rpc.limits_pb2_grpc import ManagerAdminServicer, add_ManagerAdminServicer_to_server
from park.config.quantities import NAME_PATTERN
from park.model.time import Now

DIGEST_BYTES = 32  # SHA-256
Context = grpc.aio.ServicerContext[Any, Any]


def manager_service(
    managers: EnergyManagers, authority: Authority | None, now: Callable[[], Now]
) -> Callable[[grpc.aio.Server], None]:
    """For `AdminServer`. `authority` None: this node has no port for certificates."""

    def add(server: grpc.aio.Server) -> None:
        add_ManagerAdminServicer_to_server(ManagerAdminService(managers, authority, now), server)

    return add


class ManagerAdminService(ManagerAdminServicer):
    def __init__(self, managers: EnergyManagers, authority: Authority | None, now: Callable[[], Now]) -> None:
        self._managers, self._authority, self._now = managers, authority, now

    async def AddManager(self, request: pb.AddManagerRequest, context: Context) -> pb.AddedManager:  # noqa: N802
        try:
            manager, answer = self._proven(request)
            await self._managers.admit(manager)
        except (ValueError, OSError) as wrong:  # a TimeoutError is an OSError
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(wrong))
            raise
        return answer

    async def RemoveManager(self, request: pb.RemoveManagerRequest, context: Context) -> pb.RemovedManager:  # noqa: N802
        try:
            found = await self._managers.remove(request.name)
        except OSError as wrong:
            text = f"{request.name} is out, but comes back with a restart, because that could not be written: {wrong}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
            raise
        if not found:
            known = ", ".join(each.name for each in self._managers.listed()) or "none"
            text = f"there is no energy manager called {request.name!r}; known: {known}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
        return pb.RemovedManager()

    async def ListManagers(self, request: pb.ListManagersRequest, context: Context) -> pb.ManagerList:  # noqa: ARG002, N802
        return pb.ManagerList(managers=[_shown(each) for each in self._managers.listed()])

    def _proven(self, request: pb.AddManagerRequest) -> tuple[Manager, pb.AddedManager]:
        """The manager with its proof, and what it needs to know. Raises ValueError."""
        name, wall = request.name, self._now().wall
        if not NAME_PATTERN.fullmatch(name):
            raise ValueError(f"{name!r} is no name; use 1 to 40 letters, digits, '.', '_' or '-'")
        if request.WhichOneof("proof") == "token_digest":
            if len(request.token_digest) != DIGEST_BYTES:
                raise ValueError("token_digest is no SHA-256")
            return Manager(name, TOKEN, request.token_digest.hex(), wall), pb.AddedManager()
        if self._authority is None:
            raise ValueError(
                'this node opens no port for certificates: give it [listen] energy_tls = "HOST:PORT" and start it '
                "again, or let the manager in with a token"
            )
        signing = certs.read_signing_request(request.signing_request_pem)
        made = self._authority.issue_manager(signing, name)
        answer = pb.AddedManager(certificate_pem=certs.pem(made), authority_pem=self._authority.pem)
        return Manager(name, CERTIFICATE, certs.key_fingerprint(made), wall), answer


def _shown(manager: Manager) -> pb.Manager:
    since = Timestamp()
    since.FromDatetime(manager.since)
    return pb.Manager(name=manager.name, proof=manager.proof, since=since)
