"""From the file to the settings of the domain: amperes, names, and whose setting is whose."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from park.authorization.settings import (
    Autocharge,
    AutochargeMode,
    Mode,
    OfflineRule,
    ReaderSettings,
    Several,
    WhitelistEntry,
)
from park.authorization.state import Authorizer
from park.authorization.tuning import tuned
from park.charging.settings import Outlet
from park.config import mapping
from park.config.devices import ChargePointSection, ReaderSection
from park.config.electrical import WiringName
from park.config.node_config import NodeConfig
from park.config.parsing import parse
from park.config.quantities import milliamperes
from park.config.station_keys import station_keys
from park.load.circuit import Circuit, Placement
from park.metering.meter import MeterSettings
from park.model.access import SettingChanged
from park.model.electric import Wiring
from park.model.evse import EvseTraits
from park.model.time import Now

EXAMPLES = Path(__file__).parents[3] / "examples"
TRAITS = EvseTraits(has_deadman=True, resolution_ma=100, switchable_phases=False, has_lock=True)


def traits_of(_: ChargePointSection) -> EvseTraits:
    return TRAITS


@pytest.fixture(scope="module")
def single() -> NodeConfig:
    return parse((EXAMPLES / "single.toml").read_text(encoding="utf-8"), "single.toml")


@pytest.fixture(scope="module")
def server() -> NodeConfig:
    return parse((EXAMPLES / "server.toml").read_text(encoding="utf-8"), "server.toml")


@given(st.integers(0, 63_000))
def test_every_tenth_of_an_ampere_is_exact(tenths: int):
    assert milliamperes(float(f"{tenths // 10}.{tenths % 10}")) == tenths * 100


@pytest.mark.rule("B-088", "B-092")
def test_the_circuit_of_the_example(single: NodeConfig):
    assert mapping.circuits(single) == (
        Circuit(
            name="grid",
            limit_ma=(63_000, 63_000, 63_000),
            headroom_ma=1_000,
            meter="grid-meter",
            meter_sees_charging=True,
            external_fallback_ma=(20_000, 20_000, 20_000),
            external_window_seconds=10,
            meter_period_seconds=1,
            meter_stale_seconds=5,
        ),
    )


def test_the_placements_of_a_board_and_of_other_boards(single: NodeConfig, server: NodeConfig):
    cp2 = mapping.placements(single, traits_of)[1]
    assert cp2 == Placement(
        "garage-1/cp2", "garage-1", "grid", Wiring.STR, maximum_ma=16_000, fallback_ma=6_000, meter="cp2-meter"
    )
    (placed,) = mapping.placements(server, traits_of)
    assert (placed.charge_point, placed.node, placed.circuit, placed.fallback_ma) == (
        "bay-a/cp1",
        "bay-a",
        "level-1",
        6_000,
    )


def test_the_charge_points_of_the_example(single: NodeConfig):
    cp1, cp2 = mapping.charge_point_settings(single, traits_of, "boot", lambda: "s")
    assert (cp1.name, cp1.node, cp1.connector, cp1.circuit, cp1.meter) == (
        "garage-1/cp1",
        "garage-1",
        1,
        "grid",
        "cp1-meter",
    )
    assert (cp1.minimum_ma, cp1.maximum_ma, cp1.fallback_ma, cp1.boot_ma) == (6_000, 32_000, 6_000, 0)
    assert (cp2.outlet, cp2.cable_rating_ma, cp2.wiring, cp2.traits) == (Outlet.CABLE, None, Wiring.STR, TRAITS)
    assert (cp1.plug_timeout_seconds, cp1.card_timeout_seconds) == (60, 60)


def test_the_meters_of_the_example(single: NodeConfig):
    grid, cp1, _ = mapping.meter_settings(single)
    assert grid == MeterSettings("grid-meter", stale_after=5, window=10, maximum_ma=120_000, resolution_ma=10)
    assert cp1.window == 0.0


def test_the_authorizer_of_the_example(single: NodeConfig):
    settings = mapping.authorizer_settings(single)
    assert (settings.mode, settings.offline) == (Mode.BACKEND, OfflineRule.WHITELIST)
    assert settings.whitelist == (WhitelistEntry("04A1B2C3", "Ada"),)
    assert settings.readers == (ReaderSettings("door", ("garage-1/cp1", "garage-1/cp2")),)
    assert (settings.node, settings.charge_points) == ("garage-1", ("garage-1/cp1", "garage-1/cp2"))


@pytest.mark.rule("B-063")
@pytest.mark.parametrize(
    ("keys", "settings", "told"),
    [
        ({}, Autocharge(AutochargeMode.OFF, "VID:", ""), ("Off", "VID:", "")),
        ({"autocharge": "mac", "autocharge_prefix": ""}, Autocharge(AutochargeMode.MAC, "", ""), ("On", "", "")),
        (
            {"autocharge": "fixed-id", "autocharge_id": "FLEET"},
            Autocharge(AutochargeMode.FIXED_ID, "VID:", "FLEET"),
            ("On (Fixed ID)", "VID:", "FLEET"),
        ),
    ],
)
def test_autocharge_is_the_authorizers_and_the_default_of_the_keys(
    single: NodeConfig, keys: dict[str, str], settings: Autocharge, told: tuple[str, str, str]
):
    config = single.model_copy(update={"authorization": single.authorization.model_copy(update=keys)})
    assert mapping.authorizer_settings(config).autocharge == settings
    values = station_keys(config, "1")
    assert (values["Autocharge"], values["MACEVCCIDPrefix"], values["autochargeid"]) == told
    driven = replace(mapping.authorizer_settings(single), autocharge=Autocharge(prefix="other"))
    state = Authorizer(driven)
    for name in ("Autocharge", "MACEVCCIDPrefix", "autochargeid"):
        state, _ = tuned(state, SettingChanged(name, values[name]), Now(0.0, datetime(2026, 6, 1, tzinfo=UTC)))
    assert state.settings.autocharge == settings


def reader_of(single: NodeConfig, serves: tuple[str, ...] = ("*",), **keys: object) -> ReaderSettings:
    section = ReaderSection(name="door", driver="virtual", serves=serves, **keys)  # pyright: ignore[reportArgumentType]
    return mapping.authorizer_settings(single.model_copy(update={"reader": (section,)})).readers[0]


SHARED, ALONE = ("*",), ("cp1",)
PRESETS = [
    # preset, serves, the same card stops, needs a vehicle, a card before the vehicle is remembered (s)
    pytest.param("default", SHARED, True, False, 0, marks=pytest.mark.rule("B-274", "B-280")),
    pytest.param("chargebyte", SHARED, False, True, 0, marks=pytest.mark.rule("B-272")),
    pytest.param("chargebyte", ALONE, True, False, 0, marks=pytest.mark.rule("B-280")),
    pytest.param("charx", SHARED, True, False, 60, marks=pytest.mark.rule("B-353", "B-385", "B-393")),
    pytest.param("greenflux", SHARED, True, False, 60, marks=pytest.mark.rule("B-134", "B-135")),
    pytest.param("bender", SHARED, True, False, 60, marks=pytest.mark.rule("B-057", "B-059")),
    pytest.param("charx", ALONE, True, False, 0),
]


@pytest.mark.parametrize(("preset", "serves", "stops", "needs", "remembers"), PRESETS)
def test_what_a_preset_stands_for(
    single: NodeConfig, preset: str, serves: tuple[str, ...], stops: bool, needs: bool, remembers: int
):
    reader = reader_of(single, serves, preset=preset)
    assert (reader.stop_with_card, reader.needs_vehicle, reader.remember_seconds) == (stops, needs, remembers)
    assert (reader.last_plugged_seconds, reader.several) == (60, Several.NONE)


@pytest.mark.parametrize("preset", ["default", "chargebyte", "charx", "greenflux", "bender"])
def test_a_file_overrides_each_behaviour_of_a_preset(single: NodeConfig, preset: str):
    keys = {"stop_with_card": True, "needs_vehicle": False, "remember_seconds": 7.0}
    reader = reader_of(single, preset=preset, last_plugged_seconds=5.0, several="last", **keys)
    full = ReaderSettings("door", ("*",), remember_seconds=7.0, last_plugged_seconds=5.0, several=Several.LAST)
    assert reader == full
    reader = reader_of(single, preset=preset, stop_with_card=False, needs_vehicle=True, remember_seconds=0.0)
    assert (reader.stop_with_card, reader.needs_vehicle, reader.remember_seconds) == (False, True, 0)


@pytest.mark.rule("B-353")
@pytest.mark.parametrize(("plug_timeout", "remembered"), [(30.0, 30.0), (0.0, 3_600.0)])
def test_a_card_is_remembered_as_long_as_a_charge_point_waits_for_the_plug(
    single: NodeConfig, plug_timeout: float, remembered: float
):
    section = single.authorization.model_copy(update={"plug_timeout_seconds": plug_timeout})
    config = single.model_copy(update={"authorization": section})
    assert reader_of(config, preset="charx").remember_seconds == remembered


def test_a_reader_of_all_is_shared_unless_the_park_is_one_charge_point(single: NodeConfig):
    one = single.model_copy(update={"charge_point": single.charge_point[:1]})
    assert reader_of(one, preset="chargebyte").stop_with_card
    client = parse((EXAMPLES / "client.toml").read_text(encoding="utf-8"), "client.toml")
    assert not reader_of(client, preset="chargebyte").stop_with_card


def test_the_coordinator_of_the_example(single: NodeConfig):
    settings = mapping.coordinator_settings(single, traits_of, "server-1", epoch=7)
    assert (settings.interval_seconds, settings.lease_seconds, settings.renew_seconds) == (2, 10, 3)
    assert (settings.server_id, settings.epoch, len(settings.placements)) == ("server-1", 7, 2)


@pytest.mark.parametrize("name", ["single", "server"])
def test_the_examples_may_start(name: str):
    config = parse((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8"), name)
    assert mapping.refused_at_start(config, name, traits_of) == ()


def test_lapse_currents_beyond_the_fuse_are_refused_with_file_and_circuit(single: NodeConfig):
    (point, _) = single.charge_point
    many = tuple(
        point.model_copy(update={"name": f"cp{n}", "connector": n, "fallback_amps": 16.0, "meter": None})
        for n in range(1, 5)
    )
    (finding, *_) = mapping.refused_at_start(single.model_copy(update={"charge_point": many}), "f.toml", traits_of)
    assert finding.startswith("f.toml: circuit grid")


def test_a_meters_own_rating_replaces_that_of_its_type(single: NodeConfig):
    meter = single.meter[0].model_copy(update={"max_amps": 400.0})
    (settings,) = mapping.meter_settings(single.model_copy(update={"meter": (meter,)}))
    assert settings == replace(mapping.meter_settings(single)[0], maximum_ma=400_000)


@pytest.mark.rule("B-030")
def test_a_certified_meter_makes_its_connector_one_of_the_calibration_law(single: NodeConfig):
    meters = tuple(each.model_copy(update={"calibrated": each.name == "cp1-meter"}) for each in single.meter)
    config = single.model_copy(update={"meter": meters})
    keys = station_keys(config, "1")
    active = {point.name for point in config.charge_point if keys[f"EichrechtActive[{point.connector}]"] == "true"}
    assert active == {"cp1"}


@pytest.mark.parametrize(
    ("own", "placed", "wiring", "told"),
    [
        ((False, False), (False, False), "RST", {}),
        ((True, True), (True, True), "RST", {"": "true"}),
        ((True, False), (False, True), "RST", {"[1]": "true", "[4]": "true"}),
        ((True, False), (False, True), "unknown", {"[1]": "true"}),
    ],
)
def test_a_backend_is_told_which_connectors_switch_phases(
    server: NodeConfig,
    own: tuple[bool, bool],
    placed: tuple[bool, bool],
    wiring: WiringName,
    told: dict[str, str],
):
    points = [
        ChargePointSection(
            name=f"cp{number}", connector=number, circuit="grid", driver="virtual", phase_switching=switches
        )
        for number, switches in enumerate(own, start=1)
    ]
    placements = [
        server.placement[0].model_copy(update={"connector": number, "phase_switching": switches, "wiring": wiring})
        for number, switches in enumerate(placed, start=3)
    ]
    keys = station_keys(server.model_copy(update={"charge_point": points, "placement": placements}), "1.0")

    name = "ConnectorSwitch3to1PhaseSupported"
    assert {key: value for key, value in keys.items() if key.startswith(name)} == {
        f"{name}{place}": value for place, value in told.items()
    }
