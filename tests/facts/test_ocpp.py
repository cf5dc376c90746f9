"""ocpp 2.1: what the backend edge stands on, and what it has to guard against."""

from __future__ import annotations

import asyncio
import inspect
import json
from decimal import Decimal
from typing import Any, cast

import pytest
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, ClearCacheStatus, RemoteStartStopStatus


class Wire:
    """A connection made of two queues."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str] = asyncio.Queue()
        self.outgoing: asyncio.Queue[str] = asyncio.Queue()

    async def recv(self) -> str:
        return await self.incoming.get()

    async def send(self, message: str) -> None:
        self.outgoing.put_nowait(message)

    async def sent(self) -> list[Any]:
        return json.loads(await asyncio.wait_for(self.outgoing.get(), 10.0))


class Station(ChargePoint):
    """Has a handler for some actions only."""

    profile: dict[str, Any] | None = None
    answered_within: bool | None = None

    def __init__(self, wire: Wire) -> None:
        super().__init__("CP", wire, response_timeout=0.2)  # pyright: ignore[reportArgumentType]
        self.wire = wire

    @on(Action.remote_start_transaction)
    def on_remote_start(self, **payload: object) -> call_result.RemoteStartTransaction:
        self.profile = cast("dict[str, Any]", payload["charging_profile"])
        return call_result.RemoteStartTransaction(status=RemoteStartStopStatus.accepted)

    @on(Action.change_configuration)
    def on_change_configuration(self, **payload: object) -> call_result.ChangeConfiguration:
        raise ValueError(f"defect that {payload} met")

    @on(Action.clear_cache)
    async def on_clear_cache(self) -> call_result.ClearCache:
        try:
            await asyncio.wait_for(self.call(call.Heartbeat(), suppress=False), 0.2)
        except TimeoutError:
            self.answered_within = False
        return call_result.ClearCache(status=ClearCacheStatus.accepted)


@pytest.fixture
async def station():
    station = Station(Wire())
    listening = asyncio.create_task(station.start())
    yield station
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


def heartbeat_answer(unique_id: str) -> str:
    return json.dumps([3, unique_id, {"currentTime": "2026-06-01T12:00:00Z"}])


async def test_a_call_error_is_silently_none_unless_told_otherwise(station: Station):
    """Every call of ours says `suppress=False`."""
    error = [4, "", "InternalError", "broken", {}]
    asking = asyncio.create_task(station.call(call.Heartbeat()))
    error[1] = (await station.wire.sent())[1]
    station.wire.incoming.put_nowait(json.dumps(error))
    assert await asking is None
    asking = asyncio.create_task(station.call(call.Heartbeat(), suppress=False))
    error[1] = (await station.wire.sent())[1]
    station.wire.incoming.put_nowait(json.dumps(error))
    with pytest.raises(OCPPError, match="broken"):
        await asking


async def test_a_late_answer_is_taken_by_the_next_call_and_thrown_away(station: Station):
    """So the backend edge sends and matches StartTransaction itself: a late transactionId must not be lost."""
    with pytest.raises(asyncio.TimeoutError):
        await station.call(call.Heartbeat(), suppress=False)
    first = (await station.wire.sent())[1]
    asking = asyncio.create_task(station.call(call.Heartbeat(), suppress=False))
    second = (await station.wire.sent())[1]
    station.wire.incoming.put_nowait(heartbeat_answer(first))
    station.wire.incoming.put_nowait(heartbeat_answer(second))
    answer = await asking
    assert answer is not None
    assert answer.current_time == "2026-06-01T12:00:00Z"
    assert station._response_queue.empty()


async def test_the_time_limit_of_a_call_reads_the_wall_clock():
    """A clock step during a call stretches or shortens it: the edge keeps its own deadline on the loop's clock."""
    assert "time.time()" in inspect.getsource(ChargePoint._get_specific_response)


@pytest.mark.parametrize(
    ("action", "code"), [("MakeCoffee", "NotSupported"), ("GetLocalListVersion", "NotImplemented")]
)
async def test_an_unknown_action_is_not_supported_a_known_one_without_handler_not_implemented(
    station: Station, action: str, code: str
):
    """The order asks for NotImplemented where we have no handler: the library gives it for actions of OCPP 1.6."""
    station.wire.incoming.put_nowait(json.dumps([2, "1", action, {}]))
    assert (await station.wire.sent())[:3] == [4, "1", code]


async def test_an_exception_in_a_handler_is_answered_and_the_link_lives_on(station: Station):
    """A defect of ours does not cost the connection."""
    station.wire.incoming.put_nowait(json.dumps([2, "1", "ChangeConfiguration", {"key": "k", "value": "v"}]))
    assert (await station.wire.sent())[:3] == [4, "1", "InternalError"]
    station.wire.incoming.put_nowait(json.dumps([2, "2", "MakeCoffee", {}]))
    assert (await station.wire.sent())[1] == "2"


@pytest.mark.parametrize(
    "frame", ["garbage", "", "5", "null", "{}", "[]", "[2]", '[2,"x"]', '[9,"x",{}]', '["a",1]', '[3,"x",5]']
)
async def test_an_unparsable_frame_is_not_answered(station: Station, frame: str):
    """A test that waits for an answer to garbage waits in vain; the next frame is handled."""
    station.wire.incoming.put_nowait(frame)
    station.wire.incoming.put_nowait(json.dumps([2, "next", "MakeCoffee", {}]))
    assert (await station.wire.sent())[1] == "next"


@pytest.mark.parametrize(
    ("frame", "error"),
    [('[2,"x",{},{}]', TypeError), ('[2,"x",[],{}]', TypeError), ("[" * 100_000, RecursionError)],
    ids=["action is an object", "action is a list", "nested too deep"],
)
async def test_some_frames_end_the_reader_with_an_odd_exception(frame: str, error: type[Exception]):
    """So the backend edge reads frames itself and looks at their shape before `route_message` sees them."""
    with pytest.raises(error):
        await Station(Wire()).route_message(frame)


async def test_limits_arrive_as_decimal(station: Station):
    """They become float or milliamperes at the boundary."""
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.3}],
        },
    }
    station.wire.incoming.put_nowait(
        json.dumps([2, "1", "RemoteStartTransaction", {"idTag": "T", "chargingProfile": profile}])
    )
    assert (await station.wire.sent())[0] == 3
    assert station.profile is not None
    limit = station.profile["charging_schedule"]["charging_schedule_period"][0]["limit"]
    assert (type(limit), limit) == (Decimal, Decimal("16.3"))


async def test_a_call_inside_a_handler_waits_in_vain(station: Station):
    """The reader awaits the handler: handlers tell and answer, calls are made elsewhere."""
    station.wire.incoming.put_nowait(json.dumps([2, "1", "ClearCache", {}]))
    question = await station.wire.sent()
    assert question[2] == "Heartbeat"
    station.wire.incoming.put_nowait(heartbeat_answer(question[1]))
    assert (await station.wire.sent())[:2] == [3, "1"]
    assert station.answered_within is False


async def test_a_payload_that_breaks_the_schema_never_leaves(station: Station):
    """Validation is on for what we send, too."""
    with pytest.raises(OCPPError):
        await station.call(call.BootNotification(charge_point_model="M" * 21, charge_point_vendor="V"))
    assert station.wire.outgoing.empty()
