"""Meters that share a bus: what is refused, and what is only told."""

from __future__ import annotations

import pytest

from park.config.cautions import cautions
from park.config.parsing import parse
from park.errors import ConfigurationInvalid

FILE = """
[bench]
[node]
name = "garage-1"
role = "single"
data_dir = "var"
[park]
name = "garage"
[authorization]
mode = "free"
[[circuit]]
name = "grid"
limit_amps = [63, 50, 40]
meter = "grid-meter"
external_fallback_amps = [20, 20, 20]
[[charge_point]]
name = "cp1"
connector = 1
circuit = "grid"
meter = "socket-meter"
driver = "virtual"
"""
ALIKE = "eastron-sdm630"


def meter(name: str, unit: int | None, kind: str = ALIKE, port: int = 502) -> str:
    """A meter behind a gateway; `unit` None: the file does not say."""
    told = "" if unit is None else f"unit = {unit}"
    return f'[[meter]]\nname = "{name}"\nmap = "{kind}"\naddress = "tcp://10.0.0.7:{port}"\n{told}\n'


def told(*meters: str) -> list[str]:
    return list(cautions(parse(FILE + "".join(meters), "garage.toml")))


@pytest.mark.rule("B-406")
def test_the_meter_of_a_circuit_on_a_bus_of_others_has_not_the_address_of_a_new_one() -> None:
    socket = meter("socket-meter", 3)
    (text,) = told(socket, meter("grid-meter", 1))
    assert text.startswith("meter grid-meter: it measures a circuit and has unit 1")
    assert "unit 2 or more" in text
    assert told(socket, meter("grid-meter", 2)) == []
    assert told(socket, meter("grid-meter", 1, port=503)) == []


@pytest.mark.rule("B-406")
def test_meters_of_different_types_on_one_bus_are_told() -> None:
    (text,) = told(meter("socket-meter", 1), meter("grid-meter", 2, "virtual-signing"))
    assert text.startswith("meters at tcp://10.0.0.7:502: they are of different types")
    assert "baud rate" in text


def test_the_meters_of_the_bench_hang_on_no_bus() -> None:
    both = meter("socket-meter", 3) + meter("grid-meter", 1, "virtual-signing")
    assert told(both.replace("10.0.0.7", "127.0.0.1"), "") == []
    assert told(both.replace("10.0.0.7", "localhost"), "") == []


@pytest.mark.rule("B-073")
def test_the_first_meter_of_a_bus_has_address_1_unless_told_and_the_second_needs_its_own() -> None:
    config = parse(FILE + meter("socket-meter", None) + meter("grid-meter", 2), "garage.toml")
    assert [each.unit for each in config.meter] == [1, 2]
    with pytest.raises(ConfigurationInvalid, match=r"502 unit 1' is the device of 2 tables; give each"):
        told(meter("socket-meter", None), meter("grid-meter", None))
