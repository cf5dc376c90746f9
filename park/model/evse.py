"""What an EVSE driver reports and what it is told: the whole contract of charging electronics."""

from __future__ import annotations

import math
from enum import Enum
from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.electric import Phases


class PilotState(Enum):
    """Vehicle states on the control pilot (IEC 61851-1 Table A.2 ff.)."""

    A = "A"  # no vehicle
    B = "B"  # vehicle connected, not ready
    C = "C"  # ready, no ventilation
    D = "D"  # ready, ventilation required
    E = "E"  # pilot shorted or no power
    F = "F"  # EVSE not available


class PilotOutput(Enum):
    """What the station puts on the control pilot."""

    PWM = "pwm"  # offers a current by duty cycle
    DIGITAL = "digital"  # 5 %: a vehicle that can is to talk first, nothing offered (IEC 61851-1 A.3: 3 to 7 %)
    IDLE = "idle"  # steady +12 V, 100 %: nothing offered
    FAULT = "fault"  # steady -12 V, 0 %: state F
    ZERO = "zero"  # steady 0 V: state E, which wakes a vehicle that sleeps (B-281)


class Pole(Enum):
    """A contactor of a charge point that can switch phases; others have the primary one only, for all phases."""

    PRIMARY = "primary"  # L1 and neutral
    SECONDARY = "secondary"  # L2 and L3


class EvseReported(Struct, frozen=True):
    """All levels of one EVSE, sent on every change and on `Start` of the charge point.

    `proximity_ohms`: resistor of the plug in a socket outlet, None for a fixed cable or an empty socket.
    `lock_closed`: None without a lock. `signalled_ma`: current the control pilot offers now (0 when not PWM).
    `token`: of the newest `Signal` in effect, -1 before any since the device started. `deadman_tripped`: the device
    fell to its lapse current.
    `residual_ua`: what the residual current monitor measures, microamperes; None: there is none that tells.
    `recloser_closed`: whether the residual current device is on; None: none that can be moved by order.
    `faults`: names of device faults (e.g. "rcd", "emergency", "lock", "contactor").
    `secondary_closed`: feedback of the second pole, None: `contactor_closed` is all phases.
    `matched`: whether the power line modem knows the vehicle by now (ISO 15118-3), None: it was not asked.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    pilot: PilotState
    proximity_ohms: float | None
    contactor_closed: bool
    lock_closed: bool | None
    output: PilotOutput
    signalled_ma: int
    lapse_ma: int
    token: int
    deadman_tripped: bool = False
    temperature_c: float | None = None
    faults: tuple[str, ...] = ()
    residual_ua: int | None = None
    recloser_closed: bool | None = None
    secondary_closed: bool | None = None
    matched: bool | None = None


class EvseLost(Struct, frozen=True):
    """The driver has no link to the electronics; nothing is known until the next `EvseReported`."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    reason: str


class Signal(Struct, frozen=True):
    """Offer a current for `valid_for` seconds; the device itself falls to `lapse_ma` when not refreshed by then.

    `output` IDLE, FAULT or ZERO carries `amps_ma` 0. `token` is echoed in `EvseReported`. `until`: mono, on the clock
    of who holds it, at which it is over even if it waited on its way; a driver translates it to the device's clock.
    """

    charge_point: str
    output: PilotOutput
    amps_ma: int
    phases: Phases
    valid_for: float
    lapse_ma: int
    token: int
    until: float = math.inf


class SetContactor(Struct, frozen=True):
    """Permit (close on state C) or open. The device reports `contactor_closed` from its feedback contact.

    The secondary pole, where there is one, moves at once whatever the vehicle does (B-286).
    """

    charge_point: str
    closed: bool
    pole: Pole = Pole.PRIMARY


class SetLock(Struct, frozen=True):
    charge_point: str
    closed: bool


class MoveRecloser(Struct, frozen=True):
    """Open or close the residual current device; the device reports `recloser_closed`."""

    charge_point: str
    closed: bool


class ReportLevels(Struct, frozen=True):
    """Ask the driver to repeat all levels now."""

    charge_point: str


EvseCommand = Signal | SetContactor | SetLock | MoveRecloser | ReportLevels


class EvseTraits(Struct, frozen=True):
    """What a driver declares of its device (safety: Enforced below the process that can die)."""

    has_deadman: bool
    resolution_ma: int  # 100 or 1000
    switchable_phases: bool  # it has two poles
    has_lock: bool
