"""Limits over gRPC: who may set them, what is answered, and what a stranger is told."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from support.coordinated import Coordinated, coordinated, now
from support.exchange_rig import Certificates
from support.park_views import garage

from nodes.energy.managers import CERTIFICATE, TABLE, TOKEN, EnergyManagers, Manager, token_digest
from nodes.energy.server import EnergyServer
from nodes.energy.service import Writing
from nodes.pairing import certificates as certs
from nodes.pairing.credentials import CHANNEL_OPTIONS, server_credentials
from nodes.rpc import energy_pb2 as pb
from nodes.rpc.energy_pb2_grpc import EnergyManagerStub
from nodes.view import ViewStore
from park.config.quantities import Endpoint
from park.model.storage import Commit, CommitFailed, Row

PATIENCE = 20.0
SECRET = "a token of our own"
LOOPBACK = Endpoint("127.0.0.1", 0)


@dataclass
class Port:
    park: Coordinated
    stub: Any
    server: EnergyServer

    async def set(self, request: pb.SetLimitRequest, token: str | None = SECRET) -> pb.LimitEffect:
        return await self.stub.SetLimit(request, metadata=_with(token), timeout=PATIENCE)

    async def clear(self, request: pb.ClearLimitRequest) -> pb.LimitEffect:
        return await self.stub.ClearLimit(request, metadata=_with(SECRET), timeout=PATIENCE)


def _with(token: str | None) -> tuple[tuple[str, str], ...]:
    return () if token is None else (("authorization", f"Bearer {token}"),)


@asynccontextmanager
async def port(directory: Path) -> AsyncGenerator[Port]:
    """The plain port of this machine; the manager `hems` has a token."""
    async with coordinated(directory, garage()) as park:
        await park.managers.admit(Manager("hems", TOKEN, token_digest(SECRET).hex(), now().wall))
        server = EnergyServer(LOOPBACK, park.view, now, writing=Writing(park.desk, park.managers))
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield Port(park, EnergyManagerStub(channel), server)
        await server.stop(0)


async def refused(call: Any) -> tuple[grpc.StatusCode, str]:  # noqa: ANN401 - any call
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value.code(), error.value.details() or ""


def amperes(*limit_ma: int, **more: object) -> pb.SetLimitRequest:
    asked: dict[str, Any] = {"circuit": "grid", "limit_ma": limit_ma} | more
    return pb.SetLimitRequest(**asked)


async def test_a_manager_with_its_token_sets_and_clears_a_limit(tmp_path: Path):
    async with port(tmp_path) as energy:
        done = await energy.set(amperes(20_000, 16_000, 70_000, source="tariff", priority=3, valid_seconds=60))
        cleared = await energy.clear(pb.ClearLimitRequest(circuit="grid", source="tariff"))
        gone = await refused(energy.clear(pb.ClearLimitRequest(circuit="grid", source="tariff")))

    assert [(each.name, each.limit_ma, each.bound_by, each.source) for each in done.phases] == [
        ("L1", 20_000, "energy_manager", "hems/tariff"),
        ("L2", 16_000, "energy_manager", "hems/tariff"),
        ("L3", 63_000, "fuse", "circuit grid"),
    ]
    assert (done.target, done.binds, done.stored) == ("grid", True, True)
    assert done.notes == ["no effect on L3: the design limit, 63.0 A, is smaller"]
    assert [each.limit_ma for each in cleared.phases] == [63_000] * 3
    assert gone[0] is grpc.StatusCode.NOT_FOUND


async def test_watts_and_one_current_for_all_phases_of_a_charge_point(tmp_path: Path):
    async with port(tmp_path) as energy:
        done = await energy.set(pb.SetLimitRequest(charge_point="n/cp1", limit_ma=[16_000], limit_w=7_590))

    assert [each.limit_ma for each in done.phases] == [10_000] * 3  # 7 590 W at 253 V on three phases


@pytest.mark.parametrize("token", [None, "", "another", "a token of our own "])
async def test_a_stranger_may_read_here_and_sets_nothing(tmp_path: Path, token: str | None):
    async with port(tmp_path) as energy:
        park = await energy.stub.GetPark(pb.GetParkRequest(), timeout=PATIENCE)
        code, text = await refused(energy.set(amperes(1_000), token))

    assert park.name == "garage"
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert "chargepark pair energy" in text


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        (amperes(1_000, circuit="gird"), grpc.StatusCode.NOT_FOUND, "did you mean grid?"),
        (amperes(1_000, 1_000), grpc.StatusCode.INVALID_ARGUMENT, "2 currents"),
        (amperes(*range(9)), grpc.StatusCode.INVALID_ARGUMENT, "9 currents"),
        (amperes(), grpc.StatusCode.INVALID_ARGUMENT, "neither amperes nor watts"),
        (amperes(-1), grpc.StatusCode.INVALID_ARGUMENT, "at least 0"),
        (amperes(1, priority=10), grpc.StatusCode.INVALID_ARGUMENT, "priority: 10"),
        (amperes(1, source="x" * 61), grpc.StatusCode.INVALID_ARGUMENT, "at most 60"),
        (amperes(1, source="a\x1bb"), grpc.StatusCode.INVALID_ARGUMENT, "printable"),
        (amperes(1, valid_seconds=float("nan")), grpc.StatusCode.INVALID_ARGUMENT, "validity of nan"),
        (pb.SetLimitRequest(limit_ma=[1]), grpc.StatusCode.INVALID_ARGUMENT, "circuit or charge_point is missing"),
    ],
)
async def test_garbage_gets_a_status_and_a_sentence(
    tmp_path: Path, request_: pb.SetLimitRequest, code: grpc.StatusCode, words: str
):
    async with port(tmp_path) as energy:
        refusal = await refused(energy.set(request_))

    assert refusal[0] is code
    assert words in refusal[1]


async def test_a_sixth_source_is_resource_exhausted(tmp_path: Path):
    async with port(tmp_path) as energy:
        for number in range(5):
            await energy.set(amperes(20_000, source=str(number)))
        code, _ = await refused(energy.set(amperes(20_000, source="5")))

    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_limit_is_there_after_a_restart_of_the_node(tmp_path: Path):
    async with port(tmp_path) as energy:
        await energy.set(amperes(20_000))
    async with port(tmp_path) as energy:
        other = await energy.set(amperes(30_000, source="second"))

    assert [each.limit_ma for each in other.phases] == [20_000] * 3
    assert other.notes[0] == "no effect on L1: the limit of hems, 20.0 A, is smaller"


async def test_a_node_that_takes_no_limits_says_so():
    server = EnergyServer(LOOPBACK, ViewStore("n", garage()), now)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub: Any = EnergyManagerStub(channel)
        code, _ = await refused(stub.SetLimit(amperes(1), timeout=PATIENCE))
    await server.stop(0)

    assert code is grpc.StatusCode.UNIMPLEMENTED


async def test_explain_says_what_binds_and_the_way_to_the_grid(tmp_path: Path):
    async with port(tmp_path) as energy:
        told = await energy.stub.Explain(pb.ExplainRequest(charge_point="cp1"), timeout=PATIENCE)
        code, text = await refused(energy.stub.Explain(pb.ExplainRequest(charge_point="cp9"), timeout=PATIENCE))

    assert told.charge_point == "garage-1/cp1"
    assert told.path == ["grid"]
    assert (told.reason[0].limit, told.reason[0].source) == ("external_load", "meter grid-meter")
    assert "binding  the load of others on grid L1 (meter grid-meter), 41.4 A available" in told.text
    assert [each.source for each in told.limits] == ["hems"]
    assert (code, "garage-1/cp1" in text) == (grpc.StatusCode.NOT_FOUND, True)


# ------------------------------------------------------------ mutual TLS


def certified(park: Certificates, name: str) -> tuple[grpc.ChannelCredentials, str]:
    """What a manager has, and the fingerprint of its key."""
    key = certs.new_key()
    request = certs.read_signing_request(certs.signing_request(key, name))
    made = park.authority.issue_manager(request, name)
    credentials = grpc.ssl_channel_credentials(park.authority.pem, certs.key_pem(key), certs.pem(made))
    return credentials, certs.key_fingerprint(made)


async def test_behind_tls_only_managers_of_this_park_get_anything_and_one_that_is_put_out_gets_nothing_more(
    tmp_path: Path,
):
    certificates = Certificates.of(tmp_path / "park")
    known, digest = certified(certificates, "hems")
    unknown, _ = certified(certificates, "spy")
    board = certificates.board("bay-a").directory
    of_board = grpc.ssl_channel_credentials(
        certificates.authority.pem, (board / "board.key").read_bytes(), (board / "board.pem").read_bytes()
    )
    async with coordinated(tmp_path / "data", garage()) as park:
        await park.managers.admit(Manager("hems", CERTIFICATE, digest, now().wall))
        await park.managers.admit(Manager("local", TOKEN, token_digest(SECRET).hex(), now().wall))
        server = EnergyServer(
            Endpoint("127.0.0.1", 0),
            park.view,
            now,
            writing=Writing(park.desk, park.managers),
            credentials=server_credentials(certificates.server),
        )
        await server.start()
        target = f"127.0.0.1:{server.port}"
        for credentials in (unknown, of_board):
            async with grpc.aio.secure_channel(target, credentials, options=CHANNEL_OPTIONS) as channel:
                stub: Any = EnergyManagerStub(channel)
                for call in (
                    stub.GetPark(pb.GetParkRequest(), timeout=PATIENCE),
                    stub.Explain(pb.ExplainRequest(charge_point="cp1"), timeout=PATIENCE),
                    stub.SetLimit(amperes(1), timeout=PATIENCE),
                    stub.SetLimit(amperes(1), metadata=_with(SECRET), timeout=PATIENCE),  # a token is for this machine
                    stub.WatchPark(pb.WatchParkRequest(), timeout=PATIENCE).read(),
                ):
                    assert (await refused(call))[0] is grpc.StatusCode.UNAUTHENTICATED
        async with grpc.aio.secure_channel(target, known, options=CHANNEL_OPTIONS) as channel:
            stub = EnergyManagerStub(channel)
            assert (await stub.GetPark(pb.GetParkRequest(), timeout=PATIENCE)).name == "garage"
            done = await stub.SetLimit(amperes(20_000), timeout=PATIENCE)
            assert done.phases[0].source == "hems"
            assert await park.managers.remove("hems")
            assert (await refused(stub.SetLimit(amperes(63_000), timeout=PATIENCE)))[0] is (
                grpc.StatusCode.UNAUTHENTICATED
            )
        async with grpc.aio.insecure_channel(target) as channel:
            stub = EnergyManagerStub(channel)
            assert (await refused(stub.GetPark(pb.GetParkRequest(), timeout=PATIENCE)))[0] is (
                grpc.StatusCode.UNAVAILABLE
            )
        await server.stop(0)


def test_a_certificate_of_a_manager_opens_no_port_for_boards(tmp_path: Path):
    certificates = Certificates.of(tmp_path / "park")
    request = certs.read_signing_request(certs.signing_request(certs.new_key(), "hems"))
    made = certificates.authority.issue_manager(request, "hems")
    holder = certs.holder_of(made)
    assert holder is not None
    assert (holder.role, holder.node, holder.uri) == ("energy", "hems", "chargepark://carpark/energy/hems")
    assert not certs.may_serve(made)
    assert certs.is_issued_by(made, certificates.authority.certificate)


# ------------------------------------------------------------ the register


class FullDisk:
    def tell(self, message: object, /) -> None:
        assert isinstance(message, Commit)
        message.reply_to.tell(CommitFailed(message.token, "disk full"))


async def test_nobody_is_let_in_who_could_not_be_written_down():
    managers = EnergyManagers((), FullDisk())
    with pytest.raises(OSError, match="disk full"):
        await managers.admit(Manager("hems", TOKEN, "00", now().wall))
    assert managers.listed() == ()


def test_rows_that_cannot_be_read_let_nobody_in():
    good = {"proof": TOKEN, "digest": "aa", "since": "2026-11-20T22:00:00+00:00"}
    rows = (Row(TABLE, "a", "{}"), Row(TABLE, "b", "no json"), Row(TABLE, "c", json.dumps(good)))
    managers = EnergyManagers(rows, FullDisk())
    assert [each.name for each in managers.listed()] == ["c"]
    assert managers.known_by(TOKEN, "aa") == "c"
    assert managers.known_by(CERTIFICATE, "aa") is None
