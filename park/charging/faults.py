"""Every fault a charge point can have: what it does to charging and what a technician does about it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from msgspec import Struct

from park.model.session import StopReason


class Impact(Enum):
    """What a fault does to the control pilot and to energy, mildest first."""

    NOTE = "note"  # shown, nothing else
    NO_START = "no start"  # a running session goes on, a new one does not begin
    PAUSE = "pause"  # pilot 100 %, the vehicle lets go, the contactor opens: recoverable safe state (B-250)
    CUT = "cut"  # pilot 100 %, the contactor opens at once
    SHUTDOWN = "shutdown"  # pilot 0 %, the contactor opens at once: unrecoverable safe state (B-250)


STOPS_ENERGY = (Impact.PAUSE, Impact.CUT, Impact.SHUTDOWN)


class FaultKind(Struct, frozen=True):
    """`error_code`: OCPP 1.6 §7.6 wire name. `ends`: why the session ends, if it does. `unlocks`: frees the plug.

    `text`: what a backend is told as info, else the code. `number`: a maker's number for it, told as vendorErrorCode.
    """

    code: str
    error_code: str
    impact: Impact
    cause: str
    remedy: str
    ends: StopReason | None = None
    unlocks: bool = False
    text: str = ""
    number: str = ""

    @property
    def info(self) -> str:
        return self.text or self.code


class Fault(Struct, frozen=True):
    """A fault that is there. `detail`: what the device said, empty if nothing."""

    kind: FaultKind
    since: datetime
    detail: str = ""

    @property
    def cause(self) -> str:
        return f"{self.kind.cause} ({self.detail})" if self.detail else self.kind.cause

    @property
    def vendor_code(self) -> str:
        """What vendorErrorCode of a StatusNotification says: the electronics' own name where they have one (B-175)."""
        return self.kind.number or (self.detail if self.kind is DEVICE else self.kind.code)


