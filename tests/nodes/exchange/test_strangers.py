"""Who is no board of the park gets nothing at the boards' port, and disturbs nobody there."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from support.exchange_rig import Certificates, ClientEnd, LiveLinks, ServerEnd, connected, live_links, nth, serving

from actors.messages import ExchangeMessage
from nodes.bridge import Outbox
from nodes.pairing import certificates as certs
from nodes.pairing.credentials import CHANNEL_OPTIONS
from nodes.pairing.identity import BoardKeys
from nodes.rpc import exchange_pb2 as pb
from nodes.rpc import pairing_pb2
from park.exchange.messages import LinkDown, LinkUp
from park.model.demand import BoardHeartbeat
from park.pairing.validity import of_authority

NODE = "bay-a"
PATIENCE = 15.0
METHODS: dict[str, Any] = {
    "/chargepark.v1.Exchange/Connect": pb.Frame(number=1, mono=1.0),
    "/chargepark.v1.Renewal/Renew": pairing_pb2.RenewRequest(signing_request_pem=b"x"),
    "/grpc.health.v1.Health/Check": health_pb2.HealthCheckRequest(),
    "/grpc.health.v1.Health/Watch": health_pb2.HealthCheckRequest(),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": reflection_pb2.ServerReflectionRequest(
        list_services=""
    ),
    "/chargepark.v1.Exchange/Unknown": pb.Frame(),
}


@dataclass
class BoardsPort:
    """With a board that is connected and beats."""

    park: Certificates
    board: BoardKeys
    end: ServerEnd
    live: LiveLinks

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.end.server.port

    async def is_undisturbed(self) -> None:
        """Two more beats come, the board is alive all along, and another one gets in."""
        self.live.coordinator.clear()
        beats = self.live.coordinator.expect
        await asyncio.to_thread(beats, lambda each: isinstance(each, BoardHeartbeat), 2)
        states = [each.state for each in self.live.nodes.messages]
        assert set(states[states.index("alive") :]) == {"alive"}
        assert "down" not in [each.state for each in self.live.shown.messages][1:]
        other = self.park.board("bay-b")
        self.end.admit((NODE, self.board), ("bay-b", other))
        async with connected(other, self.end.target) as client:
            await nth(client.inbox, LinkUp)
            await nth(self.end.inboxes["bay-b"], LinkUp)
            assert not [each for each in client.inbox.messages if isinstance(each, LinkDown)]


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[BoardsPort]:
    park = Certificates.of(tmp_path / "park")
    board = park.board(NODE)
    orders: Outbox[ExchangeMessage] = Outbox()
    async with serving(park, (NODE, board)) as end, live_links(NODE, end.orders, orders) as live:
        end.links[NODE] = live.server
        async with connected(board, end.target, end=ClientEnd(board, end.target, live.board, orders)):
            await asyncio.to_thread(live.shown.expect, lambda each: each.state == "up")
            yield BoardsPort(park, board, end, live)


# ------------------------------------------------------------ certificates

KeyPair = tuple[bytes, bytes]


def of_another_park(folder: Path, _: Certificates) -> KeyPair:
    return _pair(Certificates.of(folder / "other").board(NODE).directory)


def self_signed(_: Path, park: Certificates) -> KeyPair:
    """Every word of it is right, but who signed it."""
    key = certs.new_key()
    issuer = certs.authority_certificate(
        key, park.authority.park, of_authority(park.authority.certificate.not_valid_before_utc)
    )
    holder = certs.Holder(park.authority.park, certs.BOARD, NODE)
    lasts = of_authority(park.authority.certificate.not_valid_before_utc)
    made = certs.certificate(holder, key.public_key(), (key, issuer), lasts)
    return certs.key_pem(key), certs.pem(made)


def revoked(_: Path, park: Certificates) -> KeyPair:
    """Of the park's CA, but the park does not know the key (any more)."""
    return _pair(park.board("bay-x").directory)


def the_server(_: Path, park: Certificates) -> KeyPair:
    return (park.server / "server.key").read_bytes(), (park.server / "server.pem").read_bytes()


def _pair(directory: Path) -> KeyPair:
    return (directory / "board.key").read_bytes(), (directory / "board.pem").read_bytes()


@contextlib.asynccontextmanager
async def channel(port: BoardsPort, pair: KeyPair | tuple[None, None]) -> AsyncGenerator[grpc.aio.Channel]:
    credentials = grpc.ssl_channel_credentials(port.park.authority.pem, *pair)
    async with grpc.aio.secure_channel(port.end.target, credentials, options=CHANNEL_OPTIONS) as made:
        yield made


async def answers(channel: grpc.aio.Channel) -> dict[str, tuple[grpc.StatusCode, list[bytes]]]:
    """What each method of the port says to one request: the code, and the messages that came before it."""
    found: dict[str, tuple[grpc.StatusCode, list[bytes]]] = {}
    for method, request in METHODS.items():
        call: Any = channel.stream_stream(method)(iter([request.SerializeToString()]), timeout=PATIENCE)
        told: list[bytes] = []
        with contextlib.suppress(grpc.aio.AioRpcError):
            async for message in call:
                told.append(message)
                break  # a watch has no end
        call.cancel()
        found[method] = (await call.code(), told)
    return found


