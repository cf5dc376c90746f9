"""A board among rogue announcements, all of whose bytes are kept: it finds its server, and tells the others nothing.

Every rogue says that it is the server of this park, with the right fingerprint, and stands before the real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from support.cli import chargepark
from support.discovery import Board, announced, new_park, settings
from support.exchange_rig import Certificates
from support.ports import free_ports
from support.rig import eventually

from nodes.client import client
from nodes.config_files import read_config
from nodes.field import clock
from nodes.leading import Built, leading
from nodes.pairing import certificates as certs
from nodes.server import open_to_boards
from park.model.access import CardPresented
from park.pairing.validity import of_authority

NODE, POINT, TAG = "bay-a", "secret-point", "04A1B2C3"
FOUND_SECONDS = 30.0
JOINED_SECONDS = 90.0  # one by one, and one that answers nothing has its fifteen seconds
SETTINGS = bytes.fromhex("000000040000000000")  # HTTP/2: what a client waits for before it speaks
SERVER = """
[node]
name = "server"
role = "server"
data_dir = "{folder}/server"
[listen]
boards = "127.0.0.1:{boards}"
pairing = "127.0.0.1:{pairing}"
energy = ""
metrics = ""
[discovery]
enabled = true
interfaces = ["127.0.0.1"]
[park]
name = "{park}"
[authorization]
mode = "free"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
[[placement]]
charge_point = "bay-a/secret-point"
connector = 1
circuit = "grid"
"""
CLIENT = """
[node]
name = "bay-a"
role = "client"
data_dir = "{folder}/bay-a"
[listen]
energy = ""
metrics = ""
[discovery]
enabled = true
interfaces = ["127.0.0.1"]
[server]
park = "{park}"
join_token_file = "token"
[[reader]]
name = "pillar"
driver = "virtual"
serves = ["*"]
[[charge_point]]
name = "secret-point"
driver = "virtual"
[bench]
address = "127.0.0.1:{bench}"
"""


@dataclass
class Rogue:
    """A TCP port. `heard`: every byte told to it; `connections`: how often it was dialled."""

    port: int = 0
    heard: bytearray = field(default_factory=bytearray)
    connections: int = 0
    handshakes: int = 0


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None, note: bytearray) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(65_536):
            note += piece
            if writer is not None:
                writer.write(piece)


@contextlib.asynccontextmanager
async def listening(onwards: int | None = None, rogue: Rogue | None = None) -> AsyncGenerator[Rogue]:
    """Writes down what it is told; says nothing, or relays to a port and writes down its answers too.

    `rogue`: who writes, when its own TLS is behind this port: what it says itself, its certificate, is no secret.
    """
    relayed = bytearray() if rogue else None
    rogue = rogue or Rogue()
    answers = rogue.heard if relayed is None else relayed
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rogue.connections += 1
        open_now.add(writer)
        if onwards is None:
            await pump(reader, None, rogue.heard)
            return
        with contextlib.suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", onwards)
            open_now.add(inner_writer)
            there = asyncio.create_task(pump(reader, inner_writer, rogue.heard))
            back = asyncio.create_task(pump(inner_reader, writer, answers))
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            for each in (there, back):
                each.cancel()
            await asyncio.wait((there, back))
            inner_writer.transport.abort()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    rogue.port = server.sockets[0].getsockname()[1]
    try:
        yield rogue
    finally:
        server.close()
        for writer in open_now:
            writer.transport.abort()
        await server.wait_closed()


def write_pair(folder: Path, key: bytes, certificate: bytes) -> None:
    folder.mkdir()
    (folder / "key.pem").write_bytes(key)
    (folder / "cert.pem").write_bytes(certificate)


@contextlib.asynccontextmanager
async def ending_tls(
    key: bytes, certificate: bytes, folder: Path, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncGenerator[Rogue]:
    """A TLS server with this certificate behind a recorder of the raw bytes; what it can read is heard too."""
    write_pair(folder, key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.set_alpn_protocols(["h2"])
    rogue = Rogue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rogue.handshakes += 1
        writer.write(SETTINGS)
        await pump(reader, None, rogue.heard)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listening(server.sockets[0].getsockname()[1], rogue):
        yield rogue
    server.close()
    await server.wait_closed()


def self_signed(park: str) -> tuple[bytes, bytes]:
    """A server's certificate with every word as it should be, signed with its own key."""
    key, lasts = certs.new_key(), of_authority(clock.now().wall)
    issuer = certs.authority_certificate(key, park, lasts)
    made = certs.certificate(certs.Holder(park, certs.SERVER, "server"), key.public_key(), (key, issuer), lasts)
    return certs.key_pem(key), certs.pem(made)


def of_another_park(folder: Path, park: str) -> tuple[bytes, bytes]:
    """A park of the same name, with a CA of its own."""
    other = Certificates.of(folder, park)
    return (other.server / "server.key").read_bytes(), (other.server / "server.pem").read_bytes()


def of_a_board(folder: Path, park: str) -> tuple[bytes, bytes]:
    """A board of the real park that poses as its server."""
    board = Certificates.of(folder, park).board("traitor").directory
    return (board / "board.key").read_bytes(), (board / "board.pem").read_bytes()


