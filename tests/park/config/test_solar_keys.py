"""Charging by the sun, from the file to the domain."""

from __future__ import annotations

import pytest

from park.config import mapping
from park.config.parsing import parse
from park.errors import ConfigurationInvalid
from park.load.solar.settings import Solar
from park.model.solar import SolarMode
from park.physics.hardware import TRAITS

BASE = """
[node]
name = "board"
role = "single"
data_dir = "unused"
[bench]
address = "127.0.0.1:7079"
[park]
name = "p"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
meter = "entry"
external_fallback_amps = [20, 20, 20]
[[circuit]]
name = "roofed"
parent = "grid"
limit_amps = [32, 32, 32]
meter = "sub"
external_fallback_amps = [0, 0, 0]
[[meter]]
name = "entry"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:1502"
[[meter]]
name = "sub"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:1502"
unit = 2
[[meter]]
name = "own"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:1502"
unit = 3
[[charge_point]]
name = "cp1"
connector = 1
circuit = "roofed"
driver = "virtual"
meter = "own"
"""
SUN = '[[solar]]\ncircuit = "roofed"\n'


def suns(more: str) -> tuple[Solar, ...]:
    return mapping.coordinator_settings(parse(BASE + more, "board.toml"), lambda _: TRAITS, "s").solar


def refused(text: str) -> str:
    with pytest.raises(ConfigurationInvalid) as invalid:
        parse(text, "board.toml")
    return str(invalid.value)


@pytest.mark.rule("B-085")
def test_all_keys_and_the_meter_nearest_to_the_grid():
    assert suns("") == ()
    assert suns(SUN) == (Solar("roofed", "entry"),)
    more = 'mode = "solar"\ncounts = "each phase"\ngrid_amps = 5.5\nmeter = "sub"\n'
    times = "average_seconds = 1\nstart_seconds = 10\nstay_seconds = 20\n"
    assert suns(SUN + more + times) == (Solar("roofed", "sub", SolarMode.SOLAR, True, 5_500, 1.0, 10.0, 20.0),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BASE + SUN.replace("roofed", "roof"), "solar[#1].circuit: there is no circuit 'roof'; did you mean 'roofed'?"),
        (BASE + SUN + SUN, "solar[#2].circuit: 'roofed' has two tables; keep one of them"),
        (BASE + SUN + 'mode = "sun"\n', "solar[#1].mode: is 'sun', must be one of 'surplus', 'solar' or 'grid'"),
        (BASE + SUN + 'meter = "own"\n', "solar[#1].meter: 'own' does not see the charge points of circuit 'roofed'"),
        (BASE + SUN + "start_seconds = 5\n", "solar[#1].start_seconds: is 5, must be at least 10.0 s"),
        (
            BASE.replace('meter = "entry"', "").replace('meter = "sub"', 'meter = "sub"\nmeter_sees_charging = false')
            + SUN,
            "solar[#1].circuit: no circuit from 'roofed' up to the grid has a meter in line",
        ),
        (
            BASE.replace('meter = "own"', "") + SUN,
            "charge_point[cp1].meter: is missing, and charging by the sun needs it ([[solar]])",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_key_reason_and_remedy(text: str, words: str):
    assert words in refused(text)


def test_a_placement_below_the_sun_needs_a_meter_too():
    server = BASE.replace('role = "single"', 'role = "server"')
    placed = '[[placement]]\ncharge_point = "bay/cp1"\nconnector = 2\ncircuit = "roofed"\nmetered = false\n'
    assert "placement[bay/cp1].metered: is false, and charging by the sun needs a meter" in refused(
        server + placed + SUN
    )


def test_a_client_has_no_sun():
    client = '[node]\nname = "b"\nrole = "client"\ndata_dir = "d"\n[server]\npark = "p"\naddress = "127.0.0.1:1"\n'
    assert "solar: has no meaning for role client; move it to the server's file" in refused(client + SUN)
