"""The backend link over TLS: security profiles, whom it trusts, proxies, watchdog, and other settings at run time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.certificates import Issued, issue, server_context
from websockets.asyncio.server import ServerConnection, basic_auth, serve
from websockets.frames import Frame, Opcode
from websockets.protocol import Event
from websockets.typing import Subprotocol

from nodes.bridge import Outbox, keep_running
from nodes.ocpp.edge import BackendEdge, BackendLost
from nodes.ocpp.endpoint import BackendBackoff, Endpoint
from nodes.ocpp.trust import Trust
from park.ocpp.connection import ConnectionSettings
from park.ocpp.link import LinkEvent, LinkLost, LinkOrder, LinkUp, LossCause, ReportLink, SendCall, UseConnection

PATIENCE = 10.0
CA, OTHER_CA = issue("csms authority", authority=True), issue("another authority", authority=True)
SERVER = issue("csms", CA, hosts=("localhost", "csms.example"))
STATION = issue("GARAGE", CA)


class Events:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[LinkEvent] = asyncio.Queue()

    def tell(self, message: LinkEvent, /) -> None:
        self.queue.put_nowait(message)

    async def next(self) -> LinkEvent:
        return await asyncio.wait_for(self.queue.get(), PATIENCE)


async def idle(socket: ServerConnection) -> None:
    await socket.wait_closed()


@contextlib.asynccontextmanager
async def backend(
    context: ssl.SSLContext | None, seen: list[ServerConnection] | None = None, **options: object
) -> AsyncIterator[int]:
    async def station(socket: ServerConnection) -> None:
        if seen is not None:
            seen.append(socket)
        await socket.wait_closed()

    wanted = {"subprotocols": [Subprotocol("ocpp1.6")], **options}
    async with serve(station, "127.0.0.1", 0, ssl=context, **wanted) as server:  # type: ignore[arg-type]
        yield next(iter(server.sockets)).getsockname()[1]


@contextlib.contextmanager
def handshakes(context: ssl.SSLContext) -> Iterator[int]:
    """A server that says why it refuses a handshake, which asyncio's does not."""

    def serve_one() -> None:
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secure:
            with contextlib.suppress(OSError):
                secure.do_handshake()
            secure.shutdown(socket.SHUT_WR)
            while socket.socket.recv(secure, 4096):  # unread bytes would reset the connection, and the alert be lost
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_one)
        thread.start()
        yield listener.getsockname()[1]
    thread.join(PATIENCE)


def trusting(directory: Path, authority: Issued = CA, station: Issued | None = None, **options: object) -> Trust:
    root, _ = authority.files(directory, "root")
    chain, key = (None, None) if station is None else station.files(directory, "station")
    return Trust(root, chain, key, **options)  # type: ignore[arg-type]


async def outcome(endpoint: Endpoint) -> LinkEvent:
    """What the central system is told first; the edge is ended then."""
    events, orders = Events(), Outbox[LinkOrder]()
    task = asyncio.create_task(BackendEdge(endpoint, events, orders).run())
    told = await events.next()
    if isinstance(told, LinkUp) and endpoint.profile == 3:
        orders.tell(SendCall("c1", "Heartbeat", {}, 1))  # TLS 1.3: a refused certificate shows at the first read
    orders.close()
    with contextlib.suppress(BackendLost):
        await asyncio.wait_for(task, PATIENCE)
    return told


@pytest.mark.rule("B-005", "B-006")
@pytest.mark.parametrize("profile", [2, 3])
async def test_each_tls_profile_connects_with_what_it_needs(tmp_path: Path, profile: int):
    wanted = basic_auth(realm="ocpp", credentials=("GARAGE", "right")) if profile == 2 else None
    context = server_context(tmp_path, SERVER, CA if profile == 3 else None)
    trust = trusting(tmp_path, station=STATION)
    async with backend(context, process_request=wanted) as port:
        endpoint = Endpoint(f"wss://localhost:{port}/ocpp", "GARAGE", "right", profile, trust=trust)
        assert await outcome(endpoint) == LinkUp(1)


async def test_profile_3_shows_no_password(tmp_path: Path):
    assert Endpoint("wss://x", "GARAGE", "secret", 3).headers == {}
    assert Endpoint("wss://x", "GARAGE", "secret", 2).headers != {}


