"""Asks a running bench, as `chargepark bench VERB` and the tests' scripts do."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import grpc

from nodes.rpc.bench_pb2_grpc import BenchStub
from park.errors import BenchRefused, BenchUnusable

PATIENCE_SECONDS = 5.0  # for one answer on loopback
OPTIONS = (("grpc.enable_http_proxy", 0),)  # a proxy of the environment has no business on loopback


class BenchMisused(BenchRefused):
    """A name or value that the bench does not know: wrong use, not a failure."""


@contextlib.contextmanager
def bench(target: str) -> Generator[BenchStub]:
    """A stub for blocking calls to HOST:PORT; what goes wrong is raised as BenchUnusable or BenchRefused."""
    with grpc.insecure_channel(target, options=OPTIONS) as channel:
        try:
            yield BenchStub(channel)
        except grpc.RpcError as error:
            raise _understood(target, error) from error


def _understood(target: str, error: grpc.RpcError) -> BenchUnusable | BenchRefused:
    if not isinstance(error, grpc.Call):
        return BenchUnusable(f"bench {target}: {error}")
    text = error.details() or error.code().name
    match error.code():
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.DEADLINE_EXCEEDED:
            return BenchUnusable(f"no bench answers at {target}; start it with `chargepark bench serve CONFIG`")
        case grpc.StatusCode.NOT_FOUND | grpc.StatusCode.INVALID_ARGUMENT:
            return BenchMisused(text)
        case _:
            return BenchRefused(text)