@pytest.mark.parametrize("who", [of_another_park, self_signed, None])
async def test_without_a_certificate_of_the_park_there_is_no_connection(
    port: BoardsPort, tmp_path: Path, who: Callable[[Path, Certificates], KeyPair] | None
):
    pair = (None, None) if who is None else who(tmp_path, port.park)
    async with channel(port, pair) as made:
        found = await answers(made)
    assert set(map(str, found.values())) == {str((grpc.StatusCode.UNAVAILABLE, []))}
    assert await after_the_handshake(port, tmp_path, pair) == b""
    await port.is_undisturbed()


@pytest.mark.parametrize("who", [revoked, the_server])
async def test_who_is_not_admitted_is_unauthenticated_whatever_it_asks(
    port: BoardsPort, tmp_path: Path, who: Callable[[Path, Certificates], KeyPair]
):
    async with channel(port, who(tmp_path, port.park)) as made:
        found = await answers(made)
    assert set(map(str, found.values())) == {str((grpc.StatusCode.UNAUTHENTICATED, []))}
    await port.is_undisturbed()


async def test_the_same_questions_are_answered_to_a_board(port: BoardsPort):
    """So that the tests above can fail."""
    other = port.park.board("bay-c")
    port.end.admit((NODE, port.board), ("bay-c", other))
    async with channel(port, _pair(other.directory)) as made:
        found = await answers(made)
    told = b"".join(message for _, messages in found.values() for message in messages)
    assert b"chargepark.v1.Exchange" in told
    assert grpc.StatusCode.UNAUTHENTICATED not in {code for code, _ in found.values()}


async def after_the_handshake(port: BoardsPort, folder: Path, pair: KeyPair | tuple[None, None]) -> bytes:
    """All the port says over TLS to who greets as HTTP/2; a TLS alert is nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=port.park.authority.pem.decode())
    context.set_alpn_protocols(["h2"])
    if pair[0] is not None:
        (folder / "key.pem").write_bytes(pair[0])
        (folder / "cert.pem").write_bytes(pair[1] or b"")
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    heard = b""
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        reader, writer = await asyncio.open_connection(*port.address, ssl=context)
        try:
            writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"))
            async with asyncio.timeout(PATIENCE):
                while piece := await reader.read(65_536):
                    heard += piece
        finally:
            writer.transport.abort()
    return heard


# ------------------------------------------------------------ noise

ALERTS = {b"\x15\x03"}  # TLS record type 21 and major version; nothing else may be said to noise
HALF_OPEN = 200
HANDSHAKE_SECONDS = 5.0
CLIENT_HELLO = bytes.fromhex("160301020001")  # the begin of one, of which no more comes

NOISE = {
    "nothing": b"",
    "random bytes": random.Random(7).randbytes(4096),
    "a web browser": b"GET / HTTP/1.1\r\nHost: server\r\n\r\n",
    "HTTP/2 without TLS": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),
    "half a ClientHello": CLIENT_HELLO,
    "a megabyte of zeros": bytes(1_000_000),
}


async def heard_by(address: tuple[str, int], noise: bytes) -> bytes:
    """All that is said to one who makes this noise, until the port closes the connection."""
    reader, writer = await asyncio.open_connection(*address)
    heard = b""
    with contextlib.suppress(ConnectionError):
        writer.write(noise)
        async with asyncio.timeout(PATIENCE):
            while piece := await reader.read(65_536):
                heard += piece
    writer.transport.abort()
    return heard


async def test_noise_is_told_nothing_but_alerts_and_put_out_soon(port: BoardsPort):
    began = time.monotonic()
    told = await asyncio.gather(*(heard_by(port.address, noise) for noise in NOISE.values()))
    assert time.monotonic() - began < HANDSHAKE_SECONDS + 3.0
    assert {heard[:2] for heard in told} <= {b"", *ALERTS}
    assert max(map(len, told)) < 100
    await port.is_undisturbed()


async def test_hundreds_of_half_open_connections_keep_nobody_out(port: BoardsPort):
    """Slow ones too: each says a byte now and then."""
    opened = [await asyncio.open_connection(*port.address) for _ in range(HALF_OPEN)]
    try:
        for place, byte in enumerate(CLIENT_HELLO):
            for _, writer in opened[place::2]:
                writer.write(bytes((byte,)))
        await port.is_undisturbed()
        async with asyncio.timeout(PATIENCE):
            for reader, _ in opened:
                with contextlib.suppress(ConnectionError):
                    assert await reader.read(65_536) in {b"", *ALERTS}
        await port.is_undisturbed()
    finally:
        for _, writer in opened:
            writer.transport.abort()