@pytest.mark.parametrize(
    ("shown", "trusted", "says"),
    [
        pytest.param(SERVER, OTHER_CA, "not trusted", id="another authority"),
        pytest.param(issue("csms", CA, hosts=("localhost",), days=-1), CA, "expired", id="expired"),
        pytest.param(issue("csms", CA, hosts=("elsewhere.example",)), CA, "not trusted", id="another host"),
        pytest.param(issue("csms", hosts=("localhost",)), CA, "not trusted", id="self-signed"),
    ],
)
async def test_a_backend_that_cannot_be_trusted_is_no_backend(
    tmp_path: Path, shown: Issued, trusted: Issued, says: str
):
    async with backend(server_context(tmp_path, shown)) as port:
        endpoint = Endpoint(f"wss://localhost:{port}", "GARAGE", profile=2, trust=trusting(tmp_path, trusted))
        lost = await outcome(endpoint)
    assert isinstance(lost, LinkLost)
    assert lost.cause is LossCause.CERTIFICATE
    assert says in lost.reason
    assert "ca_file" in lost.reason


@pytest.mark.rule("B-006")
async def test_the_host_name_need_not_fit_when_told_so_and_another_may_be_asked_for(tmp_path: Path):
    async with backend(server_context(tmp_path, SERVER)) as port:
        endpoint = Endpoint(f"wss://127.0.0.1:{port}", "GARAGE", profile=2)
        strict = await outcome(replace(endpoint, trust=trusting(tmp_path)))
        lax = await outcome(replace(endpoint, trust=trusting(tmp_path, check_name=False)))
        named = await outcome(replace(endpoint, trust=trusting(tmp_path, server_name="csms.example")))
        foreign = await outcome(replace(endpoint, trust=trusting(tmp_path, OTHER_CA, check_name=False)))
    assert isinstance(strict, LinkLost)
    assert (lax, named) == (LinkUp(1), LinkUp(1))
    assert isinstance(foreign, LinkLost)  # encryption stays, and so does the authority


@pytest.mark.rule("B-005")
async def test_an_old_backend_is_refused_unless_told_otherwise(tmp_path: Path):
    old = server_context(tmp_path, SERVER)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    weak = server_context(tmp_path, SERVER)
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    with handshakes(weak) as port:
        endpoint = Endpoint(f"wss://localhost:{port}", "GARAGE", profile=2)
        refused = await outcome(replace(endpoint, trust=trusting(tmp_path)))
    async with backend(weak) as port:
        endpoint = Endpoint(f"wss://localhost:{port}", "GARAGE", profile=2)
        taken = await outcome(replace(endpoint, trust=trusting(tmp_path, any_cipher=True)))
    assert isinstance(refused, LinkLost)
    assert refused.cause is LossCause.CIPHER
    assert taken == LinkUp(1)
    async with backend(old) as port:
        endpoint = Endpoint(f"wss://localhost:{port}", "GARAGE", profile=2, trust=trusting(tmp_path))
        assert await outcome(endpoint) == LinkUp(1)  # it has secure ciphers too


async def test_a_station_without_its_certificate_is_told_so(tmp_path: Path):
    async with backend(server_context(tmp_path, SERVER, CA)) as port:
        endpoint = Endpoint(f"wss://localhost:{port}", "GARAGE", profile=3, trust=trusting(tmp_path))
        missing = await outcome(endpoint)
    with handshakes(server_context(tmp_path, SERVER, CA)) as port:
        stranger = trusting(tmp_path, station=issue("GARAGE", OTHER_CA))
        foreign = await outcome(Endpoint(f"wss://localhost:{port}", "GARAGE", profile=3, trust=stranger))
    assert isinstance(missing, LinkLost)
    assert "security profile 3 needs both" in missing.reason
    assert isinstance(foreign, LinkLost)
    assert foreign.cause is LossCause.CREDENTIALS
    assert "certificate_file" in foreign.reason


async def test_what_a_backend_installed_is_trusted_and_shown(tmp_path: Path):
    folder = tmp_path / "installed"
    (folder / "roots").mkdir(parents=True)
    CA.files(folder / "roots", "one")
    (folder / "station-1.pem").write_text(STATION.key_pem + STATION.pem)
    async with backend(server_context(tmp_path, SERVER, CA)) as port:
        endpoint = Endpoint(
            f"wss://localhost:{port}", "GARAGE", profile=3, trust=Trust(installed=folder), certificate="station-1.pem"
        )
        assert await outcome(endpoint) == LinkUp(1)


@pytest.mark.rule("B-003")
async def test_a_proxy_is_asked_for_the_way(tmp_path: Path):
    asked: list[str] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(request.split("\r\n")[0])
        host, _, port = request.split()[1].rpartition(":")
        there, onwards = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while chunk := await source.read(4096):
                target.write(chunk)
            target.close()

        await asyncio.gather(copy(reader, onwards), copy(there, writer))

    async with (
        await asyncio.start_server(relay, "127.0.0.1", 0) as proxy,
        backend(server_context(tmp_path, SERVER)) as port,
    ):
        where = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        endpoint = Endpoint(f"wss://localhost:{port}", "GARAGE", profile=2, via=where, trust=trusting(tmp_path))
        assert await outcome(endpoint) == LinkUp(1)
    assert asked == [f"CONNECT localhost:{port} HTTP/1.1"]


