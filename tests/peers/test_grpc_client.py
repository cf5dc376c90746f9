"""A gRPC client by other people at both ports: services by reflection and health, for whoever may have them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support.exchange_rig import Certificates, serving
from support.park_views import garage

from nodes.energy.server import EnergyServer
from nodes.field import clock
from nodes.view import ViewStore
from park.config.quantities import Endpoint

PATIENCE = 30.0
CLIENT = Path(__file__).parent / "grpc_client.js"
STANDARD = ["grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"]
BOARDS = ["chargepark.v1.Exchange", "chargepark.v1.Renewal"]

pytestmark = pytest.mark.peer("grpc-js")


async def client(target: str, *files: Path) -> dict[str, Any]:
    """What it found, or what it was refused."""
    process = await asyncio.create_subprocess_exec(
        "node", str(CLIENT), target, *map(str, files), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, problems = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (process.returncode, problems) == (0, b"")
    answer: dict[str, Any] = json.loads(out)
    return answer


@pytest.fixture
def park(tmp_path: Path) -> Certificates:
    return Certificates.of(tmp_path / "park")


def files(folder: Path) -> tuple[Path, Path, Path]:
    return folder / "ca.pem", folder / "board.key", folder / "board.pem"


async def test_a_board_s_certificate_opens_reflection_and_health(park: Certificates):
    board = park.board("bay-a")
    async with serving(park, ("bay-a", board)) as server:
        found = await client(server.target, *files(board.directory))
    assert found["services"] == [*BOARDS, *STANDARD]
    assert found["health"] == dict.fromkeys(["", *BOARDS], "SERVING") | dict.fromkeys(STANDARD, "NOT_FOUND")


async def test_without_a_certificate_nothing_is_to_be_had(park: Certificates):
    board = park.board("bay-a")
    async with serving(park, ("bay-a", board)) as server:
        without = await client(server.target, park.server / "ca.pem")
        in_plain_text = await client(server.target)
    assert {each["code"] for each in (without, in_plain_text)} <= {"UNAVAILABLE", "INTERNAL"}
    assert "chargepark" not in f"{without} {in_plain_text}".replace(str(park.folder), "")


async def test_certificates_of_another_park_and_of_boards_that_are_not_admitted_are_refused(
    park: Certificates, tmp_path: Path
):
    board, revoked = park.board("bay-a"), park.board("bay-x")
    stranger = Certificates.of(tmp_path / "other").board("bay-a").directory
    async with serving(park, ("bay-a", board)) as server:
        foreign = await client(server.target, park.server / "ca.pem", stranger / "board.key", stranger / "board.pem")
        put_out = await client(server.target, *files(revoked.directory))
    assert foreign["code"] == "UNAVAILABLE"
    assert put_out == {"code": "UNAUTHENTICATED", "details": "this is no board of the park; pair it first"}


async def test_the_port_of_energy_managers_is_open_on_this_machine():
    server = EnergyServer(Endpoint("127.0.0.1", 0), ViewStore("garage-1", garage()), clock.now)
    await server.start()
    found = await client(f"127.0.0.1:{server.port}")
    await server.stop(0)
    assert found["services"] == ["chargepark.v1.EnergyManager", *STANDARD]
    assert found["health"][""] == found["health"]["chargepark.v1.EnergyManager"] == "SERVING"
