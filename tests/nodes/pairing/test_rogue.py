"""A server in between: the secret of a token is told to the park of that token and to nobody else.

The rogue ends TLS, writes down every byte it is told, and passes it on to a complete server of its own.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import grpc
import grpc.aio
import pytest
from support.pairing_rig import PARK, PATIENCE

from nodes.pairing import certificates as certs
from nodes.pairing.authority import Authority, open_authority
from nodes.pairing.client import JoinProgress, attempt
from nodes.pairing.identity import BoardKeys
from nodes.rpc import pairing_pb2 as pb
from nodes.rpc.pairing_pb2_grpc import PairingServicer, add_PairingServicer_to_server
from park.config.quantities import Endpoint
from park.pairing.fingerprint import words
from park.pairing.token import JoinToken
from park.pairing.validity import Validity, of_authority

SECRET = b"\x01\x80the secret\xfe\x00\xff\x02"
NOW = datetime.now(UTC)


class Accepting(PairingServicer):
    """Shows a CA, and lets everybody in."""

    def __init__(self, shown: bytes, signer: Authority) -> None:
        self._shown, self._signer = shown, signer

    async def GetAuthority(self, request: pb.GetAuthorityRequest, context: object) -> pb.Authority:  # noqa: ARG002, N802
        return pb.Authority(park=PARK, certificate_pem=self._shown)

    async def Join(self, request: pb.JoinRequest, context: object) -> pb.JoinResponse:  # noqa: ARG002, N802
        made = self._signer.issue(certs.read_signing_request(request.signing_request_pem), request.node, NOW)
        return pb.JoinResponse(certificate=pb.Certificate(certificate_pem=certs.pem(made), authority_pem=self._shown))


@dataclass
class Rogue:
    where: Endpoint
    heard: bytearray = field(default_factory=bytearray)


@asynccontextmanager
async def rogue(folder: Path, service: PairingServicer) -> AsyncIterator[Rogue]:
    """TLS with `server.key` and `server.pem` of a folder."""
    behind = grpc.aio.server()
    add_PairingServicer_to_server(service, behind)
    port = behind.add_insecure_port("127.0.0.1:0")
    await behind.start()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem", folder / "server.key")
    tls.set_alpn_protocols(["h2"])
    heard = bytearray()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: bytearray) -> None:
        try:
            while chunk := await reader.read(65_536):
                note += chunk
                writer.write(chunk)
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as both:
            both.create_task(pump(reader, inner_writer, heard))
            both.create_task(pump(inner_reader, writer, bytearray()))

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as listening:
        yield Rogue(Endpoint("127.0.0.1", listening.sockets[0].getsockname()[1]), heard)
        listening.close()
        await behind.stop(0)


def park(folder: Path) -> Authority:
    return open_authority(folder, PARK, "server", NOW)


async def ask(folder: Path, where: Endpoint, token: JoinToken | None) -> JoinProgress:
    async with asyncio.timeout(PATIENCE):
        return await attempt(BoardKeys(folder / "bay-a"), "bay-a", PARK, where, lambda: token)


async def test_the_recorder_would_hear_the_secret(tmp_path: Path):
    """The park's own server, so that the tests below can fail."""
    authority = park(tmp_path / "server")
    async with rogue(tmp_path / "server", Accepting(authority.pem, authority)) as server:
        progress = await ask(tmp_path, server.where, JoinToken(authority.fingerprint, SECRET))
    assert progress.state == "paired"
    assert SECRET in server.heard


async def test_a_server_of_another_park_never_hears_the_secret(tmp_path: Path):
    mine, other = park(tmp_path / "server"), park(tmp_path / "rogue")
    async with rogue(tmp_path / "rogue", Accepting(other.pem, other)) as server:
        progress = await ask(tmp_path, server.where, JoinToken(mine.fingerprint, SECRET))
    assert (progress.state, "the secret was not told" in progress.text) == ("refused", True)
    assert b"PRI * HTTP/2.0" in server.heard  # it was spoken to
    assert SECRET not in server.heard
    assert BoardKeys(tmp_path / "bay-a").membership() is None


