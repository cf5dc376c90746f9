"""The websocket edge against the embedded backend and against hostile ones, over loopback sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Self

import pytest
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection, basic_auth, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol
from websockets.utils import accept_key

from nodes.bridge import Outbox
from nodes.ocpp.edge import BackendEdge, BackendLost
from nodes.ocpp.endpoint import SOFT_FRAME_BYTES, BackendBackoff, Endpoint
from nodes.virtual.backend import Backend
from nodes.virtual.ledger import Ledger
from park.ocpp.link import (
    BackendCalled,
    CallAnswered,
    CallFailed,
    LinkEvent,
    LinkLost,
    LinkOrder,
    LinkUp,
    ReportLink,
    ResetLink,
    SendCall,
    SendError,
    SendResult,
    UseConnection,
)

BOOT = {"chargePointVendor": "ACME", "chargePointModel": "Garage"}
PATIENCE = 10.0


class Events:
    """An address on the loop that can be waited for."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[LinkEvent] = asyncio.Queue()

    def tell(self, message: LinkEvent, /) -> None:
        self.queue.put_nowait(message)

    async def next(self) -> LinkEvent:
        return await asyncio.wait_for(self.queue.get(), PATIENCE)


class Line:
    """An edge at work: what it tells, and the outbox it obeys."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.events = Events()
        self.orders: Outbox[LinkOrder] = Outbox()
        self.edge = BackendEdge(endpoint, self.events, self.orders)
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.edge.run())
        assert await self.events.next() == LinkUp(1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.orders.close()
        if self.task is not None:
            with contextlib.suppress(BackendLost):
                await asyncio.wait_for(self.task, PATIENCE)

    async def call(self, action: str, payload: Mapping[str, object], unique_id: str = "c1") -> LinkEvent:
        self.orders.tell(SendCall(unique_id, action, payload, 1))
        return await self.events.next()


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    backend = Backend(ledger)
    await backend.start()
    yield backend
    await backend.stop()
    ledger.close()


def at(backend: Backend, identity: str = "GARAGE") -> Endpoint:
    host, port = backend._where
    return Endpoint(f"ws://{host}:{port}/ocpp", identity)


@contextlib.asynccontextmanager
async def peer(*frames: str | bytes, heard: list[str] | None = None, **options: object) -> AsyncIterator[Endpoint]:
    """A backend that sends these frames and remembers what it hears."""

    async def station(socket: ServerConnection) -> None:
        for frame in frames:
            await socket.send(frame)
        async for text in socket:
            if heard is not None:
                heard.append(str(text))

    async with serve(station, "127.0.0.1", 0, **{"subprotocols": ["ocpp1.6"], **options}) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Endpoint(f"ws://127.0.0.1:{port}/ocpp/", "GARAGE")


@pytest.mark.rule("B-001", "B-002")
def test_the_identity_is_appended_and_is_the_user_name():
    endpoint = Endpoint("ws://backend/ocpp/", "GARAGE 1/ä", "secret")
    assert endpoint.address == "ws://backend/ocpp/GARAGE%201%2F%C3%A4"
    assert endpoint.headers == {"Authorization": "Basic R0FSQUdFIDEvw6Q6c2VjcmV0"}
    assert Endpoint("ws://backend", "GARAGE").headers == {}


@pytest.mark.rule("B-380")
def test_another_user_name_goes_with_the_password():
    endpoint = Endpoint("ws://backend", "GARAGE", "secret")
    order = UseConnection(replace(endpoint.settings, user="fleet-17"), 30.0)
    assert endpoint.using(order).headers == {"Authorization": "Basic ZmxlZXQtMTc6c2VjcmV0"}
    assert endpoint.using(order).address == "ws://backend/GARAGE"


async def test_a_call_is_answered(backend: Backend):
    async with Line(at(backend)) as line:
        answer = await line.call("BootNotification", BOOT)
    assert isinstance(answer, CallAnswered)
    assert answer.payload["status"] == "Accepted"
    assert backend.ledger.violations() == []


async def test_a_call_that_breaks_its_schema_is_not_sent(backend: Backend):
    async with Line(at(backend)) as line:
        answer = await line.call("Authorize", {"idTag": "X" * 21})
        assert isinstance(answer, CallFailed)
        assert answer.code == "TypeConstraintViolation"
        assert line.edge.traffic.refused_out == 1
    assert backend.ledger.violations() == []


async def test_the_backend_calls_and_gets_results_and_errors(backend: Backend):
    async with Line(at(backend)) as line:
        asked = asyncio.create_task(backend.call("GARAGE", "Reset", {"type": "Soft"}))
        call = await line.events.next()
        assert isinstance(call, BackendCalled)
        assert call.action == "Reset"
        line.orders.tell(SendError(call.unique_id, "NotImplemented", "no", 1))
        assert (await asked)[2] == "NotImplemented"
        asked = asyncio.create_task(backend.call("GARAGE", "RemoteStopTransaction", {"transactionId": 3}))
        call = await line.events.next()
        assert isinstance(call, BackendCalled)
        line.orders.tell(SendResult(call.unique_id, call.action, {"status": "Rejected"}, 1))
        assert (await asked)[2] == {"status": "Rejected"}


async def test_an_answer_of_ours_that_breaks_its_schema_becomes_an_internal_error(backend: Backend):
    async with Line(at(backend)) as line:
        asked = asyncio.create_task(backend.call("GARAGE", "RemoteStopTransaction", {"transactionId": 3}))
        call = await line.events.next()
        assert isinstance(call, BackendCalled)
        line.orders.tell(SendResult(call.unique_id, call.action, {"status": "Perhaps"}, 1))
        assert (await asked)[2] == "InternalError"


async def test_orders_of_an_earlier_connection_are_dropped(backend: Backend):
    async with Line(at(backend)) as line:
        line.orders.tell(SendCall("old", "Heartbeat", {}, 0))
        answer = await line.call("Heartbeat", {}, "new")
        assert isinstance(answer, CallAnswered)
        assert answer.unique_id == "new"
        assert line.edge.traffic.late_orders == 1


async def test_the_link_is_reported_again_on_wish(backend: Backend):
    async with Line(at(backend)) as line:
        line.orders.tell(ReportLink())
        assert await line.events.next() == LinkUp(1)


async def test_a_reset_ends_the_connection_and_the_next_one_has_another_number(backend: Backend):
    line = Line(at(backend))
    first = asyncio.create_task(line.edge.run())
    assert await line.events.next() == LinkUp(1)
    line.orders.tell(ResetLink(1, "no answer from the backend"))
    with pytest.raises(BackendLost, match="no answer from the backend"):
        await asyncio.wait_for(first, PATIENCE)
    lost = await line.events.next()
    assert isinstance(lost, LinkLost)
    second = asyncio.create_task(line.edge.run())
    assert await line.events.next() == LinkUp(2)
    line.orders.close()
    await asyncio.wait_for(second, PATIENCE)


async def test_a_backend_that_goes_is_told(backend: Backend):
    line = Line(at(backend))
    task = asyncio.create_task(line.edge.run())
    await line.events.next()
    await backend.close("GARAGE")
    with pytest.raises(BackendLost, match="closed the connection"):
        await asyncio.wait_for(task, PATIENCE)
    assert isinstance(await line.events.next(), LinkLost)


DEEP = "[" * 100_000
GARBAGE = [
    pytest.param("garbage", None, id="no JSON"),
    pytest.param("{}", None, id="no array"),
    pytest.param("[]", None, id="empty"),
    pytest.param('[2,"x"]', ("x", "FormationViolation"), id="too short"),
    pytest.param('[5,"x","Reset",{}]', None, id="unknown message type"),
    pytest.param('[2,7,"Reset",{}]', None, id="id is a number"),
    pytest.param('[3,"nobody",{}]', None, id="answer to nothing"),
    pytest.param('[4,"nobody","GenericError","",{}]', None, id="error for nothing"),
    pytest.param(DEEP, None, id="deep"),
    pytest.param(b"\x00\x01", None, id="binary"),
    pytest.param("9" * 5000, None, id="huge number"),
    pytest.param('[2,"u1","Reset"', ("u1", "FormationViolation"), id="cut off"),
    pytest.param('[2,"u1","Reset",{"type":"\\ud800"}]', ("u1", "FormationViolation"), id="half a character"),
    pytest.param('[2,"u1","Reset",[]]', ("u1", "FormationViolation"), id="payload is an array"),
    pytest.param('[2,"u1",{},{}]', ("u1", "FormationViolation"), id="action is an object"),
    pytest.param('[2,"u1","Reset",{}]', ("u1", "ProtocolError"), id="field missing"),
    pytest.param('[2,"u1","Reset",{"type":1}]', ("u1", "TypeConstraintViolation"), id="wrong type"),
    pytest.param('[2,"u1","Reset",{"type":"Firm"}]', ("u1", "PropertyConstraintViolation"), id="not in the list"),
    pytest.param('[2,"u1","Reset",{"type":"Soft","x":1}]', ("u1", "FormationViolation"), id="unknown field"),
    pytest.param(
        '[2,"u1","DataTransfer",{"vendorId":"v","data":"' + "x" * SOFT_FRAME_BYTES + '"}]',
        ("u1", "FormationViolation"),
        id="too long",
    ),
]


@pytest.mark.rule("B-378")
@pytest.mark.parametrize(("frame", "expected"), GARBAGE)
async def test_garbage_is_refused_where_the_standard_allows_and_the_connection_stays(
    frame: str | bytes, expected: tuple[str, str] | None
):
    heard: list[str] = []
    async with peer(frame, frame, '[2,"ok","GetLocalListVersion",{}]', heard=heard) as endpoint, Line(endpoint) as line:
        call = await line.events.next()
        assert isinstance(call, BackendCalled)
        assert call.unique_id == "ok"
        assert line.edge.traffic.garbage_in == 2
    answers = [json.loads(text) for text in heard]
    assert [(answer[1], answer[2]) for answer in answers] == ([] if expected is None else [expected, expected])
    assert all(answer[0] == 4 and len(answer) == 5 for answer in answers)


async def test_an_unknown_action_reaches_the_central_system():
    async with peer('[2,"u1","../../etc/passwd",{"any":1}]') as endpoint, Line(endpoint) as line:
        assert await line.events.next() == BackendCalled("u1", "../../etc/passwd", {"any": 1})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ('[3,"c1",{}]', "ProtocolError"),
        ('[3,"c1",{"currentTime":7}]', "TypeConstraintViolation"),
        ('[3,"c1",[]]', "FormationViolation"),
        ('[4,"c1","SecurityError","no",{}]', "SecurityError"),
    ],
)
async def test_an_answer_that_breaks_its_schema_is_a_failure(answer: str, code: str):
    async def station(socket: ServerConnection) -> None:
        async for _ in socket:
            await socket.send(answer)

    async with serve(station, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with Line(Endpoint(f"ws://127.0.0.1:{port}", "GARAGE")) as line:
            failed = await line.call("Heartbeat", {})
    assert isinstance(failed, CallFailed)
    assert failed.code == code


def refuse(status: int, **headers: str):
    def process(connection: ServerConnection, _: Request) -> Response:
        response = connection.respond(status, "no\n")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    return process


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"process_request": refuse(404)}, "HTTP 404.*check .backend. url and identity", id="404"),
        pytest.param({"process_request": refuse(503)}, "HTTP 503.*tried again", id="503"),
        pytest.param({"subprotocols": ["ocpp2.0.1"]}, "HTTP 400.*ocpp1.6", id="subprotocol"),
        pytest.param({"subprotocols": None}, "does not speak ocpp1.6", id="no subprotocol"),
        pytest.param(
            {"process_request": basic_auth(realm="ocpp", credentials=("GARAGE", "right"))},
            "HTTP 401.*password_file",
            id="password",
        ),
        pytest.param(
            {"process_request": refuse(302, Location="ws://elsewhere/")},
            "redirects to 'ws://elsewhere/', which is not followed",
            id="redirect",
            marks=pytest.mark.rule("B-187"),
        ),
    ],
)
async def test_a_refused_connection_says_what_to_do(options: dict[str, object], says: str):
    async with peer(**options) as endpoint:  # type: ignore[arg-type]
        events = Events()
        with pytest.raises(BackendLost, match=says) as refused:
            await BackendEdge(Endpoint(endpoint.url, "GARAGE", "wrong"), events, Outbox()).run()
        lost = await events.next()
        assert isinstance(lost, LinkLost)
        assert lost.reason == str(refused.value)
        assert "wrong" not in str(refused.value)


async def test_a_closed_port_and_a_bad_address_say_so():
    for url, says in (("ws://127.0.0.1:1", "cannot be reached"), ("http://127.0.0.1:1", "begins with ws://")):
        with pytest.raises(BackendLost, match=says):
            await BackendEdge(Endpoint(url, "GARAGE"), Events(), Outbox()).run()


async def test_the_right_password_lets_in():
    guarded = peer(process_request=basic_auth(realm="ocpp", credentials=("GARAGE", "right")))
    async with guarded as endpoint, Line(Endpoint(endpoint.url, "GARAGE", "right", compression=False)) as line:
        assert line.edge.traffic.connections == 1


@pytest.mark.rule("B-201", "B-390")
async def test_a_missing_pong_ends_the_connection():
    silent = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line.split(": ")[1] for line in request.splitlines() if line.lower().startswith("sec-websocket-key"))
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )
        await silent.wait()
        writer.close()

    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = Endpoint(f"ws://127.0.0.1:{port}", "GARAGE", ping_interval=0.05, ping_timeout=0.05)
        events = Events()
        with pytest.raises(BackendLost, match=r"no pong within 0\.05 s"):
            await asyncio.wait_for(BackendEdge(endpoint, events, Outbox()).run(), PATIENCE)
        assert await events.next() == LinkUp(1)
        silent.set()


@pytest.mark.rule("B-009")
def test_waits_double_up_to_a_limit_with_a_fifth_of_jitter():
    backoff = BackendBackoff(first=1.0, most=60.0)
    assert [backoff.delay(failures, 0.5) for failures in (1, 2, 3, 4, 7, 5000)] == [1.0, 2.0, 4.0, 8.0, 60.0, 60.0]
    assert (backoff.delay(3, 0.0), backoff.delay(3, 1.0)) == pytest.approx((3.2, 4.8))
