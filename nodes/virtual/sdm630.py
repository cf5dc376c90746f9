"""The register image of an Eastron SDM630, made from a sample: the meter's side of the map, not the product's.

Input registers by parameter address, two registers a value, IEEE 754 single precision, high word first; source:
Eastron, "SDM630 Modbus protocol". Energy is kWh: a float of 24 bits tells single watt-hours up to 16 383 kWh.
"""

from __future__ import annotations

import math
import struct

from park.model.electric import NOMINAL_VOLTAGE_MV
from park.model.metering import Sample

BLOCKS = ((0, 108), (200, 72), (334, 48))  # (first register, how many) that the meter answers for
LARGEST_READ = 80  # registers a request
LINE_FACTOR = math.sqrt(3)  # phase to phase from phase to neutral


def values(sample: Sample, export_wh: int) -> dict[int, float]:
    """Every value that is not 0, by parameter address. Currents are magnitudes: the sign is that of the power."""
    volts = [millivolts / 1000 for millivolts in sample.voltages_mv or (NOMINAL_VOLTAGE_MV,) * 3]
    signed = [milliamperes / 1000 for milliamperes in sample.currents_ma]
    amps = [abs(current) for current in signed]
    watts = [volt * current for volt, current in zip(volts, signed, strict=True)]
    volt_amperes = [abs(power) for power in watts]
    import_kwh, export_kwh = sample.energy_wh / 1000, export_wh / 1000
    average_volts = sum(volts) / 3
    of_total = {
        0x2A: average_volts,
        0x2E: sum(amps) / 3,
        0x30: sum(amps),
        0x34: sum(watts),
        0x38: sum(volt_amperes),
        0x3E: math.copysign(1.0, sum(watts)),  # power factor
        0x46: (sample.frequency_mhz or 0) / 1000,
        0x48: import_kwh,
        0x4A: export_kwh,
        0xCE: average_volts * LINE_FACTOR,
        0x156: import_kwh + export_kwh,
    }
    of_phase = {
        0x00: volts,
        0x06: amps,
        0x0C: watts,
        0x12: volt_amperes,
        0x1E: [math.copysign(1.0, power) for power in watts],  # power factor
        0xC8: [volt * LINE_FACTOR for volt in volts],
    }
    spread = {first + 2 * phase: row[phase] for first, row in of_phase.items() for phase in (0, 1, 2)}
    return of_total | spread


def registers(sample: Sample, export_wh: int) -> dict[int, int]:
    """Registers with a value, by register address; all others of the blocks are 0."""
    words: dict[int, int] = {}
    for address, value in values(sample, export_wh).items():
        words[address], words[address + 1] = struct.unpack(">HH", struct.pack(">f", value))
    return words
