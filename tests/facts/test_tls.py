"""TLS in grpc.aio 1.85 and cryptography 50: what pairing and the boards' port stand on."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nodes.pairing import certificates as certs
from nodes.pairing.client import presented_certificate
from park.config.quantities import Endpoint
from park.pairing.validity import BEGINS, Validity

ENDS = datetime(2056, 1, 1, tzinfo=UTC)
LONG = Validity(BEGINS, ENDS)
OURS = certs.SERVER_NAME
Pair = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def ca() -> Pair:
    key = certs.new_key()
    return key, certs.authority_certificate(key, "carpark", LONG)


def member(issuer: Pair, role: str, node: str, lasts: Validity = LONG) -> Pair:
    key = certs.new_key()
    return key, certs.certificate(certs.Holder("carpark", role, node), key.public_key(), issuer, lasts)


CA = ca()
SERVER = member(CA, certs.SERVER, "server")
BOARD = member(CA, certs.BOARD, "bay-a")


class Seen:
    """A health service that keeps what gRPC says of the peer."""

    def __init__(self) -> None:
        self.peers: list[Mapping[str, Any]] = []

    async def Check(self, request: object, context: Any) -> health_pb2.HealthCheckResponse:  # noqa: ANN401, ARG002, N802
        self.peers.append(context.auth_context())
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)

    List = Watch = Check


@asynccontextmanager
async def serving(mine: Pair, clients_of: x509.Certificate | None = None) -> AsyncIterator[tuple[str, Seen]]:
    server, seen = grpc.aio.server(options=[("grpc.so_reuseport", 0)]), Seen()
    cast("Any", health_pb2_grpc).add_HealthServicer_to_server(seen, server)
    roots = None if clients_of is None else certs.pem(clients_of)
    pair = [(certs.key_pem(mine[0]), certs.pem(mine[1]))]
    credentials = grpc.ssl_server_credentials(pair, roots, require_client_auth=roots is not None)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield f"127.0.0.1:{port}", seen
    await server.stop(None)


async def answers(target: str, root: x509.Certificate, mine: Pair | None = None, name: str = OURS) -> bool:
    own = (None, None) if mine is None else (certs.key_pem(mine[0]), certs.pem(mine[1]))
    credentials = grpc.ssl_channel_credentials(certs.pem(root), *own)
    options = [("grpc.ssl_target_name_override", name)]
    async with grpc.aio.secure_channel(target, credentials, options=options) as channel:
        try:
            await cast("Any", health_pb2_grpc).HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        except grpc.aio.AioRpcError as refused:
            code = refused.code()
        else:
            code = grpc.StatusCode.OK
    assert code in {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    return code is grpc.StatusCode.OK


async def test_a_channel_can_trust_one_leaf_and_nothing_else():
    """A board talks to exactly the server whose certificate it looked at, before it believes the CA."""
    other = member(CA, certs.SERVER, "server")
    async with serving(SERVER) as (target, _):
        assert await answers(target, SERVER[1])
        assert not await answers(target, other[1])


async def test_the_certificate_a_server_shows_is_had_without_believing_it():
    async with serving(SERVER) as (target, _):
        host, _, port = target.partition(":")
        assert await presented_certificate(Endpoint(host, int(port))) == SERVER[1]


async def test_the_name_is_the_overridden_one():
    """Boards have changing addresses: certificates name roles."""
    async with serving(SERVER) as (target, _):
        assert await answers(target, CA[1])
        assert not await answers(target, CA[1], name="bay-a.board.chargepark")


async def test_a_certificate_for_clients_serves_nobody():
    """The use in a board's certificate keeps it from posing as the server, also for other programs of the park."""
    async with serving(BOARD) as (target, _):
        assert not await answers(target, CA[1], name="bay-a.board.chargepark")


async def test_who_has_no_certificate_of_the_ca_does_not_get_through_the_handshake():
    stranger_ca = ca()
    async with serving(SERVER, clients_of=CA[1]) as (target, seen):
        assert not await answers(target, CA[1])
        assert not await answers(target, CA[1], member(stranger_ca, certs.BOARD, "bay-a"))
        assert seen.peers == []
        assert await answers(target, CA[1], BOARD)
    (peer,) = seen.peers
    assert peer["x509_pem_cert"] == [certs.pem(BOARD[1])]


async def test_an_expired_certificate_does_not_get_through_the_handshake():
    """So certificates end long after any clock that was never set, and begin before it."""
    expired = member(CA, certs.BOARD, "bay-a", Validity(BEGINS, datetime.now(UTC) - timedelta(days=1)))
    early = member(CA, certs.BOARD, "bay-a", Validity(datetime.now(UTC) + timedelta(days=1), ENDS))
    async with serving(SERVER, clients_of=CA[1]) as (target, _):
        assert not await answers(target, CA[1], expired)
        assert not await answers(target, CA[1], early)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    yield
    os.umask(before)


async def test_a_unix_socket_has_the_rights_of_the_umask_and_a_left_one_is_taken_over(tmp_path: Path):
    path = tmp_path / "admin.sock"
    for _ in range(2):
        server = grpc.aio.server()
        with umask(0o177):
            server.add_insecure_port(f"unix:{path}")
        assert path.stat().st_mode & 0o777 == 0o600
        await server.start()
        path.rename(tmp_path / "kept")
        await server.stop(None)
        (tmp_path / "kept").rename(path)  # as a process that was killed leaves it
    path.unlink()
    path.write_text("no socket")
    with pytest.raises(RuntimeError):
        grpc.aio.server().add_insecure_port(f"unix:{path}")


def test_directly_issued_means_name_and_signature():
    """`verify_directly_issued_by` says so by raising; it looks neither at the clock nor at what the issuer may."""
    SERVER[1].verify_directly_issued_by(CA[1])
    with pytest.raises(InvalidSignature):
        SERVER[1].verify_directly_issued_by(ca()[1])
    sub = member(BOARD, certs.BOARD, "bay-b")
    sub[1].verify_directly_issued_by(BOARD[1])
    assert not certs.is_issued_by(sub[1], BOARD[1])
