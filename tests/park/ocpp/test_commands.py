"""What the backend may ask: remote start and stop, configuration, triggered messages, and everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from park.model.access import Done, Refused, RepeatSettings, SettingChanged, Undeliverable
from park.model.metering import Quality, ReadingTaken
from park.ocpp.connection_keys import CONNECTION_KEYS
from park.ocpp.effects import SettingsRepeated, StartRemotely, StopRemotely
from park.ocpp.features.all_features import HANDLERS
from park.ocpp.keys import KEYS, Access
from park.ocpp.link import BackendCalled, SendCall, SendResult
from park.ocpp.wire import BACKEND_ACTIONS
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, WALL, Station, started_answer


def results(station: Station) -> list[object]:
    return [result.payload["status"] for result in station.of(SendResult)]


@pytest.mark.parametrize("connector", [0, 4, -1])
def test_remote_start_on_connector_zero_or_an_unknown_one_is_rejected(connector: int):
    station = Station().online()
    answer = station.ask("RemoteStartTransaction", {"idTag": "T", "connectorId": connector})
    assert answer == {"status": "Rejected"}


@pytest.mark.parametrize(("switch", "expected"), [("true", True), ("false", False)])
def test_remote_start_asks_the_authorizer(switch: str, expected: bool):
    station = Station({"AuthorizeRemoteTxRequests": switch}).online()
    station.tell(BackendCalled("b1", "RemoteStartTransaction", {"idTag": "T"}))
    (start,) = station.of(StartRemotely)
    assert (start.connector, start.id_tag, start.authorize_first) == (None, "T", expected)
    assert station.of(SendResult) == []
    station.tell(Done(start.request_id))
    assert results(station) == ["Accepted"]


def test_remote_start_before_the_registration_is_rejected():
    station = Station()
    station.start()
    station.connect()
    station.answer({**ACCEPTED, "status": "Pending"})
    assert station.ask("RemoteStartTransaction", {"idTag": "T"})["status"] == "Rejected"


@pytest.mark.parametrize("answer", ["refused", "undeliverable", "nobody"])
def test_a_command_nobody_can_carry_out_is_rejected_once(answer: str):
    station = Station().online()
    station.tell(BackendCalled("b1", "RemoteStartTransaction", {"idTag": "T", "connectorId": 2}))
    (start,) = station.of(StartRemotely)
    if answer == "nobody":
        station.pass_time(10.0)
    else:
        kind = Refused if answer == "refused" else Undeliverable
        station.tell(kind(start.request_id, "away"))
    station.tell(Done(start.request_id))
    assert results(station) == ["Rejected"]


def test_remote_stop_ends_exactly_the_session_of_that_number():
    station = Station().online()
    station.offer(started("s1"), started("s2", "cp2", 2))
    station.answer(started_answer(51))
    station.answer(started_answer(52))
    station.tell(BackendCalled("b1", "RemoteStopTransaction", {"transactionId": 52}))
    (stop,) = station.of(StopRemotely)
    assert (stop.charge_point, stop.session) == ("cp2", "s2")
    station.tell(Done(stop.request_id))
    assert results(station) == ["Accepted"]


@pytest.mark.parametrize("number", [53, 51])
def test_remote_stop_of_an_unknown_or_ended_transaction_is_rejected(number: int):
    station = Station().online()
    station.offer(started("s1"), ended("s1", 1))
    station.answer(started_answer(51))
    answer = station.ask("RemoteStopTransaction", {"transactionId": number})
    assert answer["status"] == "Rejected"
    assert station.of(StopRemotely) == []


def test_what_is_not_known_is_answered_with_not_implemented():
    answer = Station().online().ask_in_vain("NoSuch", {})
    assert (answer.code, answer.description) == ("NotImplemented", "NoSuch is unknown")


def test_every_call_of_the_standard_is_offered():
    assert frozenset(HANDLERS) == BACKEND_ACTIONS


def test_before_the_rows_are_there_the_backend_is_asked_to_wait():
    station = Station()
    station.connect()
    assert station.ask_in_vain("GetConfiguration", {}).code == "InternalError"


def test_get_configuration_lists_every_key_within_the_schema():
    station = Station().online()
    listed = station.ask("GetConfiguration", {})["configurationKey"]
    assert [entry["key"] for entry in listed] == [key.name for key in KEYS]
    assert all(len(entry["value"]) <= 500 for entry in listed)
    values = {entry["key"]: entry["value"] for entry in listed}
    assert values["NumberOfConnectors"] == "3"
    assert values["HeartbeatInterval"] == "300"


def test_get_configuration_tells_unknown_keys_as_they_were_asked():
    answer = Station().online().ask("GetConfiguration", {"key": ["heartbeatinterval", "Nonsense", "HeartbeatInterval"]})
    assert [entry["key"] for entry in answer["configurationKey"]] == ["HeartbeatInterval"]
    assert answer["unknownKey"] == ["Nonsense"]


def test_get_configuration_of_too_many_keys_is_an_error():
    answer = Station().online().ask_in_vain("GetConfiguration", {"key": ["x"] * 101})
    assert answer.code == "OccurenceConstraintViolation"


@pytest.mark.rule("B-381")
def test_a_secret_is_masked():
    station = Station({"AuthorizationKey": "0123456789abcdef"}).online()
    answer = station.ask("GetConfiguration", {"key": ["AuthorizationKey"]})
    assert answer["configurationKey"] == [{"key": "AuthorizationKey", "readonly": False, "value": "****"}]
    assert "0123456789abcdef" not in repr(station.told)
    change = station.ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": "f" * 20})
    assert change["status"] == "Rejected"


@pytest.mark.rule("B-043")
def test_booleans_as_numbers_on_wish_and_both_forms_understood():
    station = Station().online()
    assert _value(station, "LocalPreAuthorize") == "false"
    _change(station, "OcppGetConfBoolIsInt", "1")
    assert _value(station, "LocalPreAuthorize") == "0"
    assert _change(station, "LocalPreAuthorize", "1") == "Accepted"
    assert _value(station, "LocalPreAuthorize") == "1"
    _change(station, "OcppGetConfBoolIsInt", "FALSE")
    assert _value(station, "LocalPreAuthorize") == "true"


def _value(station: Station, key: str) -> str:
    return station.ask("GetConfiguration", {"key": [key]})["configurationKey"][0]["value"]


def _change(station: Station, key: str, value: str) -> str:
    return station.ask("ChangeConfiguration", {"key": key, "value": value})["status"]


@pytest.mark.rule("B-113", "B-382")
@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("Nonsense", "1", "NotSupported"),
        ("NumberOfConnectors", "9", "Rejected"),
        ("SupportedFeatureProfiles", "Core", "Rejected"),
        ("ConnectionTimeOut", "0", "Rejected"),
        ("ConnectionTimeOut", "90", "Accepted"),
        ("connectiontimeout", " 90 ", "Accepted"),
        ("ConnectionTimeOut", "-1", "Rejected"),
        ("ConnectionTimeOut", "1.5", "Rejected"),
        ("ConnectionTimeOut", "9" * 400, "Rejected"),
        ("ConnectionTimeOut", "٣", "Rejected"),
        ("LocalAuthorizeOffline", "yes", "Rejected"),
        ("WebSocketPingInterval", "30", "Accepted"),
        ("ChargePointVendor", "ACME", "RebootRequired"),
        ("ChargePointVendor", "A" * 21, "Rejected"),
        ("MeterValuesSampledData", "Voltage.L1,power.active.import", "Accepted"),
        ("MeterValuesSampledData", "SoC", "Rejected"),
        ("StopTxnSampledData", "", "Accepted"),
        ("StopTxnSampledData", "Voltage", "Accepted"),
        ("StopTxnSampledData", "SoC", "Rejected"),
    ],
)
def test_change_configuration_answers(key: str, value: str, status: str):
    assert _change(Station().online(), key, value) == status


@pytest.mark.parametrize(
    ("key", "refused", "accepted"),
    [
        pytest.param(
            "MeterValueSampleInterval", ("9", "1", "86401"), ("0", "10", "900"), marks=pytest.mark.rule("B-066")
        ),
        pytest.param("ClockAlignedDataInterval", ("9", "5"), ("0", "10", "900"), marks=pytest.mark.rule("B-068")),
        pytest.param("TransactionMessageAttempts", ("11", "-1"), ("0", "5", "10"), marks=pytest.mark.rule("B-122")),
        pytest.param(
            "TransactionMessageRetryInterval", ("1001",), ("0", "300", "1000"), marks=pytest.mark.rule("B-026")
        ),
        pytest.param("MessageResponseTimeOut", ("2", "301"), ("3", "300"), marks=pytest.mark.rule("B-008", "B-121")),
        pytest.param("WebSocketPingInterval", ("10001",), ("0", "10000"), marks=pytest.mark.rule("B-004")),
    ],
)
def test_ranges(key: str, refused: tuple[str, ...], accepted: tuple[str, ...]):
    station = Station().online()
    for value in refused:
        assert _change(station, key, value) == "Rejected"
    for value in accepted:
        assert _change(station, key, value) in {"Accepted", "RebootRequired"}
        assert _value(station, key) == value


def test_every_default_is_a_value_the_key_accepts():
    station = Station().online()
    for key in KEYS:
        if key.access is Access.WRITE and key.name not in CONNECTION_KEYS:
            assert _change(station, key.name, key.default) in {"Accepted", "RebootRequired"}, key.name


def test_a_change_is_answered_and_announced_when_it_is_on_disk_and_survives():
    station = Station().online()
    station.clear()
    station.writes = False
    station.tell(BackendCalled("b1", "ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "90"}))
    assert station.of(SendResult) == []
    station.commit()
    assert results(station) == ["Accepted"]
    assert station.of(SettingChanged) == [SettingChanged("ConnectionTimeOut", 90)]
    row = json.loads(station.disk["settings", "GARAGE/ConnectionTimeOut"])
    assert (row["value"], row["by"]) == ("90", "backend")
    station.clear()
    station.restart()
    assert SettingChanged("ConnectionTimeOut", 90) in station.of(SettingChanged)


def test_every_key_in_force_is_announced_once_the_rows_are_there_and_repeated_on_demand():
    station = Station({"ConnectionTimeOut": "45"})
    station.tell(RepeatSettings("board/cp1"))
    assert station.of(SettingsRepeated) == []  # nothing is known yet; all hear it soon
    station.start()
    announced = station.of(SettingChanged)
    assert SettingChanged("MeterValueSampleInterval", 60) in announced
    assert SettingChanged("ConnectionTimeOut", 45) in announced
    assert SettingChanged("StopTransactionOnInvalidId", True) in announced
    assert len({change.name for change in announced}) == len(announced)
    station.clear()
    station.tell(RepeatSettings("board/cp1"))
    assert station.of(SettingsRepeated)[0] == SettingsRepeated("board/cp1", tuple(announced))
    assert {each.charge_point for each in station.of(SettingsRepeated)} == {"board/cp1"}
    assert station.of(SettingChanged) == []  # nobody else is troubled


def test_a_change_the_disk_refuses_is_rejected_and_not_in_force():
    station = Station().online()
    station.writes = False
    station.tell(BackendCalled("b1", "ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "90"}))
    station.fail_commit()
    assert results(station) == ["Rejected"]
    assert _value(station, "ConnectionTimeOut") == "60"


@pytest.mark.rule("B-206")
def test_the_heartbeat_interval_is_not_stored():
    station = Station().online()
    assert _change(station, "HeartbeatInterval", "77") == "Accepted"
    assert not any(table == "settings" for table, _ in station.disk)
    station.pass_time(77.0)
    assert station.sent[-1].action == "Heartbeat"


def test_triggered_messages_follow_their_answer():
    station = Station().online()
    station.clear()
    for unique_id, wanted in enumerate(("Heartbeat", "StatusNotification", "BootNotification")):
        station.ask("TriggerMessage", {"requestedMessage": wanted}, f"b{unique_id}")
    assert results(station) == ["Accepted"] * 3
    station.answer({"currentTime": ACCEPTED["currentTime"]})
    station.answer(ACCEPTED)
    station.answer({})
    assert station.actions() == ["Heartbeat", "BootNotification", "StatusNotification"]


@pytest.mark.parametrize(
    "wanted", ["DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification"]
)
def test_a_status_of_what_does_not_run_is_idle(wanted: str):
    station = Station().online()
    assert station.ask("ExtendedTriggerMessage", {"requestedMessage": wanted})["status"] == "Accepted"
    assert (station.sent[-1].action, station.sent[-1].payload) == (wanted, {"status": "Idle"})


@pytest.mark.rule("B-189")
@pytest.mark.parametrize(
    "wanted",
    [
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StatusNotification",
    ],
)
def test_every_message_can_be_triggered_and_follows_its_answer_on_the_wire(wanted: str):
    station = Station().online()
    station.tell(ReadingTaken("m1", Quality.FRESH, metered().sample, None, 0.0, WALL))
    told = station.tell(BackendCalled("b1", "TriggerMessage", {"requestedMessage": wanted}))
    assert [effect.action for effect in told if isinstance(effect, SendCall)] == [wanted]
    assert "RemoteTrigger" in _value(station, "SupportedFeatureProfiles")
    kinds = [type(effect) for effect in told if isinstance(effect, SendResult | SendCall)]
    assert kinds == [SendResult, SendCall]


def test_triggers_of_an_unknown_connector_or_without_a_reading_are_rejected():
    station = Station().online()
    for payload in (
        {"requestedMessage": "StatusNotification", "connectorId": 9},
        {"requestedMessage": "MeterValues", "connectorId": 1},
    ):
        assert station.ask("TriggerMessage", payload)["status"] == "Rejected"


def test_triggered_meter_values_tell_the_newest_reading_and_the_transaction():
    station = Station().online()
    station.offer(started(), metered())
    station.answer(started_answer(8))
    station.answer({})
    sample = metered(energy_wh=1777).sample
    station.tell(ReadingTaken("m1", Quality.FRESH, sample, None, 0.0, WALL))
    station.tell(ReadingTaken("m1", Quality.STALE, metered(energy_wh=1).sample, None, 1.0, WALL))
    station.tell(ReadingTaken("other", Quality.FRESH, metered(energy_wh=2).sample, None, 1.0, WALL))
    station.ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    call = station.sent[-1]
    assert (call.action, call.payload["transactionId"]) == ("MeterValues", 8)
    meter_value: Any = call.payload["meterValue"]
    value = meter_value[0]["sampledValue"][0]
    assert (value["value"], value["context"]) == ("1777", "Trigger")


def test_a_backend_that_triggers_without_end_is_refused_at_some_point():
    station = Station().online()
    answers = {station.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})["status"] for _ in range(600)}
    assert answers == {"Accepted", "Rejected"}
    assert len(station.state.triggered) <= 500


def test_commands_are_forgotten_with_the_link():
    station = Station().online()
    station.tell(BackendCalled("b1", "RemoteStartTransaction", {"idTag": "T"}))
    (start,) = station.of(StartRemotely)
    station.lose()
    station.connect()
    station.tell(Done(start.request_id))
    assert station.of(SendResult) == []


def test_a_stop_carries_the_card_that_ended_it():
    station = Station().online()
    end = ended(ordinal=1)
    station.offer(started(), replace(end, id_tag="CARD"))
    station.answer(started_answer())
    assert station.sent[-1].payload["idTag"] == "CARD"
