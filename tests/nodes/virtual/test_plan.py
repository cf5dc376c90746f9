"""Which virtual hardware a set of configuration files asks for, and what the bench refuses to serve."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bench_process import write_config

from nodes.virtual.plan import bench_plan_from_toml
from park.config.quantities import Endpoint
from park.errors import ConfigurationInvalid
from park.model.electric import Wiring
from park.physics.hardware import EvseSpec, Outlet
from park.physics.site import CircuitSpec, MeterSpec, Site

SERVER = """
[node]
name = "server"
role = "server"
data_dir = "var/server"
[park]
name = "carpark"
[authorization]
mode = "free"
[[circuit]]
name = "grid"
limit_amps = [100, 100, 100]
meter = "main"
meter_sees_charging = false
external_fallback_amps = [10, 10, 10]
[[circuit]]
name = "level-1"
parent = "grid"
limit_amps = [63, 50, 40]
[[meter]]
name = "main"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:5020"
[[meter]]
name = "real"
map = "eastron-sdm630"
address = "tcp://192.168.1.20:502"
[[placement]]
charge_point = "bay-a/cp1"
connector = 1
circuit = "level-1"
wiring = "TRS"
[[placement]]
charge_point = "bay-b/cp1"
connector = 2
circuit = "grid"
"""
CLIENT = """
[node]
name = "{name}"
role = "client"
data_dir = "var/{name}"
[server]
park = "carpark"
address = "127.0.0.1:7070"
[bench]
address = "127.0.0.1:{port}"
[[reader]]
name = "pillar-{name}"
driver = "virtual"
serves = ["*"]
[[charge_point]]
name = "cp1"
driver = "virtual"
phases = 1
max_amps = 16.5
"""


def write(folder: Path, **texts: str) -> list[Path]:
    paths = [folder / f"{name}.toml" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def park(folder: Path) -> list[Path]:
    return write(
        folder,
        server=SERVER,
        a=CLIENT.format(name="bay-a", port=7179),
        b=CLIENT.format(name="bay-b", port=7279),
    )


def test_one_board(tmp_path: Path):
    plan = bench_plan_from_toml([write_config(tmp_path, 7079, 5020, 5021)])
    assert plan.addresses == (Endpoint("127.0.0.1", 7079),)
    assert plan.site.evses == (
        EvseSpec("cp1"),
        EvseSpec("cp2", Wiring.STR, maximum_ma=16_000, outlet=Outlet.CABLE),
    )
    assert plan.site.circuits == (CircuitSpec("grid", (63_000, 63_000, 63_000)),)
    assert plan.site.meters == (
        MeterSpec("grid-meter", circuit="grid"),
        MeterSpec("cp1-meter", charge_point="cp1"),
        MeterSpec("cp2-meter", charge_point="cp2"),
    )
    assert plan.charge_points["garage-1/cp2"] == "cp2"


def test_a_park_of_boards_is_one_world_and_its_names_stay_apart(tmp_path: Path):
    plan = bench_plan_from_toml(park(tmp_path))
    assert plan.addresses == (Endpoint("127.0.0.1", 7179), Endpoint("127.0.0.1", 7279))
    assert plan.site.evses == (
        EvseSpec("bay-a/cp1", Wiring.TRS, phases=1, maximum_ma=16_500),
        EvseSpec("bay-b/cp1", Wiring.RST, phases=1, maximum_ma=16_500),
    )
    assert plan.site.circuit_of == {"bay-a/cp1": "level-1", "bay-b/cp1": "grid"}
    assert plan.site.meters == (MeterSpec("main", circuit="grid", in_line=False),)
    assert [place.meter for place in plan.places] == ["main"], "the real meter is not ours"
    assert "cp1" not in plan.charge_points
    assert plan.readers["bay-b/pillar-bay-b"] == "pillar-bay-b"
    site = Site(plan.site)
    assert len(site.circuits["grid"].evses) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"127.0.0.1:7179"', '"192.168.0.9:7179"'), r"a.toml: \[bench\] address: 192.168.0.9:7179 can be reached"),
        (('"bay-a"', '"bay-b"'), r"a.toml: \[node\] name: 'bay-b' is also the node of another file"),
        (
            (
                "[[charge_point]]",
                '[[meter]]\nname="x"\nmap="eastron-sdm630"\naddress="tcp://127.0.0.1:5020"\n[[charge_point]]',
            ),
            r"a.toml: \[\[meter\]\] x: tcp://127.0.0.1:5020 unit 1 is taken by main",
        ),
    ],
)
def test_what_cannot_be_served_is_said_with_file_and_key(tmp_path: Path, change: tuple[str, str], words: str):
    paths = park(tmp_path)
    paths[1].write_text(paths[1].read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match=words):
        bench_plan_from_toml(paths)
