"""Configuration keys: their names and places, who set them, and who in the park obeys them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from park.config.node_config import NodeConfig
from park.config.schema import field_at, section_of
from park.model.access import CommandAnswer, Done, Refused, SettingChanged
from park.model.limit import LimitKind
from park.model.standing_limits import HoldLimits
from park.ocpp.effects import SettingsRepeated, TellAuthorizer
from park.ocpp.keys import KEYS, Access, Scope
from park.ocpp.link import KeepAlive
from park.ocpp.orders import ChangeSetting, ListSettings, RestoreDefaults, SettingsListed
from tests.support.station import ACCEPTED, Station


def change(station: Station, key: str, value: str) -> str:
    return station.ask("ChangeConfiguration", {"key": key, "value": value})["status"]


def listed(station: Station, *names: str) -> dict[str, str]:
    answer = station.ask("GetConfiguration", {"key": list(names)} if names else {})
    return {each["key"]: each["value"] for each in answer["configurationKey"]}


@dataclass
class Person:
    answers: list[CommandAnswer | SettingsListed] = field(default_factory=list)

    def tell(self, message: CommandAnswer | SettingsListed) -> None:
        self.answers.append(message)


def on_site(station: Station, key: str, value: str) -> CommandAnswer:
    """A person's order and its answer."""
    effects = station.tell(ChangeSetting("r", key, value, "command line", Person()))
    return next(answer for answer in (getattr(effect, "answer", None) for effect in effects) if answer is not None)


# ------------------------------------------------------------ names and places


def test_another_makers_name_is_the_same_setting():
    station = Station().online()
    assert change(station, "BackendConnectionTimeout", "45") == "Accepted"
    assert listed(station, "MessageResponseTimeOut", "backendconnectiontimeout") == {
        "MessageResponseTimeOut": "45",
        "BackendConnectionTimeout": "45",
    }
    assert "BackendConnectionTimeout" not in listed(station)


def test_every_name_means_one_thing():
    names = [name.lower() for key in KEYS for name in (key.name, *(alias.name for alias in key.aliases))]
    assert len(names) == len(set(names))
    assert all(len(name) <= 50 for name in names)  # CiString50


def test_a_place_has_its_own_value_and_is_listed_only_then():
    station = Station().online()
    assert "ConnectionTimeOut[2]" not in listed(station)
    assert listed(station, "ConnectionTimeOut[2]") == {"ConnectionTimeOut[2]": "60"}
    assert change(station, "ConnectionTimeOut[2]", "90") == "Accepted"
    assert change(station, "ConnectionTimeOut[board]", "75") == "Accepted"
    everything = listed(station)
    assert everything["ConnectionTimeOut"] == "60"
    assert everything["ConnectionTimeOut[2]"] == "90"
    assert everything["ConnectionTimeOut[board]"] == "75"
    assert listed(station, "ConnectionTimeOut[1]") == {"ConnectionTimeOut[1]": "75"}
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    assert listed(station, "ConnectionTimeOut[2]") == {"ConnectionTimeOut[2]": "90"}


def test_each_charge_point_hears_its_own_value():
    station = Station().online()
    change(station, "ConnectionTimeOut[2]", "90")
    station.clear()
    change(station, "ConnectionTimeOut", "30")
    told = {each.charge_point: each.messages for each in station.of(SettingsRepeated)}
    assert told == {
        f"board/cp{number}": (SettingChanged("ConnectionTimeOut", 90 if number == 2 else 30),) for number in (1, 2, 3)
    }


def test_a_value_of_a_place_is_taken_back():
    station = Station().online()
    change(station, "ConnectionTimeOut[2]", "90")
    station.clear()
    assert change(station, "ConnectionTimeOut[2]", "") == "Accepted"
    assert listed(station, "ConnectionTimeOut[2]") == {"ConnectionTimeOut[2]": "60"}
    assert not any(table == "settings" for table, _ in station.disk)
    assert SettingChanged("ConnectionTimeOut", 60) in station.of(SettingChanged)


@pytest.mark.parametrize("key", ["ConnectionTimeOut[9]", "ConnectionTimeOut[elsewhere]", "HeartbeatInterval[1]"])
def test_there_are_no_other_places(key: str):
    station = Station().online()
    assert change(station, key, "70") == "NotSupported"
    assert station.ask("GetConfiguration", {"key": [key]})["unknownKey"] == [key]


# ------------------------------------------------------------ values


@pytest.mark.rule("B-042")
def test_long_values_are_told_whole_on_wish():
    station = Station({"ConnectorPhaseRotation": "1.RST," * 200}).online()
    assert len(listed(station, "ConnectorPhaseRotation")["ConnectorPhaseRotation"]) == 500
    change(station, "AllowLongOcppGetConfKeys", "true")
    assert len(listed(station, "ConnectorPhaseRotation")["ConnectorPhaseRotation"]) == 1200


