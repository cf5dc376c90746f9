"""Eastron SDM630: three-phase meter, Modbus input registers, IEEE 754 floats of two registers, high word first.

Source: Eastron, "SDM630 Modbus protocol", table of input registers (function code 04; parameter address, hex).
The meter answers at most 40 parameters (80 registers) a request. Its currents are magnitudes; the sign comes from
the active power of the phase. Direct-connected type: 10(100) A; for current transformers set the meter's `max_amps`.
"""

from __future__ import annotations

from park.metering.register_map import Function, Quantity, Register, RegisterMap


def _voltage(quantity: Quantity, address: int) -> Register:
    """230 V nominal; above 300 V phase to neutral is no reading."""
    return Register(quantity, address, scale=1_000, low=0, high=300_000)


def _current(quantity: Quantity, address: int) -> Register:
    """The largest primary current that can be set is 9 999 A."""
    return Register(quantity, address, scale=1_000, low=0, high=10_000_000)


def _power(quantity: Quantity, address: int, phases: int) -> Register:
    """10 kA × 300 V a phase."""
    return Register(quantity, address, scale=1, low=-3_000_000 * phases, high=3_000_000 * phases)


def _energy(quantity: Quantity, address: int) -> Register:
    """The display has 8 digits of kWh."""
    return Register(quantity, address, scale=1_000, low=0, high=100_000_000_000)


EASTRON_SDM630 = RegisterMap(
    name="eastron-sdm630",
    source="Eastron SDM630 Modbus protocol, input registers",
    function=Function.INPUT,
    registers=(
        _voltage(Quantity.VOLTAGE_L1, 0x00),
        _voltage(Quantity.VOLTAGE_L2, 0x02),
        _voltage(Quantity.VOLTAGE_L3, 0x04),
        _current(Quantity.CURRENT_L1, 0x06),
        _current(Quantity.CURRENT_L2, 0x08),
        _current(Quantity.CURRENT_L3, 0x0A),
        _power(Quantity.POWER_L1, 0x0C, 1),
        _power(Quantity.POWER_L2, 0x0E, 1),
        _power(Quantity.POWER_L3, 0x10, 1),
        _power(Quantity.POWER, 0x34, 3),
        Register(Quantity.FREQUENCY, 0x46, scale=1_000, low=0, high=70_000),
        _energy(Quantity.ENERGY_IMPORT, 0x48),
        _energy(Quantity.ENERGY_EXPORT, 0x4A),
    ),
    rated_ma=120_000,  # Imax 100 A, IEC 62053-21 overload margin 20 %
    resolution_ma=10,
    largest_read=80,
)
