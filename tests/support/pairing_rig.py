"""A server's pairing with its real store, actor and ports on loopback, and a boards' port behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from support.probe import Probe

from actors.messages import AdmissionMessage
from actors.supervisor import Supervisor
from nodes.config_files import read_config
from nodes.field import ThreadWorld, clock
from nodes.pairing.admission import BoardsOnly
from nodes.pairing.client import JoinProgress, attempt
from nodes.pairing.credentials import CHANNEL_OPTIONS, channel_credentials, server_credentials
from nodes.pairing.identity import BoardKeys
from nodes.pairing.server import ServerPairing, declare_pairing
from nodes.rpc.pairing_pb2_grpc import add_RenewalServicer_to_server
from nodes.store import Store
from park.config.quantities import Endpoint
from park.model.alarm import Alarm
from park.pairing.token import JoinToken

PARK = "carpark"
PATIENCE = 15.0
SERVER = """
[node]
name = "server"
role = "server"
data_dir = "{data_dir}"
[listen]
boards = "127.0.0.1:0"
pairing = "127.0.0.1:0"
energy = ""
metrics = ""
[park]
name = "carpark"
[pairing]
{pairing}
[authorization]
mode = "free"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
"""


def server_file(folder: Path, pairing: str = "") -> Path:
    file = folder / "server.toml"
    file.write_text(SERVER.format(data_dir=folder / "server", pairing=pairing), encoding="utf-8")
    return file


@dataclass
class Rig:
    """`config`: the server's file. `boards`: where boards of the park are served (health: one call and a stream)."""

    config: Path
    pairing: ServerPairing
    boards: Endpoint
    revoked: Probe[AdmissionMessage]
    store: Store
    log: list[structlog.typing.EventDict]

    async def where(self) -> Endpoint:
        async with asyncio.timeout(PATIENCE):
            return Endpoint("127.0.0.1", await self.pairing.port.opened())

    async def join(self, keys: BoardKeys, node: str, token: JoinToken | None = None) -> JoinProgress:
        return await attempt(keys, node, PARK, await self.where(), lambda: token)


@asynccontextmanager
async def pairing_rig(folder: Path, pairing: str = "") -> AsyncIterator[Rig]:
    config = read_config(server_file(folder, pairing))
    store, world, revoked = Store(folder / "server"), ThreadWorld(), Probe[AdmissionMessage]()
    root = Supervisor(world, "server")
    made = declare_pairing(config, world, root, store, Probe[Alarm](), clock.now, revoked)
    boards = grpc.aio.server(interceptors=[BoardsOnly(made.admitted)], options=[("grpc.so_reuseport", 0)])
    add_RenewalServicer_to_server(made.renewal, boards)
    servicer: Any = cast("Any", health).aio.HealthServicer()
    cast("Any", health_pb2_grpc).add_HealthServicer_to_server(servicer, boards)
    port = boards.add_secure_port("127.0.0.1:0", server_credentials(folder / "server"))
    store.start()
    root.start()
    await made.admin.start()
    await boards.start()
    edge = asyncio.create_task(made.port.run())
    try:
        with structlog.testing.capture_logs() as log:
            yield Rig(folder / "server.toml", made, Endpoint("127.0.0.1", port), revoked, store, log)
    finally:
        edge.cancel()
        await asyncio.wait([edge])
        await boards.stop(0)
        await made.admin.stop(0)
        await asyncio.to_thread(root.stop)
        await asyncio.to_thread(store.stop)
        world.close()


@asynccontextmanager
async def board_channel(rig: Rig, data_dir: Path) -> AsyncIterator[grpc.aio.Channel]:
    credentials = channel_credentials(data_dir)
    async with grpc.aio.secure_channel(str(rig.boards), credentials, options=CHANNEL_OPTIONS) as channel:
        yield channel


async def code_of_a_call(channel: grpc.aio.Channel) -> grpc.StatusCode:
    """Of a call to the boards' port: OK for a board of the park."""
    try:
        await cast("Any", health_pb2_grpc).HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
    except grpc.aio.AioRpcError as refused:
        return refused.code()
    return grpc.StatusCode.OK
