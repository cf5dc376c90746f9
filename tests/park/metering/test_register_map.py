"""Register maps: grouping into few reads, decoding with range checks, signed currents."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.errors import RegisterMapUnknown
from park.metering.decoding import Implausible, decode, encode
from park.metering.maps import register_map
from park.metering.maps.eastron_sdm630 import EASTRON_SDM630
from park.metering.register_map import Function, Quantity, Register, RegisterMap, RegisterType, WordOrder, grouped
from park.model.metering import Sample

HOUSE = {
    Quantity.VOLTAGE_L1: 230_100.0,
    Quantity.VOLTAGE_L2: 229_900.0,
    Quantity.VOLTAGE_L3: 231_000.0,
    Quantity.CURRENT_L1: 16_000.0,
    Quantity.CURRENT_L2: 8_000.0,
    Quantity.CURRENT_L3: 0.0,
    Quantity.POWER_L1: 3_680.0,
    Quantity.POWER_L2: -1_840.0,
    Quantity.POWER: 1_840.0,
    Quantity.FREQUENCY: 50_000.0,
    Quantity.ENERGY_IMPORT: 1_234_560.0,
}


def answers_of(contents: dict[int, int], meter_map: RegisterMap = EASTRON_SDM630) -> list[list[int]]:
    """What a device holding these registers answers to the reads of the map."""
    return [
        [contents.get(address, 0) for address in range(block.address, block.address + block.count)]
        for block in meter_map.blocks
    ]


def test_the_sdm630_is_read_in_one_request_within_its_limit():
    (block,) = EASTRON_SDM630.blocks
    assert (block.address, block.count) == (0x00, 0x4C)
    assert block.count <= 80
    assert EASTRON_SDM630.function is Function.INPUT


@pytest.mark.parametrize(
    ("quantity", "address"),
    [
        (Quantity.VOLTAGE_L1, 0x00),
        (Quantity.CURRENT_L1, 0x06),
        (Quantity.POWER_L3, 0x10),
        (Quantity.POWER, 0x34),
        (Quantity.FREQUENCY, 0x46),
        (Quantity.ENERGY_IMPORT, 0x48),
        (Quantity.ENERGY_EXPORT, 0x4A),
    ],
)
def test_addresses_of_the_sdm630_are_those_of_its_protocol_document(quantity: Quantity, address: int):
    assert EASTRON_SDM630.register(quantity).address == address


def test_bytes_of_a_real_answer_are_read_as_the_document_says():
    """230.2 V is 43 66 33 33: high word first, IEEE 754 single precision."""
    contents = encode(EASTRON_SDM630, HOUSE) | {0x00: 0x4366, 0x01: 0x3333}
    sample = decode(EASTRON_SDM630, answers_of(contents))
    assert isinstance(sample, Sample)
    assert sample.voltages_mv is not None
    assert sample.voltages_mv[0] == 230_200


def test_currents_carry_the_sign_of_their_phases_active_power():
    """Safety §1: magnitude × sign of active power."""
    sample = decode(EASTRON_SDM630, answers_of(encode(EASTRON_SDM630, HOUSE)))
    assert isinstance(sample, Sample)
    assert sample.currents_ma == (16_000, -8_000, 0)
    assert (sample.power_w, sample.energy_wh, sample.frequency_mhz) == (1_840, 1_234_560, 50_000)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3e38, -1.0])
def test_a_current_that_cannot_be_is_implausible(value: float):
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    decoded = decode(EASTRON_SDM630, answers_of(encode(EASTRON_SDM630, HOUSE) | {0x06: high, 0x07: low}))
    assert isinstance(decoded, Implausible)
    assert "current_l1_ma" in decoded.problem


def test_byte_swapped_floats_are_implausible():
    """P06: 230.1 V with swapped words is no voltage."""
    contents = encode(EASTRON_SDM630, HOUSE)
    contents[0x00], contents[0x01] = contents[0x01], contents[0x00]
    assert isinstance(decode(EASTRON_SDM630, answers_of(contents)), Implausible)


@pytest.mark.parametrize("answers", [[], [[1, 2, 3]], [[0] * 77], [[0] * 75 + [0x1_0000]], [[0] * 76, [0]]])
def test_an_answer_of_the_wrong_shape_is_implausible(answers: list[list[int]]):
    assert isinstance(decode(EASTRON_SDM630, answers), Implausible)


@given(st.lists(st.integers(0, 0xFFFF), min_size=76, max_size=76))
def test_whatever_the_registers_hold_decoding_gives_a_plausible_sample_or_says_why_not(registers: list[int]):
    decoded = decode(EASTRON_SDM630, [registers])
    if isinstance(decoded, Implausible):
        assert decoded.problem
    else:
        assert all(abs(current) <= 10_000_000 for current in decoded.currents_ma)
        assert 0 <= decoded.energy_wh <= 100_000_000_000


@given(
    st.dictionaries(
        st.sampled_from([Quantity.CURRENT_L1, Quantity.CURRENT_L2, Quantity.CURRENT_L3]), st.integers(0, 100_000)
    ),
    st.integers(0, 16_384_000),
)
def test_what_a_meter_holds_is_what_is_read(currents: dict[Quantity, int], energy_wh: int):
    """A float of kWh, 24 bits of it significant, tells single watt-hours up to 2^14 kWh."""
    sample = decode(EASTRON_SDM630, answers_of(encode(EASTRON_SDM630, {**currents, Quantity.ENERGY_IMPORT: energy_wh})))
    assert isinstance(sample, Sample)
    assert sample.currents_ma == tuple(currents.get(phase, 0) for phase in list(Quantity)[3:6])
    assert sample.energy_wh == energy_wh


@pytest.mark.parametrize("order", list(WordOrder))
def test_integers_and_word_orders_round_trip(order: WordOrder):
    meter_map = RegisterMap(
        name="made-up",
        source="this test",
        function=Function.HOLDING,
        registers=(
            Register(Quantity.CURRENT_L1, 0, 10, 0, 100_000, RegisterType.UINT16),
            Register(Quantity.CURRENT_L2, 1, 10, 0, 100_000, RegisterType.UINT16),
            Register(Quantity.CURRENT_L3, 2, 10, 0, 100_000, RegisterType.UINT16),
            Register(Quantity.POWER_L2, 3, 1, -70_000, 70_000, RegisterType.INT32),
            Register(Quantity.POWER, 1000, 1, -70_000, 70_000, RegisterType.INT32),
            Register(Quantity.ENERGY_IMPORT, 1002, 1, 0, 1e12, RegisterType.UINT64),
        ),
        rated_ma=100_000,
        resolution_ma=10,
        word_order=order,
    )
    assert [(block.address, block.count) for block in meter_map.blocks] == [(0, 5), (1000, 6)]
    held = {Quantity.CURRENT_L2: 12_340.0, Quantity.POWER_L2: -65_537, Quantity.POWER: -65_537}
    contents = encode(meter_map, {**held, Quantity.ENERGY_IMPORT: 5_000_000_000})
    assert decode(meter_map, answers_of(contents, meter_map)) == Sample((0, -12_340, 0), -65_537, 5_000_000_000)


def test_a_map_without_a_needed_quantity_says_so():
    meter_map = RegisterMap("poor", "this test", Function.INPUT, EASTRON_SDM630.registers[:3], 1, 1)
    decoded = decode(meter_map, answers_of({}, meter_map))
    assert decoded == Implausible("the register map has no current_l1_ma")


@given(st.sets(st.integers(0, 2_000), max_size=30), st.integers(2, 125), st.integers(0, 100))
def test_reads_cover_every_register_once_and_keep_the_limits(places: set[int], largest: int, gap: int):
    registers = tuple(Register(Quantity.POWER, 2 * place, 1, 0, 1) for place in places)
    blocks = grouped(registers, largest, gap)
    assert sorted(each.address for block in blocks for each in block.registers) == sorted(2 * place for place in places)
    for block in blocks:
        assert block.count <= largest
        assert all(
            block.address <= each.address and each.end <= block.address + block.count for each in block.registers
        )


def test_an_unknown_map_names_the_known_ones():
    with pytest.raises(RegisterMapUnknown, match="eastron-sdm630"):
        register_map("eastron-sdm999")
