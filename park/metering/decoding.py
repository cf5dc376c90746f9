"""Registers to a `Sample` and back: pure, so that real and virtual meters share one truth about a map."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from msgspec import Struct

from park.metering.register_map import Block, Quantity, Register, RegisterMap, TextPlace, WordOrder
from park.model.electric import PerPhase
from park.model.metering import Sample

_REGISTER_VALUES = 0x1_0000
_SMALLEST = 1e-9  # no meter resolves less in its own units: such a float has its words or bytes swapped


class Implausible(Struct, frozen=True):
    """Why the registers give no sample; the text is for the technician."""

    problem: str


def decode(meter_map: RegisterMap, answers: Sequence[Sequence[int]]) -> Sample | Implausible:
    """One sample out of the answers to `meter_map.blocks`, in their order.

    Currents get the sign of their phase's active power (safety, external load). Never raises on bad content: wrong
    lengths, NaN, infinity and values out of range are `Implausible`.
    """
    values: dict[Quantity, float] = {}
    if len(answers) != len(meter_map.blocks):
        return Implausible(f"{len(answers)} answers to {len(meter_map.blocks)} reads")
    for block, registers in zip(meter_map.blocks, answers, strict=True):
        problem = _decode_block(meter_map, block, registers, values)
        if problem is not None:
            return Implausible(problem)
    return _sample(values)


def decode_text(place: TextPlace, registers: Sequence[int]) -> str | None:
    """The text in the registers from its first on, as many as were read; None: more of them are needed, or no text."""
    if not registers or not 0 < registers[0] <= place.most or len(registers) < 1 + (registers[0] + 1) // 2:
        return None
    packed = struct.pack(f">{len(registers) - 1}H", *registers[1:])[: registers[0]]
    try:
        return packed.decode("ascii")
    except UnicodeDecodeError:
        return None


def encode_text(place: TextPlace, text: str) -> dict[int, int]:
    """Register contents by address. Raises ValueError for a text that is too long, or not ASCII."""
    body = text.encode("ascii")
    if len(body) > place.most:
        raise ValueError(f"{len(body)} characters where {place.most} fit")
    words = struct.unpack(f">{(len(body) + 1) // 2}H", body + b"\0" * (len(body) % 2))
    return dict(enumerate((len(body), *words), start=place.address))


def encode(meter_map: RegisterMap, values: Mapping[Quantity, float]) -> dict[int, int]:
    """Register contents by address for values in the domain's units: what a meter of this type would hold.

    Quantities that are not given are 0; those the map does not have are left out.
    """
    contents: dict[int, int] = {}
    for register in meter_map.registers:
        raw = values.get(register.quantity, 0.0) / register.scale
        packed = struct.pack(f">{register.type.value}", raw if register.type.value == "f" else round(raw))
        words = list(struct.unpack(f">{register.type.registers}H", packed))
        if meter_map.word_order is WordOrder.LOW_FIRST:
            words.reverse()
        contents.update(zip(range(register.address, register.end), words, strict=True))
    return contents


def _decode_block(
    meter_map: RegisterMap, block: Block, registers: Sequence[int], values: dict[Quantity, float]
) -> str | None:
    if len(registers) != block.count:
        return f"{len(registers)} registers from {block.address:#06x} on, {block.count} were asked for"
    if not all(0 <= word < _REGISTER_VALUES for word in registers):
        return f"a register from {block.address:#06x} on is outside 16 bits"
    for register in block.registers:
        raw = _raw(meter_map, register, registers[register.address - block.address : register.end - block.address])
        value = raw * register.scale
        if 0 < abs(raw) < _SMALLEST:
            return f"{register.quantity.value} is {value:g}: the order of words or bytes is not that of this map"
        if not register.low <= value <= register.high:  # NaN is not within
            return f"{register.quantity.value} is {value:g}, plausible is {register.low:g} to {register.high:g}"
        values[register.quantity] = value
    return None


def _raw(meter_map: RegisterMap, register: Register, words: Sequence[int]) -> float:
    if meter_map.word_order is WordOrder.LOW_FIRST:
        words = words[::-1]
    packed = struct.pack(f">{len(words)}H", *words)
    (raw,) = struct.unpack(f">{register.type.value}", packed)
    return raw


def _sample(values: dict[Quantity, float]) -> Sample | Implausible:
    try:
        return Sample(
            currents_ma=(
                _signed(values, Quantity.CURRENT_L1, Quantity.POWER_L1),
                _signed(values, Quantity.CURRENT_L2, Quantity.POWER_L2),
                _signed(values, Quantity.CURRENT_L3, Quantity.POWER_L3),
            ),
            power_w=round(values[Quantity.POWER]),
            energy_wh=round(values[Quantity.ENERGY_IMPORT]),
            voltages_mv=_voltages(values),
            frequency_mhz=round(values[Quantity.FREQUENCY]) if Quantity.FREQUENCY in values else None,
        )
    except KeyError as missing:
        return Implausible(f"the register map has no {missing.args[0].value}")


def _signed(values: dict[Quantity, float], current: Quantity, power: Quantity) -> int:
    magnitude = round(values[current])
    return -magnitude if values.get(power, 0.0) < 0 else magnitude


def _voltages(values: dict[Quantity, float]) -> PerPhase | None:
    if Quantity.VOLTAGE_L1 not in values:
        return None
    return (
        round(values[Quantity.VOLTAGE_L1]),
        round(values.get(Quantity.VOLTAGE_L2, 0.0)),
        round(values.get(Quantity.VOLTAGE_L3, 0.0)),
    )