EVSE_LOST = FaultKind(
    "EvseLost",
    "InternalError",
    Impact.PAUSE,
    "no link to the charging electronics",
    "check power and cabling of the charge controller, then its driver's address in the configuration",
)
CONTACTOR = FaultKind(
    "ContactorFeedback",
    "PowerSwitchFailure",
    Impact.SHUTDOWN,
    "the contactor's feedback contact does not agree with what it was told: welded, stuck or feedback wire broken",
    "cut the supply, look for welded contacts and check the wiring of the feedback contact; replace it if needed",
    ends=StopReason.OTHER,
    unlocks=True,
)
CANNOT_LOCK = FaultKind(
    "PlugLockCannotLock",
    "ConnectorLockFailure",
    Impact.PAUSE,
    "the plug could not be locked in the socket",
    "pull the plug out and push it in fully; if it stays, check lock actuator and its wiring",
)
CANNOT_UNLOCK = FaultKind(
    "PlugLockCannotUnlock",
    "ConnectorLockFailure",
    Impact.NOTE,
    "the plug could not be unlocked",
    "push the plug in to relieve the bolt and send UnlockConnector; if it stays, use the emergency release",
)
LOCK_OPENED = FaultKind(
    "PlugLockMotorUnexpectedOpen",
    "ConnectorLockFailure",
    Impact.PAUSE,
    "the lock opened by itself while the plug had to be locked",
    "check the lock for tampering and its feedback contact; charging resumes when it is locked again",
)
LOCK_CLOSED = FaultKind(
    "PlugLockMotorUnexpectedClose",
    "ConnectorLockFailure",
    Impact.NO_START,
    "the lock closed by itself while it had to be open",
    "check the lock actuator and its wiring; it is opened again by itself if it can be",
)
LOCK_SUPPLY = FaultKind(
    "PlugLockMotorCapNotCharged",
    "ConnectorLockFailure",
    Impact.PAUSE,
    "the energy store that opens the lock on power failure is not charged",
    "wait a minute; if it stays, check the supply of the lock actuator and replace the capacitor board",
)
METER_LOST = FaultKind(
    "MeterCommunicationError",
    "PowerMeterFailure",
    Impact.NO_START,
    "the charge point's own meter does not answer or gives no plausible values",
    "check the meter's supply and bus wiring, its address and its register map in the configuration",
)
GROUND_FAULT = FaultKind(
    "RcdGroundFailure",
    "GroundFailure",
    Impact.CUT,
    "the residual current device tripped while charging",
    "unplug the vehicle; if it trips again with another vehicle, have the installation tested before further use",
)
SPURIOUS_RCD = FaultKind(
    "SpuriousRcdError",
    "GroundFailure",
    Impact.SHUTDOWN,
    "the residual current device is tripped without a vehicle drawing current",
    "have wiring and residual current device tested, then reset the device by hand",
    unlocks=True,
)
EMERGENCY = FaultKind(
    "EmergencyShutdown",
    "OtherError",
    Impact.SHUTDOWN,
    "the emergency stop is pressed",
    "remove the danger, then release the emergency stop",
    ends=StopReason.EMERGENCY_STOP,
    unlocks=True,
)
NO_CABLE = FaultKind(
    "ProximityNoCable",
    "OtherError",
    Impact.PAUSE,
    "a vehicle is connected but no plug is seen in the socket",
    "push the plug in fully; if it stays, check the proximity contact of the socket and try another cable",
)
CABLE_INVALID = FaultKind(
    "ProximityInvalid",
    "OtherError",
    Impact.PAUSE,
    "the plug's proximity resistor has a value that stands for no cable",
    "try another cable; if it stays, clean and check the proximity contact of the socket",
)
CABLE_CHANGED = FaultKind(
    "ProximityChanged",
    "OtherError",
    Impact.NOTE,
    "the plug's proximity resistor changed while charging; the smaller rating holds until it is unplugged",
    "replace the cable or clean the contacts of the plug",
)
CABLE_TOO_SMALL = FaultKind(
    "CableRejected",
    "OtherError",
    Impact.PAUSE,
    "the cable carries less current than this charge point serves",
    "use a cable with a higher rating",
)
VENTILATION = FaultKind(
    "VentilationRequired",
    "OtherError",
    Impact.PAUSE,
    "the vehicle asks for ventilation (state D), which is not accepted here",
    "charge it where there is ventilation, or set accept_state_d if this place is in the open air",
)
PILOT_SHORTED = FaultKind(
    "PilotShorted",
    "EVCommunicationError",
    Impact.CUT,
    "the control pilot is shorted to earth (state E)",
    "unplug the vehicle; if it stays, check the pilot wiring, else have cable and vehicle inlet checked",
)
PILOT_UNAVAILABLE = FaultKind(
    "PilotUnavailable",
    "EVCommunicationError",
    Impact.CUT,
    "the control pilot shows state F though nobody asked for it",
    "restart the charging electronics; if it stays, replace them",
)
DIODE = FaultKind(
    "DiodeFailure",
    "EVCommunicationError",
    Impact.CUT,
    "the vehicle's diode on the control pilot is missing: no vehicle, or somebody tampers with the plug",
    "unplug; if it comes with every vehicle, check the pilot wiring for moisture and damage",
)
OVERCURRENT = FaultKind(
    "OverCurrent",
    "OverCurrentFailure",
    Impact.PAUSE,
    "the vehicle draws more than the control pilot offers",
    "charging restarts once after a minute; after a second time unplug the vehicle and have it checked",
)
STORE_SILENT = FaultKind(
    "JournalSilent",
    "InternalError",
    Impact.NO_START,
    "the journal does not confirm that session facts are on disk",
    "check free space and health of the disk that holds data_dir",
)
QUEUE_FULL = FaultKind(
    "MessageQueueFull",
    "InternalError",
    Impact.NO_START,
    "as many transaction messages wait for the backend as may wait",
    "see why the backend is away; charging begins again by itself when messages were delivered",
    text="Message queue is full",  # B-018
    number="01-05-006",
)
DEVICE = FaultKind(
    "DeviceFault",
    "OtherError",
    Impact.PAUSE,
    "the charging electronics report a fault",
    "look the fault up in the device's manual and clear it there",
    text="IOCU",  # B-175: the I/O control unit, as backends know it
)

DEVICE_FAULTS = {
    "emergency": EMERGENCY,
    "contactor": CONTACTOR,
    "lock_supply": LOCK_SUPPLY,
    "diode": DIODE,
}
"""Names in `EvseReported.faults` with a fixed meaning; `rcd` and `lock` depend on the moment, others are `DEVICE`."""

PRIORITY = (
    CONTACTOR,
    LOCK_SUPPLY,
    LOCK_OPENED,
    LOCK_CLOSED,
    CANNOT_LOCK,
    CANNOT_UNLOCK,
    METER_LOST,
    SPURIOUS_RCD,
    GROUND_FAULT,
    EMERGENCY,
    EVSE_LOST,
    OVERCURRENT,
    PILOT_SHORTED,
    DIODE,
    PILOT_UNAVAILABLE,
    VENTILATION,
    NO_CABLE,
    CABLE_INVALID,
    CABLE_TOO_SMALL,
    DEVICE,
    STORE_SILENT,
    QUEUE_FULL,
    CABLE_CHANGED,
)
"""Which fault a status notification names when there are several: the seed's catalogue first (B-205), ours after it."""

RANK = {kind.code: rank for rank, kind in enumerate(PRIORITY)}


def renewed(faults: tuple[Fault, ...], present: list[tuple[FaultKind, str]], at: datetime) -> tuple[Fault, ...]:
    """The faults that are there now, most important first, each with the time it first came."""
    if not present:
        return ()
    known = {(fault.kind.code, fault.detail): fault for fault in faults}
    now = {(kind.code, detail): known.get((kind.code, detail)) or Fault(kind, at, detail) for kind, detail in present}
    return tuple(sorted(now.values(), key=lambda fault: (RANK[fault.kind.code], fault.detail)))
