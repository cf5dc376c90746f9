"""`chargepark messages` over the real socket, beside a real link to the embedded backend."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from nodes.energy.server import EnergyServer
from nodes.log import mark
from nodes.ocpp.endpoint import Endpoint as BackendEndpoint
from nodes.ocpp.recent import BODY_LENGTH, KEPT, RecentMessages
from nodes.view import ViewStore
from nodes.virtual.backend import Backend
from nodes.virtual.ledger import Ledger
from park.config.quantities import Endpoint
from park.model.time import Now
from park.ocpp.effects import BackendReported
from park.ocpp.state import Settings
from tests.support.cli import Finished, chargepark
from tests.support.loop_station import LoopStation
from tests.support.park_views import AT, MONO, garage

KEY = "correct-horse-battery"
LONG = 1_000_000  # characters: nearly what a frame may have


@asynccontextmanager
async def asked_at(recent: RecentMessages | None) -> AsyncIterator[Callable[..., Any]]:
    """The port of a node with these messages; yields the command that asks it."""
    server = EnergyServer(
        Endpoint("127.0.0.1", 0), ViewStore("garage-1", garage()), lambda: Now(MONO, AT), recent=recent
    )
    await server.start()

    async def ask(*options: str) -> Finished:
        return await asyncio.to_thread(chargepark, "messages", "--target", f"127.0.0.1:{server.port}", *options)

    try:
        yield ask
    finally:
        await server.stop(0)


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    backend = Backend(ledger)
    await backend.start()
    yield backend
    await backend.stop()
    ledger.close()


@asynccontextmanager
async def linked(backend: Backend) -> AsyncIterator[tuple[Callable[..., Any], RecentMessages]]:
    """A station with its backend, the command beside it, and what it asks."""
    host, port = backend._where
    recent = RecentMessages(lambda: Now(MONO, AT))
    settings = Settings("GARAGE", (1, 2), lambda: str(uuid.uuid4()))
    async with (
        LoopStation(settings, BackendEndpoint(f"ws://{host}:{port}/ocpp", "GARAGE"), recent) as station,
        asked_at(recent) as ask,
    ):
        await station.until(lambda: any(told.state == "online" for told in station.of(BackendReported)))
        yield ask, recent


async def settled(backend: Backend) -> None:
    """What the backend sent before is read: frames are read in their order."""
    await backend.call("GARAGE", "GetConfiguration", {"key": ["HeartbeatInterval"]})


@pytest.mark.rule("B-377")
async def test_each_message_shows_when_where_to_what_and_of_which_call(backend: Backend):
    async with linked(backend) as (ask, _):
        await backend.call("GARAGE", "GetConfiguration", {"key": ["HeartbeatInterval"]})
        done = await ask()
        told = json.loads((await ask("--json")).stdout)

    assert (done.returncode, done.stderr) == (0, "")
    boot, registered = (each for each in told if each["action"] == "BootNotification")
    assert (boot["direction"], boot["kind"]) == ("sent", "Call")
    assert (registered["direction"], registered["kind"]) == ("received", "CallResult")
    assert boot["unique_id"] == registered["unique_id"]
    assert json.loads(registered["body"])["status"] == "Accepted"
    wanted, answer = (each for each in told if each["action"] == "GetConfiguration")
    assert (wanted["direction"], answer["direction"]) == ("received", "sent")
    assert "HeartbeatInterval" in answer["body"]
    (line,) = [line for line in done.stdout.splitlines() if " received Call GetConfiguration " in line]
    assert line.startswith("2026-11-20T")


@pytest.mark.rule("B-377")
async def test_the_newest_fifty_are_kept(backend: Backend):
    async with linked(backend) as (ask, _):
        for number in range(KEPT):
            await backend.call("GARAGE", "GetConfiguration", {"key": [f"Key{number}"]})
        told = json.loads((await ask("--json")).stdout)

    assert len(told) == KEPT == 50
    assert [f"Key{KEPT - 1}" in each["body"] for each in told[-2:]] == [True, True]
    assert not any('"Key1"' in each["body"] for each in told)


@pytest.mark.rule("B-377")
async def test_no_secret_is_shown(backend: Backend):
    private = f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----"
    inner = json.dumps({"key": "AuthorizationKey", "value": KEY})
    async with linked(backend) as (ask, _):
        for name in ("AuthorizationKey", " authorizationkey ", "HTTPBasicAuthPassword", "NoSuchPassword"):
            await backend.call("GARAGE", "ChangeConfiguration", {"key": name, "value": KEY})
        await backend.call("GARAGE", "GetDiagnostics", {"location": f"ftp://logs:{KEY}@192.0.2.1/x?sig={KEY}&v=2"})
        for text in (private, inner, json.dumps({"password": KEY}), f"wss://a:{KEY}@h/"):
            await backend.call("GARAGE", "DataTransfer", {"vendorId": "v", "data": text})
        await backend.raw("GARAGE", f'[2,"x","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{KEY}"')
        await settled(backend)
        done = await ask("--json")

    assert KEY not in done.stdout
    assert "ftp://logs:****@192.0.2.1/x?sig=****&v=2" in done.stdout
    assert sum('"****"' in each["body"] for each in json.loads(done.stdout)) >= 4


@pytest.mark.rule("B-377")
async def test_cards_are_marks_as_in_the_log(backend: Backend):
    async with linked(backend) as (ask, _):
        await backend.call("GARAGE", "RemoteStartTransaction", {"idTag": "04A1B2C3"})
        contract = json.dumps({"idToken": "DE8AAC123456789", "certificate": "MIIBDE8AAC"})
        await backend.call("GARAGE", "DataTransfer", {"vendorId": "v", "data": contract})
        signed = {"value": "OCMF|{ID:04A1B2C3}", "format": "SignedData"}
        await backend.call("GARAGE", "DataTransfer", {"vendorId": "v", "data": json.dumps(signed)})
        done = await ask()

    assert not any(secret in done.stdout for secret in ("04A1B2C3", "DE8AAC"))
    assert mark("04A1B2C3") in done.stdout
    assert mark("DE8AAC123456789") in done.stdout


@pytest.mark.parametrize(
    "frame",
    [
        "\x1b[2J\x9b31m not JSON\r\n",
        '[2,"\x1b]0;x\x07","\u202eGet",{}]',
        "[" * 20_000,
        '[2,"h","DataTransfer",{"vendorId":"\\ud800\\u001b[2J\\u009b1m[red]x[/red]"}]',
        '[2,"h","DataTransfer",{"vendorId":"' + "://a:" * 12_000 + '@"}]',
        '{"a": NaN}',
        "",
    ],
)
async def test_what_a_backend_says_harms_neither_terminal_nor_reader(backend: Backend, frame: str):
    async with linked(backend) as (ask, recent):
        before = len(recent.newest())
        await backend.raw("GARAGE", frame)
        await settled(backend)
        people, machines = await ask(), await ask("--json")

    for done in (people, machines):
        assert (done.returncode, done.stderr) == (0, "")
        harmful = {letter for letter in done.stdout if letter != "\n" and not letter.isprintable()}
        assert harmful == set()
    assert len(people.stdout.splitlines()) == len(json.loads(machines.stdout)) > before


async def test_a_megabyte_is_told_and_not_kept(backend: Backend):
    async with linked(backend) as (ask, recent):
        await backend.raw("GARAGE", json.dumps([2, "big", "DataTransfer", {"vendorId": "v", "data": "x" * LONG}]))
        await backend.raw("GARAGE", json.dumps([2, "mid", "DataTransfer", {"vendorId": "v", "data": "x" * 50_000}]))
        await settled(backend)
        told = json.loads((await ask("--json")).stdout)
        kept = sum(len(each.body) for each in recent.newest())

    (big,) = [each for each in told if each["unique_id"] == "big" and each["kind"] == "Call"]
    assert (big["kind"], big["action"], big["body"]) == ("Call", "DataTransfer", "(too long to be shown)")
    assert big["characters"] > LONG
    (mid,) = [each for each in told if each["unique_id"] == "mid" and each["kind"] == "Call"]
    assert len(mid["body"]) == BODY_LENGTH + 1
    assert kept < KEPT * (BODY_LENGTH + 1)


async def test_a_board_without_a_backend_says_whom_to_ask():
    async with asked_at(None) as ask:
        done = await ask()

    assert (done.returncode, done.stdout) == (1, "")
    assert "ask the server of its park" in done.stderr


async def test_nothing_yet_is_said():
    async with asked_at(RecentMessages(lambda: Now(MONO, AT))) as ask:
        done = await ask()

    assert (done.returncode, done.stdout) == (0, "")
    assert "chargepark status" in done.stderr
