"""grpc.aio 1.85: what the edges between boards, energy managers and the bench stand on."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false
# The generated modules of grpc come without stubs.

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

EXCLUSIVE = (("grpc.so_reuseport", 0),)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = grpc.aio.server(options=EXCLUSIVE)
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await servicer.set("chargepark.v1.EnergyManager", health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection((health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield port
    await server.stop(None)


async def test_a_port_in_use_is_an_error_only_without_so_reuseport(port: int):
    """Every server of ours is made with this option; by default two nodes would share a port in silence."""
    with pytest.raises(RuntimeError):
        grpc.aio.server(options=EXCLUSIVE).add_insecure_port(f"127.0.0.1:{port}")


async def test_by_default_a_second_server_takes_the_same_port_in_silence():
    """Why the option is there."""
    first, second = grpc.aio.server(), grpc.aio.server()
    port = first.add_insecure_port("127.0.0.1:0")
    assert second.add_insecure_port(f"127.0.0.1:{port}") == port
    await first.stop(None)
    await second.stop(None)


async def test_health_answers_for_a_service_and_not_found_for_an_unknown_one(port: int):
    """`status` and operators' tools ask this way."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        known = await stub.Check(health_pb2.HealthCheckRequest(service="chargepark.v1.EnergyManager"))
        assert known.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Check(health_pb2.HealthCheckRequest(service="unknown"))
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND


async def test_reflection_is_the_v1alpha_service_and_lists_itself(port: int):
    """A technician's tool lists the services without our files."""
    assert reflection.SERVICE_NAME == "grpc.reflection.v1alpha.ServerReflection"
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        answer = await call.read()
    names = [service.name for service in answer.list_services_response.service]
    assert sorted(names) == [health.SERVICE_NAME, reflection.SERVICE_NAME]


async def test_a_server_that_is_not_there_is_unavailable():
    """The one code that means try again."""
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:  # nobody listens on tcpmux any more
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5.0)
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_call_cancelled_on_this_side_cancels_whoever_uses_it(port: int):
    """Nobody cancelled that task: why an edge must not take every CancelledError for the end of the node."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()
        reading = asyncio.create_task(call.read())
        await asyncio.wait([reading], timeout=0.1)  # it is under way, and waits for an answer
        call.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        with pytest.raises(asyncio.CancelledError):
            await call.read()
