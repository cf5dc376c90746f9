"""The stream between boards over real gRPC with mutual TLS: frames, ends, reconnects, revocation, leftovers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest
from support.exchange_rig import Certificates, ClientEnd, LiveLinks, ServerEnd, connected, live_links, nth, serving
from support.ports import free_ports
from support.probe import Probe
from support.rig import eventually
from support.stalled_proxy import Proxy

from actors.messages import ExchangeMessage
from nodes.bridge import Backoff, Outbox
from nodes.exchange.codec import encode
from nodes.exchange.stream import MOST_BYTES
from nodes.pairing.credentials import CHANNEL_OPTIONS, channel_credentials
from nodes.pairing.identity import BoardKeys
from nodes.rpc import exchange_pb2 as pb
from nodes.rpc.exchange_pb2_grpc import ExchangeStub
from park.exchange.messages import EndLink, EndLinks, FrameArrived, LinkDown, LinkRefused, LinkUp, SendFrame
from park.exchange.session import Entry, Frame
from park.model.demand import BoardHeartbeat

NODE = "bay-a"
NOTICED_SECONDS = 10.0
NOT_AGAIN = Backoff(first=600.0, most=600.0)


def frame(number: int, *texts: str) -> Frame:
    return Frame(number, 0, 1.0, None, None, tuple(Entry("cp1", 1.0, LinkRefused(text)) for text in texts))


@pytest.fixture
def park(tmp_path: Path) -> Certificates:
    return Certificates.of(tmp_path)


@pytest.fixture
def board(park: Certificates) -> BoardKeys:
    return park.board(NODE)


async def both_up(server: ServerEnd, client: ClientEnd, count: int = 1) -> tuple[str, str]:
    """The names that server and client have for their `count`-th connection."""
    here = await nth(client.inbox, LinkUp, count)
    there = await nth(server.inboxes[NODE], LinkUp, count)
    return there.connection, here.connection


async def test_frames_cross_both_ways_in_order(park: Certificates, board: BoardKeys):
    sent = [frame(number, f"number {number}", "Übergröße") for number in range(1, 301)]
    async with serving(park, (NODE, board)) as server, connected(board, server.target) as client:
        there, here = await both_up(server, client)
        for each in sent:
            server.orders.tell(SendFrame(there, each))
            client.orders.tell(SendFrame(here, each))
        await nth(server.inboxes[NODE], FrameArrived, len(sent))
        await nth(client.inbox, FrameArrived, len(sent))
    for inbox, name in ((server.inboxes[NODE], there), (client.inbox, here)):
        arrived = [each for each in inbox.messages if isinstance(each, FrameArrived)]
        assert [each.frame for each in arrived] == sent
        assert {each.connection for each in arrived} == {name}


async def test_an_order_for_a_connection_that_is_over_is_gone_with_it(park: Certificates, board: BoardKeys):
    async with serving(park, (NODE, board)) as server, connected(board, server.target) as client:
        there, _ = await both_up(server, client)
        server.orders.tell(SendFrame("another", frame(1)))
        server.orders.tell(SendFrame(there, frame(2)))
        assert (await nth(client.inbox, FrameArrived)).frame.number == 2


async def test_the_server_ends_a_stream_with_a_reason_and_the_board_comes_again(park: Certificates, board: BoardKeys):
    async with serving(park, (NODE, board)) as server, connected(board, server.target) as client:
        there, here = await both_up(server, client)
        server.orders.tell(SendFrame(there, frame(1, "the last word")))
        server.orders.tell(EndLink(there, "this end has begun anew"))
        assert await nth(server.inboxes[NODE], LinkDown) == LinkDown(there, "this end has begun anew")
        down = await nth(client.inbox, LinkDown)
        assert down.connection == here
        assert "this end has begun anew" in down.reason
        assert (await nth(client.inbox, FrameArrived)).frame == frame(1, "the last word")
        await both_up(server, client, 2)


async def test_the_board_ends_a_stream_and_comes_again(park: Certificates, board: BoardKeys):
    async with serving(park, (NODE, board)) as server, connected(board, server.target) as client:
        there, here = await both_up(server, client)
        client.orders.tell(EndLink(here, "nothing was heard for too long"))
        assert await nth(client.inbox, LinkDown) == LinkDown(here, "nothing was heard for too long")
        assert (await nth(server.inboxes[NODE], LinkDown)).connection == there
        await both_up(server, client, 2)


async def test_a_server_that_starts_again_is_found_again(park: Certificates, board: BoardKeys):
    (port,) = free_ports(1)
    async with contextlib.AsyncExitStack() as stack:
        async with serving(park, (NODE, board), port=port) as server:
            client = await stack.enter_async_context(connected(board, server.target))
            await both_up(server, client)
        assert "the server is stopping" in (await nth(client.inbox, LinkDown)).reason
        assert (await nth(server.inboxes[NODE], LinkDown)).reason == "the server is stopping"
        async with serving(park, (NODE, board), port=port) as again:
            await nth(client.inbox, LinkUp, 2)
            await nth(again.inboxes[NODE], LinkUp)


async def test_the_newer_of_two_connections_of_a_board_is_the_one(park: Certificates, board: BoardKeys):
    """A board that lost its link knows it before its server does."""
    async with serving(park, (NODE, board)) as server, live_links(NODE, server.orders, Probe()) as live:
        server.links[NODE] = live.server
        async with connected(board, server.target, backoff=NOT_AGAIN) as first:
            await nth(first.inbox, FrameArrived)
            async with connected(board, server.target, backoff=NOT_AGAIN) as second:
                await nth(second.inbox, LinkUp)
                assert "the board has connected again" in (await nth(first.inbox, LinkDown)).reason
                await nth(second.inbox, FrameArrived)
                assert not [each for each in second.inbox.messages if isinstance(each, LinkDown)]


async def test_a_board_that_is_revoked_while_it_is_connected_is_put_out_at_once(park: Certificates, board: BoardKeys):
    other = park.board("bay-b")
    async with (
        serving(park, (NODE, board), ("bay-b", other)) as server,
        connected(board, server.target) as client,
        connected(other, server.target) as stays,
    ):
        await both_up(server, client)
        await nth(stays.inbox, LinkUp)
        began = time.monotonic()
        server.admit(("bay-b", other))
        await nth(server.inboxes[NODE], LinkDown)
        assert time.monotonic() - began < 1.0
        down = await nth(client.inbox, LinkDown)
        assert "this board was revoked" in down.reason
        there = (await nth(server.inboxes["bay-b"], LinkUp)).connection
        server.orders.tell(SendFrame(there, frame(1)))
        await nth(stays.inbox, FrameArrived)
        refusals = await asyncio.to_thread(client.errors.expect, lambda each: "pair it first" in str(each))
        assert refusals
        assert len([each for each in server.inboxes[NODE].messages if isinstance(each, LinkUp)]) == 1


@contextlib.asynccontextmanager
async def raw(board: BoardKeys, target: str) -> AsyncGenerator[grpc.aio.StreamStreamCall[pb.Frame, pb.Frame]]:
    credentials = channel_credentials(board.directory)
    async with grpc.aio.secure_channel(target, credentials, options=CHANNEL_OPTIONS) as channel:
        call = ExchangeStub(channel).Connect()
        yield call
        call.cancel()


async def test_a_message_over_the_limit_ends_that_stream_and_nothing_else(park: Certificates, board: BoardKeys):
    other = park.board("bay-b")
    async with (
        serving(park, (NODE, board), ("bay-b", other)) as server,
        connected(other, server.target) as stays,
    ):
        await nth(stays.inbox, LinkUp)
        async with raw(board, server.target) as call:
            await call.write(encode(frame(1)))
            await nth(server.inboxes[NODE], FrameArrived)
            await call.write(encode(frame(2, "x" * (MOST_BYTES + 1))))
            assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await nth(server.inboxes[NODE], LinkDown)
        assert [each.frame.number for each in server.inboxes[NODE].messages if isinstance(each, FrameArrived)] == [1]
        there = (await nth(server.inboxes["bay-b"], LinkUp)).connection
        server.orders.tell(SendFrame(there, frame(1, "x" * (MOST_BYTES // 2))))
        await nth(stays.inbox, FrameArrived)
        assert not [each for each in stays.inbox.messages if isinstance(each, LinkDown)]


UNKNOWN = b"\xa2\x06\x05later"  # field 100, five bytes: of a version to come


async def test_what_a_newer_version_says_is_left_out_and_the_rest_arrives(park: Certificates, board: BoardKeys):
    async with serving(park, (NODE, board)) as server, raw(board, server.target) as call:
        odd = encode(frame(1, "known"))
        odd.entries.add(target="cp1", at=1.0)  # of a kind that is not known here
        odd.entries[0].MergeFromString(UNKNOWN)
        odd.MergeFromString(UNKNOWN)
        await call.write(odd)
        await call.write(pb.Frame(number=2, mono=float("nan")))
        await call.write(encode(frame(3, "and on")))
        await nth(server.inboxes[NODE], FrameArrived, 2)
    arrived = [each.frame for each in server.inboxes[NODE].messages if isinstance(each, FrameArrived)]
    assert arrived == [frame(1, "known"), frame(3, "and on")]


# ------------------------------------------------------------ silence, with the real links at both ends


@pytest.fixture
async def proxied(park: Certificates, board: BoardKeys) -> AsyncIterator[tuple[Proxy, LiveLinks]]:
    """A board that is connected through a proxy, and beats once a second."""
    async with serving(park, (NODE, board)) as server, Proxy(server.target).running() as proxy:
        orders: Outbox[ExchangeMessage] = Outbox()
        async with live_links(NODE, server.orders, orders) as live:
            server.links[NODE] = live.server
            async with connected(board, proxy.address, end=ClientEnd(board, proxy.address, live.board, orders)):
                await asyncio.to_thread(live.shown.expect, lambda each: each.state == "up")
                yield proxy, live
                proxy.release()


async def test_a_peer_that_falls_silent_is_noticed_in_time(proxied: tuple[Proxy, LiveLinks]):
    proxy, live = proxied
    began = time.monotonic()
    proxy.stall()
    await asyncio.to_thread(live.shown.expect, lambda each: each.state == "down", 2)
    assert time.monotonic() - began < NOTICED_SECONDS
    proxy.release()
    await asyncio.to_thread(live.shown.expect, lambda each: each.state == "up", 2)


async def test_a_network_that_swallows_all_is_noticed_by_both_ends(proxied: tuple[Proxy, LiveLinks]):
    proxy, live = proxied
    await asyncio.to_thread(live.coordinator.expect, lambda each: isinstance(each, BoardHeartbeat))
    began = time.monotonic()
    proxy.stall(back=True)
    await asyncio.to_thread(live.shown.expect, lambda each: each.state == "down", 2)
    await asyncio.to_thread(live.nodes.expect, lambda each: each.state in {"suspect", "gone"})
    assert time.monotonic() - began < NOTICED_SECONDS
    proxy.release()
    await asyncio.to_thread(live.shown.expect, lambda each: each.state == "up", 2)
    await asyncio.to_thread(live.nodes.expect, lambda each: each.state == "alive", 2)


async def test_a_link_that_began_anew_gets_a_new_stream_though_the_old_one_is_silent(
    park: Certificates, board: BoardKeys
):
    """Nothing arrives that could end a stream the link does not know: it has to end what there is by itself."""
    async with (
        serving(park, (NODE, board)) as server,
        Proxy(server.target).running() as proxy,
        connected(board, proxy.address) as client,
    ):
        _, here = await both_up(server, client)
        proxy.stall(back=True)
        client.orders.tell(EndLinks("this end of the link has begun anew"))
        assert await nth(client.inbox, LinkDown) == LinkDown(here, "this end of the link has begun anew")
        proxy.release()
        await nth(client.inbox, LinkUp, 2)


UNREAD = 16  # frames of half of the most: more than the windows of TCP and of HTTP/2 together
ENDED_SECONDS = 10.0


async def test_a_stream_whose_wire_takes_nothing_any_more_ends_when_its_link_says_so(
    park: Certificates, board: BoardKeys
):
    async with (
        serving(park, (NODE, board)) as server,
        Proxy(server.target).running() as proxy,
        connected(board, proxy.address) as client,
    ):
        _, here = await both_up(server, client)
        proxy.stall(back=True)
        for number in range(UNREAD):
            client.orders.tell(SendFrame(here, frame(number, "x" * (MOST_BYTES // 2))))
        client.orders.tell(EndLink(here, "nothing was heard for too long"))
        async with asyncio.timeout(ENDED_SECONDS):
            assert await nth(client.inbox, LinkDown) == LinkDown(here, "nothing was heard for too long")


# ------------------------------------------------------------ leftovers

CONNECTS = 100
WARM_UP = 10
FEW = 8  # the port, one connection with two ends, what wakes gRPC's threads


async def test_a_hundred_connections_leave_nothing_behind(park: Certificates, board: BoardKeys):
    sockets = _sockets()
    async with (
        serving(park, (NODE, board)) as server,
        connected(board, server.target, backoff=Backoff(first=0.01, most=0.01)) as client,
    ):
        before = (0, 0)
        for count in range(1, CONNECTS + WARM_UP + 1):
            there, _ = await both_up(server, client, count)
            if count == WARM_UP:
                before = _held()
            server.orders.tell(EndLink(there, "again"))
            await nth(client.inbox, LinkDown, count)
        await both_up(server, client, CONNECTS + WARM_UP + 1)
        tasks, threads = before
        await asyncio.to_thread(eventually, "gRPC closed the sockets", lambda: _sockets() <= sockets + FEW)
        assert _held()[0] <= tasks + FEW
        assert _held()[1] <= threads + FEW  # gRPC's own pool breathes


def _held() -> tuple[int, int]:
    """Tasks and threads, those of gRPC among them."""
    return len(asyncio.all_tasks()), len(list(Path("/proc/self/task").iterdir()))


def _sockets() -> int:
    gc.collect()
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since
            found += str(each.readlink()).startswith("socket:")
    return found
