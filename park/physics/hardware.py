"""What a virtual charge point is built of, and what can be broken about it."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from park.model.electric import Wiring
from park.model.evse import EvseTraits

TRAITS = EvseTraits(has_deadman=True, resolution_ma=100, switchable_phases=True, has_lock=True)

CABLE_OHMS = ((13_000, 1500.0), (20_000, 680.0), (32_000, 220.0), (63_000, 100.0))  # IEC 61851-1 Table B.2


class Fault(Enum):
    """What can be broken on purpose; the values are the words of `chargepark bench fault`."""

    WELDED = "welded"  # the contactor cannot open
    WELDED_SECONDARY = "welded-secondary"  # the same of the second pole, where there is one
    CONTACTOR = "contactor"  # the contactor cannot close
    RCD = "rcd"  # residual current: the contactor opens at once
    EMERGENCY = "emergency"  # emergency button: the contactor opens at once
    LOCK = "lock"  # the lock is jammed where it is
    PP = "pp"  # the plug's proximity resistor is not seen
    DIODE = "diode"  # the car's diode is missing
    PILOT = "pilot"  # the pilot is shorted: state E


TRIPPING = frozenset({Fault.RCD, Fault.EMERGENCY, Fault.PILOT})  # the hardware itself takes the contactor away
REPORTED = frozenset({Fault.RCD, Fault.EMERGENCY, Fault.DIODE})  # the device has an input for it


class Outlet(Enum):
    """A socket has a lock and sees the plug's resistor; a fixed cable has neither."""

    SOCKET = "socket"
    CABLE = "cable"


class EvseSpec(Struct, frozen=True):
    """`wiring` is how it is wired in truth; `UNKNOWN` behaves like RST, since some wiring there must be.

    `recloser`: its residual current device moves by order; switched off it is as if it had tripped.
    `switchable`: its phases L2 and L3 have a pole of their own.
    """

    name: str
    wiring: Wiring = Wiring.RST
    phases: int = 3
    maximum_ma: int = 32_000
    outlet: Outlet = Outlet.SOCKET
    recloser: bool = False
    switchable: bool = False


def proximity_ohms(cable_ma: int) -> float:
    """Resistor in the plug of a cable that carries this; ValueError above 63 A (70 A on one phase share its code)."""
    for rating_ma, ohms in CABLE_OHMS:
        if cable_ma <= rating_ma:
            return ohms
    raise ValueError(f"no plug is coded for {cable_ma / 1000:g} A; largest: {CABLE_OHMS[-1][0] / 1000:g} A")
