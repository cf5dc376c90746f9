"""Composition of the bench process: the world, its gRPC port, its Modbus meters; until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncGenerator
from typing import Protocol, cast

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from nodes.rpc import bench_pb2
from nodes.rpc.bench_pb2_grpc import add_BenchServicer_to_server
from nodes.virtual.bench import Bench
from nodes.virtual.modbus import MeterServers, ServedMeter
from nodes.virtual.plan import BenchPlan
from nodes.virtual.service import BenchService
from nodes.virtual.signing import Signer
from park.config.quantities import Endpoint
from park.errors import AddressUnusable
from park.model.metering import Sample

SERVICE = bench_pb2.DESCRIPTOR.services_by_name["Bench"].full_name
OPTIONS = (
    ("grpc.so_reuseport", 0),  # otherwise a second bench would share the port silently
    ("grpc.max_receive_message_length", 1_048_576),
)
GRACE_SECONDS = 0.5  # for calls on their way when the bench ends

log = logging.getLogger(__name__)


class Health(Protocol):
    """What we use of the library's health service for asyncio, which comes without types."""

    async def set(self, service: str, status: health_pb2.HealthCheckResponse.ServingStatus.ValueType) -> None: ...


async def serve(plan: BenchPlan) -> None:
    """Serve until SIGTERM or SIGINT. Raises AddressUnusable when something cannot be listened on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(plan):
        await stop.wait()
        log.info("bench stops")


@contextlib.asynccontextmanager
async def serving(plan: BenchPlan) -> AsyncGenerator[Bench]:
    """A bench on its addresses, for as long as the block runs."""
    bench = Bench(plan)
    meters = MeterServers(_served(bench))
    await meters.start()
    clock = asyncio.create_task(bench.run())
    try:
        server = await _grpc_server(bench, plan.addresses)
        log.info(
            "bench serves: grpc=%s charge_points=%s readers=%s meters=%s",
            ",".join(map(str, plan.addresses)),
            ",".join(bench.site.evses) or "-",
            ",".join(bench.site.readers) or "-",
            ",".join(f"{place.meter}@{place.endpoint}/{place.unit}" for place in plan.places) or "-",
        )
        try:
            yield bench
        finally:
            bench.close()
            await server.stop(GRACE_SECONDS)
    finally:
        clock.cancel()
        await meters.stop()


async def _grpc_server(bench: Bench, addresses: tuple[Endpoint, ...]) -> grpc.aio.Server:
    server = grpc.aio.server(options=OPTIONS)
    add_BenchServicer_to_server(BenchService(bench), server)
    states = cast("Health", health.aio.HealthServicer())  # pyright: ignore - no types, and the name is made at run time
    health_pb2_grpc.add_HealthServicer_to_server(states, server)  # pyright: ignore[reportUnknownMemberType] - no types
    reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    for address in addresses:
        try:
            server.add_insecure_port(str(address))
        except RuntimeError as error:
            raise AddressUnusable(
                f"[bench] address: cannot listen on {address}: the port is in use, by another bench perhaps; change it "
                "or stop the program that uses it"
            ) from error
    await server.start()
    for name in (SERVICE, ""):
        await states.set(name, health_pb2.HealthCheckResponse.SERVING)
    return server


def _served(bench: Bench) -> list[ServedMeter]:
    def reader(name: str) -> ServedMeter:
        place = places[name]

        def read() -> tuple[Sample, int] | None:
            bench.pass_time()
            meter = bench.site.meter(name)
            shown = meter.sample()
            return None if shown is None else (shown, meter.export_wh)

        signer = None if place.signing is None else Signer(name, place.signing)
        return ServedMeter(place.endpoint, place.unit, read, signer)

    places = {place.meter: place for place in bench.plan.places}
    return [reader(name) for name in places]
