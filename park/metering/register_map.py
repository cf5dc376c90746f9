"""Declarative register maps: where a Modbus meter keeps which quantity, and which few reads fetch them all."""

from __future__ import annotations

import struct
from enum import Enum

from msgspec import Struct
from msgspec.structs import force_setattr


class Quantity(Enum):
    """What the domain wants from a meter. The value's second part is the domain's unit (IEC 80000-6 prefixes)."""

    VOLTAGE_L1 = "voltage_l1_mv"
    VOLTAGE_L2 = "voltage_l2_mv"
    VOLTAGE_L3 = "voltage_l3_mv"
    CURRENT_L1 = "current_l1_ma"
    CURRENT_L2 = "current_l2_ma"
    CURRENT_L3 = "current_l3_ma"
    POWER_L1 = "power_l1_w"
    POWER_L2 = "power_l2_w"
    POWER_L3 = "power_l3_w"
    POWER = "power_w"
    FREQUENCY = "frequency_mhz"
    ENERGY_IMPORT = "energy_import_wh"
    ENERGY_EXPORT = "energy_export_wh"


class RegisterType(Enum):
    """How a value lies in 16-bit registers; values are `struct` codes of the big-endian bytes."""

    UINT16 = "H"
    INT16 = "h"
    UINT32 = "I"
    INT32 = "i"
    UINT64 = "Q"
    FLOAT32 = "f"

    @property
    def registers(self) -> int:
        return struct.calcsize(f">{self.value}") // 2


class WordOrder(Enum):
    """Which 16-bit word of a longer value comes first; bytes within a word are always big endian (Modbus §4.2)."""

    HIGH_FIRST = "high first"
    LOW_FIRST = "low first"


class Function(Enum):
    """Modbus function codes that read registers (Modbus application protocol §6.3, §6.4)."""

    HOLDING = 3
    INPUT = 4


class Register(Struct, frozen=True):
    """One quantity of one meter. `scale`: raw × scale = the domain's unit. `low`…`high`: plausible, domain units."""

    quantity: Quantity
    address: int
    scale: float
    low: float
    high: float
    type: RegisterType = RegisterType.FLOAT32

    @property
    def end(self) -> int:
        return self.address + self.type.registers


class Block(Struct, frozen=True):
    """One read: `count` registers from `address`, holding these registers."""

    address: int
    count: int
    registers: tuple[Register, ...]


class TextPlace(Struct, frozen=True):
    """A text of ASCII: its length in characters in the register `address`, two characters in each that follows.

    `most`: characters it can have.
    """

    address: int
    most: int

    def reads(self, largest_read: int) -> tuple[Block, ...]:
        """Reads that fetch the whole of the longest, the length with the first."""
        end = self.address + 1 + (self.most + 1) // 2
        starts = range(self.address, end, largest_read)
        return tuple(Block(start, min(largest_read, end - start), ()) for start in starts)


class SigningPlaces(Struct, frozen=True):
    """Where a meter that signs keeps what it signed, made when its first register is read, and its public key."""

    record: TextPlace
    key: TextPlace


class RegisterMap(Struct, frozen=True):
    """All a poll needs to know of a meter type; `source` names the document the addresses come from.

    `rated_ma`: largest current the meter type measures; more is implausible unless the meter's own setting says so.
    `resolution_ma`: smallest step of its current. `signing`: None for a meter that does not sign. `blocks` follows from
    the others: what is given is not looked at.
    """

    name: str
    source: str
    function: Function
    registers: tuple[Register, ...]
    rated_ma: int
    resolution_ma: int
    word_order: WordOrder = WordOrder.HIGH_FIRST
    largest_read: int = 125  # Modbus application protocol §6.3: quantity of registers 1…125
    signing: SigningPlaces | None = None
    largest_gap: int = 64  # reading unused registers in between costs less than another request
    blocks: tuple[Block, ...] = ()

    def __post_init__(self) -> None:
        force_setattr(self, "blocks", grouped(self.registers, self.largest_read, self.largest_gap))

    def register(self, quantity: Quantity) -> Register:
        """Where the quantity lies; `KeyError` when this meter type does not have it."""
        for register in self.registers:
            if register.quantity is quantity:
                return register
        raise KeyError(quantity)


def grouped(registers: tuple[Register, ...], largest_read: int, largest_gap: int) -> tuple[Block, ...]:
    """The fewest reads in ascending order such that none is longer than `largest_read` or bridges more than the gap."""
    blocks: list[list[Register]] = []
    for register in sorted(registers, key=lambda each: each.address):
        if blocks and _joins(blocks[-1], register, largest_read, largest_gap):
            blocks[-1].append(register)
        else:
            blocks.append([register])
    return tuple(
        Block(block[0].address, max(each.end for each in block) - block[0].address, tuple(block)) for block in blocks
    )


def _joins(block: list[Register], register: Register, largest_read: int, largest_gap: int) -> bool:
    end = max(each.end for each in block)
    return register.address - end <= largest_gap and register.end - block[0].address <= largest_read