@contextlib.asynccontextmanager
async def announcing(park: str, rogue: Rogue, name: str, fingerprint: str = "") -> AsyncGenerator[Rogue]:
    """Also as a place to ask for pairing."""
    board = Board(settings(park, name, "server", rogue.port))
    async with announced(board, fingerprint, pairing_port=rogue.port):
        yield rogue


@contextlib.asynccontextmanager
async def rogues(folder: Path, park: str, real: int, fingerprint: str) -> AsyncGenerator[dict[str, Rogue]]:
    """All of them at once, by what they are; their names stand before `server` in any order."""
    async with contextlib.AsyncExitStack() as stack:
        kinds = {
            "deaf": listening(),
            "self-signed": ending_tls(*self_signed(park), folder / "a"),
            "another park": ending_tls(*of_another_park(folder / "other", park), folder / "b"),
            "an old TLS": ending_tls(*self_signed(park), folder / "c", ssl.TLSVersion.TLSv1_2),
            "a board": ending_tls(*of_a_board(folder, park), folder / "d"),
            "relay": listening(real),
        }
        made = {name: await stack.enter_async_context(each) for name, each in kinds.items()}
        async with contextlib.AsyncExitStack() as told:
            entering = (announcing(park, each, f"a{place}", fingerprint) for place, each in enumerate(made.values()))
            for each in [asyncio.create_task(told.enter_async_context(each)) for each in entering]:
                await each
            yield made


@dataclass(frozen=True)
class Files:
    """The files of server and client. `boards`: the port of the server's boards."""

    folder: Path
    park: str
    boards: int

    @classmethod
    def written(cls, folder: Path) -> Files:
        park = new_park()
        boards, pairing, bench = free_ports(3)
        (folder / "server.toml").write_text(SERVER.format(folder=folder, park=park, boards=boards, pairing=pairing))
        (folder / "client.toml").write_text(CLIENT.format(folder=folder, park=park, bench=bench))
        return cls(folder, park, boards)


@contextlib.asynccontextmanager
async def server_node(files: Files) -> AsyncGenerator[Callable[[], bool]]:
    """Yields whether the board is there."""
    found: list[Built] = []

    def opened(built: Built) -> contextlib.AbstractAsyncContextManager[None]:
        found.append(built)
        return open_to_boards(built)

    def knows() -> bool:
        nodes = found[0].view.snapshot(clock.now()).nodes
        return any((each.name, each.state) == (NODE, "alive") for each in nodes)

    async with leading(read_config(files.folder / "server.toml"), boards=opened):
        yield knows


@contextlib.asynccontextmanager
async def client_node(folder: Path) -> AsyncGenerator[None]:
    """Somebody shows a card there."""
    async with client(read_config(folder / "client.toml"), folder) as board:
        board.link.tell(CardPresented("pillar", TAG))
        yield


async def token(files: Files) -> None:
    words = [f"{files.folder / 'server.toml'}", NODE, "--out", f"{files.folder / 'token'}"]
    made = await asyncio.to_thread(chargepark, "pair", "token", *words)
    assert made.returncode == 0, made.stderr


async def test_a_board_among_rogues_joins_and_finds_its_server_and_tells_them_nothing(tmp_path: Path):
    files = Files.written(tmp_path)
    fingerprint = Certificates.of(tmp_path, files.park).authority.fingerprint
    with structlog.testing.capture_logs():
        async with rogues(tmp_path, files.park, files.boards, fingerprint) as around:
            async with server_node(files) as knows:
                await token(files)
                async with client_node(tmp_path):
                    await asyncio.to_thread(eventually, "it has joined", knows, JOINED_SECONDS)
            before = {name: (each.connections, each.handshakes) for name, each in around.items()}
            async with client_node(tmp_path):
                for name, each in around.items():
                    await asyncio.to_thread(eventually, f"{name} is tried", partial(_more, each, before[name][0]))
                async with server_node(files) as knows:
                    await asyncio.to_thread(eventually, "the server is found", knows, FOUND_SECONDS)
    assert {name: each.handshakes for name, each in around.items()} == {name: had[1] for name, had in before.items()}
    told = {name: bytes(each.heard) for name, each in around.items()}
    assert all(told.values())
    secrets = (NODE, POINT, TAG, "pillar", files.park, (tmp_path / "token").read_text().strip())
    assert [(name, each) for name, heard in told.items() for each in secrets if each.encode() in heard] == []


def _more(rogue: Rogue, connections: int) -> bool:
    return rogue.connections > connections


async def test_the_recorder_would_hear_the_board(tmp_path: Path):
    """With the key of the park's own server in it, so that the test above can fail."""
    park = Files.written(tmp_path).park
    real = Certificates.of(tmp_path, park)
    real.board(NODE)
    pair = (real.server / "server.key").read_bytes(), (real.server / "server.pem").read_bytes()
    with structlog.testing.capture_logs():
        async with (
            ending_tls(*pair, tmp_path / "copy") as copy,
            announcing(park, copy, "copy", real.authority.fingerprint),
            client_node(tmp_path),
        ):
            await asyncio.to_thread(eventually, "it says who it is", lambda: POINT.encode() in copy.heard)
    assert copy.handshakes
