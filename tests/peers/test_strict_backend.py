"""Every frame of ours before a strict central system by other people: no schema violation, either way."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from nodes.ocpp.edge import BackendLost
from nodes.ocpp.endpoint import Endpoint
from park.model.access import AuthorizeWithBackend, BackendAuthorized, ConnectorStatus, ConnectorStatusChanged, Verdict
from park.model.session import FactDelivered
from park.ocpp.messages import Station
from park.ocpp.state import Settings
from tests.support.facts import BEGAN, ended, metered, started
from tests.support.loop_station import LoopStation

HERE = Path(__file__).parent
PATIENCE = 15.0


class StrictCsms:
    """The peer's process: its events, and orders to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []

    async def until(self, event: str, count: int = 1, **fields: object) -> dict[str, Any]:
        """Read until `count` events with these fields have come; the last of them is returned."""
        wanted = {"event": event, **fields}
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [seen for seen in self.events if wanted.items() <= seen.items()]
                if len(found) >= count:
                    return found[count - 1]
                line = await self._process.stdout.readline()  # type: ignore[union-attr]
                assert line, f"the peer ended; it said {self.events}"
                self.events.append(json.loads(line))

    def order(self, **order: object) -> None:
        self._process.stdin.write(json.dumps(order).encode() + b"\n")  # type: ignore[union-attr]

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a command to the station; returns the event of its answer."""
        before = len(self.events)
        self.order(id="GARAGE", method=method, params=params)
        async with asyncio.timeout(PATIENCE):
            while True:
                for seen in self.events[before:]:
                    if seen["event"] in {"result", "error"} and seen["method"] == method:
                        return seen
                line = await self._process.stdout.readline()  # type: ignore[union-attr]
                assert line, f"the peer ended; it said {self.events}"
                self.events.append(json.loads(line))

    def complaints(self) -> list[dict[str, Any]]:
        return [seen for seen in self.events if seen["event"] in {"strict_failure", "bad_message"}]


@pytest.fixture
async def csms() -> AsyncIterator[StrictCsms]:
    process = await asyncio.create_subprocess_exec(
        "node", str(HERE / "strict_csms.js"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    peer = StrictCsms(process)
    yield peer
    peer.order(quit=True)
    await asyncio.wait_for(process.wait(), PATIENCE)


async def station(csms: StrictCsms, password: str = "") -> LoopStation:
    port = (await csms.until("listening"))["port"]
    settings = Settings("GARAGE", (1, 2), lambda: str(uuid.uuid4()), Station("ACME", "Garage", firmware="0.1.0"))
    return LoopStation(settings, Endpoint(f"ws://127.0.0.1:{port}/ocpp", "GARAGE", password))


@pytest.mark.peer("ocpp-rpc")
async def test_a_session_from_boot_to_stop_is_accepted_frame_by_frame(csms: StrictCsms):
    async with await station(csms, "0123456789abcdef") as here:
        assert (await csms.until("auth"))["password"] == "0123456789abcdef"
        assert (await csms.until("connect"))["protocol"] == "ocpp1.6"
        await csms.until("call", method="StatusNotification")
        for word in ConnectorStatus:
            here.tell(ConnectorStatusChanged(1, word, "NoError", "", BEGAN))
        here.tell(ConnectorStatusChanged(2, ConnectorStatus.FAULTED, "ConnectorLockFailure", "lock " * 30, BEGAN))
        for tag in ("04A1B2C3", "BLOCKED"):
            here.tell(AuthorizeWithBackend(tag, tag))
        here.offer(started(), metered(), metered(ordinal=2), ended(ordinal=3))
        await here.until(lambda: len(here.of(FactDelivered)) == 4 and len(here.of(BackendAuthorized)) == 2)
        await csms.until("call", method="StopTransaction")
        verdicts = {answer.id_tag: answer.verdict for answer in here.of(BackendAuthorized)}
        assert verdicts == {"04A1B2C3": Verdict.ACCEPTED, "BLOCKED": Verdict.BLOCKED}
        calls = [seen for seen in csms.events if seen["event"] == "call"]
        sessions = [
            seen["method"] for seen in calls if "meterStart" in seen["params"] or "transactionId" in seen["params"]
        ]
        assert sessions == ["StartTransaction", "MeterValues", "MeterValues", "StopTransaction"]
        assert {delivered.transaction for delivered in here.of(FactDelivered)} == {101}
    assert csms.complaints() == []


@pytest.mark.peer("ocpp-rpc")
async def test_commands_and_configuration_are_answered_as_the_standard_says(csms: StrictCsms):
    async with await station(csms) as here:
        await csms.until("call", method="StatusNotification")
        here.offer(started(), metered())
        await here.until(lambda: len(here.of(FactDelivered)) == 2)
        expected = [
            ("RemoteStartTransaction", {"idTag": "T1", "connectorId": 2}, {"status": "Accepted"}),
            ("RemoteStartTransaction", {"idTag": "T1", "connectorId": 0}, {"status": "Rejected"}),
            ("RemoteStopTransaction", {"transactionId": 101}, {"status": "Accepted"}),
            ("RemoteStopTransaction", {"transactionId": 999}, {"status": "Rejected"}),
            ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "30"}, {"status": "Accepted"}),
            ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "3"}, {"status": "Rejected"}),
            ("ChangeConfiguration", {"key": "NoSuchKey", "value": "3"}, {"status": "NotSupported"}),
            ("ChangeConfiguration", {"key": "ChargePointVendor", "value": "ACME"}, {"status": "RebootRequired"}),
            ("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"}, {"status": "NotImplemented"}),
        ]
        expected += [
            ("TriggerMessage", {"requestedMessage": wanted}, {"status": "Accepted"})
            for wanted in ("BootNotification", "Heartbeat", "StatusNotification", "MeterValues")
        ]
        for method, params, result in expected:
            assert (await csms.ask(method, params)).get("result") == result, (method, params)
        for method, count in (("BootNotification", 2), ("Heartbeat", 1), ("StatusNotification", 2), ("MeterValues", 2)):
            await csms.until("call", count, method=method)
        keys = (await csms.ask("GetConfiguration", {}))["result"]["configurationKey"]
        assert {"key": "MeterValueSampleInterval", "readonly": False, "value": "30"} in keys
        some = (await csms.ask("GetConfiguration", {"key": ["HeartbeatInterval", "NoSuchKey"]}))["result"]
        assert some["unknownKey"] == ["NoSuchKey"]
        for method, params in (
            ("Reset", {"type": "Soft"}),
            ("UnlockConnector", {"connectorId": 1}),
            ("ClearCache", {}),
        ):
            assert (await csms.ask(method, params))["code"] == "NotImplemented"
    assert csms.complaints() == []


@pytest.mark.peer("ocpp-rpc")
async def test_a_wrong_password_is_explained(csms: StrictCsms):
    here = await station(csms, "wrong")
    with pytest.raises(BackendLost, match=r"HTTP 401.*password_file"):
        await here.edge.run()
