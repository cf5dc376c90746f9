"""The meter's register image, read with the product's register map: two descriptions of one device."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.virtual.sdm630 import BLOCKS, registers, values
from park.metering.maps.eastron_sdm630 import EASTRON_SDM630
from park.metering.register_map import Quantity
from park.model.metering import Sample

SAMPLE = Sample((16_000, -10_000, 0), 1_380, 12_345_678, (230_000, 231_000, 229_000), 50_000)


def read(sample: Sample, export_wh: int, address: int) -> float:
    words = registers(sample, export_wh)
    packed = struct.pack(">HH", words.get(address, 0), words.get(address + 1, 0))
    return float(struct.unpack(">f", packed)[0])


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        (Quantity.VOLTAGE_L1, 230.0),
        (Quantity.VOLTAGE_L2, 231.0),
        (Quantity.VOLTAGE_L3, 229.0),
        (Quantity.CURRENT_L1, 16.0),
        (Quantity.CURRENT_L2, 10.0),
        (Quantity.CURRENT_L3, 0.0),
        (Quantity.POWER_L1, 3_680.0),
        (Quantity.POWER_L2, -2_310.0),
        (Quantity.POWER_L3, 0.0),
        (Quantity.POWER, 1_370.0),
        (Quantity.FREQUENCY, 50.0),
        (Quantity.ENERGY_IMPORT, 12_345.678),
        (Quantity.ENERGY_EXPORT, 9.001),
    ],
)
def test_the_registers_our_map_reads(quantity: Quantity, value: float):
    address = next(register.address for register in EASTRON_SDM630.registers if register.quantity is quantity)
    assert read(SAMPLE, 9_001, address) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        (18, 3_680.0),  # VA
        (20, 2_310.0),
        (30, 1.0),  # power factor
        (32, -1.0),
        (42, 230.0),  # average phase to neutral
        (48, 26.0),  # sum of currents
        (56, 5_990.0),
        (62, 1.0),
        (200, 230.0 * math.sqrt(3)),  # phase to phase
        (206, 230.0 * math.sqrt(3)),
        (342, 12_354.679),  # import + export
    ],
)
def test_what_other_drivers_read(address: int, value: float):
    assert read(SAMPLE, 9_001, address) == pytest.approx(value, rel=1e-6)


@given(energy_wh=st.integers(0, 16_383_999))
def test_energy_tells_single_watt_hours_up_to_16_383_kwh(energy_wh: int):
    assert round(read(Sample((0, 0, 0), 0, energy_wh), 0, 72) * 1000) == energy_wh


@given(current_ma=st.integers(-100_000, 100_000))
def test_currents_tell_single_milliamperes(current_ma: int):
    assert round(read(Sample((current_ma, 0, 0), 0, 0), 0, 6) * 1000) == abs(current_ma)


def test_every_value_lies_in_a_block_the_meter_answers_for():
    covered = {address for first, count in BLOCKS for address in range(first, first + count)}
    assert {address + word for address in values(SAMPLE, 0) for word in (0, 1)} <= covered
