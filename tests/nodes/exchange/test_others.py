"""Another server of the park is one by its own word over TLS; what is announced, and by whom, decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import grpc
import grpc.aio
import pytest
from support.discovery import Inbox
from support.exchange_rig import Certificates, ServerEnd, serving
from support.stalled_proxy import Proxy

from nodes.exchange.others import OtherServers
from nodes.field import clock
from nodes.pairing import certificates as certs
from nodes.pairing.credentials import CHANNEL_OPTIONS, channel_credentials, server_credentials
from nodes.rpc import exchange_pb2 as pb
from nodes.rpc.exchange_pb2_grpc import ServersStub
from park.discovery.sighting import Sighting
from park.discovery.sightings import SightingsChanged
from park.load.rivalry import OtherServer, ServersSeen, Standing, StandingReported, Voice
from park.pairing.validity import of_authority

INVENTED = "99/invented"
OWN = Voice(3, "S.1")


@pytest.fixture
def park(tmp_path: Path) -> Certificates:
    return Certificates.of(tmp_path / "park")


@contextlib.asynccontextmanager
async def looking(
    park: Certificates, address: str, voice: str = INVENTED, node: str = "rogue"
) -> AsyncGenerator[Inbox[ServersSeen]]:
    """Looks at one announcement, of a server at this address, as the server S.1."""
    told: Inbox[ServersSeen] = Inbox()
    host, _, port = address.rpartition(":")
    others = OtherServers(park.server, park.authority.fingerprint, {OWN.server_id}, told)
    seen = Sighting(node, node, "carpark", "server", 2, park.authority.fingerprint, (host,), int(port), 0, 0.0, voice)
    others.tell(SightingsChanged((seen,)))
    running = asyncio.create_task(others.run())
    try:
        yield told
    finally:
        running.cancel()
        await asyncio.wait((running,))


@contextlib.asynccontextmanager
async def answering(park: Certificates, voice: Voice, standing: Standing = Standing.LEADS) -> AsyncGenerator[ServerEnd]:
    async with serving(park) as end:
        end.standing = StandingReported(standing, voice, "")
        yield end


async def test_an_invented_voice_in_front_of_our_own_port_is_no_other_server(park: Certificates) -> None:
    async with answering(park, OWN) as end, Proxy(end.target).running() as relay:
        async with looking(park, relay.address) as told:
            assert (await told.until(lambda _: True)).servers == ()
        async with looking(park, relay.address, voice="") as told:  # nor one that poses as an older version
            assert (await told.until(lambda _: True)).servers == ()


async def test_our_own_port_while_the_server_is_just_starting_is_no_other_server(park: Certificates) -> None:
    async with serving(park) as end, looking(park, end.target) as told:
        assert (await told.until(lambda _: True)).servers == ()


@pytest.mark.parametrize("standing", [Standing.LEADS, Standing.WAITS])
async def test_a_copy_of_this_server_is_another_one_with_the_voice_it_says(
    park: Certificates, standing: Standing
) -> None:
    """With our own certificate; whatever is announced of it."""
    async with answering(park, Voice(7, "S.2"), standing) as end, looking(park, end.target, "1/S.9") as told:
        (other,) = (await told.until(lambda seen: seen.servers)).servers
    assert other == OtherServer("server", end.target, Voice(7, "S.2"), standing is Standing.LEADS)


async def test_a_server_of_an_older_version_is_known_by_its_certificate(park: Certificates, tmp_path: Path) -> None:
    """It does not answer the question; it is never taken for ours, whose certificate it has not."""
    directory = tmp_path / "older"
    directory.mkdir()
    key, authority = certs.new_key(), park.authority
    lasts = of_authority(clock.now().wall)
    holder = certs.Holder("carpark", certs.SERVER, "older")
    issuer = certs.load_key(park.server / "ca.key")
    assert issuer is not None
    made = certs.certificate(holder, key.public_key(), (issuer, authority.certificate), lasts)
    (directory / "server.key").write_bytes(certs.key_pem(key))
    (directory / "server.key").chmod(0o600)
    (directory / "server.pem").write_bytes(certs.pem(made))
    (directory / "ca.pem").write_bytes(authority.pem)
    server = grpc.aio.server()
    port = server.add_secure_port("127.0.0.1:0", server_credentials(directory))
    await server.start()
    try:
        async with looking(park, f"127.0.0.1:{port}", "5/T.1", "older") as told:
            (other,) = (await told.until(lambda seen: seen.servers)).servers
        assert other == OtherServer("older", f"127.0.0.1:{port}", Voice(5, "T.1"), leads=False)
    finally:
        await server.stop(None)


async def test_nobody_but_a_server_of_the_park_hears_the_voice(park: Certificates) -> None:
    board = park.board("bay-a")
    async with answering(park, OWN) as end:
        end.admit(("bay-a", board))
        credentials = channel_credentials(board.directory)
        async with grpc.aio.secure_channel(end.target, credentials, options=CHANNEL_OPTIONS) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await ServersStub(channel).GetVoice(pb.GetVoiceRequest(), timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
