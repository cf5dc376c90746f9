"""The whole node before a strict central system by other people: every frame of a park's day, both ways."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from support.rig import eventually, rig
from support.strict_park import Park

ADA, BOB, BLOCKED = "04A1B2C3", "04D4E5F6", "04B10C4E"

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("strict node")]


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Generator[Park]:
    with rig(tmp_path_factory.mktemp("strict"), points=3, backend_process=False) as made:
        park = Park(made)
        yield park
        assert made.end("node") == 0


def test_boot_and_the_status_of_every_connector_are_accepted(park: Park):
    (connected,) = park.csms.of("connect")
    assert (connected["id"], connected["protocol"]) == ("RIG", "ocpp1.6")
    calls = [seen["method"] for seen in park.csms.of("call")]
    assert calls[0] == "BootNotification"
    for connector in range(4):
        eventually(f"connector {connector} is told", lambda connector=connector: park.statuses(connector))
        assert park.statuses(connector)[0] == "Available"
    assert park.csms.complaints() == []


def test_plug_card_charge_unplug(park: Park):
    park.rig.plug("cp1")
    eventually("the backend knows of the car", lambda: park.statuses(1)[-1] == "Preparing")
    park.rig.swipe(ADA)
    eventually("current flows", lambda: park.rig.charging("cp1"))
    transaction = park.transaction(1)
    park.rig.unplug("cp1")
    stop = park.stop(transaction)
    assert park.csms.calls("Authorize", idTag=ADA)
    (start,) = park.starts(1)
    assert (start["idTag"], stop["reason"]) == (ADA, "EVDisconnected")
    assert abs(stop["meterStop"] - park.rig.evse("cp1").energy_wh) <= 1
    contexts = str(park.csms.calls("MeterValues", transactionId=transaction))
    assert "Transaction.Begin" in contexts
    assert "Transaction.End" in contexts
    park.free(1)
    assert [each for each in park.statuses(1) if not each.startswith("Suspended")] == [
        "Available",
        "Preparing",
        "Charging",
        "Finishing",
        "Available",
    ]
    assert park.csms.complaints() == []


def test_card_before_the_plug_and_the_same_card_ends_it(park: Park):
    park.rig.swipe(BOB, "cp2-reader")
    eventually("the connector waits for its car", lambda: park.statuses(2)[-1] == "Preparing")
    park.rig.plug("cp2", maximum_ma=16_000)
    eventually("current flows", lambda: park.rig.charging("cp2"))
    transaction = park.transaction(2)
    eventually("some energy, later than a reader takes for one swipe", lambda: park.rig.evse("cp2").energy_wh > 8)
    park.rig.swipe(BOB, "cp2-reader")
    stop = park.stop(transaction)
    assert (stop["reason"], stop["idTag"]) == ("Local", BOB)
    assert not park.rig.charging("cp2")
    park.free(2)
    assert len(park.starts(2)) == 1
    assert park.csms.complaints() == []


def test_a_card_the_backend_blocks_gets_nothing(park: Park):
    park.rig.plug("cp2")
    eventually("the backend knows of the car", lambda: park.statuses(2)[-1] == "Preparing")
    before = len(park.starts(2))
    park.rig.swipe(BLOCKED, "cp2-reader")
    eventually("it was asked", lambda: park.csms.calls("Authorize", idTag=BLOCKED))
    eventually("the reader says so", lambda: park.rig.feedback("cp2-reader") == "REFUSED")
    park.free(2)
    assert len(park.starts(2)) == before
    assert park.csms.complaints() == []


def test_remote_start_and_remote_stop_by_the_backend(park: Park):
    park.rig.plug("cp3")
    eventually("the backend knows of the car", lambda: park.statuses(3)[-1] == "Preparing")
    order = {"connectorId": 3, "idTag": BOB}
    assert park.csms.ask("RemoteStartTransaction", order)["result"] == {"status": "Accepted"}
    eventually("current flows", lambda: park.rig.charging("cp3"))
    transaction = park.transaction(3)
    assert park.csms.ask("RemoteStartTransaction", order)["result"] == {"status": "Rejected"}
    assert park.csms.ask("RemoteStopTransaction", {"transactionId": 9})["result"] == {"status": "Rejected"}
    answer = park.csms.ask("RemoteStopTransaction", {"transactionId": transaction})
    assert answer["result"] == {"status": "Accepted"}
    assert park.stop(transaction)["reason"] == "Remote"
    assert not park.rig.charging("cp3")
    park.free(3)
    assert park.csms.complaints() == []


def test_configuration_all_one_unknown_and_changed(park: Park):
    everything = park.csms.ask("GetConfiguration", {})["result"]
    assert len(everything["configurationKey"]) > 20
    assert "unknownKey" not in everything
    one = park.csms.ask("GetConfiguration", {"key": ["NumberOfConnectors"]})["result"]
    assert one["configurationKey"] == [{"key": "NumberOfConnectors", "readonly": True, "value": "3"}]
    unknown = park.csms.ask("GetConfiguration", {"key": ["NoSuchKey", "HeartbeatInterval"]})["result"]
    assert unknown["unknownKey"] == ["NoSuchKey"]
    assert [each["key"] for each in unknown["configurationKey"]] == ["HeartbeatInterval"]
    for key, value, status in (
        ("ConnectionTimeOut", "45", "Accepted"),
        ("ConnectionTimeOut", "soon", "Rejected"),
        ("NumberOfConnectors", "7", "Rejected"),
        ("NoSuchKey", "7", "NotSupported"),
        ("ChargePointVendor", "ACME", "RebootRequired"),
        ("WebSocketPingInterval", "30", "Accepted"),
    ):
        answer = park.csms.ask("ChangeConfiguration", {"key": key, "value": value})
        assert answer["result"] == {"status": status}, key
    assert park.csms.complaints() == []


def test_triggered_messages_and_what_is_not_offered(park: Park):
    for wanted in ("BootNotification", "Heartbeat", "StatusNotification", "MeterValues"):
        before = len(park.csms.calls(wanted))
        answer = park.csms.ask("TriggerMessage", {"requestedMessage": wanted})
        assert answer["result"] == {"status": "Accepted"}, wanted
        eventually(f"{wanted} comes", lambda wanted=wanted, before=before: len(park.csms.calls(wanted)) > before)
    answer = park.csms.ask("TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"})
    assert answer["result"] == {"status": "NotImplemented"}
    for method, params in (("Reset", {"type": "Soft"}), ("UnlockConnector", {"connectorId": 1}), ("ClearCache", {})):
        assert park.csms.ask(method, params)["code"] == "NotImplemented"
    assert park.csms.complaints() == []


GARBAGE = (
    "no json at all",
    "{}",
    "[]",
    "[2]",
    "null",
    '[7, "g1", "Reset", {}]',
    '[3, "nobody-asked", {"currentTime": "2026-01-05T09:30:00Z"}]',
    '[4, "nobody-asked-either", "InternalError", "", {}]',
    '[2, "g2", "RemoteStopTransaction", {"transactionId": "seven"}]',
    '[2, "g3", "NoSuchAction", {}]',
    '[2, 17, "Reset", {"type": "Soft"}]',
)
ANSWERED = {"g2": "TypeConstraintViolation", "g3": "NotImplemented"}
OVERSIZE = 1_200_000  # above what is looked at, below what ends the connection
MONSTROUS = 4_500_000


@pytest.mark.timeout(180)
def test_readings_at_the_wanted_interval_whatever_garbage_comes_between(park: Park):
    change = {"key": "MeterValueSampleInterval", "value": "10"}
    assert park.csms.ask("ChangeConfiguration", change)["result"] == {"status": "Accepted"}
    park.rig.plug("cp1")
    eventually("the car is locked", lambda: park.rig.evse("cp1").levels.lock_closed)
    park.rig.swipe(ADA, "cp1-reader")
    transaction = park.transaction(1)
    before = park.csms.complaints()
    for _ in range(3):
        for text in GARBAGE:
            park.csms.raw(text)
    park.csms.raw("x", OVERSIZE)

    def periodic() -> list[dict[str, Any]]:
        readings = park.csms.calls("MeterValues", transactionId=transaction)
        return [each for each in readings if "Sample.Periodic" in str(each)]

    eventually("two periodic readings", lambda: len(periodic()) >= 2)
    assert park.rig.charging("cp1")
    assert len(park.csms.of("connect")) == 1  # one connection all along
    complaints = park.csms.complaints()[len(before) :]
    park.csms.raw("x", MONSTROUS)
    eventually("it connects again", lambda: len(park.csms.of("connect")) == 2)
    eventually("and is online", park.rig.online)
    assert park.rig.charging("cp1")
    park.rig.swipe(ADA, "cp1-reader")
    assert park.stop(transaction)["reason"] == "Local"
    park.free(1)

    # The peer complains of answers to what it never asked by the book, and of nothing else.
    assert {seen["event"] for seen in complaints} <= {"bad_message"}
    for unique_id, code in ANSWERED.items():
        answers = [seen["text"] for seen in complaints if unique_id in seen["text"]]
        assert len(answers) == 3, unique_id
        assert all(code in text for text in answers), answers
    log = park.rig.log("node")
    told = [line for line in log.splitlines() if "not understood" in line]
    assert 8 <= len(told) <= len(GARBAGE) + 1, told
    assert len(set(told)) == len(told)
    assert any("1200000 bytes" in line for line in told)
    assert "Traceback" not in log