@pytest.mark.rule("B-066")
def test_a_near_backend_may_have_a_reading_a_second():
    station = Station().online()
    assert change(station, "MeterValueSampleInterval", "1") == "Rejected"
    assert change(station, "OCPPViaLocalNetwork", "true") == "Accepted"
    assert change(station, "MeterValueSampleInterval", "1") == "Accepted"
    station.restart()
    assert SettingChanged("MeterValueSampleInterval", 1) in station.of(SettingChanged)


@pytest.mark.rule("B-063")
def test_autocharge_is_set_by_its_keys_and_the_authorizer_hears_it():
    station = Station({"Autocharge": "On", "MACEVCCIDPrefix": "EV:"}).online()
    assert listed(station, "Autocharge", "autochargeid", "MACEVCCIDPrefix") == {
        "Autocharge": "On",
        "autochargeid": "",
        "MACEVCCIDPrefix": "EV:",
    }
    station.clear()
    assert change(station, "autochargeid", "FLEET") == "Accepted"
    assert change(station, "Autocharge", "on (fixed id)") == "Accepted"
    assert change(station, "MACEVCCIDPrefix", "12345678") == "Accepted"
    assert change(station, "MACEVCCIDPrefix", "123456789") == "Rejected"
    assert change(station, "Autocharge", "Perhaps") == "Rejected"
    assert change(station, "autochargeid", "A" * 21) == "Rejected"
    assert [told.change for told in station.of(TellAuthorizer)] == [
        SettingChanged("autochargeid", "FLEET"),
        SettingChanged("Autocharge", "On (Fixed ID)"),
        SettingChanged("MACEVCCIDPrefix", "12345678"),
    ]


def test_what_a_key_takes_its_line_in_the_file_takes_too():
    for key in KEYS:
        section, _, name = key.file.partition(".")
        root = NodeConfig.model_fields.get(section)
        if not name or root is None:
            assert not key.file, f"{key.name}: {key.file}"
            continue
        table = section_of(root.annotation)
        assert table is not None
        assert field_at(table, (name,)) is not None, f"{key.name}: {key.file}"


# ------------------------------------------------------------ people on site


def test_people_on_site_set_keys_and_are_remembered():
    station = Station().online()
    assert on_site(station, "ConnectionTimeOut", "90") == Done("r")
    row = json.loads(station.disk["settings", "GARAGE/ConnectionTimeOut"])
    assert (row["value"], row["by"]) == ("90", "command line")
    (answer,) = station.tell(ListSettings("q", ("connectiontimeout", "Nonsense"), Person()))
    (setting,) = answer.listed.settings  # type: ignore[union-attr]
    assert (setting.value, setting.default, setting.by, setting.at) == ("90", "60", "command line", station.now().wall)
    assert answer.listed.unknown == ("Nonsense",)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("ConnectionTimeOut", "soon", "whole number"),
        ("NumberOfConnectors", "7", "cannot be changed"),
        ("Nonsense", "7", "there is no key"),
        ("SecurityProfile", "1", "no connection to change"),
        ("StopTransactionModeUnplug", "Never", "one of Normal"),
    ],
)
def test_people_on_site_are_told_why_not(key: str, value: str, why: str):
    answer = on_site(Station().online(), key, value)
    assert isinstance(answer, Refused)
    assert why in answer.reason


def test_before_the_rows_are_there_nobody_sets_a_key():
    answer = on_site(Station(), "ConnectionTimeOut", "90")
    assert isinstance(answer, Refused)


def test_what_is_for_people_on_site_a_backend_cannot_set():
    station = Station().online()
    local = [key for key in KEYS if key.access is Access.LOCAL]
    assert local
    for key in local:
        assert change(station, key.name, (key.choices or ("",))[0]) == "Rejected"
        assert on_site(station, key.name, (key.choices or ("",))[0]) == Done("r")


@pytest.mark.rule("B-046")
def test_every_key_is_what_the_file_says_again_after_a_restart_too():
    station = Station({"ConnectionTimeOut": "45"}).online()
    change(station, "ConnectionTimeOut", "90")
    change(station, "LocalPreAuthorize", "true")
    change(station, "ChargeBoxSerialNumber", "0042")
    station.clear()
    station.tell(RestoreDefaults("tag at reader door"))
    assert SettingChanged("ConnectionTimeOut", 45) in station.of(SettingChanged)
    assert TellAuthorizer(SettingChanged("LocalPreAuthorize", value=False)) in station.of(TellAuthorizer)
    for _ in range(2):
        values = listed(station, "ConnectionTimeOut", "LocalPreAuthorize", "ChargeBoxSerialNumber")
        assert list(values.values()) == ["45", "false", "0042"]
        station.restart()
        station.connect()


def test_a_full_disk_restores_nothing():
    station = Station().online()
    change(station, "ConnectionTimeOut", "90")
    station.writes = False
    station.tell(RestoreDefaults("tag at reader door"))
    station.fail_commit()
    assert listed(station, "ConnectionTimeOut") == {"ConnectionTimeOut": "90"}
    assert "ocpp-settings-kept" in station.alarms()