async def test_a_server_that_shows_the_right_ca_without_being_of_it_never_hears_the_secret(tmp_path: Path):
    mine, other = park(tmp_path / "server"), park(tmp_path / "rogue")
    async with rogue(tmp_path / "rogue", Accepting(mine.pem, other)) as server:
        progress = await ask(tmp_path, server.where, JoinToken(mine.fingerprint, SECRET))
    assert (progress.state, "somebody may be in between" in progress.text) == ("refused", True)
    assert SECRET not in server.heard


async def test_a_paired_board_cannot_pose_as_the_server(tmp_path: Path):
    authority = park(tmp_path / "server")
    folder = tmp_path / "rogue"
    folder.mkdir()
    key = certs.new_key()
    board = authority.issue(certs.read_signing_request(certs.signing_request(key, "evil")), "evil", NOW)
    (folder / "server.key").write_bytes(certs.key_pem(key))
    (folder / "server.pem").write_bytes(certs.pem(board))
    async with rogue(folder, Accepting(authority.pem, authority)) as server:
        progress = await ask(tmp_path, server.where, JoinToken(authority.fingerprint, SECRET))
    assert (progress.state, "not the server of a charging park" in progress.text) == ("refused", True)
    assert SECRET not in server.heard


async def test_a_forged_ca_with_the_right_key_in_it_is_not_believed(tmp_path: Path):
    """The CA's public key is known to everybody; only its holder can sign with it."""
    mine, other = park(tmp_path / "server"), park(tmp_path / "rogue")
    forged = certs.certificate(
        certs.Holder(PARK, certs.SERVER, "server"),
        mine.key.public_key(),
        (other.key, other.certificate),
        Validity(of_authority(NOW).begins, of_authority(NOW).ends),
    )
    async with rogue(tmp_path / "rogue", Accepting(certs.pem(forged), other)) as server:
        progress = await ask(tmp_path, server.where, JoinToken(mine.fingerprint, SECRET))
    assert progress.state == "refused"
    assert SECRET not in server.heard


async def test_a_board_of_one_park_does_not_spend_the_token_of_another(tmp_path: Path):
    mine, other = park(tmp_path / "server"), park(tmp_path / "other")
    async with rogue(tmp_path / "server", Accepting(mine.pem, mine)) as server:
        assert (await ask(tmp_path, server.where, None)).state == "paired"
    async with rogue(tmp_path / "other", Accepting(other.pem, other)) as server:
        progress = await ask(tmp_path, server.where, JoinToken(other.fingerprint, SECRET))
    assert (progress.state, "belongs to another park" in progress.text) == ("refused", True)
    assert SECRET not in server.heard


async def test_without_a_token_the_words_of_the_park_give_the_rogue_away(tmp_path: Path):
    mine, other = park(tmp_path / "server"), park(tmp_path / "rogue")
    async with rogue(tmp_path / "rogue", Accepting(other.pem, other)) as server:
        progress = await ask(tmp_path, server.where, None)
    assert progress.state == "paired"  # by approval on the rogue; the person compares what the board shows
    assert progress.park_words != words(mine.fingerprint)
    keys = BoardKeys(tmp_path / "bay-a")
    async with rogue(tmp_path / "server", Accepting(mine.pem, mine)) as server:
        progress = await ask(tmp_path, server.where, None)
    assert (progress.state, "belongs to another park" in progress.text) == ("refused", True)
    assert keys.known_authority() == other.fingerprint


@pytest.mark.parametrize("answer", [b"HTTP/1.0 200 OK\r\n\r\n", b""])
async def test_what_is_no_tls_server_is_a_sentence(tmp_path: Path, answer: bytes):
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        where = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
        progress = await ask(tmp_path, where, None)
    assert progress.state == "unreachable"
    assert "is pairing open there" in progress.text
