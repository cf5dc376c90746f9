"""How a circuit follows the sun, over gRPC: who may say so, what is answered, and that it outlives a restart."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from support.coordinated import Coordinated, coordinated, now
from support.exchange_rig import Certificates
from support.park_views import garage

from nodes.energy.managers import CERTIFICATE, TOKEN, Manager, token_digest
from nodes.energy.server import EnergyServer
from nodes.energy.service import Writing
from nodes.pairing.credentials import CHANNEL_OPTIONS, server_credentials
from nodes.rpc import energy_pb2 as pb
from nodes.rpc.energy_pb2_grpc import EnergyManagerStub
from park.load.circuit import Circuit
from park.load.solar.settings import Solar
from tests.nodes.energy.test_limits import LOOPBACK, PATIENCE, SECRET, certified, refused

GRID = Circuit("grid", (63_000, 63_000, 63_000), meter="entry")
TOKENED = (("authorization", f"Bearer {SECRET}"),)


@asynccontextmanager
async def sunny(directory: Path) -> AsyncGenerator[Coordinated]:
    async with coordinated(directory, garage(), [GRID], solar=[Solar("grid", "entry")]) as park:
        yield park


@asynccontextmanager
async def port(directory: Path) -> AsyncGenerator[Any]:
    """The plain port of this machine; the manager `hems` has a token."""
    async with sunny(directory) as park:
        await park.managers.admit(Manager("hems", TOKEN, token_digest(SECRET).hex(), now().wall))
        server = EnergyServer(LOOPBACK, park.view, now, writing=Writing(park.desk, park.managers))
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield EnergyManagerStub(channel)
        await server.stop(0)


def said(stub: Any, mode: str, circuit: str = "grid", **more: Any) -> Any:  # noqa: ANN401 - of the library
    request = pb.SetSolarModeRequest(circuit=circuit, mode=mode, **more)
    return stub.SetSolarMode(request, metadata=TOKENED, timeout=PATIENCE)


def unsaid(stub: Any, source: str = "") -> Any:  # noqa: ANN401 - of the library
    request = pb.ClearSolarModeRequest(circuit="grid", source=source)
    return stub.ClearSolarMode(request, metadata=TOKENED, timeout=PATIENCE)


@pytest.mark.rule("B-085")
async def test_a_manager_sets_and_clears_the_mode_and_it_outlives_a_restart(tmp_path: Path):
    async with port(tmp_path) as stub:
        done = await said(stub, "grid", source="tariff", valid_seconds=3600)
        assert (done.target, done.binds, done.stored) == ("grid", True, True)
        assert done.notes == ["mode grid, whatever the configuration says; the sun limits nothing"]
    async with port(tmp_path) as stub:
        other = await said(stub, "grid", source="other")
        assert other.binds
        stricter = await said(stub, "solar")
        assert stricter.notes == ["mode solar, whatever the configuration says; charge points may take 0 W by the sun"]
        looser = await said(stub, "grid", source="tariff")
        assert looser.notes[0].startswith("mode solar, as hems says: the strictest of all holds;")
        assert not looser.binds
        for source in ("", "other"):
            await unsaid(stub, source)
        last = await unsaid(stub, "tariff")
        assert last.notes[0].startswith("mode surplus, as the configuration says;")
        assert (await refused(unsaid(stub, "tariff")))[0] is grpc.StatusCode.NOT_FOUND


async def test_what_was_said_before_a_restart_still_holds(tmp_path: Path):
    async with port(tmp_path) as stub:
        await said(stub, "solar", source="roof")
    async with port(tmp_path) as stub:
        looser = await said(stub, "grid")
        assert looser.notes[0].startswith("mode solar, as hems/roof says")


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        (
            {"mode": "sun"},
            grpc.StatusCode.INVALID_ARGUMENT,
            "mode: there is no 'sun'; choose one of surplus, solar, grid",
        ),
        ({"mode": ""}, grpc.StatusCode.INVALID_ARGUMENT, "mode: there is no ''; choose one of"),
        ({"mode": "grid", "circuit": "row"}, grpc.StatusCode.NOT_FOUND, "'row' does not follow the sun"),
        ({"mode": "grid", "circuit": ""}, grpc.StatusCode.NOT_FOUND, "those that do: grid"),
        ({"mode": "grid", "valid_seconds": 0.0}, grpc.StatusCode.INVALID_ARGUMENT, "a validity of 0 s"),
        ({"mode": "grid", "source": "x" * 61}, grpc.StatusCode.INVALID_ARGUMENT, "at most 60"),
    ],
)
async def test_garbage_gets_a_status_and_a_sentence(
    tmp_path: Path, asked: dict[str, Any], code: grpc.StatusCode, words: str
):
    async with port(tmp_path) as stub:
        refusal = await refused(said(stub, **asked))
    assert refusal[0] is code
    assert words in refusal[1]


async def test_a_stranger_says_nothing(tmp_path: Path):
    async with port(tmp_path) as stub:
        for call in (
            stub.SetSolarMode(pb.SetSolarModeRequest(circuit="grid", mode="grid"), timeout=PATIENCE),
            stub.ClearSolarMode(pb.ClearSolarModeRequest(circuit="grid"), timeout=PATIENCE),
        ):
            assert (await refused(call))[0] is grpc.StatusCode.UNAUTHENTICATED


async def test_behind_tls_it_takes_the_role_of_a_manager(tmp_path: Path):
    certificates = Certificates.of(tmp_path / "park")
    known, digest = certified(certificates, "hems")
    unknown, _ = certified(certificates, "spy")
    async with sunny(tmp_path / "data") as park:
        await park.managers.admit(Manager("hems", CERTIFICATE, digest, now().wall))
        writing, credentials = Writing(park.desk, park.managers), server_credentials(certificates.server)
        server = EnergyServer(LOOPBACK, park.view, now, writing=writing, credentials=credentials)
        await server.start()
        request = pb.SetSolarModeRequest(circuit="grid", mode="grid")
        async with grpc.aio.secure_channel(f"127.0.0.1:{server.port}", unknown, options=CHANNEL_OPTIONS) as channel:
            stub: Any = EnergyManagerStub(channel)
            assert (await refused(stub.SetSolarMode(request, timeout=PATIENCE)))[0] is grpc.StatusCode.UNAUTHENTICATED
        async with grpc.aio.secure_channel(f"127.0.0.1:{server.port}", known, options=CHANNEL_OPTIONS) as channel:
            stub = EnergyManagerStub(channel)
            assert (await stub.SetSolarMode(request, timeout=PATIENCE)).binds
        await server.stop(0)
