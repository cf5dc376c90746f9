"""Boards that join a real server on loopback: by a person, by token, by list; and those that do not get in."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.cli import chargepark
from support.pairing_rig import PARK, PATIENCE, Rig, board_channel, code_of_a_call, pairing_rig

from actors.address import Nowhere
from nodes.bridge import Outbox
from nodes.field import clock
from nodes.pairing.authority import open_authority
from nodes.pairing.client import (
    JoinProgress,
    attempt,
    join,
    log_progress,
    pairing_endpoint,
    renew,
    renew_if_due,
)
from nodes.pairing.credentials import CHANNEL_OPTIONS, pairing_credentials
from nodes.pairing.identity import BoardKeys
from nodes.pairing.orders import pairing_admin
from nodes.pairing.port import PairingPort
from nodes.pairing.service import CertificateDesk, PairingService
from nodes.pairing.token_file import read_token
from nodes.rpc import pairing_pb2 as pb
from nodes.rpc.pairing_pb2_grpc import PairingStub
from park.config.board import ServerSection
from park.config.quantities import Endpoint
from park.errors import KeysUnusable, PairingRefused
from park.pairing.events import BoardRevoked, PairingPortWanted
from park.pairing.fingerprint import words
from park.pairing.token import JoinToken, parse_token


async def say(rig: Rig, *arguments: str) -> str:
    """A command of a person at the server that succeeds; what it prints."""
    verb, *rest = arguments
    done = await asyncio.to_thread(chargepark, "pair", verb, str(rig.config), *rest)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


async def token_for(rig: Rig, node: str, *options: str) -> JoinToken:
    return parse_token(await say(rig, "token", node, *options))


# ---------------------------------------------------------------- the three ways


async def test_a_person_compares_the_words_and_approves(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        keys = BoardKeys(tmp_path / "bay-a")
        await say(rig, "open", "--for", "60")
        waiting = await rig.join(keys, "bay-a")
        assert waiting.state == "waiting"
        assert keys.membership() is None
        listed = await say(rig, "list")
        assert keys.words in listed
        assert waiting.park_words in listed
        await say(rig, "approve", "bay-a", "--words", keys.words)
        assert (await rig.join(keys, "bay-a")).state == "paired"
        async with board_channel(rig, tmp_path / "bay-a") as channel:
            assert await code_of_a_call(channel) is grpc.StatusCode.OK


async def test_a_board_that_keeps_asking_is_paired_soon_after_the_approval(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:
        keys, told, waits = BoardKeys(tmp_path / "bay-a"), list[JoinProgress](), asyncio.Event()

        def report(progress: JoinProgress) -> None:
            told.append(progress)
            waits.set()

        where = await rig.where()
        joining = asyncio.create_task(
            join(keys, "bay-a", PARK, lambda: where, lambda: None, report, sleep=lambda _: asyncio.sleep(0.05))
        )
        await asyncio.wait_for(waits.wait(), PATIENCE)
        await say(rig, "approve", "bay-a", "--words", keys.words.upper().replace("-", " "))
        await asyncio.wait_for(joining, PATIENCE)
    assert [each.state for each in told] == ["waiting", "paired"]


async def test_a_token_lets_one_key_in_once(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        file = tmp_path / "token"
        await say(rig, "token", "bay-a", "--out", str(file))
        assert file.stat().st_mode & 0o777 == 0o600
        token = read_token(file)
        keys, others = BoardKeys(tmp_path / "bay-a"), BoardKeys(tmp_path / "other")
        assert (await rig.join(keys, "bay-a", token)).state == "paired"
        assert (await rig.join(keys, "bay-a", token)).state == "paired"  # as if its answer had been lost
        refused = await rig.join(others, "bay-a", token)
        assert (refused.state, "used by another board" in refused.text) == ("refused", True)
        member = keys.membership()
        assert member is not None
        assert (member.park, member.node, member.authority) == (PARK, "bay-a", token.authority)


async def test_a_listed_fingerprint_lets_its_key_in_while_pairing_is_open(tmp_path: Path):
    keys = BoardKeys(tmp_path / "bay-a")
    async with pairing_rig(tmp_path, f'open = true\nfingerprints = ["SHA256:{keys.fingerprint.upper()}"]') as rig:
        assert (await rig.join(keys, "bay-a")).state == "paired"
        assert (await rig.join(BoardKeys(tmp_path / "other"), "bay-b")).state == "waiting"


# ---------------------------------------------------------------- closed


async def test_while_pairing_is_closed_nothing_listens(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        await say(rig, "open")
        where = await rig.where()
        await say(rig, "close")
        await asyncio.wait_for(rig.pairing.port.closed(), PATIENCE)
        progress = await attempt(BoardKeys(tmp_path / "bay-a"), "bay-a", PARK, where, lambda: None)
        assert progress.state == "unreachable"
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(where.host, where.port)


async def test_pairing_closes_by_itself(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        opening = asyncio.create_task(rig.where())  # before, or a slow machine would miss the second it is open
        await say(rig, "open", "--for", "1")
        await opening
        await asyncio.wait_for(rig.pairing.port.closed(), PATIENCE)


async def test_an_expired_token_is_refused(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        opening = asyncio.create_task(rig.where())
        token = await token_for(rig, "bay-a", "--for", "1")
        await opening
        await asyncio.wait_for(rig.pairing.port.closed(), PATIENCE)
        await say(rig, "open")
        refused = await rig.join(BoardKeys(tmp_path / "bay-a"), "bay-a", token)
        assert (refused.state, "has expired" in refused.text) == ("refused", True)


# ---------------------------------------------------------------- replaced and revoked


async def test_a_replaced_board_needs_a_person_and_the_one_before_is_out(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:
        old, new = BoardKeys(tmp_path / "old"), BoardKeys(tmp_path / "new")
        await rig.join(old, "bay-a", await token_for(rig, "bay-a"))
        assert (await rig.join(new, "bay-a")).state == "waiting"
        without = await asyncio.to_thread(chargepark, "pair", "approve", str(rig.config), "bay-a", "--words", new.words)
        assert (without.returncode, "--replace" in without.stderr) == (1, True)
        await say(rig, "approve", "bay-a", "--words", new.words, "--replace")
        assert (await rig.join(new, "bay-a")).state == "paired"
        rig.revoked.expect(BoardRevoked("bay-a", old.fingerprint))
        async with board_channel(rig, tmp_path / "old") as channel:
            assert await code_of_a_call(channel) is grpc.StatusCode.UNAUTHENTICATED
        async with board_channel(rig, tmp_path / "new") as channel:
            assert await code_of_a_call(channel) is grpc.StatusCode.OK


async def test_a_revoked_board_is_refused_at_once_and_its_streams_end(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        keys = BoardKeys(tmp_path / "bay-a")
        token = await token_for(rig, "bay-a")
        await rig.join(keys, "bay-a", token)
        async with board_channel(rig, tmp_path / "bay-a") as channel:
            stub: Any = cast("Any", health_pb2_grpc).HealthStub(channel)
            stream = stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
            await stream.read()
            await say(rig, "revoke", "bay-a")
            assert await stream.code() is grpc.StatusCode.UNAUTHENTICATED
            assert await code_of_a_call(channel) is grpc.StatusCode.UNAUTHENTICATED
        again = await rig.join(keys, "bay-a", token)
        assert (again.state, "revoked" in again.text) == ("refused", True)
        assert "revoked" in await say(rig, "list")


async def test_what_was_decided_outlives_the_server(tmp_path: Path):
    keys, gone = BoardKeys(tmp_path / "bay-a"), BoardKeys(tmp_path / "bay-b")
    async with pairing_rig(tmp_path) as rig:
        await rig.join(keys, "bay-a", await token_for(rig, "bay-a"))
        await rig.join(gone, "bay-b", await token_for(rig, "bay-b"))
        await say(rig, "revoke", "bay-b")
    async with pairing_rig(tmp_path) as rig:
        await say(rig, "list")  # answered after the rows are loaded
        for name, expected in (("bay-a", grpc.StatusCode.OK), ("bay-b", grpc.StatusCode.UNAUTHENTICATED)):
            async with board_channel(rig, tmp_path / name) as channel:
                assert await code_of_a_call(channel) is expected


# ---------------------------------------------------------------- certificates


async def test_a_board_without_a_certificate_of_the_park_gets_no_answer_at_all(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        await say(rig, "open")
        keys = BoardKeys(tmp_path / "bay-a")
        with pytest.raises(KeysUnusable, match="not paired yet"):
            async with board_channel(rig, keys.directory):
                pass
        ca = rig.pairing.authority.pem
        for credentials in (grpc.ssl_channel_credentials(ca), None):
            channel = (
                grpc.aio.insecure_channel(str(rig.boards))
                if credentials is None
                else grpc.aio.secure_channel(str(rig.boards), credentials, options=CHANNEL_OPTIONS)
            )
            async with channel:
                assert await code_of_a_call(channel) is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_of_another_park_does_not_pass_the_handshake(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with pairing_rig(tmp_path / "a") as here, pairing_rig(tmp_path / "b") as there:
        keys = BoardKeys(tmp_path / "bay-a")
        await there.join(keys, "bay-a", await token_for(there, "bay-a"))
        (keys.directory / "ca.pem").write_bytes(here.pairing.authority.pem)  # so that it believes this server
        async with board_channel(here, keys.directory) as channel:
            assert await code_of_a_call(channel) is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_is_renewed_for_the_same_key(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        keys = BoardKeys(tmp_path / "bay-a")
        await rig.join(keys, "bay-a", await token_for(rig, "bay-a"))
        before = (keys.directory / "board.pem").read_bytes()
        async with board_channel(rig, keys.directory) as channel:
            await renew(keys, "bay-a", channel)
            assert (keys.directory / "board.pem").read_bytes() != before
            stranger = BoardKeys(tmp_path / "stranger")
            with pytest.raises(PairingRefused, match="a new key is paired anew"):
                await renew(stranger, "bay-a", channel)
        async with board_channel(rig, keys.directory) as channel:
            assert await code_of_a_call(channel) is grpc.StatusCode.OK
            await say(rig, "revoke", "bay-a")
            with pytest.raises(PairingRefused, match="no board of the park"):
                await renew(keys, "bay-a", channel)


# ---------------------------------------------------------------- garbage and floods


async def test_garbage_is_answered_with_a_reason(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:
        where = await rig.where()
        leaf = (tmp_path / "server" / "server.pem").read_bytes()
        credentials = grpc.ssl_channel_credentials(leaf)
        good = BoardKeys(tmp_path / "bay-a").signing_request("bay-a")
        async with grpc.aio.secure_channel(str(where), credentials, options=CHANNEL_OPTIONS) as channel:
            for request in (b"", b"\xff" * 100, good[:200], _forged(good)):
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await PairingStub(channel).Join(pb.JoinRequest(node="bay-a", signing_request_pem=request))
                assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await PairingStub(channel).Join(pb.JoinRequest(node="a" * 100_000, signing_request_pem=good))
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def _forged(request: bytes) -> bytes:
    """A request for a key whose holder did not sign it."""
    der = bytearray(ssl.PEM_cert_to_DER_cert(request.decode().replace("CERTIFICATE REQUEST", "CERTIFICATE")))
    der[-1] ^= 1
    return ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "CERTIFICATE REQUEST").encode()


async def test_who_asks_too_often_is_told_to_wait(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:
        where = await rig.where()
        credentials = grpc.ssl_channel_credentials((tmp_path / "server" / "server.pem").read_bytes())
        request = pb.JoinRequest(
            node="bay-a", signing_request_pem=BoardKeys(tmp_path / "bay-a").signing_request("bay-a")
        )
        async with grpc.aio.secure_channel(str(where), credentials, options=CHANNEL_OPTIONS) as channel:
            answers = [await PairingStub(channel).Join(request) for _ in range(60)]
        refusals = [each.refused for each in answers if each.WhichOneof("outcome") == "refused"]
        assert len(refusals) >= 20
        assert {each.reason for each in refusals} == {"too many requests to join"}
        assert all(0 < each.retry_seconds <= 1.0 for each in refusals)


def test_the_pairing_port_has_no_keys_before_the_ca_is_made(tmp_path: Path):
    with pytest.raises(KeysUnusable, match="there is no such file"):
        pairing_credentials(tmp_path)


# ---------------------------------------------------------------- administration


async def test_the_administration_is_for_the_owner_of_the_data(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        assert rig.pairing.admin.path.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "server").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "server" / "ca.key").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "server" / "server.key").stat().st_mode & 0o777 == 0o600


async def test_orders_that_cannot_be_done_say_why(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:

        def order(call: str, request: object) -> str:
            with pytest.raises(PairingRefused) as refused, pairing_admin(tmp_path / "server") as admin:
                getattr(admin, call)(request, timeout=PATIENCE)
            return str(refused.value)

        for call, request, expected in (
            ("RevokeBoard", pb.RevokeBoardRequest(node="bay-z"), "no paired board is called bay-z"),
            ("OpenPairing", pb.OpenPairingRequest(seconds=float("nan")), "is not between"),
            ("MakeToken", pb.MakeTokenRequest(node="server", seconds=60), "can be called 'server'"),
            ("ClosePairing", pb.ClosePairingRequest(), "keeps it open"),
            ("ApproveBoard", pb.ApproveBoardRequest(node="bay-a", fingerprint="00"), "with this key waits"),
        ):
            assert expected in await asyncio.to_thread(order, call, request)
        assert words(rig.pairing.authority.fingerprint) in await say(rig, "list")


async def test_an_unknown_park_name_is_a_mistake_in_the_file(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:
        where: Endpoint = await rig.where()
        progress = await attempt(BoardKeys(tmp_path / "bay-a"), "bay-a", "other-park", where, lambda: None)
        assert (progress.state, "[server] park is 'other-park'" in progress.text) == ("refused", True)


# ---------------------------------------------------------------- edges and logs


async def test_a_pairing_port_in_use_is_said_and_tried_again(tmp_path: Path):
    authority = open_authority(tmp_path, PARK, "server", clock.now().wall)
    service = PairingService(CertificateDesk(authority, Nowhere(), clock.now))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = Endpoint("127.0.0.1", taken.getsockname()[1])
        wanted: Outbox[PairingPortWanted] = Outbox(key=type)
        wanted.tell(PairingPortWanted(open=True))
        port = PairingPort(where, lambda: pairing_credentials(tmp_path), service, wanted)
        with structlog.testing.capture_logs() as log, pytest.raises(OSError, match="it is in use"):
            await port.run()
    assert [each["log_level"] for each in log] == ["error"]
    again = asyncio.create_task(port.run())  # as the edge's keeper does; nobody wants it open a second time
    assert await asyncio.wait_for(port.opened(), PATIENCE) == where.port
    wanted.close()
    await asyncio.wait_for(again, PATIENCE)
    assert port.port is None


async def test_a_board_that_asks_again_and_again_is_logged_once(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:
        keys = BoardKeys(tmp_path / "bay-a")
        for _ in range(5):
            await rig.join(keys, "bay-a")
    assert [each["words"] for each in rig.log if "waits for a person" in each["event"]] == [keys.words]


async def test_a_secret_is_in_no_log(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        token = await token_for(rig, "bay-a")
        keys = BoardKeys(tmp_path / "bay-a")
        log_progress(keys, "bay-a")(await rig.join(keys, "bay-a", token))
        said = repr(rig.log)
    assert "gets a certificate" in said
    assert keys.words in said
    for form in (token.text(), token.secret.hex(), repr(token.secret)):
        assert form not in said


@pytest.mark.parametrize(
    ("pairing_address", "address", "found", "expected"),
    [
        ("192.0.2.1:9", "192.0.2.2:7070", None, Endpoint("192.0.2.1", 9)),
        ("", "192.0.2.2:7070", None, Endpoint("192.0.2.2", 7072)),
        ("", "", Endpoint("192.0.2.3", 7070), Endpoint("192.0.2.3", 7072)),
        ("", "", None, None),
    ],
)
def test_where_a_board_asks(pairing_address: str, address: str, found: Endpoint | None, expected: Endpoint | None):
    section = ServerSection(park=PARK, address=address, pairing_address=pairing_address)
    assert pairing_endpoint(section, found) == expected


async def test_nobody_found_is_a_reason_to_wait(tmp_path: Path):
    progress = await attempt(BoardKeys(tmp_path), "bay-a", PARK, None, lambda: None)
    assert (progress.state, progress.text) == ("unreachable", "no server of park carpark is known yet")


async def test_a_certificate_that_is_not_due_is_not_renewed(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        keys, now = BoardKeys(tmp_path / "bay-a"), clock.now().wall
        assert keys.needs_pairing("bay-a", now)
        await rig.join(keys, "bay-a", await token_for(rig, "bay-a"))
        assert not keys.needs_pairing("bay-a", now)
        assert keys.needs_pairing("bay-b", now)
        assert keys.needs_pairing("bay-a", now + timedelta(days=366))
        assert not keys.needs_pairing("bay-a", now.replace(year=1970))
        async with board_channel(rig, keys.directory) as channel:
            assert not await renew_if_due(keys, "bay-a", channel, now)
            assert await renew_if_due(keys, "bay-a", channel, now + timedelta(days=250))
