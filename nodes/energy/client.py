"""Asks a node for its park view, as `chargepark status` does."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from nodes.energy.decoding import decode
from nodes.rpc import energy_pb2 as pb
from nodes.rpc import messages_pb2
from nodes.rpc.energy_pb2_grpc import EnergyManagerStub
from nodes.rpc.messages_pb2_grpc import BackendMessagesStub
from park.errors import NoBackendHere, NothingToExplain, ParkUnreachable
from park.view import ParkView

PATIENCE_SECONDS = 5.0  # for one answer on loopback; a node that is slower is as good as gone
OPTIONS = (("grpc.enable_http_proxy", 0),)  # a proxy of the environment has no business between a node and its host


def fetch(target: str, patience: float = PATIENCE_SECONDS) -> ParkView:
    """The park at this moment; raises ParkUnreachable. `target` is HOST:PORT."""
    with grpc.insecure_channel(target, options=OPTIONS) as channel:
        try:
            return decode(EnergyManagerStub(channel).GetPark(pb.GetParkRequest(), timeout=patience))
        except grpc.RpcError as error:
            raise _unreachable(target, error) from error


def explained(target: str, charge_point: str, patience: float = PATIENCE_SECONDS) -> pb.Explanation:
    """Why it has its current; raises ParkUnreachable, and NothingToExplain for a name that is not in the park."""
    with grpc.insecure_channel(target, options=OPTIONS) as channel:
        try:
            return EnergyManagerStub(channel).Explain(pb.ExplainRequest(charge_point=charge_point), timeout=patience)
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.NOT_FOUND:
                raise NothingToExplain(error.details() or charge_point) from error
            raise _unreachable(target, error) from error


def messages(target: str, patience: float = PATIENCE_SECONDS) -> tuple[messages_pb2.BackendMessage, ...]:
    """What passed between the node and its backend, oldest first; raises ParkUnreachable, and NoBackendHere."""
    with grpc.insecure_channel(target, options=OPTIONS) as channel:
        try:
            told = BackendMessagesStub(channel).ListMessages(messages_pb2.ListMessagesRequest(), timeout=patience)
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNIMPLEMENTED:
                text = f"the board at {target} has no link to a backend: ask the server of its park"
                raise NoBackendHere(text) from error
            raise _unreachable(target, error) from error
    return tuple(told.messages)


def watch(target: str) -> Iterator[ParkView]:
    """The park now and after every change, until the node goes away, which raises ParkUnreachable."""
    with grpc.insecure_channel(target, options=OPTIONS) as channel:
        try:
            for park in EnergyManagerStub(channel).WatchPark(pb.WatchParkRequest()):
                yield decode(park)
        except grpc.RpcError as error:
            raise _unreachable(target, error) from error


def _unreachable(target: str, error: grpc.RpcError) -> ParkUnreachable:
    reason = error.details() if isinstance(error, grpc.Call) else None
    if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNAVAILABLE:
        reason = "nobody answers there"  # the library's text is about its own inside
    return ParkUnreachable(
        f"no park at {target}: {reason or error}; is the node running, and is this its [listen] energy address?"
    )
