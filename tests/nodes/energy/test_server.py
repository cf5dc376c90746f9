import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from msgspec.structs import replace

from nodes.energy.client import fetch, watch
from nodes.energy.server import SERVICE, EnergyServer
from nodes.rpc import energy_pb2 as pb
from nodes.rpc.energy_pb2_grpc import EnergyManagerStub
from nodes.view import ViewStore
from park.config.quantities import Endpoint
from park.errors import AddressUnusable, ParkUnreachable
from park.load.report import EpochTaken
from park.model.time import Now
from park.view import to_json
from tests.support.park_views import AT, MONO, garage

NOW = Now(MONO, AT)
LOOPBACK = Endpoint("127.0.0.1", 0)
PATIENCE = 10.0


@asynccontextmanager
async def serving(where: Endpoint = LOOPBACK, pace: float = 0.0) -> AsyncIterator[tuple[EnergyServer, ViewStore]]:
    store = ViewStore("garage-1", garage())
    server = EnergyServer(where, store, lambda: NOW, pace)
    await server.start()
    try:
        yield server, store
    finally:
        await server.stop(0)


@asynccontextmanager
async def connected(server: EnergyServer) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


async def told(call: grpc.aio.UnaryStreamCall[pb.WatchParkRequest, pb.Park]) -> pb.Park:
    park = await call.read()
    assert isinstance(park, pb.Park)
    return park


async def test_get_park_tells_the_view():
    async with serving() as (server, _):
        view = await asyncio.to_thread(fetch, f"127.0.0.1:{server.port}")

    expected = to_json(garage()) | {"actors": []}  # those are the figures of a supervisor that is not here
    assert to_json(view) == expected


async def test_watch_park_begins_at_once_and_goes_on_with_every_change():
    async with serving() as (server, store), connected(server) as channel:
        call = EnergyManagerStub(channel).WatchPark(pb.WatchParkRequest(), timeout=PATIENCE)
        first = await told(call)
        store.tell(EpochTaken(4))
        second = await told(call)
        store.tell(EpochTaken(5))
        third = await told(call)

    assert [park.epoch for park in (first, second, third)] == [3, 4, 5]


async def test_a_watcher_gets_the_newest_of_what_changed_within_the_pace():
    async with serving(pace=0.05) as (server, store), connected(server) as channel:
        call = EnergyManagerStub(channel).WatchPark(pb.WatchParkRequest(), timeout=PATIENCE)
        await told(call)
        for epoch in range(4, 100):
            store.tell(EpochTaken(epoch))
        waiting = [changes.depth() for changes in server._service._watches]
        second = await told(call)

    assert second.epoch == 99
    assert waiting == [1]  # a watcher that is slow costs no memory


async def test_watchers_do_not_disturb_each_other():
    async with serving() as (server, store), connected(server) as channel:
        calls = [EnergyManagerStub(channel).WatchPark(pb.WatchParkRequest(), timeout=PATIENCE) for _ in range(3)]
        for call in calls:
            await told(call)
        calls[0].cancel()
        store.tell(EpochTaken(8))
        seen = [(await told(call)).epoch for call in calls[1:]]

    assert seen == [8, 8]


async def test_a_watcher_that_leaves_is_forgotten():
    async with serving() as (server, store), connected(server) as channel:
        call = EnergyManagerStub(channel).WatchPark(pb.WatchParkRequest(), timeout=PATIENCE)
        await told(call)
        assert len(store._listeners) == 1
        call.cancel()
        async with asyncio.timeout(PATIENCE):
            while store._listeners:  # noqa: ASYNC110 - told by gRPC, which has no event for it
                await asyncio.sleep(0)


async def test_stopping_ends_a_watch_in_good_order():
    async with serving() as (server, _), connected(server) as channel:
        call = EnergyManagerStub(channel).WatchPark(pb.WatchParkRequest(), timeout=PATIENCE)
        await told(call)
        await server.stop(PATIENCE)

        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK


async def test_the_blocking_client_watches_until_the_node_stops():
    async with serving() as (server, store):
        views = watch(f"127.0.0.1:{server.port}")
        first = await asyncio.to_thread(next, views)
        store.tell(EpochTaken(4))
        second = await asyncio.to_thread(next, views)
        await server.stop(PATIENCE)
        last = await asyncio.to_thread(next, views, None)

    assert (first.epoch, second.epoch, last) == (3, 4, None)


@pytest.mark.parametrize("name", [SERVICE, ""])
async def test_health_is_serving(name: str):
    async with serving() as (server, _), connected(server) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_lists_the_services():
    async with serving() as (server, _), connected(server) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast("grpc.Channel", channel))
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]

    assert {service.name for service in answers[0].list_services_response.service} == {
        "chargepark.v1.EnergyManager",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])  # noqa: S104 - refused
async def test_an_address_strangers_could_reach_is_refused(host: str):
    with pytest.raises(AddressUnusable, match=r"use 127\.0\.0\.1"):
        EnergyServer(Endpoint(host, 0), ViewStore("n", garage()), lambda: NOW)


async def test_a_port_in_use_is_an_error_that_names_it():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = Endpoint("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(AddressUnusable, match=f"cannot listen on {where}: the port is in use"):
            EnergyServer(where, ViewStore("n", garage()), lambda: NOW)


async def test_two_nodes_never_share_a_port():
    async with serving() as (server, _):
        with pytest.raises(AddressUnusable):
            EnergyServer(Endpoint("127.0.0.1", server.port), ViewStore("n", garage()), lambda: NOW)


async def test_the_port_is_free_after_a_stop():
    async with serving() as (server, _):
        where = Endpoint("127.0.0.1", server.port)
    async with serving(where) as (again, _):
        assert again.port == where.port


def test_nobody_there_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ParkUnreachable, match=f"no park at 127.0.0.1:{port}: nobody answers there"):
        fetch(f"127.0.0.1:{port}")


async def test_another_service_at_the_port_is_a_sentence():
    other = grpc.aio.server()
    port = other.add_insecure_port("127.0.0.1:0")
    await other.start()
    try:
        with pytest.raises(ParkUnreachable, match=f"no park at 127.0.0.1:{port}"):
            await asyncio.to_thread(fetch, f"127.0.0.1:{port}")
    finally:
        await other.stop(0)


async def test_something_that_is_no_grpc_server_is_a_sentence():
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nhello\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ParkUnreachable, match="no park at"):
            await asyncio.to_thread(fetch, f"127.0.0.1:{port}", 2.0)


async def test_a_view_of_five_hundred_points_fits_one_message():
    store = ViewStore("garage-1", replace(garage(), charge_points=garage(500).charge_points))
    server = EnergyServer(LOOPBACK, store, lambda: NOW)
    await server.start()
    try:
        view = await asyncio.to_thread(fetch, f"127.0.0.1:{server.port}")
    finally:
        await server.stop(0)

    assert len(view.charge_points) == 500