async def test_a_proxy_that_refuses_says_so():
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        where = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        lost = await outcome(Endpoint("ws://127.0.0.1:9", "GARAGE", via=where))
    assert isinstance(lost, LinkLost)
    assert "[backend] http_proxy" in lost.reason


# ------------------------------------------------------------ watchdog and settings at run time


@pytest.mark.rule("B-012")
async def test_a_quiet_link_must_prove_that_it_lives():
    pinged = asyncio.Semaphore(0)

    class Pinged(ServerConnection):
        def process_event(self, event: Event) -> None:
            super().process_event(event)
            if isinstance(event, Frame) and event.opcode is Opcode.PING:
                pinged.release()

    async with backend(None, create_connection=Pinged) as port:
        events, orders = Events(), Outbox[LinkOrder]()
        endpoint = Endpoint(f"ws://127.0.0.1:{port}", "GARAGE", ping_interval=0, watchdog=0.02, ping_timeout=PATIENCE)
        edge = BackendEdge(endpoint, events, orders)
        task = asyncio.create_task(edge.run())
        assert await events.next() == LinkUp(1)
        for _ in range(3):  # a backend that answers pings keeps its link
            await asyncio.wait_for(pinged.acquire(), PATIENCE)
        assert not task.done()
        edge._endpoint = replace(endpoint, ping_timeout=0.0)
        with pytest.raises(BackendLost, match="no sign of life"):
            await asyncio.wait_for(task, PATIENCE)


@pytest.mark.rule("B-012")
async def test_the_waits_begin_anew_when_the_watchdog_has_expired():
    edge = BackendEdge(Endpoint("ws://127.0.0.1:1", "GARAGE", watchdog=60.0), Events(), Outbox())
    assert edge._shortened(100.0) == 100.0
    edge._heard -= 61.0
    assert edge._shortened(100.0) == BackendBackoff().first
    assert edge._shortened(100.0) == 100.0


async def test_other_settings_make_another_connection_at_once():
    seen: list[ServerConnection] = []
    async with backend(None, seen) as port:
        settings = ConnectionSettings(f"ws://127.0.0.1:{port}", "GARAGE", 1, "first-password-01")
        events, orders = Events(), Outbox[LinkOrder]()
        endpoint = Endpoint(settings.url, "GARAGE", settings.password, 1)
        edge = BackendEdge(endpoint, events, orders)
        task = asyncio.create_task(edge.run())
        assert await events.next() == LinkUp(1)
        orders.tell(UseConnection(settings, 5.0))
        assert await events.next() == LinkUp(1)  # the same: told again, kept
        orders.tell(UseConnection(replace(settings, password="second-password-2"), 5.0))
        assert await events.next() == LinkLost("connecting with other settings")
        assert await events.next() == LinkUp(2)
        orders.close()
        await asyncio.wait_for(task, PATIENCE)
        assert len(seen) == 2
        first, second = (each.request.headers["Authorization"] for each in seen if each.request is not None)
        assert first != second


async def test_other_settings_end_the_wait_and_other_orders_do_not():
    async with backend(None) as port:
        events, orders = Events(), Outbox[LinkOrder]()
        edge = BackendEdge(Endpoint("ws://127.0.0.1:1", "GARAGE"), events, orders)
        waiting = BackendBackoff(first=3600.0, most=3600.0)
        task = asyncio.create_task(keep_running("backend", edge.run, backoff=waiting, sleep=edge.pause))
        lost = await events.next()
        assert isinstance(lost, LinkLost)
        orders.tell(ReportLink())
        assert await events.next() == lost
        orders.tell(SendCall("old", "Heartbeat", {}, 0))
        orders.tell(UseConnection(ConnectionSettings(f"ws://127.0.0.1:{port}", "GARAGE"), 5.0))
        assert await events.next() == LinkUp(1)
        assert edge.traffic.late_orders == 1
        orders.close()
        await asyncio.wait_for(task, PATIENCE)


def test_a_profile_with_tls_makes_the_url_secure():
    settings = ConnectionSettings("ws://csms.example:9000/ocpp", "GARAGE", 2)
    assert settings.secure_url == "wss://csms.example:9000/ocpp"
    assert replace(settings, profile=1).secure_url == settings.url