# ------------------------------------------------------------ who obeys


def test_cards_are_the_authorizers():
    station = Station().online()
    station.clear()
    change(station, "AllowOfflineTxForUnknownId", "1")
    change(station, "TaglessCharging", "true")
    assert [told.change for told in station.of(TellAuthorizer)] == [
        SettingChanged("AllowOfflineTxForUnknownId", "true"),
        SettingChanged("FreeCharging", True),
    ]


@pytest.mark.rule("B-087")
def test_the_operators_amperes_limit_the_circuit_all_hang_on():
    station = Station().online()
    station.clear()
    change(station, "DlmOperatorPhase2Limit", "20")
    change(station, "ChargePointCurrentLimit", "32")
    change(station, "DlmOperatorPhase2Limit", "6300")
    change(station, "ChargePointCurrentLimit", "6300")
    most = 6_300_000
    told = [each.limits for each in station.of(HoldLimits) if each.kind is LimitKind.OPERATOR]
    assert [[(limit.target, limit.limit_ma) for limit in limits] for limits in told] == [
        [("grid", (most, 20_000, most))],
        [("grid", (32_000, 20_000, 32_000))],
        [("grid", (32_000, 32_000, 32_000))],
        [],
    ]


@pytest.mark.rule("B-388")
def test_one_key_bounds_the_sum_and_another_each_point():
    station = Station().online()
    station.clear()
    change(station, "GlobalMaxCurrent", "40")
    change(station, "MaxCurrent", "16")
    (held,) = (each.limits for each in station.of(HoldLimits) if each.kind is LimitKind.OPERATOR)
    assert [(limit.target, limit.limit_ma) for limit in held] == [("grid", (40_000, 40_000, 40_000))]
    assert station.of(SettingChanged) == [SettingChanged("OperatorCurrentLimit", 16)]


@pytest.mark.rule("B-133")
def test_each_connector_has_a_tag_of_its_own_for_charging_without_cards_and_equal_ones_are_rejected():
    station = Station().online()
    assert change(station, "TaglessIdTag[1]", "TAGLESS1") == "Accepted"
    assert change(station, "TaglessIdTag[2]", "tagless1") == "Rejected"
    assert change(station, "TaglessIdTag", "EVERYBODY") == "Rejected"
    station.clear()
    assert change(station, "TaglessIdTag[2]", "TAGLESS2") == "Accepted"
    heard = [SettingChanged("TaglessIdTag[1]", "TAGLESS1"), SettingChanged("TaglessIdTag[2]", "TAGLESS2")]
    assert [told.change for told in station.of(TellAuthorizer)] == [*heard, SettingChanged("TaglessIdTag[3]", "")]
    assert change(station, "TaglessIdTag[1]", "") == "Accepted"
    assert change(station, "TaglessIdTag[2]", "TAGLESS1") == "Accepted"


@pytest.mark.rule("B-047")
def test_the_boards_serial_number_is_written_once():
    station = Station().online()
    assert change(station, "ChargeBoxSerialNumber", "0042") == "RebootRequired"
    assert change(station, "ChargeBoxSerialNumber", "0043") == "Rejected"
    answer = on_site(station, "ChargeBoxSerialNumber", "")
    assert isinstance(answer, Refused)
    assert "written once" in answer.reason
    station.restart()
    station.connect()
    assert station.sent[-1].payload["chargeBoxSerialNumber"] == "0042"
    assert change(station, "ChargeBoxSerialNumber", "0043") == "Rejected"


@pytest.mark.rule("B-379")
def test_pings_change_without_a_restart():
    station = Station().online()
    station.clear()
    assert change(station, "WebSocketPingInterval", "30") == "Accepted"
    assert change(station, "WebSocketPingTimeout", "5") == "Accepted"
    orders = [effect for effect in station.told if isinstance(effect, KeepAlive)]
    assert orders == [KeepAlive(30, 20), KeepAlive(30, 5)]


def test_a_new_name_plate_is_told_with_the_next_boot():
    station = Station().online()
    assert change(station, "ChargePointVendor", "Other") == "RebootRequired"
    station.restart()
    station.connect()
    assert station.sent[-1].payload["chargePointVendor"] == "Other"


def test_a_boot_after_each_reconnect_on_wish():
    station = Station().online()
    change(station, "bootNotificationOnReconnect", "true")
    station.lose()
    station.clear()
    station.connect()
    assert station.actions() == ["BootNotification"]


def test_only_keys_of_charge_points_differ_from_place_to_place():
    assert {key.name for key in KEYS if key.scope is Scope.POINT} >= {"ConnectionTimeOut", "OperatorCurrentLimit"}
    assert not any(key.scope is Scope.POINT and key.kind.value.startswith("comma") for key in KEYS)
